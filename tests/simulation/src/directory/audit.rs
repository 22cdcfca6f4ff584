//! The audit trail: what every change has to leave in it, and what has to be there still.

use std::collections::VecDeque;

use serde_json::{Value as Json, json};
use vtryon_gateway_engine::access::actor::Actor;
use vtryon_gateway_engine::directory::{Directory, Step};
use vtryon_gateway_engine::protocol::{AuditedRequest, DirectoryRequest};
use vtryon_gateway_engine::storage::database::Bind;
use vtryon_gateway_engine::text::time::rfc3339;
use vtryon_gateway_engine::{Context, Failure};
use vtryon_webhooks::Millis;

use crate::checks::SKEW;
use crate::coverage::Decision;
use crate::directory::requests::Change;
use crate::platform::database::{integer, text};
use crate::violation::ensure;
use crate::world::World;

/// For how long one record stands for all requests of an import, in seconds.
const IMPORT_RECORDED_FOR: i64 = 3600;

/// How many records a page has.
const PAGE: u32 = 20;

/// What the trail has to hold.
#[derive(Default)]
pub struct AuditTrail {
    /// How many requests there were: each has an address of its own.
    requests: u32,
    /// The records, the oldest first; those that were pruned are dropped.
    records: VecDeque<Recorded>,
}

struct Recorded {
    at: Millis,
    target: String,
    document: String,
}

impl World {
    /// Makes a request of the API, by one of several people.
    pub fn audited(&mut self, operation: &str) -> AuditedRequest {
        self.trail.requests += 1;
        let token = |name: &str| Actor::Token { id: "tok_1".to_owned(), name: name.to_owned() };
        let access = || Actor::Access { name: "a@shop.example".to_owned() };
        let actor = match self.trail.requests % 3 {
            0 => Actor::Root,
            1 => token("ci"),
            _ => access(),
        };
        let number = self.trail.requests;
        let address = Some(format!("2001:db8::{:x}:{:x}", number >> 16, number & 0xffff));
        AuditedRequest { actor, operation: operation.to_owned(), address }
    }

    /// Lets the directory take a step of a request, and checks that its change is recorded where this step makes it, and
    /// otherwise is not; without a request of the API nothing is recorded.
    pub fn decide_step(
        &mut self,
        decision: Decision,
        change: Option<&Change>,
        decide: impl FnOnce(&mut Directory, &Context<'_>) -> Result<Step, Failure>,
    ) -> Option<Step> {
        let Some(change) = change else { return self.direct(decision, decide) };
        let Change { target, by, .. } = change;
        let state = |world: &Self| world.directory.db.as_ref().map_or(0, |db| change.state(db));
        let before = state(self);
        let step = self.direct(decision, decide);
        let version = state(self);
        let is_made = version != before;
        if is_made {
            let now = self.directory_clock();
            self.registrations.note(change.effect, version, now);
        }
        let is_confirmed = match &step {
            Some(Step::Push { .. }) => true,
            Some(Step::Answer(_)) => change.token.is_some(),
            _ => false,
        };
        ensure!(!is_confirmed || is_made, "what is confirmed is changed", "{target}: {by:?}");
        self.expect_record(target, by.as_ref().filter(|_| is_made));
        step
    }

    /// Records a change that a shard is about to make; returns whether it may be made.
    pub fn record_change(&mut self, operation: &str, target: &str) -> bool {
        let request = self.audited(operation);
        let record = DirectoryRequest::RecordChange { target: target.to_owned() };
        let is_confirmed = self.ask_by(Decision::Change, record, Some(request.clone())).is_some();
        let is_recorded = !self.new_records().is_empty();
        ensure!(is_recorded || !is_confirmed, "every change is recorded", "{target}: {request:?}");
        self.expect_record(target, Some(&request).filter(|_| is_recorded));
        is_confirmed
    }

    /// Records an import, once an hour; returns whether it may begin.
    pub fn record_import(&mut self) -> bool {
        let (actor, operation) = (Actor::Root, "POST /api/import".to_owned());
        let request = AuditedRequest { actor, operation, address: None };
        let since = self.directory_clock().plus_seconds(-IMPORT_RECORDED_FOR);
        let document = serde_json::to_string(&request).expect("it is JSON");
        let is_known = |world: &Self| {
            let mut latest = world.trail.records.iter().rev();
            latest.any(|record| record.at > since && record.document == document)
        };
        let was_known = is_known(self);
        let record = DirectoryRequest::RecordImport;
        let is_confirmed = self.ask_by(Decision::Change, record, Some(request.clone())).is_some();
        let is_recorded = !self.new_records().is_empty();
        self.expect_record("events", Some(&request).filter(|_| is_recorded));
        ensure!(!is_confirmed || is_known(self), "every change is recorded", "{request:?}");
        // It is looked for among the latest hundred.
        let is_repeated = was_known && is_recorded && self.trail.records.len() <= 100;
        ensure!(!is_repeated, "an import is recorded once an hour", "{request:?}");
        is_confirmed
    }

    /// Returns the records that are not known yet.
    fn new_records(&self) -> Vec<Recorded> {
        const AFTER: &str = "SELECT at, target, doc FROM audit WHERE no > ? ORDER BY no";
        let Some(db) = &self.directory.db else { return Vec::new() };
        let rows = db.rows(AFTER, &[Bind::Int(self.directory.last_record)]);
        let read = |row: &Vec<_>| Recorded {
            at: Millis(integer(&row[0])),
            target: text(&row[1]).to_owned(),
            document: text(&row[2]).to_owned(),
        };
        rows.iter().map(read).collect()
    }

    /// Checks that what was just decided has left one record, of this request, or none.
    fn expect_record(&mut self, target: &str, request: Option<&AuditedRequest>) {
        let new = self.new_records();
        let Some(request) = request else {
            ensure!(new.is_empty(), "what is not changed is not recorded", "{target}: {}", new[0].document);
            return;
        };
        let document = serde_json::to_string(request).expect("it is JSON");
        let found: Vec<_> = new.iter().map(|new| (&*new.target, &*new.document, new.at)).collect();
        ensure!(
            found == [(target, &*document, self.directory_clock())],
            "every change is recorded",
            "{found:?} instead of {target}: {document}"
        );
        self.coverage.reach("recorded", &request.operation);
        self.trail.records.extend(new);
        self.directory.last_record += 1;
    }

    /// Checks that the records which have to be kept are there, in their order, and no others.
    pub fn check_audit_trail(&mut self) {
        const ALL: &str = "SELECT at, target, doc FROM audit ORDER BY no";
        let retention = i64::from(self.deployment.retention_hours) * 3600;
        // Its clock may have been ahead when they were dropped.
        let since = self.directory_clock().plus_seconds(-retention).plus_millis(2 * SKEW);
        let Some(db) = &self.directory.db else { return };
        let rows = db.rows(ALL, &[]);
        let known = self.trail.records.len();
        ensure!(rows.len() <= known, "every change is recorded", "{} records of {known}", rows.len());
        let dropped: Vec<_> = self.trail.records.drain(..known - rows.len()).collect();
        let lost = dropped.iter().find(|record| record.at >= since);
        ensure!(lost.is_none(), "no record is lost", "{:?}", lost.map(|record| &record.document));
        for (row, record) in rows.iter().zip(&self.trail.records) {
            let found = (Millis(integer(&row[0])), text(&row[1]), text(&row[2]));
            let expected = (record.at, &*record.target, &*record.document);
            ensure!(found == expected, "no record is lost", "{found:?} instead of {expected:?}");
        }
    }

    /// Reads the latest page, as the API shows it.
    pub fn read_audit_trail(&mut self) {
        self.check_audit_trail();
        let request = DirectoryRequest::Audit { cursor: None, limit: PAGE };
        let Some(answer) = self.ask(Decision::Query, request) else { return };
        let page: Json = serde_json::from_str(&answer.json).expect("a page is JSON");
        let show = |record: &Recorded| {
            let mut shown: Json = serde_json::from_str(&record.document).expect("it is JSON");
            shown["at"] = json!(rfc3339(record.at));
            shown["target"] = json!(record.target);
            shown
        };
        let expected: Vec<_> = self.trail.records.iter().rev().take(PAGE as usize).map(show).collect();
        ensure!(page["records"] == json!(expected), "the trail is shown as it is stored", "{page}");
    }
}
