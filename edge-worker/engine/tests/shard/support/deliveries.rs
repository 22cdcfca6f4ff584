//! Attempts at endpoints, as the Worker and the shell of the shard make them, and what is stored of them.

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::delivery::{
    Attempt, AttemptReport, DeliveryState, Dispatch, endpoint_of, seq_of,
};
use vtryon_gateway_engine::protocol::settings::ReplayProgress;
use vtryon_gateway_engine::protocol::{Page, ShardRequest};
use vtryon_gateway_engine::storage::database::{Bind, Database, Row};
use vtryon_webhooks::Millis;
use vtryon_webhooks::retry::Reply as Class;

use super::World;

/// A request that an endpoint has received.
pub struct Received {
    pub endpoint: i64,
    pub at: Millis,
    pub webhook_id: String,
    pub body: String,
    pub replay_count: i64,
    pub attempt: u32,
}

impl World {
    /// Makes an attempt, which its endpoint answers at once, and loses the report.
    pub fn attempt(&mut self, dispatch: &Dispatch, body: &[u8]) -> AttemptReport {
        let endpoint = endpoint_of(dispatch.delivery);
        let first = self.first_replies.get_mut(&endpoint).and_then(std::collections::VecDeque::pop_front);
        let status = first.unwrap_or_else(|| self.replies.get(&endpoint).copied().unwrap_or(Some(200)));
        self.received.push(Received {
            endpoint,
            at: self.now,
            webhook_id: dispatch.webhook_id.clone(),
            body: String::from_utf8_lossy(body).into_owned(),
            replay_count: dispatch.replay_count,
            attempt: dispatch.attempt,
        });
        let has_failed = status.map(Class::from_status) != Some(Class::Delivered);
        dispatch.report(Some(Attempt {
            attempted_at: self.now,
            took_ms: 1,
            status,
            error: status.is_none().then(|| "timeout".to_owned()),
            answer: String::new(),
            location_host: None,
            is_aborted: self.aborting.contains(&endpoint),
            retry_after_ms: self.retry_after_ms.get(&endpoint).copied().filter(|_| has_failed),
            previous_secret: false,
        }))
    }

    /// Makes an attempt of the Worker, and reports it.
    pub fn make(&mut self, dispatch: &Dispatch) {
        let body = self.body_of(dispatch.delivery);
        let report = self.attempt(dispatch, &body);
        self.report(report);
    }

    pub fn report(&mut self, report: AttemptReport) {
        self.waiting_reports.push(report);
        self.call(ShardRequest::ReportAttempts, &[]);
    }

    /// Returns the body of a delivery's event.
    pub fn body_of(&self, delivery: i64) -> Vec<u8> {
        let db: &dyn Database = &self.db.sqlite;
        let query =
            "SELECT body FROM events WHERE seq = ?1 UNION ALL SELECT body FROM quarantine WHERE no = ?1";
        db.first(query, &[Bind::Int(seq_of(delivery))], Row::blob).unwrap().unwrap()
    }

    /// Returns a delivery with all its attempts.
    pub fn delivery(&mut self, no: i64) -> Json {
        self.call(ShardRequest::Delivery { no }, &[]).unwrap()
    }

    /// Returns deliveries with all their attempts, in order: those in a state, or all.
    pub fn deliveries(&mut self, state: Option<&str>) -> Vec<Json> {
        let state = state.and_then(DeliveryState::from_name);
        let request = ShardRequest::Deliveries {
            before: None,
            endpoint: None,
            state,
            task_id: None,
            digest: None,
            limit: 1000,
        };
        let page: Page = self.query(request);
        page.items.iter().rev().map(|item| self.delivery(item.no)).collect()
    }

    /// Returns the bodies that an endpoint has received.
    pub fn bodies(&self, endpoint: i64) -> Vec<&str> {
        let received = self.received.iter().filter(|received| received.endpoint == endpoint);
        received.map(|received| &*received.body).collect()
    }

    /// Returns how far a range has come.
    pub fn progress(&mut self, id: &str) -> ReplayProgress {
        self.query(ShardRequest::Progress { id: id.to_owned() })
    }
}

/// Returns one field of each of some objects, as text.
pub fn outline<'a>(objects: &'a [Json], field: &str) -> Vec<&'a str> {
    objects.iter().map(|object| object[field].as_str().unwrap()).collect()
}
