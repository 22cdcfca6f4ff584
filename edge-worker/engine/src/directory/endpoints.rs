//! The life of an endpoint: registered, changed, rotated, disabled. Each step returns the record that is to be
//! committed.

pub mod credentials;
pub mod fields;
pub(crate) mod records;
pub(crate) mod view;

use vtryon_webhooks::endpoint::is_same_origin;
use vtryon_webhooks::health::{Health, Reason, is_dead};
use vtryon_webhooks::{Code, Millis};

use self::credentials::NewHeader;
use self::fields::FieldRules;
use self::records::{Disabled, EndpointRecord};
use super::input::{Input, refuse};
use super::settings::versions;
use crate::protocol::EndpointHealth;
use crate::protocol::delivery::ENDPOINT_NUMBERS;
use crate::protocol::directory::conditions::UnhealthyEndpoint;
use crate::protocol::settings::{AlertOptions, EndpointKind, Sealed, SealedHeader};
use crate::storage::database::Database;
use crate::{Context, Failure, Refusal, Result};

/// How many endpoints there may be at the same time: each event is matched against all of them.
const MAX_ENDPOINTS: usize = 20;

/// How many alert destinations there may be at the same time.
const MAX_DESTINATIONS: usize = 5;

/// How many secrets an endpoint may have at the same time, the current one among them.
const MAX_SECRETS: usize = 3;

/// How many hours the previous secret stays valid after a rotation, where none are asked for, and at most.
const OVERLAP_HOURS: u32 = 24;
const MAX_OVERLAP_HOURS: u32 = 168;

/// The version of an endpoint's first secret.
pub const FIRST_SECRET: i64 = 1;

/// Returns everything that is registered, in order of creation.
pub fn all(db: &dyn Database) -> Result<Vec<EndpointRecord>, Failure> {
    Ok(records::all(db)?)
}

/// Returns what is registered of a kind, in order of creation.
pub fn of_kind(db: &dyn Database, kind: EndpointKind) -> Result<Vec<EndpointRecord>, Failure> {
    let mut records = records::all(db)?;
    records.retain(|record| record.endpoint.options.kind() == kind);
    Ok(records)
}

/// Returns an endpoint of a kind.
pub fn find_of_kind(db: &dyn Database, kind: EndpointKind, no: i64) -> Result<EndpointRecord, Failure> {
    let record = find(db, no)?;
    if record.endpoint.options.kind() == kind { Ok(record) } else { Err(missing().into()) }
}

/// Returns an endpoint or an alert destination.
pub fn find(db: &dyn Database, no: i64) -> Result<EndpointRecord, Failure> {
    Ok(records::find(db, no)?.ok_or_else(missing)?)
}

fn missing() -> Refusal {
    Refusal::new(Code::NotFound, "there is no endpoint of this id")
}

/// Refuses a further endpoint where there are as many of its kind as may be.
pub fn check_room(db: &dyn Database, kind: EndpointKind) -> Result<(), Failure> {
    let (max, what) = match kind {
        EndpointKind::Tasks => (MAX_ENDPOINTS, "endpoints"),
        EndpointKind::Alerts => (MAX_DESTINATIONS, "alert destinations"),
    };
    if of_kind(db, kind)?.len() < max {
        return Ok(());
    }
    Err(Refusal::new(Code::Conflict, format!("there are {max} {what}, and no more fit")).into())
}

/// Makes a new endpoint of a kind from a body, without a number and a secret yet, and returns the headers that are to be
/// sealed for it.
pub fn draft(
    context: &Context<'_>,
    kind: EndpointKind,
    body: &str,
    rules: &FieldRules<'_>,
) -> Result<(EndpointRecord, Vec<NewHeader>), Failure> {
    let now = context.now;
    check_room(context.db, kind)?;
    let mut record = EndpointRecord { created_at: now, updated_at: now, ..EndpointRecord::default() };
    record.endpoint.options.alerts = (kind == EndpointKind::Alerts).then(AlertOptions::default);
    fields::apply(&mut record, body, rules)?;
    if record.endpoint.options.url.is_empty() {
        return Err(refuse("`url` is missing").into());
    }
    note_administrator(&mut record, now);
    Ok((record, credentials::read(body)?))
}

/// Takes a number for an endpoint, which none has had before.
pub fn take_number(db: &dyn Database) -> Result<i64, Failure> {
    let none = || {
        let message = format!("{} endpoints were registered, and no more can be", ENDPOINT_NUMBERS - 1);
        Refusal::new(Code::Conflict, message)
    };
    Ok(records::take_number(db)?.ok_or_else(none)?)
}

/// Changes an endpoint as a body says. `headers` are those of the body, which [`credentials::read`] finds, sealed; where the
/// body has no URL, they are meant for `seen_url`, which the endpoint had when they came.
pub fn change(
    context: &Context<'_>,
    no: i64,
    body: &str,
    rules: &FieldRules<'_>,
    headers: Vec<SealedHeader>,
    seen_url: &str,
) -> Result<EndpointRecord, Failure> {
    let mut record = find(context.db, no)?;
    let former_url = record.endpoint.options.url.clone();
    if fields::url(body).is_some_and(|url| is_shown_instead(&record, &url)) {
        let message = "`url` is only what is shown of the URL: leave it out, or send all of it";
        return Err(Refusal::new(Code::Conflict, message).into());
    }
    fields::apply(&mut record, body, rules)?;
    if !headers.is_empty() && fields::url(body).is_none() && !is_same_origin(seen_url, &former_url) {
        let message = "`url` was given another origin by another request, and `headers` or `auth` were sent for the \
                       former one";
        return Err(Refusal::new(Code::Conflict, message).into());
    }
    credentials::replace(&mut record.endpoint, &former_url, headers)?;
    record.updated_at = context.now;
    note_administrator(&mut record, context.now);
    Ok(record)
}

/// Returns whether a URL is what is shown instead of that of an endpoint: a client that sends back what it was shown would
/// replace the URL by it.
fn is_shown_instead(record: &EndpointRecord, url: &str) -> bool {
    let options = &record.endpoint.options;
    let shown = options.alerts.as_ref().map_or(&*options.url, |alerts| view::shown_url(&options.url, alerts));
    url != options.url && shown != options.url && url.trim_end_matches('/') == shown
}

/// Removes the previous secrets at once.
pub fn retire(context: &Context<'_>, no: i64) -> Result<EndpointRecord, Failure> {
    let mut record = find(context.db, no)?;
    record.endpoint.secrets.truncate(1);
    record.updated_at = context.now;
    Ok(record)
}

/// A rotation that was asked for: between its beginning and its end the new secret is made and sealed.
pub struct Rotation {
    pub endpoint: i64,
    /// The version of the new secret.
    pub version: i64,
    overlap_hours: u32,
}

impl Rotation {
    pub fn begin(db: &dyn Database, endpoint: i64, body: &str) -> Result<Self, Failure> {
        let input = Input::parse(body, &["overlap_hours"])?;
        let hours =
            input.get("overlap_hours").map(|field| field.number(0..=MAX_OVERLAP_HOURS)).transpose()?;
        let version = current_version(&find(db, endpoint)?) + 1;
        Ok(Self { endpoint, version, overlap_hours: hours.unwrap_or(OVERLAP_HOURS) })
    }

    /// Makes the sealed secret the current one. The one before it stays valid for a while, so that no delivery
    /// fails meanwhile.
    pub fn finish(&self, context: &Context<'_>, new: Sealed) -> Result<EndpointRecord, Failure> {
        let now = context.now;
        // It may have changed while the secret was sealed.
        let mut record = find(context.db, self.endpoint)?;
        if current_version(&record) >= self.version {
            let message = "the secret is being rotated by another request";
            return Err(Refusal::new(Code::Conflict, message).into());
        }
        let until = now.plus_seconds(i64::from(self.overlap_hours) * 3600);
        // Each that is still valid stays so for as long as was said, but there are not many of them.
        let former = record.endpoint.secrets_at(now).into_iter();
        let former = former.map(|secret| Sealed { until: secret.until.or(Some(until)), ..secret });
        let valid = former.filter(|secret| secret.until.is_some_and(|until| until > now));
        record.endpoint.secrets = std::iter::once(new).chain(valid).take(MAX_SECRETS).collect();
        record.updated_at = now;
        Ok(record)
    }
}

/// Returns whether a report is checked against the health in all shards: a success in one of them keeps an endpoint
/// that fails in others enabled. None is where the report does not stand in any case.
pub fn needs_healths(context: &Context<'_>, unhealthy: &UnhealthyEndpoint) -> Result<bool, Failure> {
    let is_failing = Reason::from_name(&unhealthy.reason) == Some(Reason::Failing);
    Ok(is_failing && reported(context, unhealthy)?.is_some())
}

/// Disables an endpoint that a shard has reported, where the report stands; otherwise nothing is to be committed.
pub fn disable(
    context: &Context<'_>,
    unhealthy: &UnhealthyEndpoint,
    healths: &[EndpointHealth],
) -> Result<Option<EndpointRecord>, Failure> {
    let reason = &unhealthy.reason;
    let stands = match Reason::from_name(reason) {
        Some(Reason::Gone) => true,
        Some(Reason::Failing) => is_dead(&healths.iter().map(health).collect::<Vec<_>>(), context.now),
        Some(Reason::Administrator) | None => false,
    };
    let Some(mut record) = reported(context, unhealthy)?.filter(|_| stands) else { return Ok(None) };
    record.endpoint.options.enabled = false;
    record.disabled = Some(Disabled { reason: reason.clone(), at: context.now });
    record.updated_at = context.now;
    Ok(Some(record))
}

/// Returns the endpoint of a report, unless it is disabled or paused already, or the report is out of date: a shard that does
/// not have the current settings yet may speak of a URL that has changed since. It reports again, once it has them.
fn reported(context: &Context<'_>, unhealthy: &UnhealthyEndpoint) -> Result<Option<EndpointRecord>, Failure> {
    if unhealthy.settings_version < versions::version(context.db)? {
        return Ok(None);
    }
    Ok(Some(find(context.db, unhealthy.endpoint)?).filter(|record| record.endpoint.options.is_active()))
}

fn current_version(record: &EndpointRecord) -> i64 {
    record.endpoint.secrets.first().map_or(0, |secret| secret.version)
}

fn health(health: &EndpointHealth) -> Health {
    let EndpointHealth { failing_since, succeeded_at, consecutive_410 } = *health;
    Health { failing_since, succeeded_at, consecutive_410, ..Health::default() }
}

/// Notes why an endpoint is disabled where an administrator has done it.
fn note_administrator(record: &mut EndpointRecord, now: Millis) {
    if record.endpoint.options.enabled {
        record.disabled = None;
    } else if record.disabled.is_none() {
        record.disabled = Some(Disabled { reason: Reason::Administrator.as_str().to_owned(), at: now });
    }
}
