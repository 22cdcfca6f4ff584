//! A shard that is full: it stores nothing new, and goes on with what it has.

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::delivery::delivery_no;
use vtryon_gateway_engine::protocol::settings::{AlertOptions, Replay};
use vtryon_gateway_engine::protocol::{IncomingAlert, ShardRequest};
use vtryon_gateway_engine::{Deployment, Result};
use vtryon_webhooks::Millis;

use crate::support::{NOON, World, body, endpoint};

/// The retention of the tests' deployment, in hours.
const RETENTION: i64 = 48;
const OTHER: &str = r#"{"event":"generation.rated","task_id":"task_1"}"#;
const UNREADABLE: &str = "no json";

/// Lets the database grow by some pages, and then refuse whatever needs a further one, as the platform's does. Returns how
/// much it stores then.
fn limit_pages(world: &World, pages: u64) -> u64 {
    let connection = world.db.sqlite.connection();
    let number = |pragma: &str| connection.query_row(pragma, [], |row| row.get::<_, i64>(0)).unwrap();
    let most = number("PRAGMA page_count") + pages as i64;
    assert_eq!(number(&format!("PRAGMA max_page_count = {most}")), most);
    (most * number("PRAGMA page_size")) as u64
}

/// Stores tasks with the statuses that they have until one is refused; returns why.
fn fill(world: &mut World, statuses: impl Fn(u32) -> &'static [&'static str]) -> String {
    let refused = (0..).find_map(|nth| {
        statuses(nth).iter().find_map(|status| {
            let mut body = body(&format!("task_{nth}"), status);
            let padding = "x".repeat(240_usize.saturating_sub(body.len()));
            body.insert_str(1, &format!(r#""padding":"{padding}","#));
            world.try_post(&body).err()
        })
    });
    refused.unwrap().to_string()
}

#[test]
fn a_database_that_is_full_to_its_last_page_is_pruned() {
    let mut world = World::new();
    limit_pages(&world, 100);
    // As on a plan that allows less than the engine knows of.
    world.deployment.full_at_bytes = u64::MAX;
    let refused = fill(&mut world, |_| &["queued", "processing", "failed"]);
    assert_eq!(refused, "database or disk is full");
    world.sleep(RETENTION + 1);
    assert!(world.task_ids().is_empty());
    world.event("task_new", "queued");
    assert_eq!(world.task_ids(), ["task_new"]);
}

#[test]
fn what_is_pending_when_a_shard_is_full_is_received_once_and_recorded() {
    const PENDING: &str = "SELECT COUNT(*) FROM deliveries WHERE state = 'pending'";
    const DELIVERED: &str = "SELECT COUNT(*) FROM deliveries WHERE state = 'delivered'";
    let mut paused = endpoint(1);
    paused.options.paused = true;
    paused.options.statuses = vec!["processing".to_owned()];
    let mut world = World::new();
    world.configure(vec![paused]);
    world.deployment.full_at_bytes = Deployment::full_at(limit_pages(&world, 100));
    let refused = fill(&mut world, |nth| if nth % 16 == 0 { &["queued", "processing"] } else { &["queued"] });
    assert!(refused.starts_with("the shard is full"), "{refused}");
    let count =
        |world: &World| [PENDING, DELIVERED].map(|query| usize::try_from(world.number(query)).unwrap());
    let [pending, _] = count(&world);
    assert!(pending > 20, "{pending}");
    world.change(|settings| settings.endpoints[0].options.paused = false);
    world.pass(600);
    assert_eq!((world.received.len(), count(&world)), (pending, [0, pending]));
    assert!(world.try_post(&body("task_new", "queued")).is_err(), "it is full still");
    world.sleep(RETENTION + 1);
    world.event("task_new", "queued");
    assert_eq!(world.task_ids(), ["task_new"], "pages that are free again are used");
}

fn alert(world: &mut World, id: &str) -> Result<Option<Json>> {
    let (id, name) = (id.to_owned(), "gateway.endpoint_failing".to_owned());
    let alert = IncomingAlert { id, name, destinations: vec![2], is_test: false };
    world.try_call(ShardRequest::StoreAlert(alert), b"{}")
}

fn import(world: &mut World, task_id: &str) -> Result<Vec<String>> {
    world.try_import(&[(&body(task_id, "queued"), Millis(NOON))])
}

/// A shard that has an event, a body that can't be read and an alert, and may not store more.
fn full_world() -> World {
    let mut destination = endpoint(2);
    destination.options.alerts = Some(AlertOptions::default());
    let mut world = World::new();
    world.configure(vec![endpoint(1), destination]);
    world.event("task_1", "queued");
    world.send(OTHER);
    world.send(UNREADABLE);
    alert(&mut world, "known").unwrap();
    world.pass(60);
    world.deployment.full_at_bytes = 0;
    world.restart();
    world
}

#[test]
fn a_full_shard_stores_nothing_new_but_knows_what_it_has() {
    type Request = fn(&mut World) -> Result<()>;
    let cases: [(&str, bool, Request); 15] = [
        ("an event of a new task", false, |world| world.try_post(&body("task_2", "queued"))),
        ("one of a known task", false, |world| world.try_post(&body("task_1", "processing"))),
        ("an event by another name", false, |world| world.try_post(&OTHER.replace("rated", "shared"))),
        ("a body that can't be read", false, |world| world.try_post("no json either")),
        ("an alert", true, |world| alert(world, "new").map(drop)),
        ("an imported event", false, |world| import(world, "task_2").map(drop)),
        ("a replay", false, |world| {
            world.try_call(ShardRequest::Replay { no: delivery_no(1, 1) }, b"").map(drop)
        }),
        ("a duplicate", true, |world| world.try_post(&body("task_1", "queued"))),
        ("one by another name", true, |world| world.try_post(OTHER)),
        ("a known body", true, |world| world.try_post(UNREADABLE)),
        ("a known alert", true, |world| alert(world, "known").map(drop)),
        ("an imported duplicate", true, |world| import(world, "task_1").map(drop)),
        ("settings", true, |world| {
            world.change(|settings| settings.endpoints[0].options.paused = true);
            Ok(())
        }),
        ("an erasure of another deployment", true, |world| {
            world.import_erasure("task_2", Millis(NOON));
            Ok(())
        }),
        ("an erasure", true, |world| {
            let erased = world.try_call(ShardRequest::Erase { task_id: "task_1".to_owned() }, b"");
            erased.map(drop)
        }),
    ];
    let world = &mut full_world();
    for (name, is_done, request) in cases {
        let refused = request(world).err().map(|refused| refused.to_string());
        assert_eq!(refused.is_none(), is_done, "{name}: {refused:?}");
        assert!(refused.is_none_or(|text| text.starts_with("the shard is full")), "{name}");
    }
    assert_eq!(world.task("task_1"), None);
}

#[test]
fn a_range_waits_until_the_shard_is_full_no_more() {
    let mut world = full_world();
    world.change(|settings| {
        let (id, until) = ("rpl_1".to_owned(), Millis(NOON + 1));
        settings.replays.push(Replay { id, endpoint: 1, all: true, until, ..Replay::default() });
    });
    for _ in 0..3 {
        let (succeeded, faults) = world.decide_with_faults(|shard, context| shard.begin_alarm(context));
        assert!(!succeeded && faults.len() == 1 && faults[0].starts_with("the shard is full"), "{faults:?}");
        world.decide(|shard, context| shard.end_alarm(context, true));
        assert_eq!(world.alarm, Some(world.now.plus_seconds(5)), "it does not come at once");
    }
    assert_eq!(world.progress("rpl_1").enqueued, 0);
    world.deployment.full_at_bytes = u64::MAX;
    world.pass(60);
    let progress = world.progress("rpl_1");
    assert_eq!((progress.enqueued, progress.delivered), (1, 1));
}
