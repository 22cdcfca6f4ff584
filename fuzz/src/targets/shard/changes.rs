//! What a shard stores beside the events that Vtryon posts: imports, alerts, erasures and the options of endpoints.

use vtryon_gateway_engine::protocol::import::{ImportedErasure, ImportedEvent, ImportedLine};
use vtryon_gateway_engine::protocol::settings::{AlertOptions, Endpoint, EndpointOptions, SealedHeader};
use vtryon_gateway_engine::protocol::{IncomingAlert, IncomingEvent, ShardRequest, StoreResult};
use vtryon_webhooks::{Digest, Signature};

use super::world::{World, status_body};

/// The alert destination; the others are endpoints.
const ALERTS: i64 = 4;

/// Which of its options an endpoint has.
#[derive(Clone, Copy)]
pub(super) struct Options {
    pub(super) paused: bool,
    pub(super) has_headers: bool,
    pub(super) timeout_seconds: u32,
    pub(super) max_in_flight: Option<u32>,
    pub(super) attempts_per_second: Option<u32>,
}

/// A line of an export.
pub(super) enum Line {
    /// So many hours ago, this body came.
    Event {
        body: Vec<u8>,
        hours: i64,
    },
    Erasure {
        task_id: String,
    },
}

impl World {
    /// Imports lines, and then once more: nothing of them is delivered, and the second time nothing is stored.
    pub(super) fn import(&mut self, lines: &[Line]) {
        let deliveries = self.number("SELECT COUNT(*) FROM deliveries");
        assert_eq!(self.import_once(lines).len(), lines.len());
        assert_eq!(self.number("SELECT COUNT(*) FROM deliveries"), deliveries);
        let rows = self.rows();
        let outcomes = self.import_once(lines);
        assert!(outcomes.iter().all(|outcome| outcome == "duplicate" || outcome == "capped"), "{outcomes:?}");
        assert_eq!(self.rows(), rows, "what is imported once more has written a row");
    }

    fn import_once(&mut self, lines: &[Line]) -> Vec<String> {
        let mut bodies = Vec::new();
        let mut line = |line: &Line| match line {
            Line::Event { body, hours } => {
                let signature = Signature::sign(&self.deployment.verifier.keys()[0], body);
                let verified = self.deployment.verifier.verify(body, &signature).unwrap();
                let (_, event) = IncomingEvent::read(&verified, self.now.plus_seconds(-hours * 3600));
                bodies.extend_from_slice(body);
                let event = IncomingEvent { imported_at: Some(self.now), ..event };
                ImportedLine::Event(ImportedEvent { event, length: body.len() })
            }
            Line::Erasure { task_id } => {
                let task_digest = Digest::of_task(task_id).to_hex();
                ImportedLine::Erasure(ImportedErasure { task_digest, erased_at: self.now })
            }
        };
        let lines = lines.iter().map(&mut line).collect();
        serde_json::from_value(self.call(ShardRequest::Import(lines), &bodies)).unwrap()
    }

    /// Erases a task: nothing of it is left, and nothing comes again.
    pub(super) fn erase(&mut self, task_id: &str) {
        let id = || task_id.to_owned();
        if self.call(ShardRequest::Erase { task_id: id() }, &[]).is_null() {
            return;
        }
        assert!(self.call(ShardRequest::Task { task_id: id() }, &[]).is_null());
        assert!(self.call(ShardRequest::Result { task_id: id() }, &[]).is_null());
        let of_task = ShardRequest::Deliveries {
            before: None,
            endpoint: None,
            state: None,
            task_id: Some(id()),
            digest: None,
            limit: 1,
        };
        assert_eq!(self.call(of_task, &[])["items"], serde_json::json!([]));
        let again = self.call(ShardRequest::Erase { task_id: id() }, &[]);
        assert_eq!((&again["events"], &again["deliveries"]), (&0.into(), &0.into()));
        let rows = self.rows();
        self.post(&status_body(task_id, "completed"));
        assert_eq!(self.rows(), rows, "an event of an erased task is stored");
    }

    /// Sends an alert, and the same once more: it is stored once, and only where its destination is known.
    pub(super) fn alert(&mut self, no: u8, is_test: bool) {
        let is_known = self.settings.endpoint(ALERTS).is_some() || self.settings.deleted.contains(&ALERTS);
        for is_first in [true, false] {
            let alert = IncomingAlert {
                id: format!("{no} standard"),
                name: "gateway.delivery_dead".to_owned(),
                destinations: vec![ALERTS],
                is_test,
            };
            let rows = self.rows();
            let answer = self.call(ShardRequest::StoreAlert(alert), b"{}");
            assert_eq!(!answer.is_null(), is_known);
            assert!(self.rows() == rows || is_first && is_known, "an alert has come again");
            if is_known {
                self.dispatches.extend(serde_json::from_value::<StoreResult>(answer).unwrap().dispatches);
            }
        }
    }

    /// Gives options to an endpoint that there is; the alert destination is registered by that.
    pub(super) fn set_options(&mut self, no: i64, options: Options) {
        if no == ALERTS && self.settings.endpoint(no).is_none() && !self.settings.deleted.contains(&no) {
            self.settings.endpoints.push(Endpoint { no, ..Endpoint::default() });
        }
        let Some(endpoint) = self.settings.endpoints.iter_mut().find(|endpoint| endpoint.no == no) else {
            return;
        };
        let header =
            SealedHeader { name: "x-key".to_owned(), auth: None, sealed: "a sealed value".to_owned() };
        endpoint.headers = if options.has_headers { vec![header] } else { Vec::new() };
        endpoint.options = EndpointOptions {
            url: format!("https://shop-{no}.example/"),
            paused: options.paused,
            max_in_flight: options.max_in_flight,
            attempts_per_second: options.attempts_per_second,
            alerts: (no == ALERTS).then(AlertOptions::default),
            ..endpoint.options.clone()
        };
        endpoint.options.attempt.timeout_seconds = options.timeout_seconds;
        self.push();
    }

    /// Has a directory that knows nothing of an endpoint, as after it was restored to an earlier state.
    pub(super) fn forget_endpoint(&mut self, no: i64) {
        self.settings.endpoints.retain(|endpoint| endpoint.no != no);
        self.settings.deleted.retain(|deleted| *deleted != no);
        self.push();
    }

    /// Ends the Worker before it has made its attempts.
    pub(super) fn lose_attempts(&mut self) {
        self.dispatches.clear();
    }
}
