//! The log of decisions: a line for each, from the level on that is configured.

use serde_json::Value as Json;
use vtryon_gateway_engine::log::Level;

use crate::support::{World, body, endpoint};

const OTHER: &str = r#"{"event":"generation.rated","task_id":"task_1"}"#;

/// What is done in a world with one endpoint.
type Deed = fn(&mut World);

/// What happens, the decisions that are logged of it, and those of them at the level `info`.
const LOGGED: &[(&str, Deed, &[&str], &[&str])] = &[
    (
        "an event that is delivered",
        |world| world.event("task_1", "completed"),
        &["event_stored applied", "attempt_made delivered"],
        &[],
    ),
    (
        "a duplicate",
        |world| {
            drop(world.post(&body("task_1", "queued")));
            drop(world.post(&body("task_1", "queued")));
        },
        &["event_stored applied", "event_dropped duplicate"],
        &[],
    ),
    (
        "events by another name, twice",
        |world| {
            world.send(OTHER);
            world.send(OTHER);
        },
        &["event_stored unknown", "event_dropped duplicate"],
        &[],
    ),
    (
        "a body that can't be read, twice",
        |world| {
            world.send("no json");
            world.send("no json");
        },
        &["event_quarantined", "event_dropped duplicate"],
        &["event_quarantined"],
    ),
    (
        "an event of a task that was erased",
        |world| {
            world.event("task_1", "completed");
            world.erase("task_1").unwrap();
            world.send(OTHER);
        },
        &["event_stored applied", "attempt_made delivered", "event_dropped duplicate"],
        &[],
    ),
    (
        "an endpoint that is down for a while",
        |world| {
            let replies = [Some(500), None, Some(500), Some(302), Some(200)];
            world.first_replies.insert(1, replies.into());
            world.event("task_1", "completed");
            world.pass(24 * 3600);
        },
        &[
            "event_stored applied",
            "attempt_made refused",
            "attempt_made unanswered",
            "attempt_made refused",
            "attempt_made refused",
            "endpoint_down",
            "attempt_made delivered",
            "endpoint_up",
        ],
        &[
            "attempt_made refused",
            "attempt_made unanswered",
            "attempt_made refused",
            "attempt_made refused",
            "endpoint_down",
            "endpoint_up",
        ],
    ),
    (
        "a delivery that its receiver ends",
        |world| {
            world.replies.insert(1, Some(400));
            world.aborting.insert(1);
            world.event("task_1", "completed");
        },
        &["event_stored applied", "delivery_dead aborted_by_receiver", "attempt_made refused"],
        &["delivery_dead aborted_by_receiver", "attempt_made refused"],
    ),
    (
        "an endpoint that is deleted",
        |world| {
            world.replies.insert(1, Some(500));
            world.event("task_1", "completed");
            world.change(|settings| {
                settings.deleted = std::mem::take(&mut settings.endpoints).iter().map(|e| e.no).collect()
            });
            world.pass(60);
        },
        &["event_stored applied", "attempt_made refused", "delivery_dead endpoint_deleted"],
        &["attempt_made refused", "delivery_dead endpoint_deleted"],
    ),
    (
        "an endpoint that is deleted, of whose deliveries one is due later and pruned first",
        |world| {
            world.replies.insert(1, Some(500));
            world.event("task_1", "completed");
            world.event("task_2", "completed");
            world.deployment.max_page = 1;
            world.change(|settings| settings.endpoints.clear());
            world.now = world.now.plus_seconds(3600 * i64::from(world.deployment.retention_hours) + 1);
            world.run_alarm();
        },
        &[
            "event_stored applied",
            "attempt_made refused",
            "event_stored applied",
            "delivery_dead endpoint_deleted",
            "delivery_dead endpoint_deleted",
        ],
        &["attempt_made refused", "delivery_dead endpoint_deleted", "delivery_dead endpoint_deleted"],
    ),
];

fn logged(level: Level, deed: Deed) -> Vec<String> {
    let mut world = World::new();
    world.deployment.log_level = level;
    world.configure(vec![endpoint(1)]);
    deed(&mut world);
    world.log.iter().map(outline).collect()
}

/// Names the decision of a line, and what came of it.
fn outline(line: &Json) -> String {
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    let result = text("outcome").or_else(|| text("reason"));
    text("decision").into_iter().chain(result).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_decision_is_a_line() {
    for (what, deed, at_debug, at_info) in LOGGED {
        assert_eq!(logged(Level::Debug, *deed), *at_debug, "{what}");
        assert_eq!(logged(Level::Info, *deed), *at_info, "{what}, at info");
    }
}
