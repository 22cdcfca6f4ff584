//! What destinations are sent: an event by Standard Webhooks, or a text for Slack. Both have a bounded size, since every
//! part of them has.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;

use super::cause::{Cause, Phase};
use super::state::{Alert, Details};
use crate::directory::endpoints::records::EndpointRecord;
use crate::protocol::settings::{AlertFormat, endpoint_id};
use crate::protocol::{IncomingAlert, TEST_EVENT};
use crate::text::json;
use crate::text::time::rfc3339;

/// A message that no shard has confirmed yet.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct QueuedMessage {
    /// Its number, which none has had before; but a directory that was restored from an earlier state gives it again.
    pub no: i64,
    /// When it was made.
    pub at: Millis,
    pub event: String,
    pub parts: Vec<MessagePart>,
}

/// The part of a message that goes to all destinations of one format.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MessagePart {
    /// The name of an [`AlertFormat`].
    pub format: String,
    pub destinations: Vec<i64>,
    pub body: String,
}

impl QueuedMessage {
    /// Describes a part as a shard stores it.
    pub fn incoming(&self, part: &MessagePart) -> IncomingAlert {
        IncomingAlert {
            id: format!("{} {} {}", self.no, self.at.0, part.format),
            name: self.event.clone(),
            destinations: part.destinations.clone(),
            is_test: false,
        }
    }
}

/// An alert as an event.
#[derive(Serialize)]
struct AlertEvent<'a> {
    r#type: &'a str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    summary: &'a str,
    #[serde(flatten)]
    about: Option<&'a About<'a>>,
}

/// What a message says of its cause.
#[derive(Serialize)]
struct About<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    #[serde(flatten)]
    details: &'a Details,
    count: i64,
    since: String,
    last_at: String,
}

#[derive(Serialize)]
struct SlackMessage {
    text: String,
}

/// Returns whether a destination takes an event.
pub(super) fn matches(destination: &EndpointRecord, event: &str) -> bool {
    let options = destination.endpoint.options.alerts.as_ref();
    options
        .is_some_and(|options| options.events.is_empty() || options.events.iter().any(|taken| taken == event))
}

/// Writes what a message says to each destination that takes it.
pub(super) fn parts(
    cause: Cause,
    phase: Phase,
    endpoint: i64,
    alert: &Alert,
    destinations: &[EndpointRecord],
    now: Millis,
) -> Vec<MessagePart> {
    let event = cause.event(phase);
    let about = About {
        endpoint: (endpoint > 0).then(|| endpoint_id(endpoint)),
        details: &alert.details,
        count: alert.count,
        since: rfc3339(alert.since),
        last_at: rfc3339(alert.last_at),
    };
    let part = |format: AlertFormat| {
        let matching = destinations
            .iter()
            .filter(|destination| format_of(destination) == Some(format) && matches(destination, &event));
        let destinations: Vec<i64> = matching.map(|destination| destination.endpoint.no).collect();
        let body = body(format, &event, cause.sentence(phase), Some(&about), now);
        MessagePart { format: format.as_str().to_owned(), destinations, body }
    };
    AlertFormat::ALL.into_iter().map(part).filter(|part| !part.destinations.is_empty()).collect()
}

/// Writes the test of a destination.
pub fn test_body(format: AlertFormat, now: Millis) -> String {
    body(format, TEST_EVENT, "This is a test of an alert destination", None, now)
}

fn body(format: AlertFormat, event: &str, summary: &str, about: Option<&About<'_>>, now: Millis) -> String {
    match format {
        AlertFormat::Standard => {
            let data = Data { summary, about };
            json::to_string(&AlertEvent { r#type: event, timestamp: rfc3339(now), data })
        }
        AlertFormat::Slack => json::to_string(&SlackMessage { text: slack_text(event, summary, about) }),
    }
}

/// Writes a message in Slack's markup.
fn slack_text(event: &str, summary: &str, about: Option<&About<'_>>) -> String {
    let mut lines = vec![format!("*{summary}*"), event.to_owned()];
    if let Some(About { endpoint, details, count, since, last_at }) = about {
        let Details { host, reason, mistake, hint, expires_at } = details;
        let facts = [
            ("endpoint", endpoint),
            ("host", host),
            ("reason", reason),
            ("likely mistake", mistake),
            ("what to do", hint),
            ("ends at", expires_at),
        ];
        let facts = facts.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        lines.extend(facts.map(|(name, value)| format!("{name}: {}", escaped(value))));
        lines.push(if *count == 1 {
            format!("at {last_at}")
        } else {
            format!("{count} times from {since} to {last_at}")
        });
    }
    lines.join("\n")
}

/// Escapes what Slack would take for its markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn format_of(destination: &EndpointRecord) -> Option<AlertFormat> {
    AlertFormat::from_name(&destination.endpoint.options.alerts.as_ref()?.format)
}
