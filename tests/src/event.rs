use serde::{Deserialize, Serialize};
use vtryon_webhooks::{Event, Secret, Signature, Status, Verifier};

use crate::{Bytes, judge, same};

#[derive(Deserialize)]
struct Vector {
    name: String,
    why: String,
    body: Bytes,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expect {
    Refusal { code: String, field: Option<String>, offset: Option<usize> },
    Event(Fields),
}

/// What an event says, as the vectors and the oracle write it.
#[derive(Deserialize, Serialize, PartialEq, Debug)]
pub struct Fields {
    event: String,
    task_id: String,
    status: Option<String>,
    result_url: Option<String>,
    error_message: Option<String>,
    data: Option<String>,
    error: Option<String>,
    idempotency_key: String,
}

/// Holds [`Event::parse`] to `event.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/event.json"), |vector: &Vector| {
        (&vector.name, &vector.why, verdict(&vector.body.get(), &vector.expect))
    })
}

fn verdict(body: &[u8], expect: &Expect) -> Result<(), String> {
    let secret = Secret::new("whsec_test").map_err(|error| error.to_string())?;
    let signature = Signature::sign(&secret.key(), body);
    let verifier = Verifier::new([secret]).map_err(|error| error.to_string())?;
    let verified = verifier.verify(body, &signature).map_err(|error| error.to_string())?;
    match (Event::parse(&verified), expect) {
        (Ok(event), Expect::Event(should)) => same("the event", &Fields::of(&event), should),
        (Err(is), Expect::Refusal { code, field, offset }) => {
            same("the code", is.code().as_str(), code)?;
            same("the field", is.field(), field.as_deref())?;
            offset.map_or(Ok(()), |offset| same("the offset", is.offset(), Some(offset)))
        }
        (Ok(_), Expect::Refusal { .. }) => Err("it is read".to_owned()),
        (Err(error), Expect::Event(_)) => Err(format!("it is refused: {error}")),
    }
}

impl Fields {
    /// Reads them off an event.
    pub fn of(event: &Event<'_>) -> Self {
        Self {
            event: event.name().to_owned(),
            task_id: event.task_id().as_str().to_owned(),
            status: event.status().map(Status::as_str).map(str::to_owned),
            result_url: event.result_url().map(str::to_owned),
            error_message: event.error_message().map(str::to_owned),
            data: event.data().map(str::to_owned),
            error: event.error().map(str::to_owned),
            idempotency_key: event.idempotency_key(),
        }
    }
}
