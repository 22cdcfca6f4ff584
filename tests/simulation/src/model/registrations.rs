//! What administrators have made of the endpoints, noted without the directory's code: which are deleted, and until when
//! which of their secrets may sign.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::delivery::{Dispatch, endpoint_of};
use vtryon_gateway_engine::protocol::settings::{SealedHeader, Settings};
use vtryon_webhooks::Millis;

use crate::checks::SKEW;
use crate::violation::ensure;

/// How many secrets of an endpoint sign at the same time.
const MAX_SECRETS: usize = 3;

/// What a change makes of an endpoint.
#[derive(Clone, Copy, Default)]
pub enum Effect {
    #[default]
    Other,
    /// It has the fields of this body.
    Fields(i64, &'static str),
    /// It has a new secret; those before it end after so many hours.
    Rotate(i64, i64),
    /// The secrets before the current one end.
    Retire(i64),
    Delete(i64),
}

/// What is known of all endpoints that there ever were.
#[derive(Default)]
pub struct Registrations {
    endpoints: BTreeMap<i64, Registration>,
}

struct Registration {
    /// The version of the settings that knows the endpoint no more.
    deleted_in: Option<i64>,
    /// The oldest first.
    secrets: Vec<KnownSecret>,
}

/// A secret, by the versions of the settings.
struct KnownSecret {
    /// Which one of the endpoint it is, from 1.
    no: i64,
    made_in: i64,
    /// When it ends, since which version.
    ends: Vec<(i64, Millis)>,
}

impl Default for Registration {
    fn default() -> Self {
        Self { deleted_in: None, secrets: vec![KnownSecret { no: 1, made_in: 0, ends: Vec::new() }] }
    }
}

impl Registration {
    fn former(&mut self) -> &mut [KnownSecret] {
        let former = self.secrets.len() - 1;
        &mut self.secrets[..former]
    }
}

impl KnownSecret {
    /// Returns when it ends, by a version of the settings.
    fn end(&self, version: i64) -> Option<Millis> {
        self.ends.iter().filter(|(since, _)| *since <= version).map(|(_, at)| *at).min()
    }
}

impl Registrations {
    /// Notes a change that is stored, as a version of the settings, by the clock of the directory.
    pub fn note(&mut self, effect: Effect, version: i64, now: Millis) {
        match effect {
            Effect::Other | Effect::Fields(..) => {}
            Effect::Rotate(endpoint, hours) => {
                let known = self.endpoints.entry(endpoint).or_default();
                let no = known.secrets.len() as i64 + 1;
                known.secrets.push(KnownSecret { no, made_in: version, ends: Vec::new() });
                // One that ends already does so as was said.
                let open = known.former().iter_mut().filter(|secret| secret.ends.is_empty());
                open.for_each(|secret| secret.ends.push((version, now.plus_seconds(hours * 3600))));
            }
            Effect::Retire(endpoint) => {
                let known = self.endpoints.entry(endpoint).or_default();
                known.former().iter_mut().for_each(|secret| secret.ends.push((version, now)));
            }
            Effect::Delete(endpoint) => {
                self.endpoints.entry(endpoint).or_default().deleted_in = Some(version);
            }
        }
    }

    fn is_deleted(&self, endpoint: i64, version: i64) -> bool {
        let known = self.endpoints.get(&endpoint).and_then(|known| known.deleted_in);
        known.is_some_and(|deleted_in| deleted_in <= version)
    }

    /// Checks settings on their way to the shards, which may just have been changed.
    pub fn check_settings(&self, settings: &Settings, effect: Effect) {
        for endpoint in &settings.endpoints {
            let is_deleted = self.is_deleted(endpoint.no, settings.version);
            ensure!(!is_deleted, "a deleted endpoint is no part of the settings", "endpoint {}", endpoint.no);
        }
        let Effect::Fields(endpoint, body) = effect else { return };
        let found = settings.endpoint(endpoint).map(|endpoint| serde_json::to_value(&endpoint.options));
        let found = found.and_then(Result::ok).unwrap_or_default();
        let wanted: Json = serde_json::from_str(body).expect("a change is JSON");
        for (name, value) in wanted.as_object().into_iter().flatten() {
            let is_set = found.get(name).is_none_or(|found| found == value);
            ensure!(is_set, "the settings are what administrators have set", "{name} after {body}: {found}");
        }
        let headers = settings.endpoint(endpoint).map_or(&[][..], |endpoint| endpoint.headers.as_slice());
        check_headers(headers, &wanted, body);
    }

    /// Checks an attempt by a shard that has a version of the settings.
    pub fn check_dispatch(&self, dispatch: &Dispatch, version: i64, now: Millis) {
        let endpoint = endpoint_of(dispatch.delivery);
        ensure!(
            !self.is_deleted(endpoint, version),
            "what was deleted or disabled receives nothing more",
            "delivery {}",
            dispatch.delivery
        );
        let signed_by: BTreeSet<i64> = dispatch.secrets.iter().map(|secret| secret.version).collect();
        let none = Registration::default();
        let known = &self.endpoints.get(&endpoint).unwrap_or(&none).secrets;
        let made = known.iter().filter(|secret| secret.made_in <= version);
        for (place, secret) in made.rev().enumerate() {
            let no = secret.no;
            // By the clocks of the shard and of the directory.
            let end = secret.end(version);
            let has_ended = end.is_some_and(|end| end.plus_millis(2 * SKEW) <= now);
            let what = || format!("secret {no} of endpoint {endpoint} at {now:?}, which ends at {end:?}");
            ensure!(
                !has_ended || !signed_by.contains(&no),
                "what was retired signs nothing more",
                "{}",
                what()
            );
            let is_in_force = place < MAX_SECRETS && end.is_none_or(|end| now.plus_millis(2 * SKEW) < end);
            ensure!(!is_in_force || signed_by.contains(&no), "every secret in force signs", "{}", what());
        }
    }
}

/// Checks that an endpoint has the headers that a change has set, by `headers` and by `auth`, and no others.
fn check_headers(found: &[SealedHeader], wanted: &Json, body: &str) {
    if let Some(set) = wanted.get("headers") {
        let set: BTreeSet<&str> = set.as_object().into_iter().flatten().map(|(name, _)| &**name).collect();
        let own = found.iter().filter(|header| header.auth.is_none());
        let names: BTreeSet<&str> = own.map(|header| &*header.name).collect();
        ensure!(names == set, "the settings are what administrators have set", "{names:?} after {body}");
    }
    if let Some(set) = wanted.get("auth") {
        let types: Vec<&str> = found.iter().filter_map(|header| header.auth.as_deref()).collect();
        let is_set = types == Vec::from_iter(set["type"].as_str());
        ensure!(is_set, "the settings are what administrators have set", "{types:?} after {body}");
    }
}
