//! How many statements an event takes: each is a step into the platform, which costs more than what SQLite does with it.

use crate::support::{World, body, endpoint};

/// Returns how many statements something takes.
fn count<T>(world: &mut World, work: impl FnOnce(&mut World) -> T) -> (usize, T) {
    let before = world.db.statements().len();
    let done = work(world);
    (world.db.statements().len() - before, done)
}

#[test]
fn an_event_takes_few_statements_until_it_is_delivered() {
    let mut world = World::new();
    world.configure(vec![endpoint(1)]);
    world.event("another", "queued");
    for (status, to_store, to_record) in [("queued", 4, 3), ("processing", 5, 3), ("completed", 5, 3)] {
        let (stored, dispatches) = count(&mut world, |world| world.post(&body("task_1", status)));
        assert_eq!(stored, to_store, "to store {status}");
        assert_eq!(dispatches.len(), 1);
        let (recorded, ()) = count(&mut world, |world| {
            for dispatch in &dispatches {
                world.make(dispatch);
            }
        });
        assert_eq!(recorded, to_record, "to record the delivery of {status}");
    }
    let (repeated, _) = count(&mut world, |world| world.post(&body("task_1", "completed")));
    assert_eq!(repeated, 1, "to know a duplicate");
}
