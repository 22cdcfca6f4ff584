//! The directory and its administrators: endpoints are registered, changed, rotated and deleted while events flow.

pub mod alerts;
pub mod audit;
pub mod pushes;
pub mod requests;
pub mod tokens;

use vtryon_gateway_engine::Refusal;
use vtryon_gateway_engine::directory::{Directory, endpoints};
use vtryon_gateway_engine::protocol::delivery::delivery_no;
use vtryon_gateway_engine::protocol::directory::conditions::{ConditionReport, UnhealthyEndpoint};
use vtryon_gateway_engine::protocol::settings::{EndpointKind, EndpointOptions, endpoint_id};
use vtryon_gateway_engine::protocol::{DirectoryRequest, EndpointInput, ShardRequest, SweepReport};
use vtryon_webhooks::{Code, Millis};

use self::pushes::Push;
use self::requests::{Change, Done};
use crate::coverage::{CrashPoint, Decision, Loss};
use crate::model::registrations::Effect;
use crate::platform::database::SimulatedDatabase;
use crate::violation::ensure;
use crate::world::World;

#[derive(Default)]
pub struct DirectoryObject {
    pub db: Option<SimulatedDatabase>,
    /// The instance, until it dies.
    pub engine: Option<Directory>,
    pub alarm: Option<Millis>,
    /// What its clock is ahead of the world's, in milliseconds.
    pub skew: i64,
    /// Whether a run of the alarm has not ended. Where its instance dies, the platform runs it again.
    pub is_alarm_running: bool,
    pub pushes: Vec<Push>,
    /// Why it has refused the last request.
    pub refusal: Option<Refusal>,
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
    /// Returns the time by the clock of the directory.
    pub fn directory_clock(&self) -> Millis {
        self.now.plus_millis(self.directory.skew)
    }

    /// Removes what has expired, looks for causes of alerts and sets the alarm again, as the hourly sweep does.
    pub fn sweep_directory(&mut self, report: SweepReport) {
        const LAST: &str = "SELECT COALESCE(MAX(no), 0) FROM audit";
        self.ask(Decision::Sweep, DirectoryRequest::Sweep(report));
        // Where all have expired, the numbers begin again.
        let last = self.directory.db.as_ref().map_or(0, |db| db.integer(LAST, &[]));
        self.directory.last_record = self.directory.last_record.min(last);
    }

    /// Lets an administrator do something.
    pub fn administer(&mut self) {
        let known: Vec<i64> = self.registered().into_iter().map(|(no, _)| no).collect();
        let action = if known.is_empty() { 0 } else { self.random.weighted(&[3, 6, 4, 2, 1, 4, 3, 2]) };
        let endpoint = if known.is_empty() { 0 } else { self.random.one_of(&known) };
        let done = match action {
            0 if known.len() >= 4 => return,
            0 => ("register", self.register()),
            1 => ("change", self.change(endpoint)),
            2 => ("rotate", self.rotate(endpoint)),
            3 => ("retire", self.retire(endpoint)),
            4 => ("delete", self.delete(endpoint)),
            5 => ("replay a delivery", self.replay_delivery(endpoint)),
            6 => ("replay a range", self.replay_range(endpoint)),
            _ => ("cancel a range", self.cancel_range()),
        };
        self.coverage.reach(if done.1.is_some() { "done" } else { "not done" }, done.0);
    }

    /// Returns the numbers of the endpoints that are stored, and their options.
    fn registered(&self) -> Vec<(i64, EndpointOptions)> {
        let Some(db) = &self.directory.db else { return Vec::new() };
        let records = endpoints::all(db).expect("endpoints can be read");
        records.into_iter().map(|record| (record.endpoint.no, record.endpoint.options)).collect()
    }

    fn register(&mut self) -> Option<()> {
        let order = self.random.one_of(&["latest", "all"]);
        let (kind, body) = if self.random.chance(350) {
            (EndpointKind::Alerts, r#"{"url":"https://shop.example/alerts"}"#.to_owned())
        } else {
            (EndpointKind::Tasks, format!(r#"{{"url":"https://shop.example/hook","order":"{order}"}}"#))
        };
        // It names the endpoint once that has a number.
        let change = Change::of_settings("POST /api/endpoints", "");
        self.ask_for_change(change, DirectoryRequest::Create { kind, input: input(&body) })
    }

    /// Resumes what is paused.
    pub fn resume_all(&mut self) {
        for (endpoint, _) in self.registered() {
            self.change_to(endpoint, r#"{"paused":false}"#);
        }
    }

    fn change(&mut self, endpoint: i64) -> Option<()> {
        let body = self.random.one_of(&CHANGES);
        self.change_to(endpoint, body)
    }

    fn change_to(&mut self, endpoint: i64, body: &'static str) -> Option<()> {
        let (_, options) = self.registered().into_iter().find(|(no, _)| *no == endpoint)?;
        let url = url_of(body).unwrap_or_else(|| options.url.clone());
        let kind = options.kind();
        let change = Change::of_settings("PATCH /api/endpoints/{endpoint_id}", &endpoint_id(endpoint));
        let change = Change { url: url.clone(), effect: Effect::Fields(endpoint, body), ..change };
        let done =
            self.ask_for_change(change, DirectoryRequest::Change { kind, endpoint, change: input(body) });
        if let Some(refusal) = &self.directory.refusal {
            // Headers go to no other origin, and an alert destination has fewer fields.
            let is_right =
                options.is_alert_destination() || (refusal.code == Code::Conflict && url != options.url);
            ensure!(is_right, "a valid change is accepted", "{body}: {}", refusal.message);
        }
        done
    }

    fn rotate(&mut self, endpoint: i64) -> Option<()> {
        let (kind, id) = self.identify(endpoint)?;
        let hours = self.random.one_of(&[0, 1, 24]);
        let input = format!(r#"{{"overlap_hours":{hours}}}"#);
        let change = Change::of_settings("POST /api/endpoints/{endpoint_id}/rotate", &id);
        let change = Change { effect: Effect::Rotate(endpoint, hours), ..change };
        self.ask_for_change(change, DirectoryRequest::Rotate { kind, endpoint, input })
    }

    fn retire(&mut self, endpoint: i64) -> Option<()> {
        let (kind, id) = self.identify(endpoint)?;
        let change = Change::of_settings("POST /api/endpoints/{endpoint_id}/retire", &id);
        let change = Change { effect: Effect::Retire(endpoint), ..change };
        self.ask_for_change(change, DirectoryRequest::Retire { kind, endpoint })
    }

    fn delete(&mut self, endpoint: i64) -> Option<()> {
        let (kind, id) = self.identify(endpoint)?;
        let change = Change::of_settings("DELETE /api/endpoints/{endpoint_id}", &id);
        let change = Change { effect: Effect::Delete(endpoint), ..change };
        self.ask_for_change(change, DirectoryRequest::Delete { kind, endpoint })
    }

    fn identify(&self, endpoint: i64) -> Option<(EndpointKind, String)> {
        let (_, options) = self.registered().into_iter().find(|(no, _)| *no == endpoint)?;
        Some((options.kind(), endpoint_id(endpoint)))
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
        let input = format!(r#"{{"endpoint":"{}","which":"{which}"}}"#, endpoint_id(endpoint));
        let random = self.random.number(0..i64::MAX);
        let id = format!("rpl_{random:016x}");
        let change = Change { id: random.to_be_bytes(), ..Change::of_settings("POST /api/replay", &id) };
        let done = self.ask_for_change(change, DirectoryRequest::Replay { input, key: None });
        if done.is_some() {
            self.replays.push(id);
        }
        done
    }

    fn cancel_range(&mut self) -> Option<()> {
        if self.replays.is_empty() {
            return None;
        }
        let id = self.replays[self.random.index(self.replays.len())].clone();
        let change = Change::of_settings("DELETE /api/replays/{replay_id}", &id);
        self.ask_for_change(change, DirectoryRequest::CancelReplay { id })
    }

    /// Brings a shard's report to the directory, and the confirmation back; either may be lost.
    pub fn report_conditions(&mut self, shard: usize, report: &ConditionReport) {
        if self.random.chance(self.regime.losses) {
            return self.coverage.crash(CrashPoint::Lost(Loss::ReportOfConditions));
        }
        let request = DirectoryRequest::ReportConditions(report.clone());
        let stored = self.ask(Decision::Change, request);
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

    /// Brings a shard's report of an unhealthy endpoint to the directory; it may be lost.
    pub fn report_unhealthy(&mut self, unhealthy: UnhealthyEndpoint) {
        if self.random.chance(self.regime.losses) {
            return self.coverage.crash(CrashPoint::Lost(Loss::ReportOfConditions));
        }
        let change = Change::of_nobody(&endpoint_id(unhealthy.endpoint));
        let reason = unhealthy.reason.clone();
        let request = DirectoryRequest::ReportUnhealthy(unhealthy);
        if let Some(Done::Pushing) = self.ask_as(Decision::Change, change, request) {
            self.coverage.reach("disabled", &reason);
        }
    }

    /// Lets the directory change the settings. It is done once the change is stored and its push has begun.
    fn ask_for_change(&mut self, change: Change, request: DirectoryRequest) -> Option<()> {
        match self.ask_as(Decision::Change, change, request)? {
            Done::Pushing => Some(()),
            Done::Answered(_) => None,
        }
    }
}

fn input(body: &str) -> EndpointInput {
    EndpointInput { body: body.to_owned(), own_origin: "https://gateway.example".to_owned() }
}

/// Returns the URL that a change sets.
fn url_of(body: &str) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(body).expect("a change is JSON");
    Some(body.get("url")?.as_str()?.to_owned())
}

/// Says which endpoint a header is bound to, and which host it was set for.
pub fn header_for(endpoint: i64, url: &str) -> String {
    let host = url.split('/').nth(2).unwrap_or_default();
    format!("{endpoint} {host}")
}
