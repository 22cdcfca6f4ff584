//! The fields of an endpoint that an administrator can set, and the values that each may have.

use std::ops::RangeInclusive;

use vtryon_webhooks::endpoint::{Order, UrlRules};
use vtryon_webhooks::event::{MAX_EVENT_NAME, MAX_STATUS};
use vtryon_webhooks::{Code, Shards};

use super::records::EndpointRecord;
use crate::Refusal;
use crate::directory::alerts;
use crate::directory::input::{Field, Input, refuse};
use crate::protocol::settings::limits::{least_in_flight, least_per_second};
use crate::protocol::settings::{AlertFormat, AlertOptions, EndpointKind};
use crate::text::json::Object;

/// How long a description may be, in characters.
const MAX_DESCRIPTION: usize = 500;

/// What an endpoint may take beyond the events that move a task.
const INCLUDE: [&str; 2] = ["unknown", "quarantined"];

/// How long an endpoint may take to answer.
const TIMEOUT_SECONDS: RangeInclusive<u32> = 1..=30;

/// How high the limits of an endpoint may be.
const MAX_LIMIT: u32 = 10_000;

/// Sets a field of a record to the value that was sent.
type Set = fn(&mut EndpointRecord, &Field<'_>, &FieldRules<'_>) -> Result<(), Refusal>;

/// A field by its name.
type NamedField = (&'static str, Set);

/// The fields of endpoints and of alert destinations.
const SHARED: &[NamedField] = &[
    ("url", |record, field, rules| {
        let url = field.text()?;
        rules.check_url(&url)?;
        record.endpoint.options.url = url;
        Ok(())
    }),
    ("description", |record, field, _| {
        let description = field.text()?;
        if description.chars().count() > MAX_DESCRIPTION {
            return Err(refuse(format!("`description` is longer than {MAX_DESCRIPTION} characters")));
        }
        record.description = description;
        Ok(())
    }),
    ("enabled", |record, field, _| field.flag().map(|enabled| record.endpoint.options.enabled = enabled)),
    ("timeout_seconds", |record, field, _| {
        field.number(TIMEOUT_SECONDS).map(|seconds| record.endpoint.options.attempt.timeout_seconds = seconds)
    }),
    // Those that are sent are read by `credentials`, and take the place of these once they are sealed.
    ("headers", |record, _, _| {
        record.endpoint.headers.retain(|header| header.auth.is_some());
        Ok(())
    }),
    ("auth", |record, _, _| {
        record.endpoint.headers.retain(|header| header.auth.is_none());
        Ok(())
    }),
];

/// The fields of endpoints alone.
const OF_ENDPOINTS: &[NamedField] = &[
    ("paused", |record, field, _| field.flag().map(|paused| record.endpoint.options.paused = paused)),
    ("order", |record, field, _| {
        let order = field.text()?;
        let known = Order::from_name(&order).ok_or_else(|| field.is_not("one of latest, all"))?;
        known.as_str().clone_into(&mut record.endpoint.options.order);
        Ok(())
    }),
    ("statuses", |record, field, _| {
        field.names(MAX_STATUS).map(|names| record.endpoint.options.statuses = names)
    }),
    ("events", |record, field, _| {
        field.names(MAX_EVENT_NAME).map(|names| record.endpoint.options.events = names)
    }),
    ("include", |record, field, _| {
        let include = field.names(MAX_STATUS)?;
        if !include.iter().all(|name| INCLUDE.contains(&name.as_str())) {
            return Err(refuse("`include` has an entry that is not one of unknown, quarantined"));
        }
        record.endpoint.options.include = include;
        Ok(())
    }),
    ("max_in_flight", |record, field, rules| {
        let least = least_in_flight(rules.shards);
        let limit = rules.limit(field, least, "at a time")?;
        record.endpoint.options.max_in_flight = limit;
        Ok(())
    }),
    ("attempts_per_second", |record, field, rules| {
        let least = least_per_second(rules.shards);
        let limit = rules.limit(field, least, "in 10 seconds")?;
        record.endpoint.options.attempts_per_second = limit;
        Ok(())
    }),
];

/// The fields of alert destinations alone.
const OF_DESTINATIONS: &[NamedField] = &[
    ("events", |record, field, _| {
        let events = field.names(MAX_EVENT_NAME)?;
        if !events.iter().all(|name| alerts::is_name(name)) {
            let known: Vec<String> = alerts::names().collect();
            let known = known.join(", ");
            return Err(refuse(format!("`events` has an entry that is not one of {known}")));
        }
        alert_options(record).events = events;
        Ok(())
    }),
    ("format", |record, field, _| {
        let format = field.text()?;
        let known = AlertFormat::from_name(&format).ok_or_else(|| field.is_not("one of standard, slack"))?;
        known.as_str().clone_into(&mut alert_options(record).format);
        Ok(())
    }),
];

fn alert_options(record: &mut EndpointRecord) -> &mut AlertOptions {
    record.endpoint.options.alerts.get_or_insert_with(AlertOptions::default)
}

/// What fields are held to beyond their own form.
pub struct FieldRules<'a> {
    pub urls: &'a UrlRules,
    /// The scheme and host under which this gateway was called: an endpoint must not lead back to it.
    pub own_origin: &'a str,
    /// The scheme and host that the platform reads in the URL that was sent; none where it reads no URL.
    pub origin: Option<String>,
    /// Limits are divided among them.
    pub shards: Shards,
}

impl FieldRules<'_> {
    fn check_url(&self, url: &str) -> Result<(), Refusal> {
        check_rules(url, self.urls)?;
        match &self.origin {
            // The rules don't judge punycode; what the platform can't parse could never be called.
            None => Err(refuse("`url` is none that can be called")),
            Some(origin) if origin == self.own_origin => {
                Err(Refusal::new(Code::Conflict, "`url` leads back to this gateway"))
            }
            Some(_) => Ok(()),
        }
    }

    /// Reads a limit, or null for none. One that is too low to be divided among the shards is well formed, but conflicts
    /// with the deployment.
    fn limit(&self, field: &Field<'_>, least: u32, span: &str) -> Result<Option<u32>, Refusal> {
        let limit = field.number_or_null(1..=MAX_LIMIT)?;
        if limit.is_none_or(|limit| limit >= least) {
            return Ok(limit);
        }
        let shards = self.shards.count();
        let message = format!("below {least}: each of the {shards} shards makes at least one attempt {span}");
        Err(field.conflicts(&message))
    }
}

/// Holds a URL to the rules. What only the deployment's list of hosts refuses is well formed, but forbidden.
fn check_rules(url: &str, rules: &UrlRules) -> Result<(), Refusal> {
    let anywhere = UrlRules { hosts: Vec::new(), ..*rules };
    anywhere.check(url).map_err(|error| refuse(error.to_string()))?;
    rules.check(url).map_err(|error| Refusal::new(Code::Forbidden, error.to_string()))
}

/// Returns the URL that a body sets, for the platform to parse; none where it sets none.
pub fn url(body: &str) -> Option<String> {
    Object::parse(body.as_bytes())?.text("url")
}

/// Sets the fields that a body has. When it is refused, some of them may be set: the record is then not to be stored.
pub(crate) fn apply(record: &mut EndpointRecord, body: &str, rules: &FieldRules<'_>) -> Result<(), Refusal> {
    let own = match record.endpoint.options.kind() {
        EndpointKind::Tasks => OF_ENDPOINTS,
        EndpointKind::Alerts => OF_DESTINATIONS,
    };
    let names: Vec<&str> = SHARED.iter().chain(own).map(|(name, _)| *name).collect();
    let input = Input::parse(body, &names)?;
    for (name, set) in SHARED.iter().chain(own) {
        if let Some(field) = input.get(name) {
            set(record, &field, rules)?;
        }
    }
    Ok(())
}
