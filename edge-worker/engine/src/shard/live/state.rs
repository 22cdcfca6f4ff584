//! The state of one task, and nothing else of it: what the holder of a ticket may see.

use serde::Serialize;
use vtryon_webhooks::lifecycle::Stage;
use vtryon_webhooks::{Millis, Status};

use super::subscriber::{Outgoing, Subscriber};
use crate::credentials::tickets::Tickets;
use crate::protocol::live::{MessageType, Subject, close};
use crate::shard::queries::TaskFailure;
use crate::shard::sequence::task_events::with_task_events;
use crate::storage::database::{Bind, Database};
use crate::text::json;
use crate::{Context, Result};

/// How long after its end a task may still be watched, in seconds: for a ticket holder who has missed it.
const AFTERWARDS: i64 = 300;

/// A task's state: the event that has led to it, and since when it is final.
pub struct TicketState {
    pub(crate) seq: i64,
    status: Option<String>,
    result_url: Option<String>,
    failure: Option<TaskFailure>,
    final_at: Option<Millis>,
}

#[derive(Serialize)]
struct StateMessage<'a> {
    id: String,
    r#type: MessageType,
    task: StateView<'a>,
}

#[derive(Serialize)]
struct StateView<'a> {
    task_id: &'a str,
    status: Option<&'a str>,
    result_url: Option<&'a str>,
    failure: Option<&'a TaskFailure>,
    seq: i64,
}

impl TicketState {
    /// The state of a task without events.
    const NONE: Self = Self { seq: 0, status: None, result_url: None, failure: None, final_at: None };

    pub(crate) fn is_final(&self) -> bool {
        let status = self.status.as_deref().map(Status::from_name);
        status.and_then(|status| Stage::of(&status)).is_some_and(Stage::is_final)
    }

    /// Returns whether the task ended so long ago that no ticket holder may subscribe any more.
    pub(crate) fn is_past(&self, now: Millis) -> bool {
        self.final_at.is_some_and(|at| at.plus_seconds(AFTERWARDS) < now)
    }

    /// Sends the state to a ticket holder who has an older one; `None` where there is nothing to send.
    pub fn send(&self, context: &Context<'_>, subscriber: &mut Subscriber) -> Option<Outgoing> {
        let Subject::State { task_id } = &subscriber.subject else { return None };
        if subscriber.at >= self.seq {
            return None;
        }
        let Some(until) = subscriber.until.filter(|until| *until > context.now) else {
            return Some(Outgoing::close(close::EXPIRED));
        };
        let text = self.message(MessageType::Update, task_id, until, &context.deployment.tickets);
        subscriber.at = self.seq;
        let mut outgoing =
            Outgoing { close: self.is_final().then_some(close::TASK_ENDED), ..Outgoing::default() };
        subscriber.send(&mut outgoing, text);
        Some(outgoing)
    }

    /// Makes the message with the state, and a token by which the ticket holder can resume.
    pub(crate) fn message(
        &self,
        kind: MessageType,
        task_id: &str,
        until: Millis,
        tickets: &Tickets,
    ) -> String {
        let task = StateView {
            task_id,
            status: self.status.as_deref(),
            result_url: self.result_url.as_deref(),
            failure: self.failure.as_ref(),
            seq: self.seq,
        };
        let id = tickets.resume(task_id, until, self.seq);
        json::to_string(&StateMessage { id, r#type: kind, task })
    }
}

/// Finds the state of a task.
pub(crate) fn find(db: &dyn Database, task_id: &str) -> Result<TicketState> {
    const FIND: &str = concat!(
        "SELECT stage, result_url, failure, final_at, COALESCE((",
        with_task_events!(
            "last_seq",
            "1000",
            "SELECT seq FROM task_events WHERE outcome = 'applied' LIMIT 1"
        ),
        "), 0) FROM tasks WHERE task_id = ?"
    );
    let found = db.first(FIND, &[Bind::Text(task_id)], |row| TicketState {
        status: row.maybe_text(),
        result_url: row.maybe_text(),
        failure: row.maybe_text().map(TaskFailure::new),
        final_at: row.maybe_int().map(Millis),
        seq: row.int(),
    })?;
    Ok(found.unwrap_or(TicketState::NONE))
}
