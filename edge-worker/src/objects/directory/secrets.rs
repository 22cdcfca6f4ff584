//! Vtryon's stored secrets: listed by their fingerprints, and deleted.

use serde::Serialize;
use vtryon_webhooks::{Code, Millis};
use worker::Response;

use super::Directory;
use super::keyring::{self, StoredSecret};
use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::platform::clock;

#[derive(Serialize)]
struct SecretList {
    secrets: Vec<StoredSecretView>,
}

#[derive(Serialize)]
struct StoredSecretView {
    fingerprint: String,
    /// `current`, `previous`, or `former`: not configured any more.
    state: &'static str,
    /// When it was configured for certain: for the first time, and last.
    first_seen_at: String,
    last_seen_at: String,
}

impl StoredSecretView {
    fn of(known: StoredSecret, configured: &[String]) -> Self {
        let state = match configured.iter().position(|fingerprint| *fingerprint == known.fingerprint) {
            Some(0) => "current",
            Some(_) => "previous",
            None => "former",
        };
        Self {
            fingerprint: known.fingerprint,
            state,
            first_seen_at: clock::rfc3339(known.first_seen_at),
            last_seen_at: clock::rfc3339(known.seen_at),
        }
    }
}

impl Directory {
    pub(super) fn secrets(&self, config: &Config, now: Millis) -> Result<Response, ApiError> {
        let configured = keyring::fingerprints(config);
        let known = keyring::remembered(&self.state.storage().sql())?;
        let secrets = known
            .into_iter()
            .filter(|known| configured.contains(&known.fingerprint) || !known.is_forgotten(now))
            .map(|known| StoredSecretView::of(known, &configured))
            .collect();
        response::json(200, &SecretList { secrets })
    }

    /// Deletes a former secret. One that is configured would be stored again with the next request.
    pub(super) fn purge_secret(&self, config: &Config, fingerprint: &str) -> Result<Response, ApiError> {
        let sql = self.state.storage().sql();
        let configured = keyring::fingerprints(config);
        let known = keyring::remembered(&sql)?.into_iter().find(|known| known.fingerprint == fingerprint);
        let Some(known) = known else {
            return Err(ApiError::because(Code::NotFound, "no secret of this fingerprint is remembered"));
        };
        if configured.contains(&known.fingerprint) {
            let message = "this secret is configured: take it out of VTRYON_WEBHOOK_SECRET or \
                           VTRYON_WEBHOOK_SECRET_PREVIOUS first";
            return Err(ApiError::because(Code::Conflict, message));
        }
        keyring::forget(&sql, &known.fingerprint)?;
        response::json(200, &StoredSecretView::of(known, &configured))
    }
}
