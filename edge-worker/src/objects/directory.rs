//! The directory: one Durable Object that stores the endpoints, and pushes settings to every shard.
//!
//! The engine decides and stores; here are requests, the alarm, cryptography and calls to shards.

mod alerts;
mod conditions;
mod endpoints;
mod push;
mod rejections;
mod replays;
mod secrets;
mod tokens;

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use futures_util::FutureExt;
use vtryon_gateway_engine::directory::settings;
use vtryon_gateway_engine::directory::topology::{self, Purpose};
use vtryon_gateway_engine::log::Decision;
use vtryon_gateway_engine::protocol::{AuditedRequest, DirectoryCall, DirectoryRequest, SweepReport};
use vtryon_gateway_engine::{Context, directory as engine, json};
use vtryon_webhooks::Millis;
use worker::{DurableObject, Env, Request, Response, State, console_error, durable_object, wasm_bindgen};

use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::log;
use crate::platform::clock;
use crate::platform::storage::ObjectDatabase;
use crate::testing::faults;
use crate::testing::metering::{self, BilledOperation};

/// The object class that `wrangler.toml` binds as `DIRECTORY`.
#[durable_object(alarm)]
pub struct Directory {
    env: Env,
    database: AssertUnwindSafe<ObjectDatabase>,
    /// What this instance remembers; nothing until the stored form has been brought up to date.
    memory: AssertUnwindSafe<RefCell<Option<engine::Directory>>>,
}

impl DurableObject for Directory {
    fn new(state: State, env: Env) -> Self {
        let database = AssertUnwindSafe(ObjectDatabase::new(state.storage()));
        Self { env, database, memory: AssertUnwindSafe(RefCell::new(None)) }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        metering::count(BilledOperation::DirectoryRequest);
        let call = json::read(&request.text().await?).map_err(|error| error.to_string())?;
        match self.answer(call).await {
            Ok(response) => Ok(response),
            Err(refusal) => Ok(refusal.into_response()?.into()),
        }
    }

    /// Pushes settings and sends alerts that shards have not confirmed. It never fails: after six failures the platform
    /// would drop the alarm for good.
    async fn alarm(&self) -> worker::Result<Response> {
        metering::count(BilledOperation::AlarmRun);
        self.with_memory(engine::Directory::begin_alarm);
        let run = async {
            let config = self.begin().await?;
            if self.with_context(&config, clock::now(), |context| settings::has_unconfirmed(context.db))? {
                self.push(&config).await?;
            }
            self.send_alerts(&config).await?;
            Ok::<_, ApiError>(())
        };
        match AssertUnwindSafe(run).catch_unwind().await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => console_error!("directory: settings or alerts are not confirmed by all shards"),
            Err(_) => console_error!("directory: panicked"),
        }
        self.schedule_alarm_after_change();
        Response::empty()
    }
}

impl Directory {
    async fn answer(&self, call: DirectoryCall) -> Result<Response, ApiError> {
        let config = self.begin().await?;
        if let Some((kind, endpoint)) = call.request.endpoint() {
            self.with_context(&config, clock::now(), |context| {
                engine::endpoints::find_of_kind(context.db, kind, endpoint)
            })?;
        }
        let audited = call.audited.as_ref();
        let answer = match call.request {
            DirectoryRequest::Create { kind, input } => self.create(&config, kind, &input, audited).await,
            DirectoryRequest::List { kind } => self.list(&config, kind).await,
            DirectoryRequest::Get { endpoint, .. } => self.get(&config, endpoint).await,
            DirectoryRequest::Change { endpoint, change, .. } => {
                self.change(&config, endpoint, &change, audited).await
            }
            DirectoryRequest::Delete { endpoint, .. } => self.delete(&config, endpoint, audited).await,
            DirectoryRequest::Rotate { endpoint, input, .. } => {
                self.rotate(&config, endpoint, &input, audited).await
            }
            DirectoryRequest::Retire { endpoint, .. } => self.retire(&config, endpoint, audited).await,
            DirectoryRequest::ReportConditions(report) => self.report_conditions(&config, &report).await,
            DirectoryRequest::Replay { input, key } => self.replay(&config, &input, key, audited).await,
            DirectoryRequest::Progress { id } => self.progress(&config, 200, &id).await,
            DirectoryRequest::CancelReplay { id } => self.cancel_replay(&config, &id, audited).await,
            DirectoryRequest::ReportRejections { rejections } => {
                self.report_rejections(&config, &rejections).await
            }
            DirectoryRequest::Rejections => self.rejections(&config).await,
            DirectoryRequest::RejectionTotals => self.rejection_totals(&config),
            DirectoryRequest::Secrets => self.secrets(&config),
            DirectoryRequest::PurgeSecret { fingerprint } => {
                self.purge_secret(&config, &fingerprint, audited)
            }
            DirectoryRequest::CreateToken { input } => self.create_token(&config, &input, audited).await,
            DirectoryRequest::Tokens => self.tokens(&config),
            DirectoryRequest::RevokeToken { id } => self.revoke_token(&config, &id, audited),
            DirectoryRequest::FindToken { id } => self.find_token(&config, &id),
            DirectoryRequest::Audit { cursor, limit } => self.audit(&config, cursor.as_deref(), limit),
            DirectoryRequest::RecordChange { target } => self.record_change(&config, &target, audited),
            DirectoryRequest::RecordImport => self.record_import(&config, audited),
            DirectoryRequest::Sweep(report) => self.sweep(&config, report),
        }?;
        if let Some(AuditedRequest { operation, .. }) = audited
            && answer.status_code() < 300
        {
            let decision =
                Decision::ChangeMade { operation: operation.clone(), status: answer.status_code() };
            log::write(config.deployment.log_level, &decision, None);
        }
        Ok(answer)
    }

    /// Does what comes before every request: the stored form is brought up to date, the number of shards and the placement
    /// are compared, and Vtryon's secrets are remembered.
    async fn begin(&self) -> Result<Rc<Config>, ApiError> {
        self.open()?;
        let config = Config::current(&self.env)?;
        self.check_topology(&config, Purpose::Any).await.inspect_err(|refusal| {
            console_error!("directory: {}", refusal.message());
        })?;
        self.remember_secrets(&config, clock::now()).await;
        Ok(config)
    }

    /// Compares the number of shards and the placement with what is recorded, or with what shard 0 knows.
    async fn check_topology(&self, config: &Config, purpose: Purpose) -> Result<(), ApiError> {
        let configured = config.topology();
        let check = |context: &Context<'_>| topology::check(context.db, configured, purpose);
        let Some(question) = self.with_context(config, clock::now(), check)? else { return Ok(()) };
        let answer = config.shard_client(&self.env).call(0, question, &[]).await?;
        Ok(self.with_context(config, clock::now(), |context| {
            topology::record(context.db, configured, answer.as_deref())
        })?)
    }

    fn open(&self) -> Result<(), ApiError> {
        if self.memory.borrow().is_some() {
            return Ok(());
        }
        faults::configure(&self.env);
        let memory = engine::Directory::open(&*self.database)?;
        self.memory.replace(Some(memory));
        Ok(())
    }

    /// Asks what this instance remembers, or notes something in it; nothing before it has been opened.
    fn with_memory<T>(&self, ask: impl FnOnce(&mut engine::Directory) -> T) -> Option<T> {
        self.memory.borrow_mut().as_mut().map(ask)
    }

    /// Runs a step of the engine on this object's database.
    fn with_context<T>(&self, config: &Config, now: Millis, decide: impl FnOnce(&Context<'_>) -> T) -> T {
        decide(&Context { db: &*self.database, now, deployment: &config.deployment })
    }

    /// Removes what has expired, looks for causes of alerts, and sets the alarm where it is wanted.
    fn sweep(&self, config: &Config, report: SweepReport) -> Result<Response, ApiError> {
        self.with_context(config, clock::now(), |context| {
            engine::rejections::expire(context.db, context.now)?;
            engine::tokens::expire(context.db, context.now)?;
            engine::audit::expire(context)?;
            engine::alerts::sweep(context, report)
        })?;
        self.schedule_alarm()?;
        response::json(200, &())
    }
}
