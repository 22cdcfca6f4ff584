//! The directory and its administrators: endpoints are registered, changed, rotated and deleted while events flow.

use vtryon_gateway_engine::directory::credentials::{self, NewHeader};
use vtryon_gateway_engine::directory::endpoints::{self, FIRST_SECRET, Rotation};
use vtryon_gateway_engine::directory::fields::{self, FieldRules};
use vtryon_gateway_engine::directory::replays::{self, Requested};
use vtryon_gateway_engine::directory::settings::{self, SettingsChange};
use vtryon_gateway_engine::directory::topology::{self, Purpose};
use vtryon_gateway_engine::directory::{Directory, EndpointRecord, alerts, audit, tokens};
use vtryon_gateway_engine::protocol::conditions::{ShardReport, UnhealthyEndpoint};
use vtryon_gateway_engine::protocol::delivery::delivery_no;
use vtryon_gateway_engine::protocol::settings::{EndpointKind, Sealed, SealedHeader, endpoint_id};
use vtryon_gateway_engine::protocol::{AuditedRequest, EndpointHealth, ShardRequest, SweepReport};
use vtryon_gateway_engine::{Context, Failure};
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::endpoint::UrlRules;
use vtryon_webhooks::{Code, Millis, Shards};

use crate::coverage::{CrashPoint, Decision, Loss};
use crate::database::SimulatedDatabase;
use crate::pushes::Push;
use crate::violation::ensure;
use crate::world::World;

#[derive(Default)]
pub struct DirectoryObject {
    pub db: Option<SimulatedDatabase>,
    /// The instance, until it dies.
    pub engine: Option<Directory>,
    pub alarm: Option<Millis>,
    pub pushes: Vec<Push>,
    /// The number of the last audit record that the simulation has seen.
    pub last_record: i64,
}

/// What an administrator may do to an endpoint.
const CHANGES: [&str; 27] = [
    r#"{"enabled":false}"#,
    r#"{"enabled":true}"#,
    r#"{"enabled":true}"#,
    r#"{"paused":true}"#,
    r#"{"paused":false}"#,
    r#"{"paused":false}"#,
    r#"{"order":"all"}"#,
    r#"{"order":"latest"}"#,
    r#"{"timeout_seconds":3}"#,
    r#"{"timeout_seconds":30}"#,
    r#"{"max_in_flight":3}"#,
    r#"{"max_in_flight":5}"#,
    r#"{"max_in_flight":null}"#,
    r#"{"attempts_per_second":1}"#,
    r#"{"attempts_per_second":7}"#,
    r#"{"attempts_per_second":null}"#,
    r#"{"statuses":["completed","failed"]}"#,
    r#"{"statuses":[],"events":[],"include":["unknown","quarantined"]}"#,
    r#"{"events":["generation.status_changed","generation.rated"]}"#,
    r#"{"url":"https://other.example/hook"}"#,
    r#"{"url":"https://shop.example/hook"}"#,
    r#"{"headers":{"x-api-key":"a key"}}"#,
    r#"{"headers":null}"#,
    r#"{"auth":{"type":"bearer","token":"a-token"}}"#,
    r#"{"auth":null}"#,
    r#"{"url":"https://other.example/hook","headers":{"x-api-key":"another key"},"auth":null}"#,
    r#"{"url":"https://shop.example/hook","headers":null,"auth":{"type":"basic","username":"a name","password":"a password"}}"#,
];

impl World {
    /// Lets the directory decide. Its instance may die before the commit or after it.
    pub fn direct<T>(
        &mut self,
        decision: Decision,
        decide: impl FnOnce(&Context<'_>) -> Result<T, Failure>,
    ) -> Option<T> {
        let deaths = self.regime.deaths;
        let (dies, before) = (self.random.chance(deaths), self.random.chance(500));
        let refused_after = self.random.chance(self.regime.refusals).then(|| self.random.number(0..6));
        let alarm = self.directory.alarm;
        let db = self.directory.db.get_or_insert_with(SimulatedDatabase::new);
        let open = || Directory::open(db).expect("a directory opens");
        let engine = self.directory.engine.get_or_insert_with(open);
        db.begin();
        if let Some(after) = refused_after {
            db.refuse_after(after as u32);
        }
        let context = Context { db, now: self.now, deployment: &self.deployment };
        let decided = decide(&context);
        let scheduled = decided.is_ok().then(|| engine.schedule_alarm(db, self.now, 1));
        let was_refused = db.has_refused(refused_after.is_some());
        if was_refused {
            self.coverage.crash(CrashPoint::Refused(decision));
        }
        if let Some(Ok(Some(at))) = scheduled {
            self.directory.alarm = Some(at);
        }
        if let Err(Failure::Fault(error)) = &decided {
            ensure!(was_refused, "a decision fails only where the storage does", "{decision:?}: {error}");
        }
        if !dies {
            db.commit();
            return decided.ok();
        }
        self.directory.engine = None;
        if before {
            db.roll_back();
            self.directory.alarm = alarm;
            self.coverage.crash(CrashPoint::BeforeCommit(decision));
        } else {
            db.commit();
            self.coverage.crash(CrashPoint::AfterCommit(decision));
        }
        // What it was about to push is pushed by its alarm.
        self.directory.pushes.clear();
        None
    }

    /// Removes what has expired, looks for causes of alerts and sets the alarm again, as the hourly sweep does.
    pub fn sweep_directory(&mut self, report: SweepReport) {
        const LAST: &str = "SELECT COALESCE(MAX(no), 0) FROM audit";
        self.direct(Decision::Sweep, |context| {
            tokens::expire(context.db, context.now)?;
            audit::expire(context)?;
            Ok(alerts::sweep(context, report)?)
        });
        // Where all have expired, the numbers begin again.
        let last = self.directory.db.as_ref().map_or(0, |db| db.integer(LAST, &[]));
        self.directory.last_record = self.directory.last_record.min(last);
    }

    /// Compares the number of shards and the placement with what is recorded, as the directory does before every request.
    pub fn check_topology(&mut self, purpose: Purpose) -> Option<()> {
        let configured = self.topology();
        let question = self.direct(Decision::Change, |context| {
            let checked = topology::check(context.db, configured, purpose);
            let is_refused = matches!(checked, Err(Failure::Refused(_)));
            ensure!(!is_refused, "the directory of the deployment admits", "{configured:?}");
            checked
        })?;
        let Some(question) = question else { return Some(()) };
        let answer = self.call(0, Decision::Configure, question, &[])?;
        let answer = Some(&*answer).filter(|answer| *answer != "null");
        self.direct(Decision::Change, |context| Ok(topology::record(context.db, configured, answer)?))
    }

    /// Lets an administrator do something.
    pub fn administer(&mut self) {
        if self.check_topology(Purpose::Any).is_none() {
            return;
        }
        let known: Vec<i64> = self
            .direct(Decision::Change, |context| endpoints::all(context.db))
            .unwrap_or_default()
            .iter()
            .map(|record| record.endpoint.no)
            .collect();
        let action = if known.is_empty() { 0 } else { self.random.weighted(&[3, 6, 4, 2, 1, 4, 3, 2]) };
        let endpoint = if known.is_empty() { 0 } else { self.random.one_of(&known) };
        let done = match action {
            0 if known.len() >= 4 => return,
            0 => ("register", self.register()),
            1 => ("change", self.change(endpoint)),
            2 => ("rotate", self.rotate(endpoint)),
            3 => ("retire", self.retire(endpoint)),
            4 => (
                "delete",
                self.commit(
                    &SettingsChange::Delete { endpoint },
                    Some("DELETE /api/endpoints/{endpoint_id}"),
                ),
            ),
            5 => ("replay a delivery", self.replay_delivery(endpoint)),
            6 => ("replay a range", self.replay_range(endpoint)),
            _ => ("cancel a range", self.cancel_range()),
        };
        self.coverage.reach(if done.1.is_some() { "done" } else { "not done" }, done.0);
    }

    fn register(&mut self) -> Option<()> {
        let order = self.random.one_of(&["latest", "all"]);
        let (kind, body) = if self.random.chance(350) {
            (EndpointKind::Alerts, r#"{"url":"https://shop.example/alerts"}"#.to_owned())
        } else {
            (EndpointKind::Tasks, format!(r#"{{"url":"https://shop.example/hook","order":"{order}"}}"#))
        };
        let shards = self.count();
        let (mut record, _) = self.direct(Decision::Change, |context| {
            endpoints::draft(context, kind, &body, &field_rules(&UrlRules::default(), shards))
        })?;
        let no = self.direct(Decision::Change, |context| endpoints::take_number(context.db))?;
        ensure!(self.endpoints.insert(no), "no number is given twice", "endpoint {no}");
        record.endpoint.no = no;
        record.endpoint.secrets = vec![sealed(no, FIRST_SECRET, self.now)];
        self.put(&record, Some("POST /api/endpoints"))
    }

    /// Resumes what is paused.
    pub fn resume_all(&mut self) {
        for endpoint in self.endpoints.clone() {
            self.change_to(endpoint, r#"{"paused":false}"#);
        }
    }

    fn change(&mut self, endpoint: i64) -> Option<()> {
        let body = self.random.one_of(&CHANGES);
        self.change_to(endpoint, body)
    }

    fn change_to(&mut self, endpoint: i64, body: &str) -> Option<()> {
        let shards = self.count();
        let record = self.direct(Decision::Change, |context| {
            let options = endpoints::find(context.db, endpoint)?.endpoint.options;
            let url = fields::url(body).unwrap_or(options.url.clone());
            let headers = credentials::read(body);
            ensure!(headers.is_ok(), "a valid change is accepted", "{body}: {:?}", headers.err());
            let headers = headers?.iter().map(|header| sealed_header(endpoint, &url, header)).collect();
            let urls = UrlRules::default();
            let changed = endpoints::change(context, endpoint, body, &field_rules(&urls, shards), headers);
            if let Err(Failure::Refused(refusal)) = &changed {
                // Headers go to no other origin, and an alert destination has fewer fields.
                let is_right =
                    options.is_alert_destination() || (refusal.code == Code::Conflict && url != options.url);
                ensure!(is_right, "a valid change is accepted", "{body}: {}", refusal.message);
            }
            changed
        })?;
        self.put(&record, Some("PATCH /api/endpoints/{endpoint_id}"))
    }

    fn rotate(&mut self, endpoint: i64) -> Option<()> {
        let hours = self.random.one_of(&[0, 1, 24]);
        let body = format!(r#"{{"overlap_hours":{hours}}}"#);
        let rotation =
            self.direct(Decision::Change, |context| Rotation::begin(context.db, endpoint, &body))?;
        let new = sealed(endpoint, rotation.version, self.now);
        let record = self.direct(Decision::Change, |context| rotation.finish(context, new))?;
        self.put(&record, Some("POST /api/endpoints/{endpoint_id}/rotate"))
    }

    fn retire(&mut self, endpoint: i64) -> Option<()> {
        let record = self.direct(Decision::Change, |context| endpoints::retire(context, endpoint))?;
        self.put(&record, Some("POST /api/endpoints/{endpoint_id}/retire"))
    }

    fn replay_delivery(&mut self, endpoint: i64) -> Option<()> {
        let shard = self.random.index(self.shards.len());
        let last = self.shards[shard].log.last;
        if last == 0 {
            return None;
        }
        let late: Vec<i64> = self.reports_of(shard).collect();
        let any = delivery_no(self.random.number(1..last + 1), endpoint);
        // One with a report on its way is the more interesting.
        let no = if late.is_empty() || self.random.chance(500) { any } else { self.random.one_of(&late) };
        if !self.record_change("POST /api/deliveries/{delivery_id}/replay", &format!("{shard}-{no}")) {
            return None;
        }
        self.call(shard, Decision::Replay, ShardRequest::Replay { no }, &[]).map(drop)
    }

    fn replay_range(&mut self, endpoint: i64) -> Option<()> {
        let which = self.random.one_of(&["dead", "all"]);
        let id = endpoint_id(endpoint);
        let body = format!(r#"{{"endpoint":"{id}","which":"{which}"}}"#);
        let random = self.random.number(0..i64::MAX).to_be_bytes();
        let requested =
            self.direct(Decision::Change, |context| replays::request(context, &body, None, random))?;
        match requested {
            Requested::Known(_) | Requested::DryRun(_) => None,
            Requested::New(new) => {
                self.replays.push(new.replay.id.clone());
                self.commit(&SettingsChange::Replay(&new), Some("POST /api/replay"))
            }
        }
    }

    fn cancel_range(&mut self) -> Option<()> {
        if self.replays.is_empty() {
            return None;
        }
        let id = self.replays[self.random.index(self.replays.len())].clone();
        let cancelled = self.direct(Decision::Change, |context| replays::cancel(context.db, &id))??;
        self.commit(&SettingsChange::ChangeReplay(&cancelled), Some("DELETE /api/replays/{replay_id}"))
    }

    /// Brings a shard's report to the directory, and the confirmation back; either may be lost.
    pub fn report_conditions(&mut self, shard: usize, report: &ShardReport) {
        if self.random.chance(self.regime.losses) {
            return self.coverage.crash(CrashPoint::Lost(Loss::ReportOfConditions));
        }
        let stored =
            self.direct(Decision::Change, |context| Ok(alerts::report(context, &report.conditions)?));
        for unhealthy in &report.unhealthy {
            self.disable_if_unhealthy(unhealthy);
        }
        if stored.is_none() {
            return;
        }
        if self.random.chance(self.regime.losses) {
            return self.coverage.crash(CrashPoint::Lost(Loss::AnswerOfReport));
        }
        if self.shards[shard].run.is_some() {
            self.decide(shard, Decision::EndAlarm, |engine, context| engine.confirm_report(context, report));
        }
    }

    /// Disables an endpoint that a shard has reported, where the report stands.
    fn disable_if_unhealthy(&mut self, unhealthy: &UnhealthyEndpoint) {
        let UnhealthyEndpoint { endpoint, reason, .. } = unhealthy;
        let mut healths: Vec<EndpointHealth> = Vec::new();
        if endpoints::needs_healths(reason) {
            for shard in 0..self.shards.len() {
                let answer =
                    self.call(shard, Decision::Query, ShardRequest::Health { endpoint: *endpoint }, &[]);
                let Some(answer) = answer else { return };
                healths.push(serde_json::from_str(&answer).expect("a health is JSON"));
            }
        }
        let disabled =
            self.direct(Decision::Change, |context| endpoints::disable(context, unhealthy, &healths));
        if let Some(Some(record)) = disabled {
            self.coverage.reach("disabled", reason);
            self.put(&record, None);
        }
    }

    fn put(&mut self, record: &EndpointRecord, operation: Option<&str>) -> Option<()> {
        self.commit(&SettingsChange::Put(record), operation)
    }

    /// Commits a change that an operation of the API asks for, if any does, and begins to push it.
    fn commit(&mut self, change: &SettingsChange<'_>, operation: Option<&str>) -> Option<()> {
        const VERSION: &str = "SELECT COALESCE((SELECT value FROM meta WHERE name = 'version'), 0)";
        self.check_topology(Purpose::Change)?;
        let target = match change {
            SettingsChange::Put(record) => endpoint_id(record.endpoint.no),
            SettingsChange::Delete { endpoint } => endpoint_id(*endpoint),
            SettingsChange::Replay(new) => new.replay.id.clone(),
            SettingsChange::ChangeReplay(replay) => replay.id.clone(),
        };
        let request: Option<AuditedRequest> = operation.map(|operation| self.audited(operation));
        let version = |db: &SimulatedDatabase| db.integer(VERSION, &[]);
        self.decide_change((&target, request.as_ref()), version, |context| {
            Ok(settings::commit(context, change, request.as_ref())?)
        })?;
        self.begin_push()
    }

    pub fn count(&self) -> Shards {
        Shards::new(self.regime.shards).expect("a simulation has some shards")
    }
}

fn field_rules(urls: &UrlRules, shards: Shards) -> FieldRules<'_> {
    FieldRules {
        urls,
        own_origin: "https://gateway.example",
        origin: Some("https://shop.example".to_owned()),
        shards,
    }
}

/// Stands in for the encryption of a secret.
fn sealed(endpoint: i64, version: i64, now: Millis) -> Sealed {
    let mut bytes = [0; 32];
    (bytes[0], bytes[1]) = (endpoint as u8, version as u8);
    Sealed::new(version, format!("{endpoint}/{version}"), &EndpointSecret::from_bytes(bytes), now)
}

/// Stands in for the encryption of a header.
fn sealed_header(endpoint: i64, url: &str, header: &NewHeader) -> SealedHeader {
    header.sealed(header_for(endpoint, url))
}

/// Says which endpoint a header is bound to, and which host it was set for.
pub fn header_for(endpoint: i64, url: &str) -> String {
    let host = url.split('/').nth(2).unwrap_or_default();
    format!("{endpoint} {host}")
}
