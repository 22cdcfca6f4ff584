use serde::Deserialize;
use vtryon_webhooks::Millis;
use vtryon_webhooks::health::{Health, Reason, is_dead};
use vtryon_webhooks::retry::Reply;

use crate::{judge, same};

#[derive(Deserialize)]
struct Vector {
    name: String,
    why: String,
    #[serde(flatten)]
    kind: Kind,
}

/// Since when it fails, when it succeeded, and how many times in a row it was gone and has failed.
#[derive(Deserialize)]
struct Parts(Option<i64>, Option<i64>, u32, #[serde(default)] u32);

impl Parts {
    fn get(&self) -> Health {
        let Self(failing_since, succeeded_at, gone, failures) = self;
        Health {
            failing_since: failing_since.map(Millis),
            succeeded_at: succeeded_at.map(Millis),
            consecutive_410: *gone,
            consecutive_failures: *failures,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Kind {
    Attempts { attempts: Vec<(Option<String>, i64)>, is: Parts, now: i64, verdict: Option<String> },
    Shards { shards: Vec<Parts>, now: i64, dead: bool },
}

/// Holds [`vtryon_webhooks::health`] to `health.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/health.json"), |vector: &Vector| {
        (&vector.name, &vector.why, verdict(&vector.kind))
    })
}

fn verdict(kind: &Kind) -> Result<(), String> {
    match kind {
        Kind::Attempts { attempts, is, now, verdict } => {
            let mut health = Health::default();
            for (answer, at) in attempts {
                let reply = answer.as_deref().map(reply).transpose()?;
                health = health.after(reply, Millis(*at));
            }
            let reason = health.verdict(Millis(*now));
            same("the health", health, is.get())
                .and_then(|()| same("the verdict", reason.map(Reason::as_str), verdict.as_deref()))
        }
        Kind::Shards { shards, now, dead } => {
            let all: Vec<Health> = shards.iter().map(Parts::get).collect();
            same("dead", is_dead(&all, Millis(*now)), *dead)
        }
    }
}

fn reply(name: &str) -> Result<Reply, String> {
    let all = [Reply::Delivered, Reply::Gone, Reply::Unauthorized, Reply::Refused];
    all.into_iter().find(|reply| reply.as_str() == name).ok_or_else(|| format!("no answer is {name}"))
}
