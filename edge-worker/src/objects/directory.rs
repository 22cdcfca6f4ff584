//! The directory: one Durable Object that stores the endpoints, and pushes settings to every shard.
//!
//! It is never on the path of an event: shards use the settings that they have.

mod endpoints;
mod input;
mod keyring;
mod push;
mod records;
mod rejections;
mod replays;
mod schema;
mod secrets;

use std::cell::Cell;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use vtryon_webhooks::{Code, Millis};
use worker::{DurableObject, Env, Request, Response, State, console_error, durable_object, wasm_bindgen};

use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::json;
use crate::platform::{clock, migrations, sql};
use crate::protocol::DirectoryRequest;
use crate::testing::faults;
use crate::testing::metering::{self, BilledOperation};

/// The object class that `wrangler.toml` binds as `DIRECTORY`.
#[durable_object(alarm)]
pub struct Directory {
    state: State,
    env: Env,
    /// Whether the stored form has been brought up to date in the life of this instance.
    is_open: AssertUnwindSafe<Cell<bool>>,
    /// When this instance last saw to it that Vtryon's secrets are remembered.
    secrets_seen_at: AssertUnwindSafe<Cell<Option<Millis>>>,
    /// When this instance last looked for the mistakes behind rejections that were reported.
    diagnosed_at: AssertUnwindSafe<Cell<Option<Millis>>>,
}

impl DurableObject for Directory {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            is_open: AssertUnwindSafe(Cell::new(false)),
            secrets_seen_at: AssertUnwindSafe(Cell::new(None)),
            diagnosed_at: AssertUnwindSafe(Cell::new(None)),
        }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        metering::count(BilledOperation::DirectoryRequest);
        let request: DirectoryRequest = json::read(&request.text().await?)?;
        match self.answer(request).await {
            Ok(response) => Ok(response),
            Err(refusal) => Ok(refusal.into_response()?.into()),
        }
    }

    /// Pushes settings that not all shards have confirmed. It never fails: after six failures the platform would
    /// drop the alarm for good.
    async fn alarm(&self) -> worker::Result<Response> {
        metering::count(BilledOperation::AlarmRun);
        let run = async {
            let config = self.config()?;
            self.open()?;
            self.remember_secrets(&config, clock::now()).await;
            self.check_topology(&config)?;
            if self.has_unconfirmed()? {
                self.push(&config).await?;
            }
            Ok::<_, ApiError>(())
        };
        match AssertUnwindSafe(run).catch_unwind().await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => console_error!("directory: the settings were not pushed to all shards"),
            Err(_) => console_error!("directory: panicked"),
        }
        if let Err(error) = self.schedule_push() {
            console_error!("directory: alarm not set: {error}");
        }
        Response::empty()
    }
}

impl Directory {
    async fn answer(&self, request: DirectoryRequest) -> Result<Response, ApiError> {
        self.open()?;
        let config = self.config()?;
        self.remember_secrets(&config, clock::now()).await;
        self.check_topology(&config)?;
        match request {
            DirectoryRequest::Create(input) => self.create(&config, &input).await,
            DirectoryRequest::List => self.list(&config).await,
            DirectoryRequest::Get { endpoint } => self.get(&config, endpoint).await,
            DirectoryRequest::Change { endpoint, change } => self.change(&config, endpoint, &change).await,
            DirectoryRequest::Delete { endpoint } => self.delete(&config, endpoint).await,
            DirectoryRequest::Rotate { endpoint, input } => self.rotate(&config, endpoint, &input).await,
            DirectoryRequest::Retire { endpoint } => self.retire(&config, endpoint).await,
            DirectoryRequest::ReportUnhealthy { endpoint, reason } => {
                self.disable_if_unhealthy(&config, endpoint, &reason).await
            }
            DirectoryRequest::Replay { input, key } => self.replay(&config, &input, key).await,
            DirectoryRequest::Progress { id } => self.progress(&config, &id).await,
            DirectoryRequest::ReportRejections { rejections } => {
                self.report_rejections(&config, &rejections).await
            }
            DirectoryRequest::Rejections => self.rejections(&config).await,
            DirectoryRequest::Secrets => self.secrets(&config, clock::now()),
            DirectoryRequest::PurgeSecret { fingerprint } => self.purge_secret(&config, &fingerprint),
            DirectoryRequest::Sweep => {
                rejections::expire(&self.state.storage().sql(), clock::now())?;
                self.schedule_push()?;
                response::json(200, &())
            }
        }
    }

    /// Refuses a Worker with another number of shards than the one that endpoints were registered under: it
    /// would configure the wrong ones.
    fn check_topology(&self, config: &Config) -> Result<(), ApiError> {
        let count = config.shards.count();
        match migrations::meta(&self.state.storage().sql(), push::SHARDS)? {
            Some(recorded) if recorded != i64::from(count) => {
                let message = format!("SHARDS is {count}, but this deployment was made with {recorded}");
                console_error!("directory: {message}");
                Err(ApiError::with_message(Code::Unavailable, message))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn config(&self) -> Result<std::rc::Rc<Config>, ApiError> {
        Config::current(&self.env)
    }

    fn open(&self) -> worker::Result<()> {
        if self.is_open.get() {
            return Ok(());
        }
        faults::configure(&self.env);
        let storage = self.state.storage();
        let sql = storage.sql();
        sql::transaction(&storage, || migrations::migrate(&sql, schema::MIGRATIONS))?;
        self.is_open.set(true);
        Ok(())
    }
}

/// The error for an endpoint that does not exist.
const fn no_endpoint() -> ApiError {
    ApiError::because(Code::NotFound, "there is no endpoint of this id")
}
