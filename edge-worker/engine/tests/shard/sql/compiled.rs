//! SQLite compiles a statement anew where the value of a bare parameter may change its plan. What every event runs is
//! spared that.

use crate::support::{World, endpoint};

#[test]
fn what_every_event_runs_is_compiled_once() {
    let mut world = World::new();
    world.configure(vec![endpoint(1), endpoint(2)]);
    let compiled_anew = |world: &World| -> Vec<String> {
        let statements = world.db.statements().into_iter().filter(|sql| !sql.contains("CREATE "));
        let is_anew = |sql: &&str| {
            let prepared = world.db.sqlite.connection().prepare_cached(sql).unwrap();
            prepared.reset_status(rusqlite::StatementStatus::RePrepare) > 0
        };
        statements.filter(is_anew).map(str::to_owned).collect()
    };
    for task_id in ["task_1", "task_2"] {
        compiled_anew(&world);
        for status in ["queued", "processing", "completed"] {
            world.event(task_id, status);
        }
        world.pass(60);
    }
    assert_eq!(compiled_anew(&world), Vec::<String>::new());
}
