//! A shard that is full: it stores nothing new, and goes on with what it has.

use crate::support::{World, body};

/// The retention of the tests' deployment, in hours.
const RETENTION: i64 = 48;

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
    let refused = fill(&mut world, |_| &["queued", "processing", "failed"]);
    assert_eq!(refused, "database or disk is full");
    world.sleep(RETENTION + 1);
    assert!(world.task_ids().is_empty());
    world.event("task_new", "queued");
    assert_eq!(world.task_ids(), ["task_new"]);
}
