use serde::Deserialize;
use vtryon_webhooks::Status;
use vtryon_webhooks::lifecycle::{Stage, TaskState, step};

use crate::{judge, same};

#[derive(Deserialize)]
struct Vector {
    name: String,
    why: String,
    statuses: Vec<String>,
    outcomes: Vec<String>,
    /// The final status of the task.
    status: Option<String>,
    /// The index of the event that finishes the task; none where none does.
    finished_by: Option<usize>,
    /// The stages that were seen, as bits, and the other statuses.
    seen: u8,
    unknown: Vec<String>,
}

/// Holds [`step`] to `lifecycle.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/lifecycle.json"), |vector: &Vector| {
        let mut known: Option<TaskState> = None;
        let mut outcomes = Vec::new();
        let mut finished_by = Vec::new();
        for (index, status) in vector.statuses.iter().enumerate() {
            let step = step(known.as_ref(), &Status::from_name(status.as_str()));
            outcomes.push(step.outcome.as_str().to_owned());
            finished_by.extend(step.finishes().then_some(index));
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
            .and_then(|()| same("the end", finished_by, Vec::from_iter(vector.finished_by)));
        (&vector.name, &vector.why, verdict)
    })
}
