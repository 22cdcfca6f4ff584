//! Listings and statistics: complete, in order, and in pages that do not shift.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use vtryon_gateway_engine::protocol::delivery::{DeliveryState, delivery_no};
use vtryon_gateway_engine::protocol::stats::Stats;
use vtryon_gateway_engine::protocol::{ShardRequest, TaskFilter};
use vtryon_gateway_engine::storage::database::Database;
use vtryon_webhooks::Millis;

use crate::support::{NOON, World, body, endpoint, outline};

const STATUSES: [&str; 4] = ["queued", "processing", "completed", "failed"];
const COUNT: usize = 60;

fn tasks(status: Option<&'static str>, limit: u32) -> impl Fn(Option<i64>) -> ShardRequest {
    move |before| ShardRequest::Tasks {
        before,
        filter: TaskFilter { status: status.map(str::to_owned), ..TaskFilter::default() },
        limit,
    }
}

/// A world with tasks, a quarter of them in each status.
fn filled() -> World {
    let mut world = World::new();
    for n in 0..COUNT {
        world.event(&format!("task_{n}"), STATUSES[n % 4]);
        world.now = world.now.plus_millis(1);
    }
    world
}

#[test]
fn pages_of_tasks_are_complete_without_repeats_and_the_latest_first() {
    let mut world = filled();
    let expected: Vec<String> = (0..COUNT).rev().map(|n| format!("task_{n}")).collect();
    for limit in [1, 7, 50, 100] {
        let pages = world.pages(tasks(None, limit), |_| ());
        assert!(pages.iter().all(|page| page.len() <= limit as usize));
        assert_eq!(outline(&pages.concat(), "task_id"), expected, "pages of {limit}");
    }
}

#[test]
fn tasks_are_listed_by_status() {
    let mut world = filled();
    for status in STATUSES {
        let listed = world.pages(tasks(Some(status), 4), |_| ()).concat();
        assert_eq!(listed.len(), COUNT / 4, "{status}");
        assert!(listed.iter().all(|task| task["status"] == status), "{status}");
    }
}

#[test]
fn tasks_are_listed_by_time_and_by_the_beginning_of_their_ids() {
    let mut world = World::new();
    let ids = ["a_1", "a_2", "b_1", "a_10", "a_3", "B_1", "a"];
    for id in ids {
        world.event(id, if id == "a_10" { "completed" } else { "queued" });
        world.now = world.now.plus_seconds(3600);
    }
    let hour = |hours: i64| Some(Millis(NOON).plus_seconds(3600 * hours));
    let none = TaskFilter::default;
    let prefix = |text: &str| Some(text.to_owned());
    let status = || Some("queued".to_owned());
    for (why, filter, expected) in [
        ("all, the latest first", none(), &["a", "B_1", "a_3", "a_10", "b_1", "a_2", "a_1"][..]),
        ("from a time on, which counts", TaskFilter { since: hour(5), ..none() }, &["a", "B_1"]),
        ("before a time, which does not", TaskFilter { until: hour(2), ..none() }, &["a_2", "a_1"]),
        ("between", TaskFilter { since: hour(1), until: hour(3), ..none() }, &["b_1", "a_2"]),
        ("nothing between", TaskFilter { since: hour(3), until: hour(3), ..none() }, &[]),
        ("open ones", TaskFilter { since: hour(3), status: status(), ..none() }, &["a", "B_1", "a_3"]),
        (
            "final ones",
            TaskFilter { until: hour(4), status: Some("completed".to_owned()), ..none() },
            &["a_10"],
        ),
        (
            "by id, in their order",
            TaskFilter { prefix: prefix("a_"), ..none() },
            &["a_1", "a_10", "a_2", "a_3"],
        ),
        ("a whole id too", TaskFilter { prefix: prefix("a"), ..none() }, &["a", "a_1", "a_10", "a_2", "a_3"]),
        ("case makes a difference", TaskFilter { prefix: prefix("B"), ..none() }, &["B_1"]),
        ("no wildcard", TaskFilter { prefix: prefix("a%"), ..none() }, &[]),
        (
            "with the other filters",
            TaskFilter { prefix: prefix("a_1"), status: status(), until: hour(4), ..none() },
            &["a_1"],
        ),
        ("stalled", TaskFilter { prefix: prefix("a"), stalled: hour(4), ..none() }, &["a_1", "a_2", "a_3"]),
    ] {
        for limit in [1, 2, 100] {
            let request = |before| ShardRequest::Tasks { before, filter: filter.clone(), limit };
            let pages = world.pages(request, |_| ());
            assert!(pages.iter().all(|page| page.len() <= limit as usize), "{why}");
            assert_eq!(outline(&pages.concat(), "task_id"), expected, "{why}, pages of {limit}");
        }
    }
}

#[test]
fn a_filtered_search_looks_at_a_part_of_many_ids_for_one_page() {
    let mut world = World::new();
    for n in 0..1005 {
        world.event(&format!("task_{n:04}"), if n == 1004 { "completed" } else { "queued" });
    }
    let filter = TaskFilter {
        prefix: Some("task_".to_owned()),
        status: Some("completed".to_owned()),
        ..TaskFilter::default()
    };
    let request = |before| ShardRequest::Tasks { before, filter: filter.clone(), limit: 10 };
    let pages = world.pages(request, |_| ());
    assert_eq!(
        pages.iter().map(Vec::len).collect::<Vec<_>>(),
        [0, 1],
        "the first page has none of its 1,000"
    );
}

#[test]
fn a_listing_of_all_looks_at_a_part_of_the_tombstones_for_one_page() {
    let mut world = World::new();
    world.event("task_first", "queued");
    let db: &dyn Database = &world.db.sqlite;
    let pruned = "INSERT INTO tasks (no, task_id, open, seen, unknown, last_seq, created_at, updated_at, duplicates, key)
        WITH RECURSIVE numbers (no) AS (SELECT 2 UNION ALL SELECT no + 1 FROM numbers WHERE no < 10002)
        SELECT numbers.no, CHAR(1) || numbers.no, 0, 0, '', 1, created_at, updated_at, 0, key
        FROM numbers JOIN tasks ON tasks.no = 1";
    db.run(pruned, &[]).unwrap();
    world.event("task_last", "queued");
    let pages = world.pages(tasks(None, 10), |_| ());
    let shown: Vec<_> = pages.iter().map(|page| outline(page, "task_id")).collect();
    assert_eq!(shown, [["task_last"], ["task_first"]], "the first page has one of its 10,000");
    world.sleep(50);
    assert_eq!(world.task_ids(), [""; 0]);
    world.event("task_first", "completed");
    assert_eq!(world.task_ids(), ["task_first"], "it is listed again");
}

#[test]
fn tasks_that_arrive_meanwhile_move_nothing() {
    let mut world = filled();
    let mut n = COUNT;
    let listed = world.pages(tasks(None, 9), |world| {
        world.event(&format!("task_{n}"), "queued");
        n += 1;
    });
    assert!(n > COUNT, "some arrived");
    let expected: Vec<String> = (0..COUNT).rev().map(|n| format!("task_{n}")).collect();
    assert_eq!(outline(&listed.concat(), "task_id"), expected);
}

#[test]
fn a_listing_leaves_out_what_may_be_long() {
    let mut world = World::new();
    world.event("task_1", "completed");
    let listed = world.pages(tasks(None, 1), |_| ()).concat();
    assert_eq!(listed[0]["task_id"], "task_1");
    for field in ["result_url", "failure", "events"] {
        assert!(listed[0].get(field).is_none(), "{field}");
    }
}

#[test]
fn a_timeline_of_any_length_is_shown_in_part() {
    let mut world = World::new();
    world.event("task_long", "completed");
    for n in 0..105 {
        world.send(&format!(r#"{{"event":"generation.rated","task_id":"task_long","n":{n}}}"#));
    }
    let task = world.task("task_long").unwrap();
    assert_eq!((&task["truncated"], &task["status"]), (&true.into(), &"completed".into()));
    assert_eq!(world.seqs("task_long"), (7..=106).collect::<Vec<i64>>());
}

#[test]
fn the_deliveries_of_one_task_are_listed_in_pages() {
    let mut world = World::new();
    world.configure(
        [1, 2]
            .map(endpoint)
            .map(|mut endpoint| {
                endpoint.options.order = "all".to_owned();
                endpoint
            })
            .into(),
    );
    world.replies.extend([(1, None), (2, None)]);
    for status in ["queued", "processing", "completed"] {
        world.event("task_1", status);
        world.event("task_2", status);
    }
    for limit in [1, 4, 100] {
        let request = |before| ShardRequest::Deliveries {
            before,
            endpoint: None,
            state: None,
            task_id: Some("task_1".to_owned()),
            digest: None,
            limit,
        };
        let pages = world.pages(request, |_| ());
        assert!(pages.iter().all(|page| page.len() <= limit as usize));
        let listed = pages.concat();
        let expected = ["completed", "processing", "queued"].map(|status| [status; 2]).concat();
        assert_eq!(outline(&listed, "status"), expected, "pages of {limit}");
        assert_eq!(outline(&listed, "endpoint"), ["ep_2", "ep_1"].repeat(3), "pages of {limit}");
        assert!(outline(&listed, "task_id").iter().all(|task_id| *task_id == "task_1"));
    }
}

#[test]
fn the_deliveries_of_a_task_are_found_however_many_events_came_after_them() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.event("task_1", "completed");
    world.replies.insert(1, None);
    // A page looks at 1000 events. Each second one of these has a delivery.
    for n in 0..1_100 {
        let include = if n % 2 == 0 { vec!["unknown".to_owned()] } else { Vec::new() };
        world.change(|settings| settings.endpoints[0].options.include = include);
        world.send(&format!(r#"{{"event":"generation.rated","task_id":"task_1","n":{n}}}"#));
    }
    for (state, limit, expected) in
        [(None, 20, 551), (None, 100, 551), (DeliveryState::from_name("delivered"), 20, 1)]
    {
        let request = |before| ShardRequest::Deliveries {
            before,
            endpoint: None,
            state,
            task_id: Some("task_1".to_owned()),
            digest: None,
            limit,
        };
        let listed = world.pages(request, |_| ()).concat();
        assert_eq!(listed.len(), expected, "{state:?} in pages of {limit}");
        assert_eq!(listed.last().unwrap()["status"], "completed", "{state:?} in pages of {limit}");
        let seqs: Vec<i64> = listed.iter().map(|delivery| delivery["seq"].as_i64().unwrap()).collect();
        assert!(seqs.is_sorted_by(|later, earlier| later > earlier), "{state:?} in pages of {limit}");
    }
}

#[test]
fn a_filtered_listing_of_deliveries_has_no_pages_of_numbers_without_any() {
    const LEFT_OUT: i64 = 3000;
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    let pending = |before| ShardRequest::Deliveries {
        before,
        endpoint: None,
        state: DeliveryState::from_name("pending"),
        task_id: None,
        digest: None,
        limit: 10,
    };
    let counts =
        |world: &mut World| -> Vec<usize> { world.pages(pending, |_| ()).iter().map(Vec::len).collect() };
    world.replies.insert(1, None);
    world.event("task_first", "queued");
    world.change(|settings| settings.endpoints.clear());
    for n in 0..LEFT_OUT {
        world.event(&format!("task_{n}"), "queued");
    }
    world.configure(vec![endpoint(1)]);
    world.event("task_last", "queued");
    assert_eq!(counts(&mut world), [1, 1], "one on either side of {LEFT_OUT} numbers without deliveries");
    world.replies.clear();
    world.sleep(i64::from(world.deployment.retention_hours) + 24);
    world.sleep(1);
    assert_eq!(counts(&mut world), [0], "all were pruned");
    world.replies.insert(1, None);
    world.event("task_new", "queued");
    assert_eq!(counts(&mut world), [1], "none is below it");
}

#[test]
fn a_page_of_the_dead_letters_of_an_endpoint_looks_at_ten_thousand_of_all() {
    const OF_ENDPOINT_2: i64 = 10_000;
    // Those of endpoint 2 are of later events than the one of endpoint 1.
    const DEAD: &str =
        "WITH RECURSIVE numbers (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM numbers WHERE seq <= ?)
        INSERT INTO deliveries
            (no, endpoint, state, created_at, scheduled_at, failed_attempts, replay_count, attempts)
        SELECT seq * 65536 + IIF(seq = 1, 1, 2), IIF(seq = 1, 1, 2), 'dead', 0, 0, 6, 0, '[]' FROM numbers";
    let mut world = World::new();
    world.event("task_1", "queued");
    world.db.sqlite.connection().execute(DEAD, [OF_ENDPOINT_2]).unwrap();
    let dead = |before| ShardRequest::Deliveries {
        before,
        endpoint: Some(1),
        state: DeliveryState::from_name("dead"),
        task_id: None,
        digest: None,
        limit: 10,
    };
    let pages = world.pages(dead, |_| ());
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1]);
}

/// Sums up the counts of some minutes.
fn sums(counts: &[(u32, String, u64)]) -> BTreeMap<(u32, &str), u64> {
    let mut sums = BTreeMap::new();
    for (minute, what, count) in counts {
        *sums.entry((*minute, &**what)).or_default() += count;
    }
    sums
}

fn stats(world: &mut World, from: i64) -> Stats {
    world.query(ShardRequest::Stats { from: Millis(from), endpoint: None })
}

#[test]
fn a_shard_without_events_has_no_statistics() {
    let stats = stats(&mut World::new(), NOON);
    assert!(stats.events.is_empty() && stats.deliveries.is_empty() && stats.latency.is_empty());
    assert!(stats.commits.is_empty() && stats.slowest_commit.is_none() && !stats.truncated);
}

#[test]
fn every_outcome_and_every_state_is_counted_in_its_minute() {
    let mut world = World::new();
    let mut well = endpoint(1);
    well.options.statuses = vec!["queued".to_owned(), "completed".to_owned()];
    world.configure(vec![well.clone()]);
    for status in ["queued", "processing", "queued", "completed", "failed", "paused"] {
        world.event("task_1", status);
    }
    world.event("task_2", "processing");
    world.event("task_2", "queued");
    for body in [r#"{"event":"generation.rated","task_id":"task_1"}"#, "no json", "none either", "no json"] {
        world.send(body);
    }
    // The second event of this task supersedes the first one, which did not arrive.
    world.configure(vec![well, endpoint(2)]);
    world.replies.insert(2, Some(500));
    world.pass(60);
    world.event("task_3", "queued");
    world.pass(1);
    world.event("task_3", "processing");
    let found = stats(&mut world, NOON);
    let events = BTreeMap::from([
        ((0, "applied"), 3 + 1),
        ((0, "late"), 1),
        ((0, "conflict"), 1),
        ((0, "unknown"), 2),
        ((0, "quarantined"), 2),
        ((1, "applied"), 2),
    ]);
    assert_eq!(sums(&found.events), events);
    let delivered = |world: &World| {
        world.number("SELECT COUNT(*) FROM deliveries WHERE state = 'delivered'").unsigned_abs()
    };
    let of_minute = |found: &Stats, state: &str| {
        found.deliveries.iter().filter(|(_, known, _)| known == state).map(|(.., count)| count).sum::<u64>()
    };
    assert_eq!(of_minute(&found, "delivered"), delivered(&world));
    assert_eq!(sums(&found.deliveries)[&(1, "superseded")], 1);
    assert_eq!(sums(&found.deliveries)[&(1, "pending")], 1);
    // What was delivered has a latency, each once, in the minute of its event.
    let minutes = |counts: &[(u32, i64, u64)]| counts.iter().map(|(.., count)| count).sum::<u64>();
    assert_eq!(minutes(&found.latency), delivered(&world));
    assert!(!found.truncated);

    world.change(|settings| {
        settings.endpoints.pop();
        settings.deleted = vec![2];
    });
    world.pass(5);
    let dead = stats(&mut world, NOON);
    assert_eq!(sums(&dead.deliveries)[&(1, "dead")], 1);
    assert!(!sums(&dead.deliveries).contains_key(&(1, "pending")));

    // A minute later all of it is shown a minute earlier, and what came before is not counted.
    let later = stats(&mut world, NOON + 60_000);
    assert_eq!(sums(&later.events), BTreeMap::from([((0, "applied"), 2)]));
    assert!(sums(&later.deliveries).keys().all(|(minute, _)| *minute == 0));
    let none = stats(&mut world, NOON + 3_600_000);
    assert!(none.events.is_empty() && none.deliveries.is_empty() && none.latency.is_empty());
}

#[test]
fn the_statistics_of_an_endpoint_are_those_of_its_deliveries_and_what_it_has_to_do() {
    let mut world = World::new();
    let mut limited = endpoint(2);
    limited.options.max_in_flight = Some(1);
    world.configure(vec![endpoint(1), limited]);
    for task in ["task_1", "task_2", "task_3"] {
        for dispatch in world.post(&body(task, "queued")) {
            if dispatch.url.contains("shop-1") {
                world.make(&dispatch);
            }
        }
    }
    for (asked, deliveries, latencies, in_flight, due) in [
        (Some(1), vec![("delivered", 3)], 3, 0, 0),
        (Some(2), vec![("pending", 3)], 0, 1, 2),
        (Some(3), vec![], 0, 0, 0),
        (None, vec![("delivered", 3), ("pending", 3)], 3, 0, 0),
    ] {
        let found: Stats = world.query(ShardRequest::Stats { from: Millis(NOON), endpoint: asked });
        let by_state: Vec<_> =
            sums(&found.deliveries).into_iter().map(|((_, name), count)| (name, count)).collect();
        assert_eq!(by_state, deliveries, "{asked:?}");
        assert_eq!(found.latency.iter().map(|(.., count)| count).sum::<u64>(), latencies, "{asked:?}");
        assert_eq!((found.load.in_flight, found.load.due), (in_flight, due), "{asked:?}");
        assert_eq!(sums(&found.events)[&(0, "applied")], 3, "{asked:?}: events are of no endpoint");
    }
}

#[test]
fn the_body_of_a_delivery_is_read_as_long_as_its_event_is_stored() {
    let mut world = World::new();
    let mut endpoint = endpoint(1);
    endpoint.options.include = vec!["quarantined".to_owned()];
    world.configure(vec![endpoint]);
    world.event("task_1", "completed");
    world.send("no json");
    let of = |world: &mut World, no| world.call(ShardRequest::DeliveryBody { no }, &[]);
    let in_base64 = |text: &str| Some(serde_json::json!({ "body": Base64::encode_string(text.as_bytes()) }));
    assert_eq!(of(&mut world, delivery_no(1, 1)), in_base64(&body("task_1", "completed")));
    assert_eq!(of(&mut world, delivery_no(2, 1)), in_base64("no json"));
    assert_eq!(of(&mut world, delivery_no(1, 2)), None, "another endpoint");
    assert_eq!(of(&mut world, delivery_no(9, 1)), None, "no event");
    let past_retention = i64::from(world.deployment.retention_hours) + 1;
    world.sleep(past_retention);
    assert_eq!(of(&mut world, delivery_no(1, 1)), None, "pruned");
}

#[test]
fn commits_are_counted_since_the_instance_started() {
    let mut world = World::new();
    let key = world.deployment.fingerprints().remove(0);
    for (nth, took_ms) in [Some(1), Some(7), None, Some(900)].into_iter().enumerate() {
        let body = body(&format!("task_{nth}"), "queued");
        let incoming = serde_json::json!({
            "received_at": NOON, "key": key, "target_endpoint": null, "last_commit_ms": took_ms,
            "content": { "status": {
                "task_id": format!("task_{nth}"), "status": "queued", "result_url": null, "failure": null,
            } },
        });
        let incoming = serde_json::from_value(incoming).unwrap();
        world.call(ShardRequest::StoreEvent(incoming), body.as_bytes());
    }
    let found = stats(&mut world, NOON);
    assert_eq!(found.commits, [(1, 1), (10, 1), (1000, 1)]);
    assert_eq!(found.slowest_commit, Some(900));
    world.restart();
    assert!(stats(&mut world, NOON).commits.is_empty());
}
