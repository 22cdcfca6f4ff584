//! Erasure: nothing of an erased task is stored, shown or delivered any more, and none of its events is stored again.

use serde_json::json;
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::live::{Start, close};
use vtryon_gateway_engine::protocol::metrics::Counts;
use vtryon_gateway_engine::protocol::settings::Replay;
use vtryon_gateway_engine::storage::database::Value;
use vtryon_webhooks::Millis;

use super::imported_erasures::THERE;
use crate::support::{Client, NOON, SECRET, Watches, World, body, broadcast, deployment, endpoint};

const NEXT: &str = "the next secret of the tests, which is long";

/// Statements of the tables in which something of a task may lie.
const TABLES: [&str; 5] = [
    "SELECT * FROM tasks",
    "SELECT * FROM events",
    "SELECT * FROM deliveries",
    "SELECT * FROM replay_log",
    "SELECT * FROM quarantine",
];

/// Returns whether a text lies in one of the tables.
pub fn lies_somewhere(world: &World, text: &str) -> bool {
    let has_text = |value: &Value| match value {
        Value::Text(stored) => stored.contains(text),
        Value::Blob(bytes) => String::from_utf8_lossy(bytes).contains(text),
        Value::Null | Value::Int(_) => false,
    };
    TABLES.iter().any(|table| world.rows(table).iter().flatten().any(has_text))
}

fn other(task_id: &str, more: &str) -> String {
    format!(r#"{{"event":"generation.rated","task_id":"{task_id}","remark":"{more}"}}"#)
}

/// A world with a task of four events, of which the deliveries to endpoint 2 fail, and a task after it.
fn world() -> World {
    let mut world = World::new();
    let takes_all = |no| {
        let mut endpoint = endpoint(no);
        endpoint.options.include = vec!["unknown".to_owned()];
        endpoint
    };
    world.configure(vec![takes_all(1), takes_all(2)]);
    world.replies.insert(2, Some(500));
    for status in ["queued", "on_the_way_to_anna", "completed"] {
        world.event("task_anna", status);
    }
    world.send(&other("task_anna", "for anna"));
    world.event("task_other", "queued");
    world
}

#[test]
fn nothing_of_an_erased_task_is_stored_or_shown() {
    let mut world = world();
    for text in ["anna", "cdn.test/1.jpg"] {
        assert!(lies_somewhere(&world, text), "{text} is stored, and would be found");
    }
    let erased = world.erase("task_anna").unwrap();
    let at = "2023-11-14T22:13:20.000Z";
    assert_eq!(erased, json!({ "task_id": "task_anna", "erased_at": at, "events": 4, "deliveries": 8 }));
    for text in ["anna", "cdn.test/1.jpg"] {
        assert!(!lies_somewhere(&world, text), "{text}");
    }
    assert_eq!((world.task("task_anna"), world.result("task_anna")), (None, None));
    assert_eq!(world.task_ids(), ["task_other"]);
    assert!(world.deliveries(None).iter().all(|delivery| delivery["task_id"] == "task_other"));
    let counts: Counts = world.query(ShardRequest::Metrics);
    let pending: i64 = counts.endpoints.values().map(|endpoint| endpoint.pending).sum();
    assert_eq!((counts.open_tasks, pending), (1, 1));
}

#[test]
fn whatever_comes_of_an_erased_task_is_acknowledged_and_stored_nowhere() {
    let mut world = world();
    let client = &mut Client::opened(&mut world, Watches::Shard, Start::Now);
    world.erase("task_anna").unwrap();
    let before = world.received.len();
    for (why, posted) in [
        ("it has been seen", body("task_anna", "queued")),
        ("it is late", body("task_anna", "processing")),
        ("it would be a conflict", body("task_anna", "failed")),
        ("its status is unknown and was seen", body("task_anna", "on_the_way_to_anna")),
        ("its status is unknown and new", body("task_anna", "with_anna")),
        ("it has another name and was seen", other("task_anna", "for anna")),
        ("it has another name and is new", other("task_anna", "once more for anna")),
    ] {
        let rows = world.db.sqlite.connection().total_changes();
        assert!(world.post(&posted).is_empty(), "{why}: nothing is delivered");
        assert_eq!(world.db.sqlite.connection().total_changes(), rows, "{why}: no row is written");
        assert!(!lies_somewhere(&world, "anna"), "{why}");
    }
    broadcast(&mut world, &mut [client]);
    assert_eq!((client.seqs(), client.all("erased").len()), (vec![], 1));
    world.pass(86_400);
    let anna = world.received[before..].iter().filter(|received| received.body.contains("anna"));
    assert_eq!(anna.count(), 0);
}

#[test]
fn an_attempt_that_is_reported_after_the_erasure_changes_nothing() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    let dispatches = world.post(&body("task_anna", "queued"));
    let reports: Vec<_> = dispatches.iter().map(|dispatch| world.attempt(dispatch, b"{}")).collect();
    world.erase("task_anna").unwrap();
    let rows = world.db.sqlite.connection().total_changes();
    for report in reports {
        world.report(report);
    }
    assert_eq!(world.db.sqlite.connection().total_changes(), rows);
    world.pass(3600);
    assert_eq!(world.received.len(), 1, "it is not attempted again");
}

#[test]
fn what_is_pending_of_an_erased_task_counts_as_failed_in_its_range() {
    let mut world = world();
    world.pass(60);
    world.change(|settings| {
        let until = Millis(NOON).plus_seconds(3600);
        let range = Replay { id: "rpl_1".to_owned(), endpoint: 2, all: true, until, ..Replay::default() };
        settings.replays = vec![range];
    });
    world.pass(1);
    assert_eq!((world.progress("rpl_1").enqueued, world.progress("rpl_1").failed), (5, 0));
    world.erase("task_anna").unwrap();
    assert_eq!((world.progress("rpl_1").enqueued, world.progress("rpl_1").failed), (5, 4));
}

#[test]
fn the_number_of_an_erased_event_is_not_given_again() {
    let mut world = World::new();
    world.event("task_other", "queued");
    world.event("task_anna", "queued");
    let client = &mut Client::opened(&mut world, Watches::Shard, Start::After(0));
    assert_eq!(client.seqs(), [1, 2]);
    client.cut(&mut world);
    world.erase("task_anna").unwrap();
    world.restart();
    world.event("task_other", "completed");
    client.resume(&mut world);
    // The erasure has a number of its own.
    assert_eq!((client.seqs(), &client.all("erased")[0]["seq"]), (vec![1, 2, 4], &json!(3)));
    assert!(client.all("gap").is_empty());
}

#[test]
fn the_streams_of_an_erased_task_end_and_others_go_on_without_a_gap() {
    let mut world = world();
    let of_shard = &mut Client::opened(&mut world, Watches::Shard, Start::After(1));
    let of_task = &mut Client::opened(&mut world, Watches::Task("task_anna"), Start::Now);
    let of_other = &mut Client::opened(&mut world, Watches::Task("task_other"), Start::Now);
    let page = &mut Client::new(Watches::State("task_open"));
    world.event("task_open", "queued");
    page.open(&mut world, Start::Now);
    broadcast(&mut world, &mut [of_shard, of_task, of_other]);
    for task_id in ["task_anna", "task_open"] {
        world.erase(task_id).unwrap();
    }
    broadcast(&mut world, &mut [of_shard, of_task, of_other, page]);
    assert_eq!((of_task.end, page.end), (Some(close::TASK_ERASED), Some(close::TASK_ERASED)));
    assert!(of_shard.is_open() && of_other.is_open());

    // One that was behind, and one that begins anew.
    let behind = &mut Client::opened(&mut world, Watches::Shard, Start::After(0));
    let anew = &mut Client::opened(&mut world, Watches::Shard, Start::Since(Millis(0)));
    for client in [behind, anew] {
        let types = vec!["event", "erased", "erased", "ready"];
        assert_eq!((client.seqs(), client.types(0)), (vec![5], types));
    }
    let snapshot = Client::opened(&mut world, Watches::Shard, Start::Now);
    assert!(!snapshot.messages[0].to_string().contains("anna"));
    let again = Client::opened(&mut world, Watches::Task("task_anna"), Start::After(0));
    assert_eq!((again.seqs(), again.types(0)), (vec![], vec!["ready"]));

    // By a ticket, and by the token of the page.
    for start in [Start::Now, Start::After(6)] {
        assert_eq!(page.try_open(&mut world, start), "erased");
    }
}

#[test]
fn a_task_is_erased_once_and_one_that_is_unknown_is_not() {
    let mut world = world();
    assert_eq!(world.erase("task_unknown"), None);
    let first = world.erase("task_anna").unwrap();
    world.pass(3600);
    let again = world.erase("task_anna").unwrap();
    assert_eq!(again["erased_at"], first["erased_at"]);
    assert_eq!((&again["events"], &again["deliveries"]), (&json!(0), &json!(0)));

    // A page whose socket outlived the instance that has erased its task is closed by the next request.
    world.event("task_open", "queued");
    let page = &mut Client::opened(&mut world, Watches::State("task_open"), Start::Now);
    world.erase("task_open").unwrap();
    world.restart_with(1);
    assert!(page.is_open());
    world.erase("task_open").unwrap();
    broadcast(&mut world, &mut [page]);
    assert_eq!(page.end, Some(close::TASK_ERASED));
}

#[test]
fn a_pruned_task_that_is_erased_here_or_there_is_not_revived_by_a_late_event() {
    let here = |world: &mut World| {
        let erased = world.erase("task_anna").unwrap();
        assert_eq!((&erased["events"], &erased["deliveries"]), (&json!(0), &json!(0)));
    };
    let there = |world: &mut World| assert_eq!(world.import_erasure("task_anna", THERE), "erased");
    let ways: [Option<fn(&mut World)>; 3] = [None, Some(here), Some(there)];
    for erase in ways {
        let mut world = World::new();
        world.event("task_anna", "completed");
        world.send(&other("task_anna", "for anna"));
        world.event("task_last", "queued");
        world.sleep(50);
        if let Some(erase) = erase {
            erase(&mut world);
            assert_eq!(
                world.number("SELECT COUNT(*) FROM events"),
                0,
                "the digest of its other event is gone"
            );
        }
        world.event("task_anna", "processing");
        assert_eq!(world.task("task_anna").is_none(), erase.is_some());
    }
}

#[test]
fn a_task_stays_erased_until_the_last_secret_that_signed_its_events_is_gone() {
    let rotate = |world: &mut World, secrets: &[&str]| {
        world.deployment = deployment(secrets);
        world.restart();
        world.pass(3600);
    };
    let mut world = World::new();
    world.event("task_anna", "queued");
    world.event("task_last", "queued");
    world.erase("task_anna").unwrap();
    rotate(&mut world, &[NEXT, SECRET]);
    // This one comes after the erasure: it is not stored, but its secret counts.
    world.post_signed(body("task_anna", "processing").as_bytes(), 0);
    rotate(&mut world, &[NEXT]);
    world.event("task_anna", "processing");
    assert_eq!(world.task("task_anna"), None);
    rotate(&mut world, &["a third secret of the tests, which is long"]);
    world.event("task_anna", "processing");
    assert!(world.task("task_anna").is_some(), "its tombstone is gone");
}

#[test]
fn a_task_of_many_events_is_erased_as_a_whole() {
    // Two whole pages and a part of one.
    const EVENTS: i64 = 2500;
    let mut world = World::new();
    for nth in 0..EVENTS {
        world.post(&other("task_anna", &nth.to_string()));
    }
    assert_eq!(world.erase("task_anna").unwrap()["events"], json!(EVENTS));
    assert_eq!(world.number("SELECT COUNT(*) FROM events"), 0);
}
