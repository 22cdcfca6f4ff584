//! The state of one task, and nothing else of it: what the holder of a ticket may see.

use serde::Serialize;
use vtryon_webhooks::lifecycle::Stage;
use vtryon_webhooks::{Millis, Status};

use crate::config::Config;
use crate::json;
use crate::objects::shard::TaskShard;
use crate::objects::shard::queries::Failure;
use crate::platform::sql::{self, Bind};

/// How long after its end a task may still be watched, in seconds: for a page that has missed it.
const AFTERWARDS: i64 = 300;

/// A task's state: the event that has led to it, and since when it is final.
pub(super) struct PageState {
    pub(super) seq: i64,
    status: Option<String>,
    result_url: Option<String>,
    failure: Option<Failure>,
    final_at: Option<Millis>,
}

#[derive(Serialize)]
struct StateMessage<'a> {
    id: String,
    r#type: &'static str,
    task: StateView<'a>,
}

#[derive(Serialize)]
struct StateView<'a> {
    task_id: &'a str,
    status: Option<&'a str>,
    result_url: Option<&'a str>,
    failure: Option<&'a Failure>,
    seq: i64,
}

impl PageState {
    /// The state of a task without events.
    const NONE: Self = Self { seq: 0, status: None, result_url: None, failure: None, final_at: None };

    pub(super) fn is_final(&self) -> bool {
        let status = self.status.as_deref().map(Status::from_name);
        status.and_then(|status| Stage::of(&status)).is_some_and(Stage::is_final)
    }

    /// Returns whether the task ended so long ago that no page may subscribe any more.
    pub(super) fn is_past(&self, now: Millis) -> bool {
        self.final_at.is_some_and(|at| at.plus_seconds(AFTERWARDS) < now)
    }

    /// Makes the message with the state, and a token by which the page can resume.
    pub(super) fn message(
        &self,
        kind: &'static str,
        task_id: &str,
        until: Millis,
        config: &Config,
    ) -> String {
        let task = StateView {
            task_id,
            status: self.status.as_deref(),
            result_url: self.result_url.as_deref(),
            failure: self.failure.as_ref(),
            seq: self.seq,
        };
        let id = config.tickets.resume(task_id, until, self.seq);
        json::to_string(&StateMessage { id, r#type: kind, task })
    }
}

impl TaskShard {
    /// Finds the state of a task.
    pub(super) fn state_of(&self, task_id: &str) -> worker::Result<PageState> {
        const FIND: &str = "SELECT stage, result_url, failure, final_at, COALESCE((
                WITH RECURSIVE line (seq, previous, moved) AS (
                    SELECT seq, previous, outcome = 'applied' FROM events WHERE seq = last_seq
                    UNION ALL
                    SELECT e.seq, e.previous, e.outcome = 'applied'
                    FROM line JOIN events e ON e.seq = line.previous WHERE NOT line.moved LIMIT 1000
                ) SELECT seq FROM line WHERE moved
            ), 0)
            FROM tasks WHERE task_id = ?";
        let found = sql::first(&self.state.storage().sql(), FIND, &[Bind::Text(task_id)], |row| PageState {
            status: row.maybe_text(),
            result_url: row.maybe_text(),
            failure: row.maybe_text().map(Failure::new),
            final_at: row.maybe_int().map(Millis),
            seq: row.int(),
        })?;
        Ok(found.unwrap_or(PageState::NONE))
    }
}
