//! Requests about endpoints and alert destinations.

use vtryon_webhooks::delivery::EndpointSecret;

use super::changes::commit;
use super::{By, Next};
use crate::directory::endpoints::fields::{self, FieldRules};
use crate::directory::endpoints::{self, FIRST_SECRET, Rotation, credentials};
use crate::directory::requests::step::{NewSecret, Step};
use crate::directory::settings::{Applied, SettingsChange};
use crate::directory::{
    AlertList, ChangedEndpoint, Directory, EndpointList, EndpointRecord, Unreadable, alerts,
};
use crate::protocol::EndpointInput;
use crate::protocol::settings::{EndpointKind, Sealed};
use crate::{Context, Error, Failure};

pub(super) fn create(
    directory: &mut Directory,
    context: &Context<'_>,
    kind: EndpointKind,
    input: EndpointInput,
    by: By,
) -> Next {
    read_origin(directory, context, input, move |_, context, input, origin| {
        let now = context.now;
        let rules = field_rules(context, &input, origin);
        let (mut record, headers) = endpoints::draft(context, kind, &input.body, &rules)?;
        let no = endpoints::take_number(context.db)?;
        record.endpoint.no = no;
        let seal_headers = move |_: &mut Directory, _: &Context<'_>, NewSecret { secret, sealed }| {
            record.endpoint.secrets = vec![Sealed::new(FIRST_SECRET, sealed, &secret, now)];
            let finish = move |directory: &mut Directory, context: &Context<'_>, headers| {
                record.endpoint.headers = headers;
                let decide = move |context: &Context<'_>| {
                    // Asked again: while a secret is sealed, another endpoint may have been registered.
                    endpoints::check_room(context.db, kind)?;
                    Ok(record.clone())
                };
                put(directory, context, 201, decide, Some(secret), by)
            };
            Ok(Step::SealHeaders { endpoint: no, headers, then: Box::new(finish) })
        };
        Ok(Step::MakeSecret { endpoint: no, version: FIRST_SECRET, then: Box::new(seal_headers) })
    })
}

pub(super) fn list(context: &Context<'_>, kind: EndpointKind) -> Next {
    let records = endpoints::of_kind(context.db, kind)?;
    let endpoints = records.iter().map(|record| record.endpoint.clone()).collect();
    let show = move |_: &mut Directory, context: &Context<'_>, unreadable: Option<Vec<_>>| {
        let unreadable = unreadable.ok_or_else(not_opened)?;
        let shown = records.iter().zip(unreadable);
        let endpoints = shown.map(|(record, unreadable)| record.view(context.now, unreadable)).collect();
        match kind {
            EndpointKind::Tasks => Step::answer(200, &EndpointList { endpoints }),
            EndpointKind::Alerts => {
                let alerts = alerts::list(context)?;
                Step::answer(200, &AlertList { destinations: endpoints, alerts })
            }
        }
    };
    Ok(Step::TryToOpen { endpoints, then: Box::new(show) })
}

pub(super) fn get(context: &Context<'_>, no: i64) -> Next {
    let record = endpoints::find(context.db, no)?;
    try_to_open(record, |_, context, record, unreadable| {
        let unreadable = unreadable.ok_or_else(not_opened)?;
        Step::answer(200, &record.view(context.now, unreadable))
    })
}

pub(super) fn change(
    directory: &mut Directory,
    context: &Context<'_>,
    no: i64,
    input: EndpointInput,
    by: By,
) -> Next {
    let seen_url = endpoints::find(context.db, no)?.endpoint.options.url;
    let headers = credentials::read(&input.body)?;
    read_origin(directory, context, input, move |_, _, input, origin| {
        let finish = move |directory: &mut Directory, context: &Context<'_>, headers| {
            let decide = move |context: &Context<'_>| {
                let rules = field_rules(context, &input, origin.clone());
                endpoints::change(context, no, &input.body, &rules, Vec::clone(&headers), &seen_url)
            };
            put(directory, context, 200, decide, None, by)
        };
        Ok(Step::SealHeaders { endpoint: no, headers, then: Box::new(finish) })
    })
}

pub(super) fn delete(directory: &mut Directory, context: &Context<'_>, no: i64, by: By) -> Next {
    let decide = move |context: &Context<'_>| endpoints::find(context.db, no);
    let change = |record: &EndpointRecord| Some(SettingsChange::Delete { endpoint: record.endpoint.no });
    commit(directory, context, decide, change, by, |_, _, record, applied| answer(200, record, None, applied))
}

/// Makes a new secret.
pub(super) fn rotate(context: &Context<'_>, no: i64, body: &str, by: By) -> Next {
    let rotation = Rotation::begin(context.db, no, body)?;
    let version = rotation.version;
    let finish = move |directory: &mut Directory, context: &Context<'_>, NewSecret { secret, sealed }| {
        let new = Sealed::new(version, sealed, &secret, context.now);
        let decide = move |context: &Context<'_>| rotation.finish(context, new.clone());
        put(directory, context, 200, decide, Some(secret), by)
    };
    Ok(Step::MakeSecret { endpoint: no, version, then: Box::new(finish) })
}

/// Removes the previous secrets at once.
pub(super) fn retire(directory: &mut Directory, context: &Context<'_>, no: i64, by: By) -> Next {
    put(directory, context, 200, move |context| endpoints::retire(context, no), None, by)
}

/// Stores an endpoint, and answers with it and with its new secret, if it has one.
fn put(
    directory: &mut Directory,
    context: &Context<'_>,
    done: u16,
    decide: impl Fn(&Context<'_>) -> Result<EndpointRecord, Failure> + 'static,
    secret: Option<EndpointSecret>,
    by: By,
) -> Next {
    commit(
        directory,
        context,
        decide,
        |record| Some(SettingsChange::Put(record)),
        by,
        move |_, _, record, applied| answer(done, record, secret, applied),
    )
}

/// Answers with the changed endpoint: 202 as long as not all shards have confirmed. It is stored, and a new secret is
/// shown by this answer alone: that something can't be checked at the moment is no reason to give none.
fn answer(done: u16, record: EndpointRecord, secret: Option<EndpointSecret>, applied: Applied) -> Next {
    try_to_open(record, move |_, context, record, unreadable| {
        let status = if applied.is_complete() { done } else { 202 };
        let endpoint = record.view(context.now, unreadable.flatten());
        let secret = secret.as_ref().map(EndpointSecret::reveal);
        let secret = secret.as_ref().map(|text| text.as_str());
        Step::answer(status, &ChangedEndpoint { endpoint, secret, applied })
    })
}

/// Finds out what the master key does not open of an endpoint, before the rest.
fn try_to_open(
    record: EndpointRecord,
    then: impl FnOnce(&mut Directory, &Context<'_>, EndpointRecord, Option<Option<Unreadable>>) -> Next + 'static,
) -> Next {
    let endpoints = vec![record.endpoint.clone()];
    let go_on = move |directory: &mut Directory, context: &Context<'_>, unreadable: Option<Vec<_>>| {
        let unreadable = unreadable.map(|unreadable| unreadable.into_iter().next().flatten());
        then(directory, context, record, unreadable)
    };
    Ok(Step::TryToOpen { endpoints, then: Box::new(go_on) })
}

fn not_opened() -> Error {
    "secrets can't be opened at the moment".into()
}

/// Has the URL of a request read by the platform, if there is one, before the rest.
fn read_origin(
    directory: &mut Directory,
    context: &Context<'_>,
    input: EndpointInput,
    then: impl FnOnce(&mut Directory, &Context<'_>, EndpointInput, Option<String>) -> Next + 'static,
) -> Next {
    let Some(url) = fields::url(&input.body) else { return then(directory, context, input, None) };
    let go_on = move |directory: &mut Directory, context: &Context<'_>, origin| {
        then(directory, context, input, origin)
    };
    Ok(Step::ReadOrigin { url, then: Box::new(go_on) })
}

/// Returns what the fields of a request are held to; `origin` is where its URL leads as the platform would call it.
fn field_rules<'a>(
    context: &Context<'a>,
    input: &'a EndpointInput,
    origin: Option<String>,
) -> FieldRules<'a> {
    let deployment = context.deployment;
    FieldRules {
        urls: &deployment.endpoint_urls,
        own_origin: &input.own_origin,
        origin,
        shards: deployment.shards,
    }
}
