use serde::Deserialize;
use vtryon_webhooks::retry::{self, Reply};
use vtryon_webhooks::{Digest, Millis};

use crate::{Bytes, judge, same};

#[derive(Deserialize)]
struct Vector {
    name: String,
    why: String,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Kind {
    Attempt {
        subject: Bytes,
        attempt: u32,
        first_at: i64,
        attempted_at: i64,
        retry_after: Option<i64>,
        nominal: Option<i64>,
        pause: Option<i64>,
        next: Option<i64>,
    },
    Header {
        header: String,
        ms: Option<i64>,
    },
    Answer {
        status: u16,
        reply: String,
    },
}

/// Holds [`vtryon_webhooks::retry`] to `retry.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/retry.json"), |vector: &Vector| {
        (&vector.name, &vector.why, verdict(&vector.kind))
    })
}

fn verdict(kind: &Kind) -> Result<(), String> {
    match kind {
        Kind::Attempt { subject, attempt, first_at, attempted_at, retry_after, nominal, pause, next } => {
            let subject = Digest::of(&subject.get());
            let at = retry::next(&subject, *attempt, Millis(*first_at), Millis(*attempted_at), *retry_after);
            same("the nominal pause", retry::nominal(*attempt), *nominal)
                .and_then(|()| same("the pause", retry::delay(&subject, *attempt), *pause))
                .and_then(|()| same("the next attempt", at, next.map(Millis)))
        }
        Kind::Header { header, ms } => same("the pause", retry::retry_after(header), *ms),
        Kind::Answer { status, reply } => same("the answer", Reply::from_status(*status).as_str(), reply),
    }
}
