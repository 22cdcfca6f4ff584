use serde::Deserialize;
use vtryon_webhooks::Status;
use vtryon_webhooks::lifecycle::{Known, Owed, Stage, step};

use crate::{judge, same};

#[derive(Deserialize)]
struct Vector {
    name: String,
    why: String,
    statuses: Vec<String>,
    outcomes: Vec<String>,
    /// Where the task stands in the end.
    status: Option<String>,
    /// The place of the event with which the final result is owed, or -1.
    owed: i64,
}

/// Holds [`step`] to `lifecycle.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/lifecycle.json"), |vector: &Vector| {
        let mut known: Option<Known> = None;
        let mut outcomes = Vec::new();
        let mut owed = Vec::new();
        for (place, status) in (0..).zip(&vector.statuses) {
            let step = step(known.as_ref(), &Status::from_name(status.as_str()));
            outcomes.push(step.outcome.as_str().to_owned());
            owed.extend(step.owed.map(|Owed::PublishResult| place));
            known = step.next.or(known);
        }
        let stands = known.and_then(|known| known.stage()).map(Stage::as_str);
        let verdict = same("the outcomes", &outcomes, &vector.outcomes)
            .and_then(|()| same("the status", stands, vector.status.as_deref()))
            .and_then(|()| same("owed", owed, Vec::from_iter((vector.owed >= 0).then_some(vector.owed))));
        (&vector.name, &vector.why, verdict)
    })
}
