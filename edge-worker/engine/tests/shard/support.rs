//! A shard with its database and clock, and everybody around it: a publisher, endpoints, KV.

mod client;
mod deliveries;
mod queries;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;
use serde_json::Value as Json;
use vtryon_gateway_engine::credentials::tickets::Tickets;
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::protocol::delivery::{AttemptReport, Dispatch};
use vtryon_gateway_engine::protocol::directory::conditions::Condition;
use vtryon_gateway_engine::protocol::import::{ImportedErasure, ImportedEvent, ImportedLine};
use vtryon_gateway_engine::protocol::settings::{Endpoint, EndpointOptions, Settings};
use vtryon_gateway_engine::protocol::topology::placement::Placement;
use vtryon_gateway_engine::protocol::{Call, IncomingEvent, ShardRequest, StoreResult};
use vtryon_gateway_engine::shard::{Broadcast, Shard, TopologyCheck};
use vtryon_gateway_engine::storage::database::{Database, Row, Value};
use vtryon_gateway_engine::text::json;
use vtryon_gateway_engine::{Context, Deployment, Result};
use vtryon_webhooks::{Digest, Millis, Secret, Shards, Signature, Verifier};

use crate::life;
use crate::recorder::Recorder;

pub use self::client::{Client, Watches, broadcast};
pub use self::deliveries::{Received, outline};

/// A day at noon, in milliseconds since 1970.
pub const NOON: i64 = 1_700_000_000_000;

/// What an endpoint answers: a status, or none at all.
pub type Reply = Option<u16>;

/// A shard of a deployment, and the world around it.
pub struct World {
    /// The number of the shard, and of all shards.
    no: u32,
    shards: u32,
    pub db: Recorder,
    pub deployment: Deployment,
    pub now: Millis,
    pub shard: Shard,
    /// When the alarm is set for.
    pub alarm: Option<Millis>,
    pub broadcasts: Vec<Broadcast>,
    /// The lines of the log.
    pub log: Vec<Json>,
    /// The endpoints that were reported to the directory, and why.
    pub unhealthy: Vec<(i64, String)>,
    /// The conditions that were reported to the directory.
    pub conditions: Vec<Condition>,
    /// Whether reports do not reach the directory.
    pub is_directory_down: bool,
    /// What the endpoints have received, in order.
    pub received: Vec<Received>,
    /// What each endpoint answers; 200 where it is not named.
    pub replies: BTreeMap<i64, Reply>,
    /// What each endpoint answers first, one after the other.
    pub first_replies: BTreeMap<i64, VecDeque<Reply>>,
    /// The endpoints whose answers ask for no further attempt.
    pub aborting: BTreeSet<i64>,
    /// For how many milliseconds the failures of an endpoint ask by `retry-after`.
    pub retry_after_ms: BTreeMap<i64, i64>,
    settings: Settings,
    /// The reports that the next call brings.
    pub waiting_reports: Vec<AttemptReport>,
}

/// Makes the configuration of a deployment with these secrets, the current one first.
pub fn deployment(secrets: &[&str]) -> Deployment {
    let secrets = secrets.iter().map(|text| Secret::new(text.as_bytes()).unwrap()).collect::<Vec<_>>();
    Deployment {
        retention_hours: 48,
        max_ticket_sockets: 3,
        log_level: vtryon_gateway_engine::log::Level::Debug,
        ..Deployment::new(
            Verifier::new(secrets).unwrap(),
            Tickets::new(&MasterKey::parse(&"0f".repeat(32)).unwrap()),
            Shards::new(4).unwrap(),
        )
    }
}

pub const SECRET: &str = "a secret of the tests, which is long enough";

impl World {
    /// The only shard of a deployment.
    pub fn new() -> Self {
        Self::of(0, 1)
    }

    /// One of several shards.
    pub fn of(no: u32, shards: u32) -> Self {
        let db = Recorder::new();
        let deployment = deployment(&[SECRET]);
        let now = Millis(NOON);
        let shard = Shard::open(&Context { db: &db, now, deployment: &deployment }, 0, 0).unwrap();
        Self {
            no,
            shards,
            db,
            deployment,
            now,
            shard,
            alarm: None,
            broadcasts: Vec::new(),
            log: Vec::new(),
            unhealthy: Vec::new(),
            conditions: Vec::new(),
            is_directory_down: false,
            received: Vec::new(),
            replies: BTreeMap::new(),
            first_replies: BTreeMap::new(),
            aborting: BTreeSet::new(),
            retry_after_ms: BTreeMap::new(),
            settings: Settings::default(),
            waiting_reports: Vec::new(),
        }
    }

    /// Lets the shard decide, and executes the effects.
    pub fn decide<T>(&mut self, decide: impl FnOnce(&mut Shard, &Context<'_>) -> T) -> T {
        let (decided, faults) = self.decide_with_faults(decide);
        assert!(faults.is_empty(), "{faults:?}");
        decided
    }

    /// Does so where faults are expected, and returns them, too.
    pub fn decide_with_faults<T>(
        &mut self,
        decide: impl FnOnce(&mut Shard, &Context<'_>) -> T,
    ) -> (T, Vec<String>) {
        let context = Context { db: &self.db, now: self.now, deployment: &self.deployment };
        let decided = decide(&mut self.shard, &context);
        let effects = self.shard.take_effects();
        self.alarm = effects.alarm.or(self.alarm);
        self.broadcasts.extend(effects.broadcasts);
        let lines = effects.log.iter().filter_map(|decision| decision.line(self.deployment.log_level, None));
        self.log.extend(lines.map(|line| serde_json::from_str::<Json>(&line.text).unwrap()));
        (decided, effects.faults.iter().map(ToString::to_string).collect())
    }

    /// Calls the shard; returns its answer as JSON.
    pub fn call(&mut self, request: ShardRequest, body: &[u8]) -> Option<Json> {
        self.try_call(request, body).unwrap()
    }

    /// Calls the shard, which may fail to do what is requested.
    pub fn try_call(&mut self, request: ShardRequest, body: &[u8]) -> Result<Option<Json>> {
        let reports = std::mem::take(&mut self.waiting_reports);
        let placement = Placement::default();
        let call = Call { shard: self.no, shards: self.shards, placement, reports, request };
        let checked = match self.decide(|shard, context| shard.begin_call(context, &call)).unwrap() {
            TopologyCheck::Done(checked) => checked,
            TopologyCheck::AskShardZero(_) | TopologyCheck::AskAnchor(_) => {
                let answer = Ok(Some(self.shards.to_string()));
                self.decide(|shard, context| shard.finish_topology_check(context.db, &call, answer)).unwrap()
            }
        };
        checked.unwrap();
        let text = self.decide(|shard, context| shard.call(context, call, body))?;
        Ok(text.map(|text| serde_json::from_str(&text).unwrap()))
    }

    pub fn query<T: for<'de> Deserialize<'de>>(&mut self, request: ShardRequest) -> T {
        serde_json::from_value(self.call(request, &[]).unwrap()).unwrap()
    }

    /// Posts a body as Vtryon would; returns the attempts that the Worker makes after its 200.
    pub fn post(&mut self, body: &str) -> Vec<Dispatch> {
        self.post_signed(body.as_bytes(), 0)
    }

    /// Posts bytes that are signed by one of the configured secrets: the current one is the first.
    pub fn post_signed(&mut self, body: &[u8], secret: usize) -> Vec<Dispatch> {
        self.post_received(body, secret, self.now)
    }

    /// Posts bytes that the Worker has received at a time.
    pub fn post_received(&mut self, body: &[u8], secret: usize, received_at: Millis) -> Vec<Dispatch> {
        let incoming = self.read(body, secret, received_at);
        let stored = self.call(ShardRequest::StoreEvent(incoming), body).unwrap();
        serde_json::from_value::<StoreResult>(stored).unwrap().dispatches
    }

    /// Posts a body that may not be stored; returns whether it is acknowledged.
    pub fn try_post(&mut self, body: &str) -> Result<()> {
        let incoming = self.read(body.as_bytes(), 0, self.now);
        self.try_call(ShardRequest::StoreEvent(incoming), body.as_bytes()).map(drop)
    }

    /// Signs bytes, and reads them as the Worker does.
    fn read(&self, body: &[u8], secret: usize, received_at: Millis) -> IncomingEvent {
        let signature = Signature::sign(&self.deployment.verifier.keys()[secret], body);
        let verified = self.deployment.verifier.verify(body, &signature).unwrap();
        IncomingEvent::read(&verified, received_at).1
    }

    /// Imports bodies, each with the time at which it came; returns their outcomes.
    pub fn import(&mut self, bodies: &[(&str, Millis)]) -> Vec<String> {
        self.try_import(bodies).unwrap()
    }

    /// Imports bodies, which may not be stored.
    pub fn try_import(&mut self, bodies: &[(&str, Millis)]) -> Result<Vec<String>> {
        let (mut events, mut bytes) = (Vec::new(), Vec::new());
        for (body, received_at) in bodies {
            let event = self.read(body.as_bytes(), 0, *received_at);
            let event = IncomingEvent { imported_at: Some(self.now), ..event };
            events.push(ImportedLine::Event(ImportedEvent { event, length: body.len() }));
            bytes.extend(body.as_bytes());
        }
        let outcomes = self.try_call(ShardRequest::Import(events), &bytes)?;
        Ok(serde_json::from_value(outcomes.unwrap()).unwrap())
    }

    /// Imports that another deployment has erased a task; returns the outcome.
    pub fn import_erasure(&mut self, task_id: &str, erased_at: Millis) -> String {
        let task_digest = Digest::of(task_id.as_bytes()).to_hex();
        let line = ImportedLine::Erasure(ImportedErasure { task_digest, erased_at });
        let outcomes = self.call(ShardRequest::Import(vec![line]), &[]).unwrap();
        outcomes[0].as_str().unwrap().to_owned()
    }

    /// Posts a change of status, and makes the attempts that the Worker makes.
    pub fn event(&mut self, task_id: &str, status: &str) {
        self.send(&body(task_id, status));
    }

    /// Posts a body, and makes the attempts that the Worker makes.
    pub fn send(&mut self, body: &str) {
        for dispatch in self.post(body) {
            self.make(&dispatch);
        }
    }

    /// Registers endpoints, or changes them: all that there are.
    pub fn configure(&mut self, endpoints: Vec<Endpoint>) {
        self.change(|settings| settings.endpoints = endpoints);
    }

    /// Changes the settings, and pushes them as the directory does.
    pub fn change(&mut self, change: impl FnOnce(&mut Settings)) {
        self.change_unseen(change);
        let version: i64 = self.query(ShardRequest::Configure(json::to_raw(&self.settings)));
        assert_eq!(version, self.settings.version);
    }

    /// Changes the settings, of which nothing comes to the shard before the next change.
    pub fn change_unseen(&mut self, change: impl FnOnce(&mut Settings)) {
        let before = self.settings.clone();
        change(&mut self.settings);
        self.settings.version += 1;
        for endpoint in &mut self.settings.endpoints {
            if let Some(before) = before.endpoint(endpoint.no) {
                endpoint.renew_health(before, self.settings.version);
            }
        }
    }

    /// Runs the alarm as the shell does, with one connection.
    pub fn run_alarm(&mut self) {
        let started = self.now;
        self.alarm = None;
        let succeeded = self.decide(|shard, context| shard.begin_alarm(context));
        let mut endpoints =
            self.decide(|shard, context| shard.pick_endpoints(context, started, &[])).unwrap();
        let mut seen = BTreeSet::new();
        endpoints.retain(|endpoint| seen.insert(*endpoint));
        for endpoint in endpoints {
            while let Some(picked) =
                self.decide(|shard, context| shard.pick_attempt(context, endpoint, started)).unwrap()
            {
                let report = self.attempt(&picked.dispatch, &picked.body);
                self.decide(|shard, context| shard.record_own_attempt(context, &report)).unwrap();
            }
        }
        let report = self.decide(|shard, context| shard.conditions_to_report(context)).unwrap();
        if !self.is_directory_down {
            self.decide(|shard, context| shard.confirm_report(context, &report)).unwrap();
            let unhealthy = self.decide(|shard, context| shard.unhealthy_endpoints(context, started));
            let unhealthy = unhealthy.into_iter();
            self.unhealthy.extend(unhealthy.map(|unhealthy| (unhealthy.endpoint, unhealthy.reason)));
            self.conditions.extend(report.conditions);
        }
        self.decide(|shard, context| shard.end_alarm(context, !succeeded));
    }

    /// Lets time pass, and runs the alarm whenever it is due.
    pub fn pass(&mut self, seconds: i64) {
        let end = self.now.plus_seconds(seconds);
        while let Some(due_at) = self.alarm.filter(|due_at| *due_at <= end) {
            self.now = self.now.max(due_at);
            self.run_alarm();
        }
        self.now = end;
    }

    /// Lets hours pass in which the shard sleeps: the Worker's sweep wakes it at their end, and a minute follows.
    pub fn sleep(&mut self, hours: i64) {
        self.now = self.now.plus_seconds(hours * 3600);
        self.call(ShardRequest::Sweep, &[]);
        self.pass(60);
    }

    /// Ends the instance, and starts another one on the same database.
    pub fn restart(&mut self) {
        self.restart_with(0);
    }

    /// Does so with sockets that stay open.
    pub fn restart_with(&mut self, sockets: usize) {
        let context = Context { db: &self.db, now: self.now, deployment: &self.deployment };
        self.shard = Shard::open(&context, sockets, 0).unwrap();
        self.alarm = None;
        self.broadcasts.clear();
        self.decide(|_, _| ());
    }

    /// Returns all rows of a query of the test's own.
    pub fn rows(&self, query: &'static str) -> Vec<Vec<Value>> {
        let db: &dyn Database = &self.db.sqlite;
        db.all(query, &[], Row::rest).unwrap()
    }
}

impl Drop for World {
    /// What a test reaches is planned and compared as well.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.db.assert_part_of(life::statements_of_life());
        }
    }
}

/// Makes the body of a change of status.
pub fn body(task_id: &str, status: &str) -> String {
    let fields = match status {
        "completed" => r#","data":{"result_url":"https://cdn.test/1.jpg"}"#,
        "failed" => r#","error":{"message":"no person found"}"#,
        _ => "",
    };
    format!(r#"{{"event":"generation.status_changed","task_id":"{task_id}","status":"{status}"{fields}}}"#)
}

/// Makes an endpoint of a number with the options of a new one.
pub fn endpoint(no: i64) -> Endpoint {
    let options = EndpointOptions { url: format!("https://shop-{no}.test/"), ..EndpointOptions::default() };
    Endpoint { no, options, ..Endpoint::default() }
}
