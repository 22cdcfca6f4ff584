//! Storing events: what is written, and what is not. The vectors are the table.

use serde::Deserialize;
use serde_json::Value as Json;

use crate::support::{World, body};

#[derive(Deserialize)]
struct Lifecycle {
    name: String,
    statuses: Vec<String>,
    outcomes: Vec<String>,
    status: Option<String>,
    finished_by: Option<usize>,
}

fn lifecycles() -> Vec<Lifecycle> {
    serde_json::from_str(include_str!("../../../../../tests/vectors/lifecycle.json")).unwrap()
}

/// Returns a field of each entry of a task's timeline.
fn timeline(task: &Json, field: &str) -> Vec<String> {
    let events = task["events"].as_array().unwrap().iter();
    events.map(|event| event[field].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn every_lifecycle_is_stored_as_the_core_decides() {
    for (place, vector) in lifecycles().into_iter().enumerate() {
        let mut world = World::new();
        let task_id = format!("lifecycle {place}");
        for status in &vector.statuses {
            world.event(&task_id, status);
        }
        let is_stored = |outcome: &&String| !["duplicate", "capped"].contains(&outcome.as_str());
        let stored: Vec<&String> = vector.outcomes.iter().filter(is_stored).collect();
        let task = world.task(&task_id).unwrap();
        assert_eq!(timeline(&task, "outcome").iter().collect::<Vec<_>>(), stored, "{}", vector.name);
        assert_eq!(task["status"].as_str(), vector.status.as_deref(), "{}", vector.name);
        assert_eq!(task["duplicates"], vector.outcomes.len() - stored.len(), "{}", vector.name);
        let conflicts = vector.outcomes.iter().any(|outcome| outcome == "conflict");
        assert_eq!(task["conflict"], conflicts, "{}", vector.name);
        assert_eq!(world.result(&task_id).is_some(), vector.finished_by.is_some(), "{}", vector.name);
    }
}

#[test]
fn the_first_result_stays() {
    // the statuses in order, the field of the result, and its value
    let url = Json::from("https://cdn.test/1.jpg");
    let failure = serde_json::json!({ "message": "no person found" });
    for (statuses, field, value, other) in [
        (&["completed"][..], "result_url", &url, "failure"),
        (&["failed"][..], "failure", &failure, "result_url"),
        (&["completed", "failed"][..], "result_url", &url, "failure"),
        (&["failed", "completed"][..], "failure", &failure, "result_url"),
    ] {
        let mut world = World::new();
        for status in statuses {
            world.event("task_1", status);
        }
        let result = world.result("task_1").unwrap();
        assert_eq!((&result["task_id"], &result["status"]), (&"task_1".into(), &statuses[0].into()));
        assert_eq!((&result[field], &result[other]), (value, &Json::Null), "{statuses:?}");
        let task = world.task("task_1").unwrap();
        assert_eq!(task["status"], statuses[0], "{statuses:?}");
        assert_eq!((&task[field], &task[other]), (value, &Json::Null), "{statuses:?}");
        assert_eq!(task["conflict"], statuses.len() > 1, "{statuses:?}");
        world.pass(60);
        assert_eq!(world.result("task_1").unwrap(), result, "{statuses:?}");
    }
}

#[test]
fn events_by_other_names_are_stored_once_per_content() {
    let mut world = World::new();
    let other = |n| format!(r#"{{"event":"generation.rated","task_id":"task_1","n":{n}}}"#);
    for body in [body("task_1", "queued"), other(1), other(2), other(1)] {
        world.send(&body);
    }
    let task = world.task("task_1").unwrap();
    assert_eq!(
        timeline(&task, "event"),
        ["generation.status_changed", "generation.rated", "generation.rated"]
    );
    assert_eq!(timeline(&task, "outcome"), ["applied", "unknown", "unknown"]);
    assert_eq!((&task["status"], &task["duplicates"]), (&"queued".into(), &1.into()));
}

#[test]
fn a_duplicate_writes_no_row() {
    let mut world = World::new();
    let other = r#"{"event":"generation.rated","task_id":"task_1"}"#;
    let reworded =
        r#"{ "status": "queued", "task_id": "task_1", "event": "generation.status_changed", "x": 1 }"#;
    let bodies = [body("task_1", "queued"), body("task_1", "paused"), body("task_1", "completed")];
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).chain([other, "not json"]).collect();
    for body in &bodies {
        world.send(body);
    }
    let before = world.db.sqlite.connection().total_changes();
    for _ in 0..3 {
        for body in bodies.iter().chain([&reworded]) {
            assert!(world.post(body).is_empty(), "{body}");
        }
    }
    assert_eq!(world.db.sqlite.connection().total_changes(), before);
    assert_eq!(world.task("task_1").unwrap()["duplicates"], 15);
    // `processing` comes late and is stored once; its repeat is not.
    for changes in [true, false] {
        let before = world.db.sqlite.connection().total_changes();
        world.send(&body("task_1", "processing"));
        assert_eq!(world.db.sqlite.connection().total_changes() > before, changes);
    }
}
