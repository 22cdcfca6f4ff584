//! A shard: one Durable Object that decides on the events of its tasks, stores them, and does what is owed.

mod keep;
mod outbox;
mod quarantine;
mod read;
mod rows;
mod schema;
mod sql;
mod topology;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use worker::{DurableObject, Env, Request, Response, State, console_error, durable_object, wasm_bindgen};

pub(crate) use outbox::result_key;

use self::sql::Row;
use crate::clock::Millis;
use crate::faults;
use crate::wire::{Ask, Call};

/// The object class that `wrangler.toml` binds as `TASK_SHARD`.
#[durable_object(alarm)]
pub struct TaskShard {
    state: State,
    env: Env,
    /// Unwind safe: each cell is written whole, after the commit that it follows from.
    memory: AssertUnwindSafe<Memory>,
}

/// What an instance remembers of its storage, so that it need not ask again.
#[derive(Default)]
struct Memory {
    /// The number of the event stored last; none before the stored form has been brought up to date.
    last_seq: Cell<Option<i64>>,
    /// How many shards the deployment was made with, once that has been looked up.
    shards: Cell<Option<i64>>,
    /// Repeats per task since the task's row was last written. They cost no row: a restart forgets them.
    duplicates: RefCell<BTreeMap<i64, u32>>,
    /// When the alarm is set for, as far as this instance knows.
    alarm_at: Cell<Option<Millis>>,
    /// Whether the alarm could not be set: the next call tries again.
    alarm_failed: Cell<bool>,
}

impl DurableObject for TaskShard {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, memory: AssertUnwindSafe(Memory::default()) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        let frame = request.bytes().await?;
        let (call, body) = Call::decode(&frame)?;
        self.open()?;
        if self.memory.alarm_failed.get() {
            self.schedule(false);
        }
        if let Err(mismatch) = self.check_topology(&call).await? {
            console_error!("shards: {mismatch}");
            return Ok(Response::empty()?.with_status(503));
        }
        match call.ask {
            Ask::Keep(arrival) => {
                let outcome = self.keep(&arrival, body)?;
                faults::report_rows();
                answer(Some(outcome.as_str()))
            }
            Ask::Task { task_id } => answer(self.task(&task_id)?),
            Ask::Result { task_id } => answer(self.result(&task_id)?),
            Ask::Tasks { before, status, limit } => {
                answer(Some(self.tasks(before, status.as_deref(), limit)?))
            }
            Ask::Quarantine { before, limit } => answer(Some(self.quarantined(before, limit)?)),
            Ask::Topology => answer(Some(call.shards)),
        }
    }

    /// Does what is due. It never fails: after six failures the platform would drop the alarm for good.
    async fn alarm(&self) -> worker::Result<Response> {
        self.memory.alarm_at.set(None);
        let run = async {
            self.open()?;
            self.settle().await
        };
        let fault = match AssertUnwindSafe(run).catch_unwind().await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("panicked".to_owned()),
        };
        if let Some(fault) = &fault {
            console_error!("alarm: {fault}");
        }
        self.schedule(fault.is_some());
        faults::report_rows();
        Response::empty()
    }
}

impl TaskShard {
    /// Brings the stored form up to date, once in the life of an instance, and picks up what is owed.
    fn open(&self) -> worker::Result<()> {
        if self.memory.last_seq.get().is_some() {
            return Ok(());
        }
        let storage = self.state.storage();
        let sql = storage.sql();
        sql::transaction(&storage, || schema::migrate(&sql))?;
        let last = sql::first(&sql, "SELECT COALESCE(MAX(seq), 0) FROM events", &[], Row::int)?;
        self.memory.last_seq.set(Some(last.unwrap_or(0)));
        self.schedule(false);
        Ok(())
    }
}

/// Answers the Worker with a value; none is a 404.
fn answer(value: Option<impl serde::Serialize>) -> worker::Result<Response> {
    match value {
        Some(value) => Response::ok(serde_json::to_string(&value)?),
        None => Ok(Response::empty()?.with_status(404)),
    }
}
