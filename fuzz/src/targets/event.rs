//! An event as the core parses it, against a model over `serde_json` that follows the documentation of `Event::parse`.

use vtryon_webhooks::event::{MAX_DEPTH, MAX_EVENT_NAME, MAX_STATUS, MAX_TASK_ID, STATUS_CHANGED};
use vtryon_webhooks::{Code, Digest, Event, Secret, Signature, Verifier};

use crate::json::{Members, first_deeper_than, is_json};
use crate::vectors::column;

/// The code and the field of a refusal.
type Refused = (Code, Option<&'static str>);

/// What an event says: name, task, status, result, error, and the texts of `data` and `error`.
type Says = (String, String, Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    column(include_str!("../../../tests/vectors/event.json"), "body")
}

pub(crate) fn check(body: &[u8]) {
    let key = Secret::new("s").unwrap().key();
    let verifier = Verifier::new([Secret::new("s").unwrap()]).unwrap();
    let Ok(verified) = verifier.verify(body, &Signature::sign(&key, body)) else { return };
    let parsed = Event::parse(&verified);
    if let Ok(event) = &parsed {
        assert_eq!(event.idempotency_key(), idempotency_key(event, body));
    }
    let says = parsed.map(|event| {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let status = event.status().map(|status| status.as_str());
        let task_id = event.task_id().as_str().to_owned();
        let (data, error) = (text(event.data()), text(event.error()));
        (
            event.name().to_owned(),
            task_id,
            text(status),
            text(event.result_url()),
            text(event.error_message()),
            data,
            error,
        )
    });
    assert_eq!(says.map_err(|error| (error.code(), error.field())), model(body));
}

fn idempotency_key(event: &Event<'_>, body: &[u8]) -> String {
    let escaped = |part: &str| part.replace('%', "%25").replace(':', "%3A");
    let task_id = event.task_id().as_str();
    match event.status() {
        Some(status) => format!("status:{}:{task_id}", escaped(status.as_str())),
        None => format!("event:{}:{}:{task_id}", escaped(event.name()), Digest::of(body).to_hex()),
    }
}

fn model(body: &[u8]) -> Result<Says, Refused> {
    let text = std::str::from_utf8(body).map_err(|_| (Code::InvalidUtf8, None))?;
    if first_deeper_than(text, MAX_DEPTH).is_some() {
        return Err((Code::TooDeep, None));
    }
    if !is_json(text) {
        return Err((Code::InvalidJson, None));
    }
    let members = Members::read(text).ok_or((Code::InvalidEvent, None))?;
    if members.names().is_none() {
        return Err((Code::InvalidJson, None));
    }
    let [name, task_id, status, data, error] =
        ["event", "task_id", "status", "data", "error"].map(|name| members.all(name));
    if [&name, &task_id, &status, &data, &error].iter().any(|found| found.len() > 1) {
        return Err((Code::DuplicateKey, None));
    }
    let name = required(&name, "event", MAX_EVENT_NAME)?;
    let task_id = required(&task_id, "task_id", MAX_TASK_ID)?;
    if [".", ".."].contains(&&*task_id) {
        return Err((Code::InvalidEvent, Some("task_id")));
    }
    let [data, error] = [data, error].map(|found| found.first().copied());
    let [data_text, error_text] = [data, error].map(|text| text.map(str::to_owned));
    if name != STATUS_CHANGED {
        return Ok((name, task_id, None, None, None, data_text, error_text));
    }
    let status = Some(required(&status, "status", MAX_STATUS)?);
    let result_url = member(data, "result_url", "data.result_url")?;
    let message = member(error, "message", "error.message")?;
    Ok((name, task_id, status, result_url, message, data_text, error_text))
}

/// A string; a value that is one but can't be decoded is no JSON to the core.
fn string(text: &str, field: &'static str) -> Result<String, Refused> {
    if !text.starts_with('"') {
        return Err((Code::InvalidEvent, Some(field)));
    }
    serde_json::from_str(text).map_err(|_| (Code::InvalidJson, None))
}

fn required(found: &[&str], field: &'static str, most: usize) -> Result<String, Refused> {
    let refused = (Code::InvalidEvent, Some(field));
    let name = string(found.first().ok_or(refused)?, field)?;
    let is_name = !name.is_empty() && name.len() <= most && !name.chars().any(char::is_control);
    if is_name { Ok(name) } else { Err(refused) }
}

fn member(object: Option<&str>, name: &str, field: &'static str) -> Result<Option<String>, Refused> {
    let Some(object) = object.filter(|text| *text != "null") else { return Ok(None) };
    let members = Members::read(object).ok_or((Code::InvalidEvent, Some(field)))?;
    if members.names().is_none() {
        return Err((Code::InvalidJson, None));
    }
    match *members.all(name) {
        [] | ["null"] => Ok(None),
        [value] => string(value, field).map(Some),
        _ => Err((Code::DuplicateKey, Some(field))),
    }
}
