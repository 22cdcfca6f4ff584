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
    /// The final status of the task.
    status: Option<String>,
    /// The index of the event that causes the side effect (publish the result), or -1.
    side_effect: i64,
    /// The stages that were seen, as bits, and the other statuses.
    seen: u8,
    unknown: Vec<String>,
}

/// Holds [`step`] to `lifecycle.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/lifecycle.json"), |vector: &Vector| {
        let mut known: Option<TaskState> = None;
        let mut outcomes = Vec::new();
        let mut side_effects = Vec::new();
        for (index, status) in (0..).zip(&vector.statuses) {
            let step = step(known.as_ref(), &Status::from_name(status.as_str()));
            outcomes.push(step.outcome.as_str().to_owned());
            side_effects.extend(step.side_effect.map(|SideEffect::PublishResult| index));
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
            .and_then(|()| {
                let expected = Vec::from_iter((vector.side_effect >= 0).then_some(vector.side_effect));
                same("the side effects", side_effects, expected)
            });
        (&vector.name, &vector.why, verdict)
    })
}
