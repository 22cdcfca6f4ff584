//! The directory: one Durable Object that stores the endpoints, and pushes settings to every shard.
//!
//! The engine decides and stores, and says step by step what is to be done for a request; here it is done: calls to shards,
//! cryptography, the alarm.

mod push;
mod secrets;

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use vtryon_gateway_engine::directory::{Answer, Step, Then};
use vtryon_gateway_engine::protocol::{ALERT_SHARD, DirectoryCall, ShardRequest};
use vtryon_gateway_engine::text::json;
use vtryon_gateway_engine::{Context, Failure, Refusal, directory as engine};
use vtryon_webhooks::{Code, Millis};
use worker::{DurableObject, Env, Request, Response, State, console_error, durable_object, wasm_bindgen};

use crate::clients::OBJECT_LIMIT;
use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::log;
use crate::platform::js_url::Url;
use crate::platform::storage::ObjectDatabase;
use crate::platform::timeout::with_timeout;
use crate::platform::{clock, crypto};
use crate::sealing::Sealer;
use crate::testing::faults;
use crate::testing::metering::{self, BilledOperation};

/// How long a request waits for all shards, in a push and in asking them after it: the Worker has to be answered within its own
/// deadline, for its 503 would say that nothing was stored.
const SHARDS_LIMIT: Duration = Duration::from_secs(7);

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
        self.memory.borrow_mut().iter_mut().for_each(engine::Directory::begin_alarm);
        match AssertUnwindSafe(self.run(push::ALARM_TIMEOUT, engine::Directory::run_alarm))
            .catch_unwind()
            .await
        {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => console_error!("directory: settings or alerts are not confirmed by all shards"),
            Err(_) => console_error!("directory: panicked"),
        }
        self.end_alarm();
        Response::empty()
    }
}

impl Directory {
    async fn answer(&self, call: DirectoryCall) -> Result<Response, ApiError> {
        let begin =
            |directory: &mut engine::Directory, context: &Context<'_>| directory.request(context, call);
        let answer = self.run(push::REQUEST_TIMEOUT, begin).await?;
        response::json_text(answer.status, &answer.json)
    }

    /// Begins something, and does what the engine asks for until there is an answer.
    async fn run(
        &self,
        push_timeout: Duration,
        begin: impl FnOnce(&mut engine::Directory, &Context<'_>) -> Result<Step, Failure>,
    ) -> Result<Answer, ApiError> {
        let config = Config::current(&self.env)?;
        let shards = config.shard_client(&self.env);
        let sealer = Sealer::new(&config.master);
        let mut ask_limit = SHARDS_LIMIT;
        let mut step = self.decide(&config, begin)?;
        loop {
            step = match step {
                Step::Answer(answer) => return Ok(answer),
                Step::AskShardZero { question, then } => {
                    let answer = limited(OBJECT_LIMIT, shards.call(0, question, &[])).await;
                    let answer = answer.inspect_err(|refusal| {
                        console_error!("directory: {}", refusal.message());
                    })?;
                    self.resume(&config, then, answer)?
                }
                Step::AskShards { question, then } => {
                    let answers = limited(ask_limit, shards.call_all(|| question.clone())).await;
                    self.resume(&config, then, answers.map_err(Refusal::from))?
                }
                Step::Push { settings, then } => {
                    let pushed = push::push(&config, &shards, settings, push_timeout).await;
                    ask_limit = SHARDS_LIMIT - push::REQUEST_TIMEOUT;
                    self.resume(&config, then, pushed)?
                }
                Step::StoreAlert { alert, body, then } => {
                    let request = ShardRequest::StoreAlert(alert);
                    let call = shards.call(ALERT_SHARD, request, body.as_bytes());
                    let stored = limited(OBJECT_LIMIT, call).await?;
                    self.resume(&config, then, stored.is_some())?
                }
                Step::ReadOrigin { url, then } => {
                    self.resume(&config, then, Url::new(&url).ok().map(|url| url.origin()))?
                }
                Step::DrawId { then } => self.resume(&config, then, crypto::random()?)?,
                Step::MakeToken { then } => {
                    let token = config.admin.token_form.issue(crypto::random()?, &*crypto::random_key()?);
                    self.resume(&config, then, token)?
                }
                Step::MakeSecret { endpoint, version, then } => {
                    let secret = secrets::make(&sealer, endpoint, version).await?;
                    self.resume(&config, then, secret)?
                }
                Step::SealHeaders { endpoint, headers, then } => {
                    let sealed = sealer.seal_headers(endpoint, &headers).await?;
                    self.resume(&config, then, sealed)?
                }
                Step::SealConfigured { secrets, then } => {
                    let sealed = secrets::seal_configured(&sealer, &self.env, &secrets).await;
                    self.resume(&config, then, log_fault(sealed))?
                }
                Step::TryToOpen { endpoints, then } => {
                    let unreadable = secrets::unreadable(&sealer, &endpoints).await;
                    self.resume(&config, then, log_fault(unreadable))?
                }
                Step::OpenVtryonSecrets { former, then } => {
                    let opened = secrets::open_vtryon(&sealer, &self.env, &former).await?;
                    self.resume(&config, then, opened)?
                }
                Step::OpenEndpointSecrets { secrets, then } => {
                    let opened = secrets::open(&sealer, &secrets).await?;
                    self.resume(&config, then, opened)?
                }
            };
        }
    }

    fn resume<T>(&self, config: &Config, then: Then<T>, result: T) -> Result<Step, ApiError> {
        self.decide(config, |directory, context| then(directory, context, result))
    }

    /// Lets the engine decide, and executes the effects before anything is awaited: so they are part of the same commit,
    /// which the platform completes before an answer leaves the object.
    fn decide(
        &self,
        config: &Config,
        decide: impl FnOnce(&mut engine::Directory, &Context<'_>) -> Result<Step, Failure>,
    ) -> Result<Step, ApiError> {
        let mut memory = self.memory.borrow_mut();
        let directory = self.opened(&mut memory)?;
        let now = clock::now();
        let decided =
            decide(directory, &Context { db: &*self.database, now, deployment: &config.deployment });
        let effects = directory.take_effects();
        effects.faults.iter().for_each(|fault| console_error!("directory: {fault}"));
        let least = config.deployment.log_level;
        effects.log.iter().for_each(|decision| log::write(least, decision, None));
        self.set_alarm(directory, effects.alarm);
        Ok(decided?)
    }

    /// Sets the alarm for what is due next, though the configuration may be faulty. Where that fails, the hourly sweep sets
    /// it.
    fn end_alarm(&self) {
        let mut memory = self.memory.borrow_mut();
        let Ok(directory) = self.opened(&mut memory) else { return };
        match directory.end_alarm(&*self.database, clock::now(), clock::scale()) {
            Ok(alarm) => self.set_alarm(directory, alarm),
            Err(error) => console_error!("directory: alarm not set: {error}"),
        }
    }

    fn set_alarm(&self, directory: &mut engine::Directory, alarm: Option<Millis>) {
        if let Some(at) = alarm
            && let Err(error) = self.database.set_alarm(at)
        {
            directory.alarm_failed();
            console_error!("directory: alarm not set: {error}");
        }
    }

    /// Returns what this instance remembers; the first time, the stored form is brought up to date.
    fn opened<'a>(
        &self,
        memory: &'a mut Option<engine::Directory>,
    ) -> Result<&'a mut engine::Directory, ApiError> {
        if memory.is_none() {
            faults::configure(&self.env);
            *memory = Some(engine::Directory::open(&*self.database)?);
        }
        memory.as_mut().ok_or_else(|| ApiError::new(Code::Unavailable))
    }
}

/// Waits for an answer of shards for a limited time.
async fn limited<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    with_timeout(limit, answer).await.unwrap_or_else(|| {
        console_error!("directory: a shard does not answer");
        Err(ApiError::new(Code::Unavailable))
    })
}

fn log_fault<T>(result: worker::Result<T>) -> Option<T> {
    result.inspect_err(|error| console_error!("platform: {error}")).ok()
}
