//! Listings of tasks: all of them by time, or those whose ids begin alike. For a page, neither walks over more than a
//! limited number of those that it does not show.

use vtryon_webhooks::lifecycle::Stage;
use vtryon_webhooks::{Millis, Status};

use super::{TaskRow, TaskView};
use crate::Result;
use crate::protocol::{Page, PageItem, TaskFilter};
use crate::shard::events::duplicates::Duplicates;
use crate::shard::events::import;
use crate::shard::sequence::{bisection, floors};
use crate::shard::tombstone_ids::is_tombstone;
use crate::storage::database::{Bind, Database, Row};
use crate::text::time::SKEW;

/// How many tasks a filtered listing looks at for one page, so that a rare status costs no full scan, and neither does a
/// range of times among imported tasks. Another one looks at [`floors::TASKS_PER_SCAN`].
const FILTERED_PER_SCAN: i64 = 1000;

/// Selects of a range of ids, in their order.
macro_rules! window {
    ($columns:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM tasks WHERE task_id >= ?1 AND task_id < ?2 ORDER BY task_id LIMIT "
        )
    };
}

/// Lists tasks, the latest first, or those whose ids begin with a text, in the order of their ids.
pub(crate) fn tasks(
    db: &dyn Database,
    duplicates: &Duplicates,
    before: Option<i64>,
    filter: &TaskFilter,
    limit: u32,
) -> Result<Page> {
    const ALL: &str = select!(
        "WHERE no < ?1 AND no >= ?2 AND created_at >= ?3 AND created_at < ?4 AND NOT ",
        is_tombstone!(),
        " ORDER BY no DESC LIMIT ?5"
    );
    const OPEN: &str = select!(
        "INDEXED BY tasks_open WHERE open = 1 AND no < ?1 AND no >= ?2 AND created_at >= ?3 AND created_at < ?4
        AND (?6 IS NULL OR stage = ?6) AND (?7 IS NULL OR (updated_at <= ?7 AND ",
        has_status!(),
        ")) ORDER BY no DESC LIMIT ?5"
    );
    const FINAL: &str = select!(
        "WHERE no < ?1 AND no >= ?2 AND created_at >= ?3 AND created_at < ?4 AND stage = ?6 AND NOT ",
        is_tombstone!(),
        " ORDER BY no DESC LIMIT ?5"
    );
    let TaskFilter { status, stalled, since, until, prefix } = filter;
    if let Some(prefix) = prefix {
        return by_id(db, duplicates, before, prefix, filter, limit);
    }
    let stage = status.as_deref().and_then(|name| Stage::of(&Status::from_name(name)));
    let imported = import::last_task(db)?;
    let too_late = until.map(|until| first_created_at(db, until.plus_seconds(SKEW), imported)).transpose()?;
    let before = before.into_iter().chain(too_late).min();
    let earliest =
        since.map(|since| first_created_at(db, since.plus_seconds(-SKEW), imported)).transpose()?;
    // Where none of those behind the imported ones is earlier, an imported one may be of the range.
    let earliest = earliest.filter(|earliest| *earliest > imported + 1);
    let lowest = floors::live_tasks(db)?.max(earliest.unwrap_or(1));
    let is_scattered = (since.is_some() || until.is_some()) && lowest <= imported;
    let top = before.map_or_else(|| next_task(db), Ok)?;
    let looked_at = match stage {
        _ if is_scattered => Some(FILTERED_PER_SCAN),
        Some(stage) if stage.is_final() => Some(FILTERED_PER_SCAN),
        // There may be no end of tombstones behind an old task.
        None if stalled.is_none() => Some(floors::TASKS_PER_SCAN),
        // The index of open tasks has none.
        Some(_) | None => None,
    };
    let floor = looked_at.map_or(lowest, |looked_at| lowest.max(top - looked_at));
    let (since, until) = (since.map_or(i64::MIN, |at| at.0), until.map_or(i64::MAX, |at| at.0));
    let (since, until, limited) = (Bind::Int(since), Bind::Int(until), Bind::Int(limit.into()));
    let rows = match stage {
        None if stalled.is_none() => {
            db.all(ALL, &[Bind::Int(top), Bind::Int(floor), since, until, limited], TaskRow::read)?
        }
        Some(stage) if stage.is_final() => {
            let stage = Bind::Text(stage.as_str());
            db.all(FINAL, &[Bind::Int(top), Bind::Int(floor), since, until, limited, stage], TaskRow::read)?
        }
        stage => {
            let stage = Bind::Maybe(stage.map(Stage::as_str));
            let stalled = Bind::MaybeInt(stalled.map(|at| at.0));
            let binds = [Bind::Int(top), Bind::Int(floor), since, until, limited, stage, stalled];
            db.all(OPEN, &binds, TaskRow::read)?
        }
    };
    let is_full = rows.len() >= limit as usize;
    let items = rows
        .into_iter()
        .map(|row| PageItem::new(row.no, Millis(row.created_at), &TaskView::of(row, duplicates)));
    let page = Page::new(items.collect(), !is_full);
    // Where the window had too few, the next page begins below it.
    Ok(Page { next: page.next.or((!is_full && floor > lowest).then_some(floor)), ..page })
}

/// Lists the tasks whose ids begin with a text, in the order of their ids: those after the task with a number.
fn by_id(
    db: &dyn Database,
    duplicates: &Duplicates,
    after: Option<i64>,
    prefix: &str,
    filter: &TaskFilter,
    limit: u32,
) -> Result<Page> {
    const FIND: &str = concat!(
        "SELECT no, task_id, stage, seen, last_seq, created_at, updated_at, duplicates FROM (",
        window!("*"),
        "?3) WHERE created_at >= ?4 AND created_at < ?5 AND (?6 IS NULL OR stage = ?6)
            AND (?7 IS NULL OR (open = 1 AND updated_at <= ?7 AND ",
        has_status!(),
        ")) ORDER BY task_id LIMIT ?8"
    );
    const LAST: &str = concat!(window!("no"), "1 OFFSET ?3");
    const ID: &str = "SELECT task_id FROM tasks WHERE no = ?";
    let last = after.map(|no| db.first(ID, &[Bind::Int(no)], Row::text)).transpose()?.flatten();
    // No id has a control character, so none is between the last one and this.
    let begin = last.map(|last| format!("{last}\u{1}")).filter(|begin| **begin > *prefix);
    let end = after_all(prefix);
    let range = [Bind::Text(begin.as_deref().unwrap_or(prefix)), Bind::Text(&end)];
    let mut binds = range.to_vec();
    binds.extend([
        Bind::Int(FILTERED_PER_SCAN),
        Bind::Int(filter.since.map_or(i64::MIN, |at| at.0)),
        Bind::Int(filter.until.map_or(i64::MAX, |at| at.0)),
        Bind::Maybe(filter.status.as_deref()),
        Bind::MaybeInt(filter.stalled.map(|at| at.0)),
        Bind::Int(limit.into()),
    ]);
    let rows = db.all(FIND, &binds, TaskRow::read)?;
    let is_full = rows.len() >= limit as usize;
    let items = rows.into_iter().map(|row| {
        let (no, at, id) = (row.no, Millis(row.created_at), row.task_id.clone());
        PageItem { id, ..PageItem::new(no, at, &TaskView::of(row, duplicates)) }
    });
    let page = Page::new(items.collect(), !is_full);
    if is_full {
        return Ok(page);
    }
    // Where the window had too few, the next page begins after it.
    let mut binds = range.to_vec();
    binds.push(Bind::Int(FILTERED_PER_SCAN - 1));
    Ok(Page { next: db.first(LAST, &binds, Row::int)?, ..page })
}

/// Returns the least text that is greater than all that begin with a prefix. SQLite compares the bytes of UTF-8, whose
/// order is that of the characters.
fn after_all(prefix: &str) -> String {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return end;
        }
    }
    // Nothing begins with more than the last character there is.
    char::MAX.to_string().repeat(256)
}

/// Returns the number of the first task after the imported ones that was created at a time or later.
fn first_created_at(db: &dyn Database, at: Millis, imported: i64) -> Result<i64> {
    // The first one from a number on, wherever the next one is that is still there.
    const CREATED: &str = "SELECT no, created_at FROM tasks WHERE no >= ? ORDER BY no LIMIT 1";
    bisection::first_at(imported + 1..next_task(db)?, at, |no| {
        db.first(CREATED, &[Bind::Int(no)], |row| (row.int(), row.int()))
    })
}

/// Returns the number that the next task will have.
fn next_task(db: &dyn Database) -> Result<i64> {
    Ok(floors::last_task(db)? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_all_that_begins_alike() {
        for (prefix, end) in
            [("task_1", "task_2"), ("a~", "a\u{7f}"), ("\u{d7ff}", "\u{e000}"), ("a\u{10ffff}", "b")]
        {
            assert_eq!(after_all(prefix), end, "{prefix:?}");
        }
        assert!(*after_all("\u{10ffff}") > *"\u{10ffff}x");
    }
}
