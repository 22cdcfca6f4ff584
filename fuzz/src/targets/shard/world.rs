//! A shard over SQLite in memory, with its clock, settings and attempts.

use serde_json::Value as Json;
use vtryon_gateway_engine::credentials::tickets::Tickets;
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::protocol::delivery::{Attempt, AttemptReport, Dispatch};
use vtryon_gateway_engine::protocol::live::Subscription;
use vtryon_gateway_engine::protocol::metrics::Counts;
use vtryon_gateway_engine::protocol::settings::{Endpoint, EndpointOptions, Replay, Settings};
use vtryon_gateway_engine::protocol::topology::placement::Placement;
use vtryon_gateway_engine::protocol::{Call, IncomingEvent, ShardRequest, StoreResult};
use vtryon_gateway_engine::shard::{Shard, Subscriber, TopologyCheck};
use vtryon_gateway_engine::storage::database::{Database, Row};
use vtryon_gateway_engine::storage::sqlite::Sqlite;
use vtryon_gateway_engine::text::json;
use vtryon_gateway_engine::{Context, Deployment};
use vtryon_webhooks::{Millis, Secret, Shards, Signature, Verifier};

/// A status of each kind: those that are known, and two that are not.
pub(super) const STATUSES: [&str; 6] = ["queued", "processing", "completed", "failed", "paused", "\u{e4}:%"];

/// What a status has to be to end a task.
const FINAL: [&str; 2] = ["completed", "failed"];

/// The body of a change of status.
pub(super) fn status_body(task_id: &str, status: &str) -> Vec<u8> {
    let body =
        serde_json::json!({ "event": "generation.status_changed", "task_id": task_id, "status": status });
    body.to_string().into_bytes()
}

pub(super) struct World {
    pub(super) db: Sqlite,
    pub(super) deployment: Deployment,
    pub(super) now: Millis,
    pub(super) shard: Shard,
    pub(super) settings: Settings,
    /// The attempts that the Worker has to make.
    pub(super) dispatches: Vec<Dispatch>,
    /// The reports that the next call brings.
    reports: Vec<AttemptReport>,
}

impl World {
    pub(super) fn new() -> Self {
        let db = Sqlite::in_memory().unwrap();
        let deployment = Deployment {
            retention_hours: 48,
            max_ticket_sockets: 3,
            log_level: vtryon_gateway_engine::log::Level::Debug,
            ..Deployment::new(
                Verifier::new([Secret::new("a secret of the tests").unwrap()]).unwrap(),
                Tickets::new(&MasterKey::parse(&"0f".repeat(32)).unwrap()),
                Shards::new(4).unwrap(),
            )
        };
        let now = Millis(1_780_000_000_000);
        let shard = Shard::open(&Context { db: &db, now, deployment: &deployment }, 0, 0).unwrap();
        let (settings, dispatches, reports) = (Settings::default(), Vec::new(), Vec::new());
        Self { db, deployment, now, shard, settings, dispatches, reports }
    }

    /// Lets the shard decide. No decision may have a fault.
    fn decide<T>(&mut self, decide: impl FnOnce(&mut Shard, &Context<'_>) -> T) -> T {
        let context = Context { db: &self.db, now: self.now, deployment: &self.deployment };
        let decided = decide(&mut self.shard, &context);
        let effects = self.shard.take_effects();
        assert!(effects.faults.is_empty(), "{:?}", effects.faults);
        assert!(effects.alarm.is_none_or(|at| at.0 > 0));
        decided
    }

    /// Calls the shard as the Worker does; its answer is JSON, or nothing.
    pub(super) fn call(&mut self, request: ShardRequest, body: &[u8]) -> Json {
        let reports = std::mem::take(&mut self.reports);
        let call = Call { shard: 0, shards: 1, placement: Placement::default(), reports, request };
        let check = self.decide(|shard, context| shard.begin_call(context, &call)).unwrap();
        assert!(matches!(check, TopologyCheck::Done(Ok(()))));
        let answer = self.decide(|shard, context| shard.call(context, call, body)).unwrap();
        answer.map_or(Json::Null, |text| serde_json::from_str(&text).unwrap())
    }

    pub(super) fn counts(&mut self) -> Counts {
        serde_json::from_value(self.call(ShardRequest::Metrics, &[])).unwrap()
    }

    pub(super) fn post(&mut self, body: &[u8]) {
        let signature = Signature::sign(&self.deployment.verifier.keys()[0], body);
        let verified = self.deployment.verifier.verify(body, &signature).unwrap();
        let (_, incoming) = IncomingEvent::read(&verified, self.now);
        let stored = self.call(ShardRequest::StoreEvent(incoming), body);
        self.dispatches.extend(serde_json::from_value::<StoreResult>(stored).unwrap().dispatches);
        // Vtryon repeats what it has sent: nothing is stored twice.
        let rows = self.rows();
        let (_, again) = IncomingEvent::read(&verified, self.now);
        self.call(ShardRequest::StoreEvent(again), body);
        assert_eq!(self.rows(), rows, "a duplicate has written a row");
    }

    pub(super) fn status(&mut self, task_id: &str, status: &str) {
        self.post(&status_body(task_id, status));
        let task = self.call(ShardRequest::Task { task_id: task_id.to_owned() }, &[]);
        // A task that was pruned is not found, and stays ended.
        if FINAL.contains(&status) && !task.is_null() {
            let known = task["status"].as_str().unwrap();
            assert!(FINAL.contains(&known), "{status} has not ended the task: {task}");
        }
    }

    /// Has so many endpoints, but for those that were deleted.
    pub(super) fn configure(&mut self, count: i64, enabled: bool, is_ordered: bool) {
        let order = if is_ordered { "all" } else { "latest" }.to_owned();
        let include = vec!["unknown".to_owned(), "quarantined".to_owned()];
        let deleted = self.settings.deleted.clone();
        // As if each was enabled just now.
        let version = self.settings.version + 1;
        let endpoint = |no| {
            let url = format!("https://shop-{no}.example/");
            let options = EndpointOptions {
                url,
                enabled,
                order: order.clone(),
                include: include.clone(),
                ..Default::default()
            };
            Endpoint { no, options, health_since: version, ..Endpoint::default() }
        };
        self.settings.endpoints.retain(|endpoint| endpoint.options.is_alert_destination());
        let endpoints = (1..=count).filter(|no| !deleted.contains(no)).map(endpoint);
        self.settings.endpoints.extend(endpoints);
        self.push();
    }

    pub(super) fn delete_endpoint(&mut self, no: i64) {
        self.settings.endpoints.retain(|endpoint| endpoint.no != no);
        if !self.settings.deleted.contains(&no) {
            self.settings.deleted.push(no);
        }
        self.push();
    }

    /// Replays what came between two times, in hours before now.
    pub(super) fn replay_range(&mut self, endpoint: i64, all: bool, from: i64, until: i64) {
        let ago = |hours: i64| self.now.plus_seconds(-hours * 3600);
        let id = format!("rpl_{}", self.settings.replays.len());
        let (from, until) = (ago(from.max(until)), ago(from.min(until)));
        self.settings.replays.push(Replay { id, endpoint, all, from, until, is_cancelled: false });
        self.push();
    }

    pub(super) fn push(&mut self) {
        self.settings.version += 1;
        let version = self.call(ShardRequest::Configure(json::to_raw(&self.settings)), &[]);
        assert_eq!(version, self.settings.version);
    }

    /// Makes the oldest attempt; reports it twice where the first answer is lost.
    pub(super) fn report(&mut self, twice: bool, status: Option<u16>, retry_after_ms: Option<i64>) {
        if self.dispatches.is_empty() {
            return;
        }
        let dispatch = self.dispatches.remove(0);
        for _ in 0..=u8::from(twice) {
            let report = self.attempt(&dispatch, status, retry_after_ms);
            self.reports.push(report);
            self.call(ShardRequest::ReportAttempts, &[]);
        }
    }

    fn attempt(
        &self,
        dispatch: &Dispatch,
        status: Option<u16>,
        retry_after_ms: Option<i64>,
    ) -> AttemptReport {
        let made = Attempt {
            attempted_at: self.now,
            took_ms: 5,
            status,
            error: status.is_none().then(|| "timeout".to_owned()),
            answer: String::new(),
            location_host: None,
            is_aborted: false,
            retry_after_ms,
            previous_secret: false,
        };
        dispatch.report(Some(made))
    }

    /// Runs the alarm as the shell does; every endpoint gives the same answer.
    pub(super) fn run_alarm(&mut self, status: u16) {
        let started = self.now;
        assert!(self.decide(|shard, context| shard.begin_alarm(context)));
        let endpoints = self.decide(|shard, context| shard.pick_endpoints(context, started, &[])).unwrap();
        for endpoint in endpoints {
            while let Some(picked) =
                self.decide(|shard, context| shard.pick_attempt(context, endpoint, started)).unwrap()
            {
                let report = self.attempt(&picked.dispatch, Some(status), None);
                self.decide(|shard, context| shard.record_own_attempt(context, &report)).unwrap();
            }
        }
        let report = self.decide(|shard, context| shard.conditions_to_report(context)).expect("it reports");
        self.decide(|shard, context| shard.confirm_report(context, &report)).expect("it is confirmed");
        self.decide(|shard, context| shard.end_alarm(context, false));
    }

    pub(super) fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus_seconds(seconds);
    }

    /// Starts another instance on the same database; returns the former one.
    pub(super) fn restart(&mut self) -> Shard {
        let context = Context { db: &self.db, now: self.now, deployment: &self.deployment };
        let former = std::mem::replace(&mut self.shard, Shard::open(&context, 0, 0).unwrap());
        self.decide(|_, _| ());
        former
    }

    /// Opens a stream, acknowledges all that it is sent, and closes it.
    pub(super) fn watch(&mut self, subscription: Subscription, acknowledges: bool) {
        let subscribed =
            self.decide(|shard, context| shard.subscribe(context, (0, 1), subscription)).unwrap();
        let Ok(opened) = subscribed else { return };
        self.decide(|shard, _| shard.opened(&opened.subscriber));
        let mut attachment = opened.subscriber.attachment();
        let mut messages = opened.outgoing.messages;
        while acknowledges && !messages.is_empty() {
            let last: Option<Json> =
                messages.iter().rev().map(|text| serde_json::from_str(text).unwrap()).next();
            let Some(id) = last.and_then(|message: Json| message["id"].as_str().map(str::to_owned)) else {
                break;
            };
            let ack = serde_json::json!({ "type": "ack", "id": id }).to_string();
            let mut subscriber = Subscriber::parse(&attachment).unwrap();
            let outgoing =
                self.decide(|shard, context| shard.on_message(context, &mut subscriber, Some(&ack))).unwrap();
            attachment = subscriber.attachment();
            messages = outgoing.messages;
        }
        assert!(attachment.len() <= 2048, "an attachment holds 2 KiB");
        self.decide(|shard, _| shard.closed(&opened.subscriber));
    }

    pub(super) fn number(&self, query: &'static str) -> i64 {
        let db: &dyn Database = &self.db;
        db.first(query, &[], Row::int).unwrap().unwrap()
    }

    /// How many rows there are of what an event may write.
    pub(super) fn rows(&self) -> i64 {
        self.number(
            "SELECT (SELECT COUNT(*) FROM events) + (SELECT COUNT(*) FROM tasks) + (SELECT COUNT(*) FROM quarantine)
                + (SELECT COUNT(*) FROM deliveries)",
        )
    }
}
