use serde::Deserialize;
use vtryon_webhooks::Status;
use vtryon_webhooks::lifecycle::{SideEffect, Stage, TaskState, step};

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
    /// The stages seen, as bits, and the other statuses kept.
    seen: u8,
    unknown: Vec<String>,
}

/// Holds [`step`] to `lifecycle.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/lifecycle.json"), |vector: &Vector| {
        let mut known: Option<TaskState> = None;
        let mut outcomes = Vec::new();
        let mut owed = Vec::new();
        for (place, status) in (0..).zip(&vector.statuses) {
            let step = step(known.as_ref(), &Status::from_name(status.as_str()));
            outcomes.push(step.outcome.as_str().to_owned());
            owed.extend(step.side_effect.map(|SideEffect::PublishResult| place));
            known = step.next.or(known);
        }
        let known = known.unwrap_or_default();
        let stands = known.stage().map(Stage::as_str);
        let conflict = vector.outcomes.iter().any(|outcome| outcome == "conflict");
        let verdict = same("the outcomes", &outcomes, &vector.outcomes)
            .and_then(|()| same("seen", known.seen(), vector.seen))
            .and_then(|()| same("unknown", known.unknown(), &vector.unknown))
            .and_then(|()| same("the conflict", known.is_conflicting(), conflict))
            .and_then(|()| same("the status", stands, vector.status.as_deref()))
            .and_then(|()| same("owed", owed, Vec::from_iter((vector.owed >= 0).then_some(vector.owed))));
        (&vector.name, &vector.why, verdict)
    })
}
