//! The Durable Object class of a shard: carries calls, sockets and alarms to the engine, and executes what it decides.

mod alarm;
mod attachment;
mod broadcasts;
mod calls;
mod sockets;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use vtryon_gateway_engine::Context;
use vtryon_gateway_engine::protocol::live::close;
use vtryon_gateway_engine::shard::{Effects, Shard, TICKET_TAG};
use vtryon_webhooks::Millis;
use worker::{
    DurableObject, Env, Request, Response, State, WebSocket, WebSocketIncomingMessage, console_error,
    durable_object, wasm_bindgen,
};

use self::broadcasts::BroadcastQueue;
use crate::config::Config;
use crate::log;
use crate::platform::clock;
use crate::platform::storage::ObjectDatabase;
use crate::testing::metering::{self, BilledOperation};

/// The object class that `wrangler.toml` binds as `TASK_SHARD`.
#[durable_object]
#[derive(Clone)]
pub struct TaskShard {
    state: Rc<State>,
    env: Env,
    /// None before the first decision, and while one is made.
    engine: Rc<AssertUnwindSafe<Cell<Option<Box<Shard>>>>>,
    database: Rc<AssertUnwindSafe<ObjectDatabase>>,
    broadcasts: Rc<AssertUnwindSafe<BroadcastQueue>>,
}

impl DurableObject for TaskShard {
    fn new(state: State, env: Env) -> Self {
        let database = Rc::new(AssertUnwindSafe(ObjectDatabase::new(state.storage())));
        let (engine, broadcasts) = (Rc::default(), Rc::default());
        Self { state: Rc::new(state), env, engine, database, broadcasts }
    }

    /// Opens a socket; everything else is a call.
    async fn fetch(&self, request: Request) -> worker::Result<Response> {
        metering::count(BilledOperation::ShardRequest);
        self.open_socket(&request).await
    }

    /// Handles a message of a client. It never fails: the client would wait for ever.
    async fn websocket_message(
        &self,
        socket: WebSocket,
        message: WebSocketIncomingMessage,
    ) -> worker::Result<()> {
        metering::count(BilledOperation::SocketMessage);
        sockets::guarded(&socket, || self.on_message(&socket, &message));
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
        sockets::close(&socket, close::CLOSED);
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _error: worker::Error) -> worker::Result<()> {
        self.on_close(&socket);
        Ok(())
    }

    /// Does what is due. It never fails: after six failures the platform would drop the alarm for good.
    async fn alarm(&self) -> worker::Result<Response> {
        metering::count(BilledOperation::AlarmRun);
        self.run_alarm().await;
        Response::empty()
    }
}

impl TaskShard {
    /// Lets the engine decide, and executes the effects before anything is awaited: so they are part of the same commit,
    /// which the platform completes before an answer leaves the object.
    ///
    /// The engine outlives a decision that panics: what it knows changes only after a commit.
    fn with_engine<T>(
        &self,
        decide: impl FnOnce(&mut Shard, &Context<'_>) -> vtryon_gateway_engine::Result<T>,
    ) -> worker::Result<T> {
        let config = self.config()?;
        let context = Context { db: &**self.database, now: clock::now(), deployment: &config.deployment };
        let mut engine = match self.engine.take() {
            Some(engine) => engine,
            None => Box::new(self.open(&context).map_err(fault)?),
        };
        let decided = catch_unwind(AssertUnwindSafe(|| decide(&mut engine, &context)));
        let effects = engine.take_effects();
        let shard = engine.number().ok();
        let least = config.deployment.log_level;
        effects.log.iter().for_each(|decision| log::write(least, decision, shard));
        let executed = self.execute(effects);
        if executed.is_err() {
            engine.alarm_failed();
        }
        self.engine.set(Some(engine));
        let decided = decided.unwrap_or_else(|panic| resume_unwind(panic)).map_err(fault)?;
        executed.map(|()| decided)
    }

    fn config(&self) -> worker::Result<Rc<Config>> {
        Config::current(&self.env).map_err(|_| "not configured".into())
    }

    fn open(&self, context: &Context<'_>) -> vtryon_gateway_engine::Result<Shard> {
        let sockets = self.state.get_websockets().len();
        let ticket_holders =
            if sockets == 0 { 0 } else { self.state.get_websockets_with_tag(TICKET_TAG).len() };
        Shard::open(context, sockets, ticket_holders)
    }

    fn execute(&self, effects: Effects) -> worker::Result<()> {
        for fault in effects.faults {
            console_error!("shard: {fault}");
        }
        self.queue(effects.broadcasts);
        effects.alarm.map_or(Ok(()), |at| self.set_alarm(at))
    }

    fn set_alarm(&self, at: Millis) -> worker::Result<()> {
        self.database.set_alarm(at).inspect_err(|_| console_error!("shard: the alarm could not be set"))
    }
}

/// A fault of the engine as the platform's bindings carry it.
fn fault(error: vtryon_gateway_engine::Error) -> worker::Error {
    worker::Error::from(error.to_string())
}
