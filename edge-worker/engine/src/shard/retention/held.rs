//! Events and quarantined bodies that are too old, but held: a delivery of them is pending, or one of an event of the same
//! task before them, for the events of a task go in their order. They stay below the floor, where neither streams nor
//! the quarantine have them, but the timeline of their task has; and are deleted once the delivery has ended.

use std::collections::BTreeSet;

use super::pruning::Pruning;
use super::{end_task, forget_body, forget_event};
use crate::protocol::delivery::{delivery_no, seq_of};
use crate::shard::deliveries::rows;
use crate::shard::sequence::{floors, task_events};
use crate::storage::database::{Bind, Database, Row};
use crate::storage::meta;
use crate::{Context, Result};

/// How many deliveries one run looks at.
const DELIVERIES_PER_RUN: i64 = 200;

/// How far a run has come in the deliveries of what is held.
const LOOKED_AT: &str = "held_looked_at";

/// Returns whether anything up to a number may be held: the deliveries of everything else were deleted with it.
pub(super) fn exist(db: &dyn Database, last: i64) -> Result<bool> {
    const ANY: &str = "SELECT 1 FROM deliveries WHERE no < ? LIMIT 1";
    Ok(db.first(ANY, &[Bind::Int(delivery_no(last + 1, 0))], Row::int)?.is_some())
}

/// Returns whether a delivery holds a quarantined body below the floor, or has done so until now.
pub(super) fn is_body_held(db: &dyn Database, no: i64) -> Result<bool> {
    Ok(!rows::of_event(db, no)?.is_empty())
}

/// Deletes what is held no more, of a page of the deliveries that are left below the floor. Returns whether there is
/// more to look at.
pub(crate) fn prune(pruning: &Pruning<'_>) -> Result<bool> {
    const PAGE: &str = "SELECT no FROM deliveries WHERE no > ? AND no < ? ORDER BY no LIMIT ?";
    let Context { db, deployment, .. } = *pruning.context;
    let rows = deployment.page(DELIVERIES_PER_RUN);
    let (floor, before) = (floors::pruned(db)?, meta::number(db, LOOKED_AT)?);
    let binds = [Bind::Int(before), Bind::Int(delivery_no(floor + 1, 0)), Bind::Int(rows)];
    let page = db.all(PAGE, &binds, Row::int)?;
    let mut held: Vec<i64> = page.iter().map(|no| seq_of(*no)).collect();
    held.dedup();
    let mut tasks = BTreeSet::new();
    for seq in held {
        match task_of(db, seq)? {
            Some(task) => {
                tasks.insert(task);
            }
            None if !pruning.is_pending(seq)? => forget_body(pruning.context, seq)?,
            None => {}
        }
    }
    for task in tasks {
        prune_task(pruning, &task, floor)?;
    }
    floors::raise_live_tasks(db)?;
    let is_full = page.len() as i64 == rows;
    let looked_at = page.last().copied().filter(|_| is_full).unwrap_or(0);
    if before != looked_at {
        meta::set(db, LOOKED_AT, looked_at)?;
    }
    Ok(is_full)
}

/// A task that has an event which may be held.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct HeldTask {
    no: i64,
    last_seq: i64,
}

/// Deletes the events of a task up to the floor, the oldest first, until one that a delivery holds.
fn prune_task(pruning: &Pruning<'_>, task: &HeldTask, floor: i64) -> Result<()> {
    let context = pruning.context;
    for event in task_events::until(context, task.last_seq)?.into_iter().rev() {
        if event > floor || pruning.is_pending(event)? {
            break;
        }
        forget_event(context.db, event)?;
        end_task(context, event, task.no)?;
    }
    Ok(())
}

/// Returns the task of an event; none of a quarantined body. An alert is an event of no task, and the last one.
fn task_of(db: &dyn Database, seq: i64) -> Result<Option<HeldTask>> {
    const TASK: &str = "SELECT task_no FROM events WHERE seq = ?";
    const LAST: &str = "SELECT last_seq FROM tasks WHERE no = ?";
    let Some(no) = db.first(TASK, &[Bind::Int(seq)], Row::int)? else { return Ok(None) };
    let last_seq = db.first(LAST, &[Bind::Int(no)], Row::int)?.unwrap_or(seq);
    Ok(Some(HeldTask { no, last_seq }))
}
