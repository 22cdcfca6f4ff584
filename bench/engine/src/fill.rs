//! Fills a shard through the engine, as it would be after so many tasks.
//!
//! Of 20 tasks one is queued, one is processing, one has failed and the others are completed. Each event was delivered
//! to the first endpoint at once. The end of a failed task waits for the alarm at a second one, and is a dead letter of
//! a third one, which was deleted. One body in 100 tasks cannot be parsed.

use vtryon_gateway_engine::Result;
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::settings::{Endpoint, EndpointOptions, Replay, Sealed, Settings};
use vtryon_gateway_engine::text::json;

use crate::object::Object;

/// How many bytes a body has: what most have.
const BODY: usize = 350;

/// How many tasks begin before one has its next event.
const APART: u32 = 50;

/// How long after each other events arrive, in milliseconds.
const PAUSE: i64 = 10;

/// How many dead letters one run of the alarm makes, and how many runs what was leased takes at most.
const DEAD_LETTERS: u32 = 200;
const RUNS: u32 = 60;

/// The timeout of an endpoint whose deliveries are left to the alarm, in seconds.
const SLOW: u32 = 30;

/// Spreads ids over the whole index, as random ones are; it is odd, so no two are the same.
const FACTOR: u32 = 2_654_435_761;

/// Returns the id of the nth task.
pub(crate) fn task_id(nth: u32) -> String {
    format!("task_{:08x}", nth.wrapping_mul(FACTOR))
}

/// Makes the body of an event.
pub(crate) fn body(nth: u32, status: &str) -> Vec<u8> {
    let fields = match status {
        "completed" => r#","data":{"result_url":"https://cdn.example/result.png"}"#,
        "failed" => r#","error":{"message":"the model has failed"}"#,
        _ => "",
    };
    let event = "generation.status_changed";
    let task_id = task_id(nth);
    let head = format!(r#"{{"event":"{event}","task_id":"{task_id}","status":"{status}"{fields},"trace":""#);
    let filler = "x".repeat(BODY.saturating_sub(head.len() + 2));
    format!(r#"{head}{filler}"}}"#).into_bytes()
}

/// Returns the settings with the endpoints, and with replays, if any.
pub(crate) fn settings(version: i64, is_third_deleted: bool, replays: Vec<Replay>) -> Settings {
    let mut endpoints = vec![endpoint(1, &[], 10), endpoint(2, &["failed"], SLOW)];
    if !is_third_deleted {
        endpoints.push(endpoint(3, &["failed"], SLOW));
    }
    let deleted = if is_third_deleted { vec![3] } else { Vec::new() };
    Settings { version, endpoints, deleted, replays }
}

fn endpoint(no: i64, statuses: &[&str], timeout_seconds: u32) -> Endpoint {
    let statuses = statuses.iter().map(|status| (*status).to_owned()).collect();
    let url = format!("https://shop-{no}.example/webhooks");
    let mut options = EndpointOptions { url, statuses, ..EndpointOptions::default() };
    options.attempt.timeout_seconds = timeout_seconds;
    let sealed = Sealed { version: 1, sealed: "x".repeat(96), ..Sealed::default() };
    Endpoint { no, options, secrets: vec![sealed], ..Endpoint::default() }
}

/// Adds tasks to a shard that has `from` of them, until it has `tasks`: in one transaction without a journal, as nothing
/// is lost by a crash that cannot be filled anew.
pub(crate) fn fill(object: &mut Object, from: u32, tasks: u32) -> Result<()> {
    object.storage.control("PRAGMA journal_mode = OFF; BEGIN")?;
    add(object, from, tasks)?;
    object.storage.control("COMMIT")
}

fn add(object: &mut Object, from: u32, tasks: u32) -> Result<()> {
    let mut version = i64::from(from) + 1;
    object.call(ShardRequest::Configure(json::to_raw(&settings(version, false, Vec::new()))), &[])?;
    for place in from..tasks + 2 * APART {
        for (step, nth) in
            [(0, Some(place)), (1, place.checked_sub(APART)), (2, place.checked_sub(2 * APART))]
        {
            let Some(nth) = nth.filter(|nth| (from..tasks).contains(nth)) else { continue };
            object.now = object.now.plus_millis(PAUSE);
            if let Some(status) = status(nth, step) {
                object.deliver(&body(nth, status))?;
            }
            if step == 0 && nth % 100 == 0 {
                object.store(format!("not JSON: {nth}, {}", "x".repeat(BODY)).as_bytes())?;
            }
        }
        if object.alarm.is_some_and(|at| at <= object.now) {
            object.run_alarm(0)?;
        }
    }
    version += 1;
    object.call(ShardRequest::Configure(json::to_raw(&settings(version, true, Vec::new()))), &[])?;
    settle(object, (tasks - from) / 20 / DEAD_LETTERS + RUNS)
}

/// The status that a task's step tells, the first step being 0; none where the task stops before it.
fn status(nth: u32, step: u32) -> Option<&'static str> {
    match (step, nth % 20) {
        (0, _) => Some("queued"),
        (1, rest) if rest != 1 => Some("processing"),
        (2, 0) => Some("failed"),
        (2, rest) if rest > 2 => Some("completed"),
        _ => None,
    }
}

/// Lets the alarm dead-letter what waits for the deleted endpoint.
fn settle(object: &mut Object, runs: u32) -> Result<()> {
    for _ in 0..runs {
        object.now = object.now.plus_seconds(1);
        object.run_alarm(0)?;
    }
    Ok(())
}
