//! What is imported: the lines of an export, each a message of a live stream. An event has its body.

use std::borrow::Cow;

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use vtryon_webhooks::{Code, Digest, Error, Millis, Signature, Verifier};

use super::IncomingEvent;
use crate::Refusal;
use crate::text::json::Object;
use crate::text::time::{self, SKEW};

/// How many lines a request may have, and how many bytes: room for one of the longest events. Its body of 1 MiB is in the
/// message in base64, and its result again in the state of its task.
pub const MAX_LINES: usize = 200;
pub const MAX_BYTES: usize = 3 * 1024 * 1024;

/// An event for a shard, and how many of the bytes beside the call are its body.
#[derive(Clone, Serialize, Deserialize)]
pub struct ImportedEvent {
    pub event: IncomingEvent,
    pub length: usize,
}

/// That another deployment has erased a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedErasure {
    /// The SHA-256 of the task's id, in hex.
    pub task_digest: String,
    pub erased_at: Millis,
}

/// What a line of an export is to a shard.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportedLine {
    Event(ImportedEvent),
    Erasure(ImportedErasure),
}

/// A line of an export that may be stored.
pub enum VerifiedLine {
    Event(VerifiedEvent),
    Erasure { digest: Digest, erased_at: Millis },
}

/// An event of an export that was verified.
pub struct VerifiedEvent {
    /// What assigns it to a shard.
    pub digest: Digest,
    pub event: IncomingEvent,
    pub body: Vec<u8>,
}

impl VerifiedLine {
    /// Returns what assigns it to a shard.
    pub const fn digest(&self) -> &Digest {
        match self {
            Self::Event(event) => &event.digest,
            Self::Erasure { digest, .. } => digest,
        }
    }
}

/// What became of a line.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct LineResult {
    /// The number of the line in the request, from 1 on.
    pub line: usize,
    pub result: LineEnd,
    /// What the event, or the erasure, is to its task; none where the line was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineEnd {
    Stored,
    Duplicate,
    /// The event is valid, but its task has as many statuses as it may have.
    Capped,
    Refused,
}

/// The answer to an import.
#[derive(Debug, Serialize)]
pub struct ImportReport {
    pub stored: usize,
    pub duplicates: usize,
    pub capped: usize,
    pub refused: usize,
    pub lines: Vec<LineResult>,
}

impl LineResult {
    /// Makes the result of a line that a shard has decided on.
    pub fn of(line: usize, outcome: String) -> Self {
        let result = match outcome.as_str() {
            "duplicate" => LineEnd::Duplicate,
            "capped" => LineEnd::Capped,
            _ => LineEnd::Stored,
        };
        Self { line, result, outcome: Some(outcome), error: None, message: None }
    }

    pub fn refused(line: usize, refusal: &Refusal) -> Self {
        let (error, message) = (Some(refusal.code.as_str()), Some(refusal.message.to_string()));
        Self { line, result: LineEnd::Refused, outcome: None, error, message }
    }
}

impl ImportReport {
    /// Makes the report of lines in any order.
    pub fn new(mut lines: Vec<LineResult>) -> Self {
        lines.sort_by_key(|result| result.line);
        let count = |end| lines.iter().filter(|result| result.result == end).count();
        let (stored, duplicates) = (count(LineEnd::Stored), count(LineEnd::Duplicate));
        let (capped, refused) = (count(LineEnd::Capped), count(LineEnd::Refused));
        Self { stored, duplicates, capped, refused, lines }
    }
}

/// Reads the lines of a request, each with its number; empty ones are left out.
///
/// # Errors
/// `invalid_request` for a body that has no line, or too many.
pub fn lines(body: &[u8]) -> Result<Vec<(usize, &[u8])>, Refusal> {
    let numbered = (1..).zip(body.split(|byte| *byte == b'\n'));
    let lines: Vec<_> = numbered.filter(|(_, line)| !line.trim_ascii().is_empty()).collect();
    match lines.len() {
        0 => Err(refuse("the body has no line: each is an event as `vtryon-webhooks export` writes it")),
        1..=MAX_LINES => Ok(lines),
        _ => Err(refuse(format!("the body has more than {MAX_LINES} lines"))),
    }
}

/// Reads a line and verifies its event again, by the secrets that are configured. That a task was erased is not signed.
///
/// # Errors
/// Why the line is refused. Its fields are those of a message of a live stream; what is not needed is not read.
pub fn read(line: &[u8], verifier: &Verifier, now: Millis) -> Result<VerifiedLine, Refusal> {
    let message =
        Object::parse(line).ok_or_else(|| refuse("the line is not one JSON object, with each field once"))?;
    let text = |name: &'static str| match message.get(name) {
        None => Err(refuse(format!("`{name}` is missing"))),
        Some(_) => message.text(name).ok_or_else(|| refuse(format!("`{name}` is not a string"))),
    };
    let time = |name: &'static str| {
        let at = time::parse_rfc3339(&text(name)?)
            .ok_or_else(|| refuse(format!("`{name}` is not a time as RFC 3339 writes it")))?;
        if at > now.plus_seconds(SKEW) || at.0 < 0 {
            return Err(refuse(format!("`{name}` is before 1970 or in the future")));
        }
        Ok(at)
    };
    match text("type")?.as_str() {
        "event" => {}
        "erased" => {
            let digest = Digest::from_hex(&text("task_digest")?)
                .ok_or_else(|| refuse("`task_digest` is not 64 lower-case hex digits"))?;
            return Ok(VerifiedLine::Erasure { digest, erased_at: time("erased_at")? });
        }
        _ => return Err(refuse("`type` is neither event nor erased: nothing else is imported")),
    }
    let received_at = time("received_at")?;
    let body = Base64::decode_vec(&text("body")?).map_err(|_| refuse("`body` is not base64 with padding"))?;
    let signature = Signature::parse(text("signature")?.as_bytes()).map_err(of_core)?;
    let (digest, event) = {
        let verified = verifier.verify(&body, &signature).map_err(of_core)?;
        IncomingEvent::read(&verified, received_at)
    };
    let event = IncomingEvent { imported_at: Some(now), ..event };
    Ok(VerifiedLine::Event(VerifiedEvent { digest, event, body }))
}

fn of_core(error: Error) -> Refusal {
    Refusal::new(error.code(), error.to_string())
}

fn refuse(message: impl Into<Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::InvalidRequest, message)
}

#[cfg(test)]
mod tests;
