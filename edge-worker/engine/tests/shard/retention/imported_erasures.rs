//! Erasures of another deployment: a task that was erased there is erased here, whatever comes first.

use serde_json::{Value as Json, json};
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::live::{Start, close};
use vtryon_webhooks::{Digest, Millis};

use super::erasure::lies_somewhere;
use crate::support::{Client, NOON, SECRET, Watches, World, body, broadcast, deployment, endpoint};

const NEXT: &str = "the next secret of the tests, which is long";
const HOUR: i64 = 3600;
pub const THERE: Millis = Millis(NOON - 5 * HOUR * 1000);

/// A world with an endpoint that does not answer well: its deliveries stay pending.
fn world() -> World {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.replies.insert(1, Some(500));
    world
}

/// Something that happens to the task of Anna.
type Step = fn(&mut World);

fn post(world: &mut World) {
    world.event("task_anna", "queued");
}

fn rate(world: &mut World) {
    world.send(r#"{"event":"generation.rated","task_id":"task_anna","remark":"for anna"}"#);
}

fn import(world: &mut World) {
    world.import(&[(&body("task_anna", "queued"), THERE), (&body("task_anna", "completed"), THERE)]);
}

fn erase_here(world: &mut World) {
    world.erase("task_anna");
}

fn erase_there(world: &mut World) {
    world.import_erasure("task_anna", THERE);
}

fn die(world: &mut World) {
    world.restart();
}

fn deliveries_of_the_task(world: &mut World) -> Vec<Json> {
    let request = |before| ShardRequest::Deliveries {
        before,
        endpoint: None,
        state: None,
        task_id: Some("task_anna".to_owned()),
        digest: None,
        limit: 100,
    };
    world.pages(request, |_| ()).concat()
}

#[test]
fn the_order_of_events_and_their_erasure_does_not_matter() {
    let orders: [(&str, &[Step]); 9] = [
        ("the erasure comes first", &[erase_there, post, import, rate]),
        ("it comes last", &[import, post, rate, erase_there]),
        ("it comes while a delivery is pending", &[post, erase_there]),
        ("it comes in between", &[import, erase_there, post, rate]),
        ("it comes twice", &[erase_there, post, erase_there]),
        ("the task was erased here before", &[post, erase_here, erase_there, import]),
        ("the task is erased here afterwards", &[import, post, erase_there, erase_here, post]),
        ("the instance ends at once", &[import, post, erase_there, die]),
        ("nothing but the erasure comes", &[erase_there, die]),
    ];
    for (why, steps) in orders {
        let mut world = world();
        world.event("task_other", "queued");
        for step in steps {
            step(&mut world);
            let is_erased = lies_somewhere(&world, &Digest::of(b"task_anna").to_hex());
            // Before the alarm has deleted anything.
            assert!(!is_erased || world.task("task_anna").is_none(), "{why}");
            assert!(!is_erased || deliveries_of_the_task(&mut world).is_empty(), "{why}");
        }
        world.pass(10);
        let received = world.received.len();
        for text in ["anna", "cdn.test/1.jpg"] {
            assert!(!lies_somewhere(&world, text), "{why}: {text}");
        }
        for late in ["queued", "completed", "unheard of"] {
            world.event("task_anna", late);
        }
        world.pass(2 * 86_400);
        let late = world.received[received..].iter().filter(|received| received.body.contains("anna"));
        assert_eq!(late.count(), 0, "{why}: nothing is delivered");
        assert_eq!((world.task("task_anna"), world.result("task_anna")), (None, None), "{why}");
        assert_eq!(world.task_ids(), ["task_other"], "{why}");
        assert_eq!(world.number("SELECT COUNT(*) FROM tasks WHERE erased_at > 0"), 1, "{why}");
    }
}

#[test]
fn an_erasure_is_imported_once_with_its_time() {
    let mut world = world();
    import(&mut world);
    assert_eq!(world.import_erasure("task_anna", THERE), "erased");
    let rows = world.db.sqlite.connection().total_changes();
    assert_eq!(world.import_erasure("task_anna", Millis(NOON)), "duplicate");
    let marks = 4;
    assert_eq!(world.db.sqlite.connection().total_changes() - rows, marks, "a duplicate writes no row");
    assert_eq!(world.number("SELECT erased_at FROM tasks WHERE erased_at > 0"), THERE.0);
    let erased = world.erase("task_anna").unwrap();
    assert_eq!((&erased["erased_at"], &erased["events"]), (&json!("2023-11-14T17:13:20.000Z"), &json!(2)));
    assert_eq!(world.erase("task_anna").unwrap()["events"], json!(0));
}

#[test]
fn what_is_left_is_found_page_after_page() {
    // Two whole pages and a part of one.
    const TASKS: usize = 2500;
    let mut world = World::new();
    for nth in 0..TASKS {
        world.post(&body(&format!("task_{nth}"), "queued"));
    }
    let erased = [0, 999, 1000, 1700, TASKS - 1].map(|nth| format!("task_{nth}"));
    for task_id in &erased {
        world.import_erasure(task_id, THERE);
    }
    let left = |world: &World| world.number("SELECT COUNT(*) FROM events");
    world.pass(1);
    world.restart();
    world.pass(5);
    assert_eq!(left(&world), (TASKS - erased.len()) as i64);
    // Another one, when all has been looked through: at once, and not with the next hourly run.
    world.import_erasure("task_7", THERE);
    world.pass(5);
    assert_eq!(left(&world), (TASKS - erased.len() - 1) as i64);
}

#[test]
fn it_stays_as_long_as_one_of_the_secrets_of_its_import() {
    let rotate = |world: &mut World, secrets: &[&str]| {
        world.deployment = deployment(secrets);
        world.restart();
        world.pass(HOUR);
    };
    let mut world = World::new();
    rotate(&mut world, &[SECRET, NEXT]);
    world.import_erasure("task_anna", THERE);
    world.event("task_last", "queued");
    rotate(&mut world, &[NEXT]);
    post(&mut world);
    assert_eq!(world.task("task_anna"), None);
    rotate(&mut world, &["a third secret of the tests, which is long"]);
    post(&mut world);
    assert!(world.task("task_anna").is_some(), "its tombstone is gone");
}

#[test]
fn streams_of_a_task_end_with_its_erasure_also_where_no_event_of_it_has_come() {
    let after: [(&str, Step); 3] = [
        ("at once", |_| ()),
        ("once the instance has ended before it could say so", |world| world.restart_with(2)),
        ("when it is imported again", |world| {
            world.broadcasts.clear();
            erase_there(world);
        }),
    ];
    for (why, step) in after {
        let mut world = World::new();
        world.event("task_other", "queued");
        let of_task = &mut Client::opened(&mut world, Watches::Task("task_anna"), Start::Now);
        let page = &mut Client::opened(&mut world, Watches::State("task_anna"), Start::Now);
        let other = &mut Client::opened(&mut world, Watches::State("task_other"), Start::Now);
        erase_there(&mut world);
        step(&mut world);
        broadcast(&mut world, &mut [of_task, page, other]);
        assert_eq!([of_task.end, page.end], [Some(close::TASK_ERASED); 2], "{why}");
        assert!(other.is_open(), "{why}");
    }
}

#[test]
fn streams_tell_of_erasures_by_the_digest_of_the_id() {
    let mut world = World::new();
    let of_shard = &mut Client::opened(&mut world, Watches::Shard, Start::Now);
    import(&mut world);
    let of_task = &mut Client::opened(&mut world, Watches::Task("task_anna"), Start::Now);
    broadcast(&mut world, &mut [of_shard]);
    erase_there(&mut world);
    broadcast(&mut world, &mut [of_shard, of_task]);
    let message = of_shard.all("erased")[0].clone();
    let named = |name: &str| message[name].clone();
    assert_eq!(named("task_digest"), json!(Digest::of(b"task_anna").to_hex()));
    assert_eq!((named("seq"), named("erased_at")), (json!(3), json!("2023-11-14T17:13:20.000Z")));
    assert!(!message.to_string().contains("anna"));
    assert_eq!(of_task.end, Some(close::TASK_ERASED));
    world.pass(10);
    broadcast(&mut world, &mut [of_shard]);
    assert!(of_shard.is_open());

    // An export, much later: everything around it is pruned, and it is told of still.
    world.event("task_last", "queued");
    world.sleep(50);
    world.event("task_new", "queued");
    let told = |client: &Client| -> Vec<Json> {
        client
            .messages
            .iter()
            .filter(|message| message["seq"] != json!(null))
            .map(|m| m["seq"].clone())
            .collect()
    };
    let all = &mut Client::opened(&mut world, Watches::Shard, Start::Since(Millis(0)));
    assert_eq!(told(all), [json!(3), json!(5)]);
    let resumed = Client::opened(&mut world, Watches::Shard, all.resumes_at(all.messages.len() - 2));
    assert_eq!(told(&resumed), [json!(5)]);
    let of_today = Start::Since(world.now.plus_seconds(-HOUR));
    assert_eq!(told(&Client::opened(&mut world, Watches::Shard, of_today)), [json!(5)]);
}

#[test]
fn erasures_that_keep_coming_keep_no_task_from_being_found() {
    let mut world = World::new();
    for nth in 1..=6 {
        world.post(&body(&format!("task_{nth}"), "queued"));
    }
    world.deployment.max_page = 2;
    world.import_erasure("task_6", THERE);
    world.run_alarm();
    let left = |world: &World| world.number("SELECT COUNT(*) FROM events");
    for nth in 0..5 {
        world.import_erasure(&format!("task_unknown_{nth}"), THERE);
        world.run_alarm();
    }
    assert_eq!(left(&world), 5);
    // One of a task that has just been passed: it is found when all are looked through once more.
    world.import_erasure("task_1", THERE);
    world.pass(60);
    assert_eq!(left(&world), 4);
    world.restart();
    assert_eq!(world.alarm, None, "all have been looked through");
}
