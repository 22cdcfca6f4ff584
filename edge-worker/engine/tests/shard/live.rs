//! Live streams: what a subscriber receives, and in which order.

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::live::{
    ACKNOWLEDGE_AFTER, MAX_QUEUED, MIN_SEND_WINDOW, SEND_WINDOW, Start,
};
use vtryon_gateway_engine::protocol::settings::Replay;
use vtryon_gateway_engine::storage::database::Value;
use vtryon_webhooks::{Millis, TaskId};

use crate::support::{Client, NOON, Watches, World, body, broadcast, endpoint, outline};

const HOUR: i64 = 3600;
/// The retention of the tests' deployment, in hours.
const RETENTION: i64 = 48;
const KIB: usize = 1024;
const STREAMS: [Watches; 2] = [Watches::Shard, Watches::Task("task_1")];

/// Makes a body of some length of a task.
fn long(task_id: &str, nth: usize, length: usize) -> String {
    let pad = "x".repeat(length);
    format!(r#"{{"event":"rated","task_id":"{task_id}","nth":{nth},"pad":"{pad}"}}"#)
}

fn number(message: &Json, field: &str) -> i64 {
    message[field].as_i64().unwrap()
}

/// Returns the status of the one task that a snapshot is about: in a shard's, of its first one.
fn status_in(snapshot: &Json) -> &str {
    let task = if snapshot["task"].is_null() { &snapshot["tasks"][0] } else { &snapshot["task"] };
    task["status"].as_str().unwrap()
}

/// Insists that whoever is cut off after any of the messages still gets the snapshot that follows a gap, and that
/// whoever has received the snapshot has no gap again.
fn assert_cut_off_anywhere(world: &mut World, watches: Watches, client: &Client) {
    for count in 1..client.messages.len() {
        let again = Client::opened(world, watches, client.resumes_at(count));
        let seen = client.types(0)[..count].iter().copied().chain(again.types(0)).collect::<Vec<_>>();
        let snapshot = seen.iter().position(|kind| *kind == "snapshot").unwrap();
        assert_eq!(seen[snapshot - 1], "gap", "{watches:?}, cut off after {count}");
        let has_gap = again.types(0).contains(&"gap");
        assert!(!has_gap || count <= 2, "{watches:?}, cut off after {count}");
    }
}

#[test]
fn the_backlog_of_a_task_has_its_replays() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.event("task_1", "queued");
    world.event("task_2", "queued");
    world.event("task_1", "processing");
    for no in [65_537, 2 * 65_536 + 1] {
        world.call(ShardRequest::Replay { no }, &[]).unwrap();
    }
    let client = Client::opened(&mut world, Watches::Task("task_1"), Start::After(0));
    assert_eq!(client.types(0), ["event", "event", "replay", "ready"]);
    assert_eq!(client.messages[2]["of"], 1);
    let client = Client::opened(&mut world, Watches::Shard, Start::After(0));
    assert_eq!(client.types(0), ["event", "event", "event", "replay", "replay", "ready"]);
}

#[test]
fn the_backlog_of_a_task_has_all_of_its_events_however_many() {
    const MANY: i64 = 10_050;
    const REST: &str =
        "WITH RECURSIVE rest (seq) AS (SELECT 2 UNION ALL SELECT seq + 1 FROM rest WHERE seq < ?1)
        INSERT INTO events (seq, task_no, previous, received_at, name, outcome, key, digest, body)
        SELECT seq, 1, seq - 1, ?2, 'rated', 'unknown', '', 'digest ' || seq, x'00' FROM rest";
    let mut world = World::new();
    world.event("task_1", "queued");
    let db = world.db.sqlite.connection();
    db.execute(REST, [MANY, NOON]).unwrap();
    db.execute("UPDATE tasks SET last_seq = ?", [MANY]).unwrap();
    world.restart();
    let mut client = Client::opened(&mut world, Watches::Task("task_1"), Start::After(0));
    client.catch_up(&mut world);
    assert_eq!(client.seqs(), (1..=MANY).collect::<Vec<i64>>());
    assert_eq!(client.types(MANY as usize), ["ready"]);
    let statements = world.db.statements();
    let of_task = statements.iter().find(|sql| sql.contains("SELECT seq, NULL, 0 FROM task_events")).unwrap();
    let steps = |world: &World| {
        let prepared = world.db.sqlite.connection().prepare_cached(of_task).unwrap();
        prepared.reset_status(rusqlite::StatementStatus::VmStep)
    };
    assert!(steps(&world) > 10_000);
    client.open(&mut world, Start::After(MANY - 1));
    assert_eq!(client.seqs().last(), Some(&MANY));
    assert!((1..1000).contains(&steps(&world)), "of a cursor near the end, few events are looked at");
}

#[test]
fn past_retention_there_is_a_gap_a_snapshot_and_the_stored_events() {
    for watches in STREAMS {
        let mut world = World::new();
        world.event("task_1", "queued");
        world.event("task_old", "queued");
        world.event("task_1", "processing");
        world.event("task_old", "completed");
        world.sleep(40);
        world.event("task_1", "completed");
        world.sleep(RETENTION - 39);
        assert_eq!(world.task_ids(), ["task_1"]);
        let client = Client::opened(&mut world, watches, Start::After(1));
        assert_eq!(client.types(0), ["gap", "snapshot", "event", "ready"], "{watches:?}");
        let [gap, snapshot, event, _] = &client.messages[..] else { panic!("not four") };
        // What the subscriber has seen is no gap, though that is pruned too.
        assert_eq!((number(gap, "from"), number(gap, "to")), (2, 4), "{watches:?}");
        assert_eq!(status_in(snapshot), "completed");
        assert_eq!((number(event, "seq"), &event["status"]), (5, &"completed".into()));
        if let Some(tasks) = snapshot["tasks"].as_array() {
            assert_eq!(outline(tasks, "task_id"), ["task_1"]);
        }
        assert_cut_off_anywhere(&mut world, watches, &client);
    }
}

#[test]
fn past_retention_a_subscriber_that_had_seen_everything_has_no_gap() {
    for watches in STREAMS {
        let mut world = World::new();
        world.event("task_1", "queued");
        let mut client = Client::opened(&mut world, watches, Start::After(0));
        world.sleep(RETENTION + 1);
        assert!(world.task_ids().is_empty());
        client.cut(&mut world);
        let seen = client.messages.len();
        client.resume(&mut world);
        assert_eq!(client.types(seen), ["ready"], "{watches:?}");
    }
}

#[test]
fn past_retention_since_a_time_whose_events_are_partly_pruned() {
    let mut world = World::new();
    world.event("task_1", "queued");
    world.sleep(RETENTION + 1);
    world.event("task_2", "queued");
    let since = |seconds: i64| Start::Since(world.now.plus_seconds(-seconds));
    let (month, retained) = (since(30 * 24 * HOUR), since((RETENTION - 1) * HOUR));
    let client = Client::opened(&mut world, Watches::Shard, month);
    assert_eq!(client.types(0), ["gap", "snapshot", "event", "ready"]);
    assert_eq!((number(&client.messages[0], "from"), number(&client.messages[0], "to")), (1, 1));
    assert_cut_off_anywhere(&mut world, Watches::Shard, &client);
    let client = Client::opened(&mut world, Watches::Shard, retained);
    assert_eq!(client.types(0), ["event", "ready"]);
}

#[test]
fn past_retention_bodies_that_cannot_be_parsed_are_a_gap_like_all_else() {
    let mut world = World::new();
    world.event("task_1", "queued");
    for nth in 0..8 {
        world.send(&format!("no json {nth}"));
    }
    let client = Client::opened(&mut world, Watches::Shard, Start::Since(Millis(NOON - 1)));
    assert_eq!(client.seqs(), (1..=9).collect::<Vec<i64>>());
    world.sleep(RETENTION + 1);
    assert!(world.quarantine().is_empty());
    for start in [Start::After(1), Start::Since(Millis(NOON - 1))] {
        let client = Client::opened(&mut world, Watches::Shard, start);
        assert_eq!(client.types(0), ["gap", "snapshot", "ready"]);
        let from = if matches!(start, Start::After(_)) { 2 } else { 1 };
        assert_eq!((number(&client.messages[0], "from"), number(&client.messages[0], "to")), (from, 9));
        assert_cut_off_anywhere(&mut world, Watches::Shard, &client);
    }
}

#[test]
fn after_the_storage_was_reset_the_lost_events_are_a_gap() {
    for watches in STREAMS {
        // This client has seen three events, of which the database has the first one only.
        let mut world = World::new();
        world.event("task_1", "queued");
        let mut client = Client::opened(&mut world, watches, Start::After(3));
        assert_eq!(client.types(0), ["gap", "snapshot", "ready"], "{watches:?}");
        let [gap, snapshot, _] = &client.messages[..] else { panic!("other messages") };
        assert_eq!((number(gap, "from"), number(gap, "to")), (2, 3), "{watches:?}");
        assert_eq!(status_in(snapshot), "queued");
        assert_cut_off_anywhere(&mut world, watches, &client);
        // New events have the lost numbers, and are sent.
        world.event("task_1", "failed");
        broadcast(&mut world, &mut [&mut client]);
        let last = client.messages.last().unwrap();
        assert_eq!((number(last, "seq"), &last["status"]), (2, &"failed".into()), "{watches:?}");
    }
}

#[test]
fn a_stream_since_a_time_begins_with_the_first_event_from_then_on() {
    let mut world = World::new();
    world.deployment.retention_hours = 720;
    // in minutes since the start, what is received
    let received = [(0, "queued"), (160, "processing"), (177, "paused"), (177, ""), (189, "failed")];
    for (minutes, status) in received {
        world.now = Millis(NOON + minutes * 60_000);
        world.send(&if status.is_empty() { "no json".to_owned() } else { body("task_1", status) });
    }
    let at = |minutes: i64, millis: i64| Millis(NOON + minutes * 60_000 + millis);
    // since when, how many have come before
    for (since, before) in [
        (Millis(0), 0),
        (at(0, 0), 0),
        (at(0, 1), 1),
        (at(160, 0), 1),
        (at(160, 1), 2),
        (at(177, -1), 2),
        (at(177, 0), 2),
        (at(177, 1), 4),
        (at(189, 0), 4),
        (at(189, 1), 5),
        (at(1_000_000, 0), 5),
    ] {
        for watches in STREAMS {
            let client = Client::opened(&mut world, watches, Start::Since(since));
            // What cannot be parsed is of no task.
            let is_shown = |seq: &i64| *seq != 4 || matches!(watches, Watches::Shard);
            let expected: Vec<i64> = (before + 1..=5).filter(is_shown).collect();
            assert_eq!(client.seqs(), expected, "{watches:?} since {since:?}");
            assert!(client.all("snapshot").is_empty() && client.all("gap").is_empty());
        }
    }
}

#[test]
fn the_backlog_is_sent_so_far_ahead_of_the_acknowledgements_and_no_further() {
    const MANY: usize = 150;
    let mut world = World::new();
    for nth in 0..MANY {
        world.post(&long("task_1", nth, 10 * KIB));
    }
    for (nth, watches) in STREAMS.into_iter().enumerate() {
        let mut client = Client::new(watches);
        client.bodies = true;
        client.open(&mut world, Start::After(0));
        // The last message may be the one that it takes to get there.
        let sent =
            |client: &Client, from: usize| client.sizes[from..client.sizes.len() - 1].iter().sum::<usize>();
        assert!(sent(&client, 0) <= SEND_WINDOW);
        assert!(client.all("ready").is_empty());
        // What comes meanwhile has its place in the order like all else.
        world.post(&long("task_1", MANY + nth, 0));
        broadcast(&mut world, &mut [&mut client]);
        let mut rounds = 0;
        while client.all("ready").is_empty() {
            let from = client.messages.len();
            client.ack(&mut world);
            assert!(client.messages.len() > from && sent(&client, from) <= SEND_WINDOW);
            rounds += 1;
        }
        assert!(rounds > 5, "it was sent in parts");
        let last = world.seqs("task_1").pop().unwrap();
        assert!(last > MANY as i64);
        assert_eq!(client.seqs(), (1..=last).collect::<Vec<i64>>(), "{watches:?}");
    }
}

#[test]
fn the_smallest_window_does_not_stop_the_backlog_whatever_the_size_of_messages() {
    for size in [1, 100, 330, 2 * KIB, 5 * KIB, 7 * KIB, 9 * KIB, 40 * KIB] {
        let mut world = World::new();
        for nth in 0..60 {
            world.post(&long("task_1", nth, size));
        }
        let mut client = Client::new(Watches::Shard);
        (client.bodies, client.window) = (true, MIN_SEND_WINDOW);
        client.open(&mut world, Start::After(0));
        let mut acknowledged = 0;
        // It acknowledges as late as a stream of the Worker does.
        while client.all("ready").is_empty() {
            let mut bytes = 0;
            let due = client.sizes.iter().enumerate().skip(acknowledged).find(|(_, size)| {
                bytes += **size;
                bytes >= ACKNOWLEDGE_AFTER
            });
            let Some((due, _)) = due else { panic!("messages of {size} bytes: both sides wait") };
            acknowledged = due + 1;
            client.ack_up_to(&mut world, acknowledged);
        }
    }
}

#[test]
fn pruning_overtakes_a_subscriber_in_its_catch_up() {
    for watches in STREAMS {
        let mut world = World::new();
        world.event("task_1", "queued");
        for nth in 0..40 {
            world.post(&long("task_1", nth, 10 * KIB));
        }
        world.sleep(RETENTION - 1);
        world.event("task_1", "processing");
        let mut client = Client::new(watches);
        client.until = Some(world.now.plus_seconds(24 * HOUR));
        client.bodies = true;
        client.open(&mut world, Start::After(1));
        let before = client.messages.len();
        assert_eq!(client.all("event").len(), before);
        let seen = *client.seqs().last().unwrap();
        assert!(seen < 41, "up to {seen}");
        world.sleep(2);
        assert_eq!(world.seqs("task_1"), [42]);
        client.ack(&mut world);
        assert_eq!(client.types(before), ["gap", "snapshot", "event", "ready"], "{watches:?}");
        let [gap, snapshot, event, _] = &client.messages[before..] else { panic!("other messages") };
        assert_eq!((number(gap, "from"), number(gap, "to")), (seen + 1, 41), "{watches:?}");
        assert_eq!(status_in(snapshot), "processing");
        assert_eq!(number(event, "seq"), 42);
        assert!(!event["body"].as_str().unwrap().is_empty(), "never an event without its body");
        // Who is cut off before the snapshot gets it, and who has seen it has no gap again.
        let all = ["gap", "snapshot", "event", "ready"];
        for (nth, expected) in [&all[..], &all[..], &["ready"], &["ready"]].into_iter().enumerate() {
            let again = Client::opened(&mut world, watches, client.resumes_at(before + nth + 1));
            assert_eq!(again.types(0), expected, "{watches:?} after {}", all[nth]);
        }
    }
}

#[test]
fn pruned_events_are_not_sent_in_a_backlog() {
    let mut world = World::new();
    let mut secret = endpoint(1);
    secret.options.events = vec!["order.secret".to_owned()];
    world.configure(vec![secret]);
    // An event by another name leaves a row, which identifies its duplicates.
    world.send(r#"{"event":"order.secret","task_id":"task_1"}"#);
    world.event("task_beside", "queued");
    world.sleep(RETENTION - 1);
    // What is replayed shortly before has a number above what is pruned, and the next one follows that.
    world.call(ShardRequest::Replay { no: 65_537 }, &[]).unwrap();
    world.pass(60);
    world.event("task_1", "queued");
    let whole = Client::opened(&mut world, Watches::Shard, Start::After(0));
    assert_eq!(whole.all("replay")[0]["of"], 1);
    assert_eq!(whole.seqs(), [1, 2, 3, 4]);
    world.sleep(2);
    assert_eq!(world.task_ids(), ["task_1"]);
    for watches in STREAMS {
        for (after, has_gap) in [(1, true), (2, false), (3, false)] {
            let mut client = Client::new(watches);
            client.bodies = true;
            client.open(&mut world, Start::After(after));
            let expected =
                if has_gap { &["gap", "snapshot", "event", "ready"][..] } else { &["event", "ready"] };
            assert_eq!(client.types(0), expected, "{watches:?} after {after}");
            let event = client.all("event")[0];
            assert_eq!(number(event, "seq"), 4);
            assert!(!event["body"].as_str().unwrap().is_empty());
        }
    }
    assert_eq!(world.seqs("task_1"), [4], "nor in the timeline");
}

#[test]
fn a_subscriber_that_acknowledges_nothing_is_closed_and_resumes_without_a_gap() {
    for watches in STREAMS {
        let mut world = World::new();
        world.event("task_1", "queued");
        let mut slow = Client::new(watches);
        slow.bodies = true;
        slow.open(&mut world, Start::Now);
        slow.ack(&mut world);
        let mut other = Client::new(watches);
        other.bodies = true;
        other.open(&mut world, Start::Now);
        // Messages of 87 KiB each: eleven are less than the limit.
        let mut post = |world: &mut World, slow: &mut Client, nth| {
            world.post(&long("task_1", nth, 64 * KIB));
            broadcast(world, &mut [slow, &mut other]);
            other.ack(world);
        };
        for nth in 0..11 {
            post(&mut world, &mut slow, nth);
        }
        assert!(slow.is_open(), "{watches:?}: as yet it is not too far behind");
        for nth in 11..40 {
            post(&mut world, &mut slow, nth);
        }
        assert_eq!(slow.end.map(|end| end.code), Some(1013), "{watches:?}");
        assert!(other.is_open(), "the one that keeps up stays");
        assert!(slow.seqs().len() < 40);
        slow.resume(&mut world);
        slow.catch_up(&mut world);
        assert_eq!(slow.seqs(), other.seqs(), "{watches:?}");
        assert_eq!(slow.seqs().len(), 40);
    }
}

#[test]
fn a_subscriber_without_messages_to_acknowledge_is_not_counted_as_behind() {
    for watches in STREAMS {
        let mut world = World::new();
        world.event("task_1", "queued");
        let mut client = Client::new(watches);
        client.bodies = true;
        client.open(&mut world, Start::Now);
        client.ack(&mut world);
        world.now = world.now.plus_seconds(31);
        // The first fills the window, the other one waits.
        for nth in 0..2 {
            world.post(&long("task_1", nth, 240_000));
            broadcast(&mut world, &mut [&mut client]);
        }
        assert_eq!((client.seqs().len(), client.is_open()), (1, true), "{watches:?}");
        // One that is behind for as long without an acknowledgement is closed.
        world.now = world.now.plus_seconds(30);
        world.post(&long("task_1", 2, 10));
        broadcast(&mut world, &mut [&mut client]);
        assert!(client.is_open(), "{watches:?}");
        client.ack(&mut world);
        assert_eq!(client.seqs().len(), 2, "{watches:?}");
        world.now = world.now.plus_seconds(31);
        world.post(&long("task_1", 3, 10));
        broadcast(&mut world, &mut [&mut client]);
        assert_eq!(client.end.map(|end| end.code), Some(1013), "{watches:?}");
    }
}

#[test]
fn after_the_end_of_its_credentials_a_subscriber_is_sent_nothing_and_closed() {
    for watches in STREAMS {
        for is_idle in [true, false] {
            let mut world = World::new();
            world.event("task_1", "queued");
            let mut client = Client::new(watches);
            client.until = Some(world.now.plus_seconds(8));
            client.open(&mut world, Start::Now);
            let seen = client.messages.len();
            world.now = world.now.plus_seconds(8);
            if is_idle {
                client.ack(&mut world);
            } else {
                world.event("task_1", "processing");
                broadcast(&mut world, &mut [&mut client]);
            }
            assert_eq!(client.end.map(|end| end.code), Some(1008), "{watches:?}");
            assert_eq!(client.messages.len(), seen, "{watches:?}");
        }
    }
}

#[test]
fn what_an_instance_has_not_sent_is_sent_by_the_next_one_while_credentials_are_good() {
    for (pass, sent) in [(7, 1), (8, 0)] {
        let mut world = World::new();
        world.event("task_1", "queued");
        let mut client = Client::new(Watches::Shard);
        client.until = Some(world.now.plus_seconds(8));
        client.open(&mut world, Start::Now);
        let seen = client.messages.len();
        world.event("task_1", "processing");
        world.now = world.now.plus_seconds(pass);
        world.restart_with(1);
        broadcast(&mut world, &mut [&mut client]);
        assert_eq!(client.messages.len(), seen + sent, "{pass}");
    }
}

#[test]
fn what_one_decision_has_stored_beside_a_full_queue_is_sent_by_the_next_instance() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    for n in 0..MAX_QUEUED + 10 {
        world.event(&format!("task_{n}"), "queued");
    }
    let mut client = Client::opened(&mut world, Watches::Task("task_59"), Start::Now);
    world.broadcasts.clear();
    let first = world.number("SELECT MAX(seq) FROM events") + 1;
    for n in (10..MAX_QUEUED + 10).rev() {
        world.event(&format!("task_{n}"), "processing");
    }
    let range = Replay { id: "rpl_1".to_owned(), endpoint: 1, all: true, ..Replay::default() };
    world.change(|settings| settings.replays.push(Replay { until: Millis(i64::MAX / 2), ..range }));
    let enqueued = |world: &mut World| world.progress("rpl_1").enqueued;
    world.decide(|shard, context| shard.begin_alarm(context));
    assert_eq!(enqueued(&mut world), MAX_QUEUED as i64);
    world.restart_with(1);
    broadcast(&mut world, &mut [&mut client]);
    assert_eq!(client.seqs(), [first], "the first of what may have been queued");
    world.pass(60);
    assert_eq!(enqueued(&mut world), 2 * MAX_QUEUED as i64 + 10, "the rest follows, a page in each run");
}

#[test]
fn attempts_that_can_not_be_acknowledged_leave_room_for_events() {
    for watches in STREAMS {
        let mut world = World::new();
        let endpoints = 1..=25;
        world.configure(endpoints.clone().map(endpoint).collect());
        world.replies.extend(endpoints.map(|endpoint| (endpoint, Some(500))));
        let mut client = Client::new(watches);
        client.window = 2 * KIB;
        client.open(&mut world, Start::Now);
        world.event("task_1", "queued");
        broadcast(&mut world, &mut [&mut client]);
        client.ack(&mut world);
        let acknowledged = client.messages.len();
        world.pass(600);
        broadcast(&mut world, &mut [&mut client]);
        assert!(client.types(acknowledged).iter().all(|kind| *kind == "delivery"), "{watches:?}");
        let hints = client.sizes[acknowledged..].iter().sum::<usize>();
        assert!((KIB..2 * KIB).contains(&hints), "{watches:?}: {hints} bytes");
        world.event("task_1", "processing");
        broadcast(&mut world, &mut [&mut client]);
        assert_eq!(client.seqs(), [1, 2], "{watches:?}: nothing but the event had to be acknowledged");
    }
}

#[test]
fn a_client_may_only_acknowledge() {
    for text in [
        "",
        "ping",
        "{}",
        r#"{"type":"ack"}"#,
        r#"{"type":"ack","id":"x"}"#,
        r#"{"type":"ack","id":"1.2.0_1"}"#,
        r#"{"type":"ack","id":"1.1.0_s"}"#,
        r#"{"type":"subscribe","id":"1.1.0_1"}"#,
    ] {
        let mut world = World::new();
        world.event("task_1", "queued");
        let mut client = Client::opened(&mut world, Watches::Shard, Start::Now);
        client.say(&mut world, text);
        assert_eq!(client.end.map(|end| end.code), Some(1008), "{text}");
    }
    let mut world = World::new();
    world.event("task_1", "queued");
    let mut page = Client::opened(&mut world, Watches::State("task_1"), Start::Now);
    page.say(&mut world, r#"{"type":"ack","id":"1.1.0_1"}"#);
    assert_eq!(page.end.map(|end| end.code), Some(1008), "a page may send nothing");
}

#[test]
fn pages_of_a_shard_are_bounded() {
    let mut world = World::new();
    world.event("task_1", "queued");
    let page = |world: &mut World| {
        let mut client = Client::new(Watches::State("task_1"));
        (client.try_open(world, Start::Now), client)
    };
    let mut pages: Vec<Client> = Vec::new();
    while pages.len() < world.deployment.max_ticket_sockets {
        let (opened, client) = page(&mut world);
        assert_eq!(opened, "opened");
        pages.push(client);
    }
    assert_eq!(page(&mut world).0, "full");
    // An administrator's sockets are not counted.
    Client::opened(&mut world, Watches::Task("task_1"), Start::Now);
    assert!(pages.iter().all(Client::is_open), "nobody has to go");
    pages[0].cut(&mut world);
    assert_eq!(page(&mut world).0, "opened");
    assert_eq!(page(&mut world).0, "full");
}

/// A page of a task: it opens its stream with a ticket, and resumes by the last id that it has.
fn page(world: &mut World, ticket: &str) -> (&'static str, Client) {
    let mut client = Client::new(Watches::State("task_1"));
    let Some(pass) = world.deployment.tickets.check(ticket, world.now) else { return ("void", client) };
    assert_eq!(pass.task_id, "task_1");
    client.until = Some(pass.until);
    let opened = client.try_open(world, pass.seen.map_or(Start::Now, Start::After));
    (opened, client)
}

/// Opens a page's stream, reads its one message, and returns the id.
fn look(world: &mut World, ticket: &str, kind: &str) -> String {
    let (opened, client) = page(world, ticket);
    assert_eq!(opened, "opened");
    assert_eq!(client.types(0), [kind]);
    client.messages[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_page_that_is_open_is_sent_each_state_of_its_task() {
    let mut world = World::new();
    let (ticket, _) = world.deployment.tickets.ticket(&TaskId::new("task_1").unwrap(), world.now);
    let (_, mut client) = page(&mut world, &ticket);
    for (task_id, status) in [("task_1", "queued"), ("task_2", "queued"), ("task_1", "processing")] {
        world.event(task_id, status);
        broadcast(&mut world, &mut [&mut client]);
    }
    assert_eq!(client.types(0), ["snapshot", "update", "update"]);
}

#[test]
fn a_page_resumes_until_five_minutes_after_the_end_of_its_task() {
    let mut world = World::new();
    let (ticket, _) = world.deployment.tickets.ticket(&TaskId::new("task_1").unwrap(), world.now);
    let resume = look(&mut world, &ticket, "snapshot");
    world.event("task_1", "queued");
    world.now = world.now.plus_seconds(600);
    assert_eq!(page(&mut world, &ticket).0, "void", "a ticket is good for a minute");
    let next = look(&mut world, &resume, "update");
    world.event("task_1", "completed");
    world.now = world.now.plus_seconds(240);
    let last = look(&mut world, &next, "update");
    assert_eq!(page(&mut world, &last).0, "over", "it has the final state");
    world.now = world.now.plus_seconds(60);
    assert_eq!(page(&mut world, &resume).0, "opened", "at the fifth minute");
    world.now = world.now.plus_seconds(60);
    for token in [resume, next, last] {
        assert_eq!(page(&mut world, &token).0, "refused");
    }
}

#[test]
fn a_page_resumes_for_at_most_a_day_however_often() {
    let mut world = World::new();
    world.event("task_1", "queued");
    let (ticket, _) = world.deployment.tickets.ticket(&TaskId::new("task_1").unwrap(), world.now);
    let mut tokens = vec![look(&mut world, &ticket, "snapshot")];
    for status in ["processing", "paused"] {
        world.now = world.now.plus_seconds(23 * HOUR / 2);
        world.event("task_1", status);
        let token = tokens.last().unwrap().clone();
        if status == "processing" {
            tokens.push(look(&mut world, &token, "update"));
        } else {
            let (opened, client) = page(&mut world, &token);
            assert_eq!((opened, client.messages.len()), ("opened", 0), "the state is the same");
        }
    }
    world.now = world.now.plus_seconds(3 * HOUR / 2);
    for token in tokens {
        assert_eq!(page(&mut world, &token).0, "void");
    }
}

/// A generator of numbers by a seed: xorshift.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

const TASKS: [&str; 3] = ["task_1", "task_2", "task_3"];

/// What a client does at random: it acknowledges, loses messages with its socket, or resumes.
fn act(world: &mut World, dice: &mut Dice, client: &mut Client) {
    if !client.is_open() {
        client.resume(world);
        return;
    }
    match dice.roll(8) {
        0 => {
            client.cut(world);
            // The last messages were on their way, and are lost.
            let kept = client.messages.len() - dice.roll(4).min(client.messages.len());
            client.messages.truncate(kept);
        }
        1..5 => client.ack(world),
        _ => {}
    }
}

/// Returns the numbers of all entries: of a task, or of all.
fn stored(world: &World, task: Option<usize>) -> Vec<i64> {
    let rows = world.rows(
        "SELECT e.seq, t.task_id FROM events e JOIN tasks t ON t.no = e.task_no
        UNION ALL SELECT no, '' FROM quarantine
        UNION ALL SELECT r.seq, t.task_id FROM replay_log r JOIN events e ON e.seq = r.delivery / 65536
            JOIN tasks t ON t.no = e.task_no ORDER BY 1",
    );
    let of = rows.into_iter().map(|row| match &row[..] {
        [Value::Int(seq), Value::Text(task_id)] => (*seq, task_id.clone()),
        _ => panic!("not an entry"),
    });
    of.filter(|(_, task_id)| task.is_none_or(|task| task_id == TASKS[task])).map(|(seq, _)| seq).collect()
}

#[test]
fn no_gap_and_no_repeat_whenever_clients_are_cut_off() {
    for seed in 1..=8 {
        let mut dice = Dice(seed);
        let mut world = World::new();
        world.configure(vec![endpoint(1)]);
        world.event("task_1", "queued");
        let mut clients = [Watches::Shard, Watches::Shard, Watches::Task("task_1"), Watches::Task("task_2")]
            .map(Client::new);
        for (nth, client) in clients.iter_mut().enumerate() {
            client.window = [SEND_WINDOW, 2 * KIB, 3 * KIB, 8 * KIB][nth];
            client.bodies = nth % 2 == 0;
            client.open(&mut world, Start::After(0));
        }
        for step in 0..150 {
            match dice.roll(12) {
                0..5 => {
                    let task_id = TASKS[dice.roll(TASKS.len())];
                    world.send(&long(task_id, step, dice.roll(700)));
                }
                5 => world.send(&format!("no json {step}")),
                6 => {
                    let events = stored(&world, Some(0));
                    let no = events[dice.roll(events.len())] * 65_536 + 1;
                    world.call(ShardRequest::Replay { no }, &[]);
                }
                7 => world.pass(dice.roll(40) as i64),
                8 => world.restart_with(clients.iter().filter(|client| client.is_open()).count()),
                _ => {
                    let client = dice.roll(clients.len());
                    act(&mut world, &mut dice, &mut clients[client]);
                }
            }
            // The queue is sent late, but is never long.
            if dice.roll(3) == 0 || world.broadcasts.len() > 40 {
                broadcast(&mut world, &mut clients.each_mut());
            }
        }
        broadcast(&mut world, &mut clients.each_mut());
        for (nth, task) in [None, None, Some(0), Some(1)].into_iter().enumerate() {
            let client = &mut clients[nth];
            if !client.is_open() {
                client.resume(&mut world);
            }
            client.catch_up(&mut world);
            assert_eq!(client.seqs(), stored(&world, task), "seed {seed}, client {nth}");
            assert!(client.all("gap").is_empty());
        }
    }
}
