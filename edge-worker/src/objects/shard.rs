//! A shard: one Durable Object that decides on the events of its tasks, stores them, and executes what follows.

mod calls;
mod deliveries;
mod enqueue;
mod events;
mod health;
mod leases;
mod live;
mod ordering;
mod outbox;
mod quarantine;
mod queries;
mod record_attempt;
mod replays;
mod retention;
mod retries;
mod rows;
mod schema;
mod settings;
mod store_event;
mod topology;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::join;
use vtryon_webhooks::Millis;
use vtryon_webhooks::health::Health;
use worker::{
    Delay, DurableObject, Env, Request, Response, State, WebSocket, WebSocketIncomingMessage, console_error,
    durable_object, wasm_bindgen,
};

use self::live::{BroadcastQueue, ShardPosition};
use self::queries::Commits;
use crate::config::Config;
use crate::platform::sql::{self, Row};
use crate::platform::{clock, migrations};
use crate::protocol::settings::Settings;
use crate::protocol::{Call, ShardRequest};
use crate::testing::faults;
use crate::testing::metering::{self, BilledOperation};

/// The object class that `wrangler.toml` binds as `TASK_SHARD`.
#[durable_object]
#[derive(Clone)]
pub struct TaskShard {
    state: Rc<State>,
    env: Env,
    /// Unwind safe: each cell is written whole, after the commit that it follows from.
    memory: Rc<AssertUnwindSafe<Memory>>,
}

/// What an instance caches of its storage, and what is in memory only.
#[derive(Default)]
struct Memory {
    /// The number of the event stored last; none before the stored form has been brought up to date.
    last_seq: Cell<Option<i64>>,
    /// How many shards the deployment was made with, and which of them this is, once that has been looked up.
    shards: Cell<Option<i64>>,
    shard: Cell<Option<i64>>,
    /// Repeats per task since the task's row was last written. They cost no row: a restart forgets them.
    duplicates: RefCell<BTreeMap<i64, u32>>,
    /// When the alarm is set for, as far as this instance knows.
    alarm_at: Cell<Option<Millis>>,
    /// Whether the alarm runs: when it has ended, it is set for whatever is due next.
    is_running: Cell<bool>,
    /// Whether the alarm could not be set: the next call tries again.
    alarm_failed: Cell<bool>,
    /// What the directory said last.
    settings: RefCell<Rc<Settings>>,
    /// When the lease of each delivery ends, and whether a first attempt was leased since `leased_from` was stored.
    leases: RefCell<BTreeMap<i64, Millis>>,
    has_leased: Cell<bool>,
    /// How each endpoint fares, and until when it is left alone after a failure.
    health: RefCell<BTreeMap<i64, Health>>,
    cooling_down: RefCell<BTreeMap<i64, Millis>>,
    /// Before when nothing is pruned.
    prune_at: Cell<Option<Millis>>,
    /// Whether anybody watches, or did so since this instance has started.
    has_subscribers: Cell<bool>,
    /// How many pages watch by ticket.
    pages: Cell<usize>,
    /// What is not shown to all of them yet.
    broadcast_queue: BroadcastQueue,
    /// How long storing took.
    commits: Commits,
}

impl DurableObject for TaskShard {
    fn new(state: State, env: Env) -> Self {
        Self { state: Rc::new(state), env, memory: Rc::new(AssertUnwindSafe(Memory::default())) }
    }

    /// Opens a socket; everything else is a call.
    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        metering::count(BilledOperation::ShardRequest);
        let call = Call::from_url(&request.inner().url())?;
        if let Err(mismatch) = self.admit(&call).await? {
            return Ok(Response::ok(mismatch)?.with_status(503));
        }
        let position = ShardPosition { shard: call.shard, shards: call.shards };
        let ShardRequest::Subscribe(subscription) = call.request else {
            return Err(worker::Error::from("only a socket is asked for by a request"));
        };
        self.subscribe(subscription, position)
    }

    /// Handles a message of a client. It never fails: the client would wait for ever.
    async fn websocket_message(
        &self,
        socket: WebSocket,
        message: WebSocketIncomingMessage,
    ) -> worker::Result<()> {
        metering::count(BilledOperation::SocketMessage);
        let handled =
            AssertUnwindSafe(async { self.open().and_then(|()| self.on_message(&socket, &message)) });
        if !matches!(handled.catch_unwind().await, Ok(Ok(()))) {
            console_error!("live: a message was not handled: its client has to resume");
            live::end(&socket, live::FAULT);
        }
        Ok(())
    }

    /// Answers the closing of a socket (RFC 6455, 5.5.1).
    async fn websocket_close(
        &self,
        socket: WebSocket,
        _code: usize,
        _reason: String,
        _was_clean: bool,
    ) -> worker::Result<()> {
        self.on_close(&socket);
        live::end(&socket, live::CLOSED);
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _error: worker::Error) -> worker::Result<()> {
        self.on_close(&socket);
        Ok(())
    }

    /// Does what is due. It never fails: after six failures the platform would drop the alarm for good.
    async fn alarm(&self) -> worker::Result<Response> {
        metering::count(BilledOperation::AlarmRun);
        self.memory.is_running.set(true);
        let run = async {
            self.open()?;
            self.run().await
        };
        let fault = match AssertUnwindSafe(run).catch_unwind().await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("panicked".to_owned()),
        };
        if let Some(fault) = &fault {
            console_error!("alarm: {fault}");
        }
        // Only now: one that is set while the alarm runs, for a time that comes before it has ended, would be lost.
        self.memory.is_running.set(false);
        self.memory.alarm_at.set(None);
        self.schedule(if fault.is_some() { outbox::FIRST_PAUSE * 1000 } else { outbox::MIN_ALARM_DELAY });
        Response::empty()
    }
}

impl TaskShard {
    /// Migrates the schema and restores what memory holds, once in the life of an instance.
    fn open(&self) -> worker::Result<()> {
        const LAST: &str = "SELECT MAX((SELECT COALESCE(MAX(seq), 0) FROM events),
            (SELECT COALESCE(MAX(no), 0) FROM quarantine), (SELECT COALESCE(MAX(seq), 0) FROM replay_log),
            (SELECT COALESCE(MAX(value), 0) FROM meta WHERE name IN ('pruned_to', 'quarantine_pruned_to')))";
        if self.memory.last_seq.get().is_some() {
            return Ok(());
        }
        faults::configure(&self.env);
        let storage = self.state.storage();
        let sql = storage.sql();
        sql::transaction(&storage, || migrations::migrate(&sql, schema::MIGRATIONS))?;
        *self.memory.settings.borrow_mut() = Rc::new(settings::load(&sql)?);
        self.recover_leases(clock::now())?;
        self.find_sockets();
        let last = sql::first(&sql, LAST, &[], Row::int)?;
        self.memory.last_seq.set(Some(last.unwrap_or(0)));
        self.schedule(0);
        if self.memory.has_subscribers.get() { self.catch_up_missed() } else { Ok(()) }
    }

    /// Does a limited part of each kind of work that is due: no kind delays another, and no failure stops the
    /// others.
    async fn run(&self) -> worker::Result<()> {
        let now = clock::now();
        let config = Config::current(&self.env).map_err(|_| worker::Error::from("not configured"))?;
        let mut chores = Ok(());
        for chore in [
            self.expire_leases(now),
            self.dead_letter_deleted_endpoints(now),
            self.mark_replays(now),
            self.prune(&config, now),
        ] {
            if let Err(error) = chore {
                console_error!("alarm: {error}");
                // The next run waits for a while: what has failed now would most likely fail again at once.
                chores = Err(worker::Error::from("a part of its work is left for the next run"));
            }
        }
        let is_delivering = Cell::new(true);
        let deliveries = async {
            let delivered = async { self.deliver_due(&config, self.shard()?).await }.await;
            is_delivering.set(false);
            delivered
        };
        let results = async {
            self.drain_outbox().await?;
            while is_delivering.get() {
                Delay::from(retries::LOOK).await;
                self.drain_outbox().await?;
            }
            Ok(())
        };
        let (delivered, drained) = join(deliveries, results).await;
        drained.and(delivered).and(self.report_unhealthy_endpoints(now, clock::now()).await).and(chores)
    }
}
