//! The life of an endpoint: registered, changed, rotated, disabled, deleted.

use serde::Serialize;
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::health::{Health, Reason, is_dead};
use vtryon_webhooks::{Code, Millis};
use worker::{Response, SqlStorage};

use super::input::{self as fields, Input};
use super::push::Applied;
use super::records::{self, Disabled, EndpointRecord, EndpointView};
use super::{Directory, no_endpoint};
use crate::config::Config;
use crate::delivery::seal;
use crate::http::response::{self, ApiError};
use crate::json;
use crate::platform::{clock, crypto};
use crate::protocol::settings::{Endpoint, Sealed};
use crate::protocol::{EndpointHealth, EndpointInput, ShardRequest, shard_client};

/// How many endpoints there may be at the same time: each event is matched against all of them.
const MAX_ENDPOINTS: usize = 20;

/// How many secrets an endpoint may have at the same time, the current one among them.
const MAX_SECRETS: usize = 3;

/// How many hours the previous secret stays valid after a rotation, where none are asked for, and at most.
const OVERLAP_HOURS: u32 = 24;
const MAX_OVERLAP_HOURS: u32 = 168;

/// The answer to a change: the endpoint, and how many shards have confirmed it.
#[derive(Serialize)]
struct Changed<'a> {
    #[serde(flatten)]
    endpoint: EndpointView<'a>,
    /// Shown this once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
    applied: u32,
    shards: u32,
}

#[derive(Serialize)]
struct EndpointList<'a> {
    endpoints: Vec<EndpointView<'a>>,
}

impl Directory {
    pub(super) async fn create(&self, config: &Config, input: &EndpointInput) -> Result<Response, ApiError> {
        let sql = self.state.storage().sql();
        let now = clock::now();
        check_room(&sql)?;
        let mut record = EndpointRecord {
            endpoint: Endpoint {
                no: 0,
                url: String::new(),
                enabled: true,
                order: "latest".to_owned(),
                statuses: Vec::new(),
                events: Vec::new(),
                include: Vec::new(),
                secrets: Vec::new(),
            },
            description: String::new(),
            created_at: now,
            updated_at: now,
            disabled: None,
        };
        fields::apply(&mut record, &input.body, config, &input.own_origin)?;
        if record.endpoint.url.is_empty() {
            return Err(ApiError::because(Code::InvalidRequest, "`url` is missing"));
        }
        disable_by_hand(&mut record, now);
        let secret = EndpointSecret::from_bytes(crypto::random_key()?);
        let no = self.take_number()?;
        record.endpoint.no = no;
        record.endpoint.secrets = vec![sealed(config, no, 1, &secret, now).await?];
        // Asked again: while a secret is sealed, another endpoint may have been registered.
        check_room(&sql)?;
        let applied = self.commit(config, |sql| records::put(sql, &record)).await?;
        answer(config, 201, &record, Some(&secret.reveal()), &applied).await
    }

    pub(super) async fn list(&self, config: &Config) -> Result<Response, ApiError> {
        let records = records::all(&self.state.storage().sql())?;
        let now = clock::now();
        let mut endpoints = Vec::with_capacity(records.len());
        for record in &records {
            endpoints.push(record.view(now, is_readable(config, record).await?));
        }
        response::json(200, &EndpointList { endpoints })
    }

    pub(super) async fn get(&self, config: &Config, no: i64) -> Result<Response, ApiError> {
        let record = self.find(no)?;
        let is_readable = is_readable(config, &record).await?;
        response::json(200, &record.view(clock::now(), is_readable))
    }

    pub(super) async fn change(
        &self,
        config: &Config,
        no: i64,
        input: &EndpointInput,
    ) -> Result<Response, ApiError> {
        let mut record = self.find(no)?;
        let now = clock::now();
        fields::apply(&mut record, &input.body, config, &input.own_origin)?;
        record.updated_at = now;
        disable_by_hand(&mut record, now);
        let applied = self.commit(config, |sql| records::put(sql, &record)).await?;
        answer(config, 200, &record, None, &applied).await
    }

    pub(super) async fn delete(&self, config: &Config, no: i64) -> Result<Response, ApiError> {
        let record = self.find(no)?;
        let now = clock::now();
        let applied = self.commit(config, |sql| records::delete(sql, no, now)).await?;
        answer(config, 200, &record, None, &applied).await
    }

    /// Makes a new secret. The one before it stays valid for a while, so that no delivery fails meanwhile.
    pub(super) async fn rotate(&self, config: &Config, no: i64, text: &str) -> Result<Response, ApiError> {
        let input = Input::parse(text, &["overlap_hours"])?;
        let hours = input.number("overlap_hours")?.unwrap_or(OVERLAP_HOURS);
        if hours > MAX_OVERLAP_HOURS {
            let message = "`overlap_hours` is not from 0 to 168";
            return Err(ApiError::because(Code::InvalidRequest, message));
        }
        let version = self.find(no)?.endpoint.secrets.first().map_or(0, |secret| secret.version) + 1;
        let now = clock::now();
        let secret = EndpointSecret::from_bytes(crypto::random_key()?);
        let new = sealed(config, no, version, &secret, now).await?;
        // Read again: it may have changed while the secret was sealed.
        let mut record = self.find(no)?;
        if record.endpoint.secrets.first().is_some_and(|current| current.version >= version) {
            return Err(ApiError::because(Code::Conflict, "the secret is being rotated by another request"));
        }
        let until = now.plus_seconds(i64::from(hours) * 3600);
        // Each that is still valid stays so for as long as was said, but there are not many of them.
        let former = record.endpoint.secrets_at(now).into_iter();
        let former = former.map(|secret| Sealed { until: secret.until.or(Some(until)), ..secret });
        let valid = former.filter(|secret| secret.until.is_some_and(|until| until > now));
        record.endpoint.secrets = std::iter::once(new).chain(valid).take(MAX_SECRETS).collect();
        record.updated_at = now;
        let applied = self.commit(config, |sql| records::put(sql, &record)).await?;
        answer(config, 200, &record, Some(&secret.reveal()), &applied).await
    }

    /// Removes the previous secret at once.
    pub(super) async fn retire(&self, config: &Config, no: i64) -> Result<Response, ApiError> {
        let mut record = self.find(no)?;
        record.endpoint.secrets.truncate(1);
        record.updated_at = clock::now();
        let applied = self.commit(config, |sql| records::put(sql, &record)).await?;
        answer(config, 200, &record, None, &applied).await
    }

    /// Disables an endpoint that a shard has reported. Whether it has failed for too long is asked of all
    /// shards: a success in one of them keeps it enabled.
    pub(super) async fn disable_if_unhealthy(
        &self,
        config: &Config,
        no: i64,
        reason: &str,
    ) -> Result<Response, ApiError> {
        let now = clock::now();
        let stands = match Reason::from_name(reason) {
            Some(Reason::Gone) => true,
            Some(Reason::Failing) => is_dead(&self.healths(config, no).await?, now),
            Some(Reason::Administrator) | None => false,
        };
        let mut record = self.find(no)?;
        if stands && record.endpoint.enabled {
            record.endpoint.enabled = false;
            record.disabled = Some(Disabled { reason: reason.to_owned(), at: now });
            record.updated_at = now;
            self.commit(config, |sql| records::put(sql, &record)).await?;
        }
        response::json(200, &())
    }

    async fn healths(&self, config: &Config, no: i64) -> Result<Vec<Health>, ApiError> {
        let answers =
            shard_client::call_all(&self.env, config.shards, || ShardRequest::Health { endpoint: no })
                .await?;
        let read = |text: &String| {
            let EndpointHealth { failing_since, succeeded_at, consecutive_410 } = json::read(text).ok()?;
            Some(Health { failing_since, succeeded_at, consecutive_410 })
        };
        Ok(answers.iter().filter_map(read).collect())
    }

    pub(super) fn find(&self, no: i64) -> Result<EndpointRecord, ApiError> {
        records::find(&self.state.storage().sql(), no)?.ok_or(no_endpoint())
    }

    fn take_number(&self) -> Result<i64, ApiError> {
        let no = records::take_number(&self.state.storage().sql())?;
        no.ok_or(ApiError::because(Code::Conflict, "65535 endpoints were registered, and no more can be"))
    }
}

fn check_room(sql: &SqlStorage) -> Result<(), ApiError> {
    if records::all(sql)?.len() < MAX_ENDPOINTS {
        return Ok(());
    }
    Err(ApiError::because(Code::Conflict, "there are 20 endpoints, and no more fit"))
}

fn disable_by_hand(record: &mut EndpointRecord, now: Millis) {
    if record.endpoint.enabled {
        record.disabled = None;
    } else if record.disabled.is_none() {
        record.disabled = Some(Disabled { reason: Reason::Administrator.as_str().to_owned(), at: now });
    }
}

async fn sealed(
    config: &Config,
    endpoint: i64,
    version: i64,
    secret: &EndpointSecret,
    now: Millis,
) -> worker::Result<Sealed> {
    Ok(Sealed {
        version,
        sealed: seal::seal(config, endpoint, version, secret).await?,
        fingerprint: secret.fingerprint().to_string(),
        created_at: now,
        until: None,
    })
}

/// Returns whether the master key opens the secret that signs an endpoint's deliveries.
async fn is_readable(config: &Config, record: &EndpointRecord) -> Result<bool, ApiError> {
    match record.endpoint.secrets.first() {
        Some(secret) => Ok(seal::open(config, record.endpoint.no, secret).await?.is_some()),
        None => Ok(false),
    }
}

/// Answers with the changed endpoint: 202 as long as not all shards have confirmed.
async fn answer(
    config: &Config,
    done: u16,
    record: &EndpointRecord,
    secret: Option<&str>,
    applied: &Applied,
) -> Result<Response, ApiError> {
    let status = if applied.applied == applied.shards { done } else { 202 };
    let endpoint = record.view(clock::now(), is_readable(config, record).await?);
    response::json(status, &Changed { endpoint, secret, applied: applied.applied, shards: applied.shards })
}
