//! What a shard counts for metrics: totals that never fall and cost an event nothing, and gauges by endpoint.

use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::delivery::delivery_no;
use vtryon_gateway_engine::protocol::metrics::{AttemptTotals, Counts, Totals};
use vtryon_gateway_engine::storage::database::{Bind, Database};
use vtryon_webhooks::Millis;

use crate::support::{World, body, endpoint};

/// How many events a shard stores before it stores totals, where somebody asks for them.
const LAG: usize = 100;

impl World {
    pub fn counts(&mut self) -> Counts {
        self.query(ShardRequest::Metrics)
    }

    fn totals(&mut self) -> Totals {
        self.counts().totals
    }

    /// Returns how many events of a name have an outcome.
    fn events(&mut self, name: &str, outcome: &str) -> i64 {
        self.totals().events.get(&(name.to_owned(), outcome.to_owned())).copied().unwrap_or(0)
    }

    fn attempts(&mut self, endpoint: i64) -> AttemptTotals {
        self.totals().attempts.get(&endpoint).cloned().unwrap_or_default()
    }

    /// How often totals were stored.
    fn stored(&self) -> usize {
        self.db.statements().iter().filter(|statement| statement.contains("INSERT INTO totals")).count()
    }
}

fn world() -> World {
    let mut world = World::new();
    world.configure(vec![endpoint(1), endpoint(2)]);
    world
}

const CHANGE: &str = "generation.status_changed";

#[test]
fn events_are_counted_by_name_and_outcome() {
    let mut world = world();
    for body in [
        body("task_1", "completed"),
        body("task_1", "processing"),
        body("task_1", "failed"),
        body("task_2", "paused"),
        body("task_2", "paused"),
        r#"{"event":"generation.rated","task_id":"task_1"}"#.to_owned(),
        r#"{"event":"gateway.test","task_id":"task_3"}"#.to_owned(),
        "no json".to_owned(),
        "no json".to_owned(),
    ] {
        world.send(&body);
    }
    for (name, outcome, count) in [
        (CHANGE, "applied", 1),
        (CHANGE, "late", 1),
        (CHANGE, "conflict", 1),
        (CHANGE, "unknown", 1),
        (CHANGE, "duplicate", 0),
        ("other", "unknown", 1),
        ("gateway.test", "unknown", 1),
        ("other", "quarantined", 1),
        ("generation.rated", "unknown", 0),
    ] {
        assert_eq!(world.events(name, outcome), count, "{name} {outcome}");
    }
    assert_eq!(world.counts().open_tasks, 1, "task_2 alone is open: the task of a test has no status");
}

#[test]
fn alerts_are_no_events() {
    let mut world = world();
    crate::events::alerts::store(&mut world, "1 standard", &[1]);
    assert_eq!(world.totals().events, [(("other".to_owned(), "quarantined".to_owned()), 0)].into());
}

#[test]
fn attempts_are_counted_by_endpoint_outcome_and_duration() {
    let mut world = world();
    world.first_replies.insert(1, [Some(500), Some(410), None, Some(302), Some(204)].into());
    world.event("task_1", "completed");
    world.pass(24 * 3600);
    let AttemptTotals { delivered, refused, unanswered, .. } = world.attempts(1);
    assert_eq!((delivered, refused, unanswered), (1, 3, 1));
    assert_eq!(world.attempts(2).delivered, 1);
    assert_eq!(world.attempts(1).count_all() + 1, world.received.len() as i64);
    for (took_ms, bucket) in [(0, Some(0)), (100, Some(0)), (101, Some(1)), (10_000, Some(6)), (10_001, None)]
    {
        let mut totals = Totals::default();
        totals.add_attempt(1, Some(200), took_ms);
        let AttemptTotals { buckets, took_ms: sum, .. } = totals.attempts[&1];
        assert_eq!((buckets.iter().position(|count| *count == 1), sum), (bucket, took_ms), "{took_ms}");
    }
}

/// What happens between two looks at the totals.
type Between = (&'static str, fn(&mut World));

#[test]
fn no_total_is_lost_or_counted_twice() {
    let between: [Between; 4] = [
        ("nothing", |_| ()),
        ("the instance ends", World::restart),
        ("somebody asks", |world| drop(world.counts())),
        ("somebody asks, and the instance ends", |world| {
            world.counts();
            world.restart();
        }),
    ];
    for (why, happens) in between {
        let mut world = world();
        // Every second attempt at the first endpoint fails at first.
        let replies = (0..3 * LAG).map(|n| Some(if n % 2 == 0 { 500 } else { 200 }));
        world.first_replies.insert(1, replies.collect());
        for n in 0..2 * LAG {
            world.event(&format!("task_{n}"), "completed");
            happens(&mut world);
            if n % 40 == 0 {
                world.pass(60);
                happens(&mut world);
            }
        }
        world.pass(24 * 3600);
        happens(&mut world);
        assert_eq!(world.events(CHANGE, "applied"), 2 * LAG as i64, "{why}");
        let received = |world: &World, no| {
            world.received.iter().filter(|received| received.endpoint == no).count() as i64
        };
        for endpoint in [1, 2] {
            assert_eq!(world.attempts(endpoint).count_all(), received(&world, endpoint), "{why}: {endpoint}");
        }
        // All of it is pruned, and what came after it: too little to be stored before.
        for n in 0..LAG / 2 {
            world.event(&format!("task_last_{n}"), "completed");
        }
        let before = world.totals();
        for _ in 0..3 {
            world.sleep(30);
            happens(&mut world);
        }
        assert_eq!(world.number("SELECT COUNT(*) FROM events"), 0, "{why}");
        assert_eq!(world.totals(), before, "{why}");
    }
}

#[test]
fn no_total_falls_when_tasks_are_erased() {
    let mut world = world();
    world.replies.insert(2, Some(500));
    for n in 0..LAG {
        world.event(&format!("task_{n}"), "completed");
    }
    let begun = world.totals();
    for n in 0..5 {
        world.event(&format!("task_more_{n}"), "completed");
    }
    let before = world.totals();
    assert_ne!(begun, before);
    // Some are part of the stored totals, the others are not.
    for task_id in ["task_0", "task_more_0", "task_more_4"] {
        world.erase(task_id).unwrap();
        assert_eq!(world.totals(), before, "{task_id}");
    }
    world.restart();
    assert_eq!(world.totals(), before, "after a restart");
}

#[test]
fn no_total_falls_when_old_attempts_are_dropped_from_a_delivery() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.replies.insert(1, Some(500));
    world.event("task_1", "queued");
    for nth in 0..20 {
        world.call(ShardRequest::Replay { no: delivery_no(1, 1) }, b"");
        world.pass(10);
        assert_eq!(world.attempts(1).refused, world.received.len() as i64, "replay {nth}");
    }
    assert!(world.received.len() > 15, "some were dropped");
    world.restart();
    assert_eq!(world.attempts(1).refused, world.received.len() as i64, "after a restart");
}

#[test]
fn totals_are_stored_only_where_somebody_asks_or_events_are_pruned() {
    let mut world = world();
    for n in 0..3 * LAG {
        world.event(&format!("task_{n}"), "completed");
    }
    world.pass(3600);
    assert_eq!(world.stored(), 0, "nobody has asked");
    world.counts();
    assert_eq!(world.stored(), 1, "they were far behind");
    for n in 0..LAG - 1 {
        world.event(&format!("task_more_{n}"), "completed");
        world.counts();
    }
    world.pass(60);
    assert_eq!(world.stored(), 1, "they are not far behind");
    world.first_replies.insert(1, [Some(500), Some(500)].into());
    world.event("task_last", "completed");
    world.pass(3600);
    world.counts();
    assert_eq!(world.stored(), 2);
}

#[test]
fn attempts_of_events_that_are_counted_are_stored_with_the_run_that_makes_them() {
    let mut world = world();
    world.replies.insert(1, Some(500));
    world.event("task_old", "completed");
    for n in 0..LAG {
        world.event(&format!("task_{n}"), "completed");
    }
    world.pass(60);
    world.counts();
    let (stored, failed) = (world.stored(), world.attempts(1).refused);
    world.pass(600);
    world.restart();
    assert!(world.attempts(1).refused > failed);
    assert_eq!(world.attempts(1).count_all() + world.attempts(2).count_all(), world.received.len() as i64);
    assert!(world.stored() > stored);
}

#[test]
fn a_leased_first_attempt_is_counted_once_whoever_asks_before_its_report() {
    let mut world = world();
    for n in 0..LAG {
        world.event(&format!("task_{n}"), "completed");
    }
    let dispatches = world.post(&body("task_leased", "queued"));
    world.counts();
    assert_eq!((world.stored(), world.attempts(1).delivered), (1, LAG as i64));
    for dispatch in &dispatches {
        world.make(dispatch);
    }
    world.restart();
    assert_eq!(world.attempts(1).delivered, 1 + LAG as i64);
}

#[test]
fn the_attempts_at_a_deleted_endpoint_are_dropped() {
    let mut world = world();
    world.event("task_1", "completed");
    world.change(|settings| {
        settings.endpoints.retain(|endpoint| endpoint.no == 2);
        settings.deleted.push(1);
    });
    let counts = world.counts();
    assert_eq!(Vec::from_iter(counts.endpoints.keys()), [&2]);
    assert_eq!(Vec::from_iter(counts.totals.attempts.keys()), [&2]);
}

#[test]
fn deliveries_are_counted_by_endpoint_with_the_age_of_the_oldest() {
    let mut world = world();
    let created = world.now;
    world.replies.insert(1, Some(500));
    world.event("task_1", "completed");
    world.pass(3600);
    world.event("task_2", "completed");
    let Counts { endpoints, deleted, .. } = world.counts();
    assert_eq!((endpoints[&1].pending, endpoints[&1].oldest_pending), (2, Some(created)));
    assert_eq!((endpoints[&2].pending, endpoints[&2].oldest_pending), (0, None));
    assert_eq!((deleted.pending, endpoints[&1].is_active), (0, true));
    world.pass(30 * 3600);
    assert_eq!((world.counts().endpoints[&1].pending, world.counts().endpoints[&1].dead), (0, 2));
    // A replay is as old as its request.
    let replayed = world.now;
    world.call(ShardRequest::Replay { no: delivery_no(1, 1) }, &[]).unwrap();
    assert_eq!(world.counts().endpoints[&1].oldest_pending, Some(replayed));
    world.change(|settings| settings.endpoints[0].options.paused = true);
    assert!(!world.counts().endpoints[&1].is_active);
    // Those of a deleted endpoint are counted together.
    world.change(|settings| {
        settings.endpoints.remove(0);
        settings.deleted.push(1);
    });
    let counts = world.counts();
    assert_eq!((counts.deleted.pending, counts.deleted.dead), (1, 1));
}

/// The directory tells for a time only which endpoints it has deleted; one that was restored has forgotten some.
#[test]
fn an_endpoint_that_is_in_no_list_is_a_deleted_one() {
    for deleted in [vec![1], vec![]] {
        let mut world = world();
        world.replies.insert(1, Some(500));
        world.event("task_1", "completed");
        world.change(|settings| {
            settings.endpoints.remove(0);
            settings.deleted = deleted;
        });
        let counts = world.counts();
        assert_eq!((counts.deleted.pending, counts.deleted.dead), (1, 0));
        world.pass(60);
        let counts = world.counts();
        assert_eq!((counts.deleted.pending, counts.deleted.dead), (0, 1));
    }
}

#[test]
fn an_endpoint_that_is_far_behind_does_not_hide_another() {
    const MANY: &str = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 12000)
        INSERT INTO deliveries (no, endpoint, state, created_at, due_at, scheduled_at, failed_attempts, replay_count,
            attempts) SELECT 65536 * n + ?1, ?1, 'pending', 5, 5, 5, 0, 0, '[]' FROM n";
    let mut world = world();
    let add = |world: &World, endpoint: i64| {
        (&world.db.sqlite as &dyn Database).run(MANY, &[Bind::Int(endpoint)]).unwrap();
    };
    add(&world, 1);
    let pending = |world: &mut World| {
        let Counts { endpoints, .. } = world.counts();
        (endpoints[&1].pending, endpoints[&2].pending)
    };
    assert_eq!(pending(&mut world), (10_000, 0), "all rows that are looked at");
    add(&world, 2);
    assert_eq!(pending(&mut world), (5000, 5000));
}

#[test]
fn the_lag_of_the_alarm_is_how_long_its_work_is_due() {
    let mut world = world();
    assert_eq!(world.counts().alarm_lag_ms, 0, "nothing is due");
    world.replies.insert(1, Some(500));
    world.event("task_1", "completed");
    world.pass(120);
    assert_eq!(world.counts().alarm_lag_ms, 0, "the alarm has run in time");
    world.now = world.now.plus_seconds(24 * 3600);
    let lag = world.counts().alarm_lag_ms;
    assert!((23 * 3_600_000..=24 * 3_600_000).contains(&lag), "{lag}: it has not run");
    world.change(|settings| settings.endpoints[0].options.paused = true);
    assert_eq!(world.counts().alarm_lag_ms, 0, "what waits for a paused endpoint is not due");
}

#[test]
fn the_text_adds_up_what_shards_count() {
    let mut sum = Counts::default();
    for (took_ms, pending_since, is_active) in [(90, 5_000, true), (700, 2_000, false), (60_000, 9_000, true)]
    {
        let mut shard =
            Counts { alarm_lag_ms: took_ms, largest_shard_bytes: took_ms as u64, ..Counts::default() };
        shard.totals.add_attempt(1, (took_ms < 1000).then_some(200), took_ms);
        shard.totals.add_events(CHANGE, "late", 2);
        let counts = shard.endpoints.entry(1).or_default();
        (counts.is_active, counts.pending, counts.oldest_pending) =
            (is_active, 3, Some(Millis(pending_since)));
        sum.add(shard);
    }
    let text = sum.text(&[("not_found".to_owned(), 4)], "1.2.3", Millis(10_000));
    for line in [
        r#"build_info{version="1.2.3"} 1"#,
        r#"events_total{name="generation.status_changed",outcome="late"} 6"#,
        r#"events_total{name="generation.status_changed",outcome="applied"} 0"#,
        r#"requests_refused_total{code="not_found"} 4"#,
        r#"delivery_attempts_total{endpoint="ep_1",outcome="delivered"} 2"#,
        r#"delivery_attempts_total{endpoint="ep_1",outcome="unanswered"} 1"#,
        r#"delivery_attempt_duration_seconds_bucket{endpoint="ep_1",le="0.1"} 1"#,
        r#"delivery_attempt_duration_seconds_bucket{endpoint="ep_1",le="0.5"} 1"#,
        r#"delivery_attempt_duration_seconds_bucket{endpoint="ep_1",le="1"} 2"#,
        r#"delivery_attempt_duration_seconds_bucket{endpoint="ep_1",le="10"} 2"#,
        r#"delivery_attempt_duration_seconds_bucket{endpoint="ep_1",le="+Inf"} 3"#,
        r#"delivery_attempt_duration_seconds_sum{endpoint="ep_1"} 60.79"#,
        r#"delivery_attempt_duration_seconds_count{endpoint="ep_1"} 3"#,
        r#"endpoint_active{endpoint="ep_1"} 0"#,
        r#"deliveries_pending{endpoint="ep_1"} 9"#,
        r#"delivery_oldest_pending_age_seconds{endpoint="ep_1"} 8"#,
        r#"delivery_oldest_pending_age_seconds{endpoint="deleted"} 0"#,
        "storage_largest_shard_bytes 60000",
        "alarm_lag_seconds 60",
    ] {
        assert!(text.lines().any(|known| known == format!("vtryon_webhooks_{line}")), "{line}: {text}");
    }
}
