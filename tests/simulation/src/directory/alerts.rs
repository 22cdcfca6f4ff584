//! Alerts: what the directory's alarm hands to shard 0, and whether it is sent as often as it may be.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use vtryon_gateway_engine::directory::alerts::{Cause, Phase};
use vtryon_gateway_engine::protocol::DirectoryRequest;
use vtryon_gateway_engine::protocol::directory::rejection::{PathKind, Rejection};
use vtryon_gateway_engine::storage::database::{Bind, Value};
use vtryon_gateway_engine::text::time;
use vtryon_webhooks::{Code, Millis};

use crate::coverage::Decision;
use crate::violation::ensure;
use crate::world::World;

/// How long after a message there may be none of the same cause, in seconds.
const PAUSE: i64 = 3600;

/// What was sent of each cause and endpoint.
#[derive(Default)]
pub struct SentAlerts(BTreeMap<(&'static str, String), SentAlert>);

#[derive(Default)]
struct SentAlert {
    opened_at: Option<Millis>,
    is_open: bool,
}

impl World {
    /// Reports webhooks that were refused for their signatures, as an isolate does.
    pub fn refuse_webhooks(&mut self) {
        let is_of_signature = |code: &Code| code.public() == Code::Unauthorized;
        let code = Code::ALL.into_iter().find(is_of_signature).expect("signatures are refused by a code");
        let refused = Rejection {
            code: code.as_str().to_owned(),
            path: PathKind::Webhook.as_str().to_owned(),
            count: self.random.number(1..12),
            first_at: self.now,
            last_at: self.now,
            ..Rejection::default()
        };
        self.ask(Decision::Change, DirectoryRequest::ReportRejections { rejections: vec![refused] });
    }

    /// Checks an alert that was just stored.
    pub fn check_alert(&mut self, shard: usize, seq: i64) {
        let rows = self.shards[shard].db.rows("SELECT body FROM events WHERE seq = ?", &[Bind::Int(seq)]);
        let [row] = &rows[..] else { return };
        let Value::Blob(body) = &row[0] else { return };
        self.shards[shard].log.note_body(seq, body);
        let event: Json = serde_json::from_slice(body).expect("an alert is JSON");
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let (name, endpoint) = (text(&event["type"]), text(&event["data"]["endpoint"]));
        let at = time::parse_rfc3339(&text(&event["timestamp"])).expect("an alert has a time");
        self.coverage.reach("alert", &name);
        self.note(|| format!("shard {shard}: alert {seq} is {name} of {endpoint}"));
        let told_by = |cause: &Cause, phase| cause.event(phase) == name;
        if let Some(cause) = Cause::ALL.into_iter().find(|cause| told_by(cause, Phase::Opened)) {
            let sent = self.alerts.0.entry((cause.as_str(), endpoint)).or_default();
            let is_early = sent.opened_at.is_some_and(|opened_at| at < opened_at.plus_seconds(PAUSE));
            ensure!(!is_early, "an alert is sent at most once an hour for each cause", "{name} at {at:?}");
            (sent.opened_at, sent.is_open) = (Some(at), true);
        } else if let Some(cause) = Cause::ALL.into_iter().find(|cause| told_by(cause, Phase::Closed)) {
            let sent = self.alerts.0.entry((cause.as_str(), endpoint)).or_default();
            ensure!(sent.is_open, "an end is sent only of an alert that was sent", "{name} at {at:?}");
            sent.is_open = false;
        }
    }
}
