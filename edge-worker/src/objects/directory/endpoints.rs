//! Requests about endpoints: their secrets are made, sealed and opened here.

use vtryon_gateway_engine::directory::alerts;
use vtryon_gateway_engine::directory::endpoints::{self, Rotation};
use vtryon_gateway_engine::directory::fields::{self, FieldRules};
use vtryon_gateway_engine::directory::settings::{Applied, SettingsChange};
use vtryon_gateway_engine::directory::{
    AlertList, ChangedEndpoint, EndpointList, EndpointRecord, Unreadable, credentials,
};
use vtryon_gateway_engine::protocol::settings::{EndpointKind, Sealed};
use vtryon_gateway_engine::protocol::{AuditedRequest, EndpointInput};
use vtryon_gateway_engine::{Context, Failure};
use vtryon_webhooks::Millis;
use vtryon_webhooks::delivery::EndpointSecret;
use worker::Response;

use super::Directory;
use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::platform::js_url::Url;
use crate::platform::{clock, crypto};
use crate::sealing::Sealer;

impl Directory {
    pub(super) async fn create(
        &self,
        config: &Config,
        kind: EndpointKind,
        input: &EndpointInput,
        audited: Option<&AuditedRequest>,
    ) -> Result<Response, ApiError> {
        let now = clock::now();
        let rules = field_rules(config, input);
        let (mut record, headers) =
            self.with_context(config, now, |context| endpoints::draft(context, kind, &input.body, &rules))?;
        let secret = EndpointSecret::from_bytes(crypto::random_key()?);
        let no = self.with_context(config, now, |context| endpoints::take_number(context.db))?;
        record.endpoint.no = no;
        record.endpoint.secrets = vec![sealed(config, no, endpoints::FIRST_SECRET, &secret, now).await?];
        record.endpoint.headers = Sealer::new(&config.master).seal_headers(no, &headers).await?;
        // Asked again: while a secret is sealed, another endpoint may have been registered.
        self.with_context(config, now, |context| endpoints::check_room(context.db, kind))?;
        self.put(config, 201, &record, Some(&secret), audited).await
    }

    pub(super) async fn list(&self, config: &Config, kind: EndpointKind) -> Result<Response, ApiError> {
        let now = clock::now();
        let records = self.with_context(config, now, |context| endpoints::of_kind(context.db, kind))?;
        let mut endpoints = Vec::with_capacity(records.len());
        for record in &records {
            endpoints.push(record.view(now, unreadable(config, record).await?));
        }
        match kind {
            EndpointKind::Tasks => response::json(200, &EndpointList { endpoints }),
            EndpointKind::Alerts => {
                let alerts = self.with_context(config, now, alerts::list)?;
                response::json(200, &AlertList { destinations: endpoints, alerts })
            }
        }
    }

    pub(super) async fn get(&self, config: &Config, no: i64) -> Result<Response, ApiError> {
        let record = self.find(config, no)?;
        let unreadable = unreadable(config, &record).await?;
        response::json(200, &record.view(clock::now(), unreadable))
    }

    pub(super) async fn change(
        &self,
        config: &Config,
        no: i64,
        input: &EndpointInput,
        audited: Option<&AuditedRequest>,
    ) -> Result<Response, ApiError> {
        self.find(config, no)?;
        let headers = credentials::read(&input.body).map_err(Failure::from)?;
        let headers = Sealer::new(&config.master).seal_headers(no, &headers).await?;
        let rules = field_rules(config, input);
        let change = |context: &Context<'_>| endpoints::change(context, no, &input.body, &rules, headers);
        let record = self.with_context(config, clock::now(), change)?;
        self.put(config, 200, &record, None, audited).await
    }

    pub(super) async fn delete(
        &self,
        config: &Config,
        no: i64,
        audited: Option<&AuditedRequest>,
    ) -> Result<Response, ApiError> {
        let record = self.find(config, no)?;
        let applied = self.commit(config, SettingsChange::Delete { endpoint: no }, audited).await?;
        answer(config, 200, &record, None, applied).await
    }

    /// Makes a new secret.
    pub(super) async fn rotate(
        &self,
        config: &Config,
        no: i64,
        body: &str,
        audited: Option<&AuditedRequest>,
    ) -> Result<Response, ApiError> {
        let now = clock::now();
        let rotation = self.with_context(config, now, |context| Rotation::begin(context.db, no, body))?;
        let secret = EndpointSecret::from_bytes(crypto::random_key()?);
        let new = sealed(config, no, rotation.version, &secret, now).await?;
        let record = self.with_context(config, now, |context| rotation.finish(context, new))?;
        self.put(config, 200, &record, Some(&secret), audited).await
    }

    /// Removes the previous secret at once.
    pub(super) async fn retire(
        &self,
        config: &Config,
        no: i64,
        audited: Option<&AuditedRequest>,
    ) -> Result<Response, ApiError> {
        let record = self.with_context(config, clock::now(), |context| endpoints::retire(context, no))?;
        self.put(config, 200, &record, None, audited).await
    }

    /// Stores a changed endpoint, and answers with it and with its new secret, if it has one.
    async fn put(
        &self,
        config: &Config,
        done: u16,
        record: &EndpointRecord,
        secret: Option<&EndpointSecret>,
        audited: Option<&AuditedRequest>,
    ) -> Result<Response, ApiError> {
        let applied = self.commit(config, SettingsChange::Put(record), audited).await?;
        answer(config, done, record, secret, applied).await
    }

    fn find(&self, config: &Config, no: i64) -> Result<EndpointRecord, ApiError> {
        Ok(self.with_context(config, clock::now(), |context| endpoints::find(context.db, no))?)
    }
}

/// Returns what the fields of a request are held to, with where its URL leads as the platform would call it.
fn field_rules<'a>(config: &'a Config, input: &'a EndpointInput) -> FieldRules<'a> {
    let url = fields::url(&input.body).and_then(|url| Url::new(&url).ok());
    FieldRules {
        urls: &config.endpoint_urls,
        own_origin: &input.own_origin,
        origin: url.map(|url| url.origin()),
        shards: config.shards,
    }
}

async fn sealed(
    config: &Config,
    endpoint: i64,
    version: i64,
    secret: &EndpointSecret,
    now: Millis,
) -> worker::Result<Sealed> {
    let sealed = Sealer::new(&config.master).seal_endpoint_secret(endpoint, version, secret).await?;
    Ok(Sealed::new(version, sealed, secret, now))
}

/// Returns what the master key does not open, of what an attempt needs.
async fn unreadable(config: &Config, record: &EndpointRecord) -> Result<Option<Unreadable>, ApiError> {
    let endpoint = &record.endpoint;
    let sealer = Sealer::new(&config.master);
    let secret = match endpoint.secrets.first() {
        Some(secret) => sealer.open_endpoint_secret(endpoint.no, secret).await?,
        None => None,
    };
    if secret.is_none() {
        return Ok(Some(Unreadable::Secret));
    }
    for header in &endpoint.headers {
        if sealer.open_header(endpoint.no, header).await?.is_none() {
            return Ok(Some(Unreadable::Headers));
        }
    }
    Ok(None)
}

/// Answers with the changed endpoint: 202 as long as not all shards have confirmed. It is stored, and a new secret is
/// shown by this answer alone: that something can't be checked at the moment is no reason to give none.
async fn answer(
    config: &Config,
    done: u16,
    record: &EndpointRecord,
    secret: Option<&EndpointSecret>,
    applied: Applied,
) -> Result<Response, ApiError> {
    let status = if applied.is_complete() { done } else { 202 };
    let unreadable = unreadable(config, record).await.unwrap_or_default();
    let endpoint = record.view(clock::now(), unreadable);
    let secret = secret.map(EndpointSecret::reveal);
    response::json(
        status,
        &ChangedEndpoint { endpoint, secret: secret.as_ref().map(|text| text.as_str()), applied },
    )
}
