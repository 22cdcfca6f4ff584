//! The directory: one Durable Object that knows the endpoints, and tells every shard what it needs of them.
//!
//! It is never on the way of an event: shards decide by what they were told last.

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

use crate::bill::{self, Item};
use crate::config::Config;
use crate::json;
use crate::reply::{self, Refusal};
use crate::wire::Tell;
use crate::{clock, faults, sql, stored};

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
        bill::count(Item::DirectoryRequest);
        let tell: Tell = json::read(&request.text().await?)?;
        match self.answer(tell).await {
            Ok(response) => Ok(response),
            Err(refusal) => Ok(refusal.into_response()?.into()),
        }
    }

    /// Goes on telling the shards that have not heard yet. It never fails: after six failures the platform
    /// would drop the alarm for good.
    async fn alarm(&self) -> worker::Result<Response> {
        bill::count(Item::AlarmRun);
        let run = async {
            let config = self.config()?;
            self.open()?;
            self.remember_secrets(&config, clock::now()).await;
            self.check_topology(&config)?;
            if self.has_news()? {
                self.push(&config).await?;
            }
            Ok::<_, Refusal>(())
        };
        match AssertUnwindSafe(run).catch_unwind().await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => console_error!("directory: the shards could not be told"),
            Err(_) => console_error!("directory: panicked"),
        }
        if let Err(error) = self.look_again() {
            console_error!("directory: alarm not set: {error}");
        }
        Response::empty()
    }
}

impl Directory {
    async fn answer(&self, tell: Tell) -> Result<Response, Refusal> {
        self.open()?;
        let config = self.config()?;
        self.remember_secrets(&config, clock::now()).await;
        self.check_topology(&config)?;
        match tell {
            Tell::Create(created) => self.create(&config, &created).await,
            Tell::List => self.list(&config).await,
            Tell::Get { endpoint } => self.get(&config, endpoint).await,
            Tell::Change { endpoint, change } => self.change(&config, endpoint, &change).await,
            Tell::Delete { endpoint } => self.delete(&config, endpoint).await,
            Tell::Rotate { endpoint, input } => self.rotate(&config, endpoint, &input).await,
            Tell::Retire { endpoint } => self.retire(&config, endpoint).await,
            Tell::Complain { endpoint, reason } => self.hear(&config, endpoint, &reason).await,
            Tell::Replay { input, key } => self.replay(&config, &input, key).await,
            Tell::Progress { id } => self.progress(&config, &id).await,
            Tell::Reject { rejections } => self.reject(&config, &rejections).await,
            Tell::Rejections => self.rejections(&config).await,
            Tell::Secrets => self.secrets(&config, clock::now()),
            Tell::PurgeSecret { fingerprint } => self.purge_secret(&config, &fingerprint),
            Tell::Sweep => {
                rejections::expire(&self.state.storage().sql(), clock::now())?;
                self.look_again()?;
                reply::json(200, &())
            }
        }
    }

    /// Refuses a Worker with another number of shards than the one that endpoints were registered under: it
    /// would tell the wrong ones.
    fn check_topology(&self, config: &Config) -> Result<(), Refusal> {
        let count = config.shards.count();
        match stored::meta(&self.state.storage().sql(), push::SHARDS)? {
            Some(recorded) if recorded != i64::from(count) => {
                let message = format!("SHARDS is {count}, but this deployment was made with {recorded}");
                console_error!("directory: {message}");
                Err(Refusal::telling(Code::Unavailable, message))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn config(&self) -> Result<std::rc::Rc<Config>, Refusal> {
        Config::current(&self.env)
    }

    fn open(&self) -> worker::Result<()> {
        if self.is_open.get() {
            return Ok(());
        }
        faults::configure(&self.env);
        let storage = self.state.storage();
        let sql = storage.sql();
        sql::transaction(&storage, || stored::migrate(&sql, schema::MIGRATIONS))?;
        self.is_open.set(true);
        Ok(())
    }
}

/// Refuses what there isn't.
const fn no_endpoint() -> Refusal {
    Refusal::because(Code::NotFound, "there is no endpoint of this id")
}
