//! The secrets that a refused webhook may have been signed with: Vtryon's, those before them, and the gateway's own.
//!
//! Vtryon's are remembered, sealed, for as long as a sender may still be using one that was replaced.

use vtryon_webhooks::diagnosis::{Candidate, Held};
use vtryon_webhooks::{Key, Millis};
use worker::{SqlStorage, console_error};
use zeroize::Zeroizing;

use super::{Directory, records};
use crate::config::Config;
use crate::delivery::seal;
use crate::platform::crypto;
use crate::platform::sql::{self, Bind};

/// What the key is derived by that Vtryon's secrets are sealed with.
const LABEL: &str = "vtryon-webhooks secrets 1";

/// After how many seconds a secret that is still configured is sealed anew. An hourly sweep comes in time.
const AFRESH: i64 = 1800;

/// How long a secret is remembered that is configured no more, in seconds, and how many of them.
const RETIRED_FOR: i64 = 90 * 24 * 3600;
const MAX_RETIRED: usize = 10;

/// How many secrets are tried on a sample: that bounds what an administrator's look costs.
pub(super) const MAX_CANDIDATES: usize = 25;

/// Secrets in clear, for one look.
#[derive(Default)]
pub(super) struct Keyring {
    secrets: Vec<(Held, Zeroizing<Vec<u8>>)>,
    /// How many could not be opened, and how many there are beyond those that are tried.
    pub(super) unopened: usize,
    pub(super) left_out: usize,
}

impl Keyring {
    pub(super) fn candidates(&self) -> Vec<Candidate<'_>> {
        self.secrets.iter().map(|(held, secret)| Candidate { held: *held, secret }).collect()
    }

    fn add(&mut self, held: Held, secret: Option<Zeroizing<Vec<u8>>>) {
        match secret {
            Some(secret) => self.secrets.push((held, secret)),
            None => self.unopened += 1,
        }
    }
}

impl Directory {
    /// Remembers Vtryon's secrets that are configured. A fault is no reason to leave anything else undone.
    pub(super) async fn remember_secrets(&self, config: &Config, now: Millis) {
        if self.secrets_seen_at.get().is_some_and(|seen| now < seen.plus_seconds(AFRESH)) {
            return;
        }
        match self.seal_secrets(config, now).await {
            Ok(()) => self.secrets_seen_at.set(Some(now)),
            Err(error) => console_error!("directory: the webhook secrets are not remembered: {error}"),
        }
    }

    async fn seal_secrets(&self, config: &Config, now: Millis) -> worker::Result<()> {
        let sql = self.state.storage().sql();
        let configured = fingerprints(config);
        let known = remembered(&sql)?;
        let key = config.master.derive(LABEL);
        for (fingerprint, (_, secret)) in configured.iter().zip(Config::webhook_secrets(&self.env)) {
            let is_fresh = |seen_at: Millis| now < seen_at.plus_seconds(AFRESH);
            if known.iter().any(|known| known.fingerprint == *fingerprint && is_fresh(known.seen_at)) {
                continue;
            }
            let sealed = crypto::seal(&key, &context(fingerprint), &secret).await?;
            put(&sql, fingerprint, &sealed, now)?;
        }
        let retired = known.iter().filter(|known| !configured.contains(&known.fingerprint));
        for (place, known) in retired.enumerate() {
            if place >= MAX_RETIRED || known.is_forgotten(now) {
                forget(&sql, &known.fingerprint)?;
            }
        }
        Ok(())
    }

    /// Gathers the likeliest secrets: Vtryon's, those that were Vtryon's, then the endpoints'.
    pub(super) async fn keyring(&self, config: &Config, now: Millis) -> worker::Result<Keyring> {
        let sql = self.state.storage().sql();
        let mut keyring = Keyring::default();
        keyring.secrets.extend(Config::webhook_secrets(&self.env));
        let key = config.master.derive(LABEL);
        let configured = fingerprints(config);
        for known in remembered(&sql)?.into_iter().take(MAX_RETIRED + configured.len()) {
            if configured.contains(&known.fingerprint) || known.is_forgotten(now) {
                continue;
            }
            let secret = crypto::open(&key, &context(&known.fingerprint), &known.sealed).await?;
            keyring.add(Held::Retired, secret);
        }
        // Every endpoint's current secret before the first one's previous.
        let (current, previous): (Vec<_>, Vec<_>) = records::all(&sql)?
            .into_iter()
            .map(|record| record.endpoint)
            .flat_map(|endpoint| endpoint.secrets.into_iter().map(move |secret| (endpoint.no, secret)))
            .partition(|(_, secret)| secret.until.is_none());
        let room = MAX_CANDIDATES.saturating_sub(keyring.secrets.len());
        keyring.left_out = (current.len() + previous.len()).saturating_sub(room);
        for (endpoint, secret) in current.into_iter().chain(previous).take(room) {
            let secret = seal::open(config, endpoint, &secret).await?;
            keyring.add(Held::Endpoint, secret.map(|secret| Zeroizing::new(secret.as_bytes().to_vec())));
        }
        Ok(keyring)
    }
}

/// A secret of Vtryon's that is or was configured.
pub(super) struct StoredSecret {
    pub(super) fingerprint: String,
    sealed: Vec<u8>,
    /// When it was configured for certain: for the first time, and last.
    pub(super) first_seen_at: Millis,
    pub(super) seen_at: Millis,
}

impl StoredSecret {
    /// Returns whether a former secret is too old to be tried; the next sweep removes it.
    pub(super) const fn is_forgotten(&self, now: Millis) -> bool {
        self.seen_at.plus_seconds(RETIRED_FOR).0 < now.0
    }
}

/// Returns those that are remembered, the one seen last first.
pub(super) fn remembered(sql: &SqlStorage) -> worker::Result<Vec<StoredSecret>> {
    const ALL: &str =
        "SELECT fingerprint, sealed, first_seen_at, seen_at FROM secrets ORDER BY seen_at DESC, fingerprint";
    sql::all(sql, ALL, &[], |row| StoredSecret {
        fingerprint: row.text(),
        sealed: row.blob(),
        first_seen_at: Millis(row.int()),
        seen_at: Millis(row.int()),
    })
}

fn put(sql: &SqlStorage, fingerprint: &str, sealed: &[u8], now: Millis) -> worker::Result<()> {
    const PUT: &str =
        "INSERT INTO secrets (fingerprint, sealed, first_seen_at, seen_at) VALUES (?1, ?2, ?3, ?3)
        ON CONFLICT (fingerprint) DO UPDATE SET sealed = excluded.sealed, seen_at = excluded.seen_at";
    sql::run(sql, PUT, &[Bind::Text(fingerprint), Bind::Blob(sealed), Bind::Int(now.0)])
}

pub(super) fn forget(sql: &SqlStorage, fingerprint: &str) -> worker::Result<()> {
    sql::run(sql, "DELETE FROM secrets WHERE fingerprint = ?", &[Bind::Text(fingerprint)])
}

/// Returns the fingerprints of the secrets that are configured, in the order that the configuration reads them.
pub(super) fn fingerprints(config: &Config) -> Vec<String> {
    config.verifier.keys().iter().map(Key::fingerprint).map(|fingerprint| fingerprint.to_string()).collect()
}

/// Binds a sealed secret to its row, and tells it from what else is sealed.
fn context(fingerprint: &str) -> String {
    format!("vtryon {fingerprint}")
}
