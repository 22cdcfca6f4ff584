//! Vtryon's secrets: remembered, sealed, for as long as a sender may still be using one that was replaced; listed by
//! their fingerprints, and deleted.

pub mod keyring;

use serde::Serialize;
use vtryon_webhooks::{Code, Millis};

use super::audit;
use crate::protocol::AuditedRequest;
use crate::storage::database::{Bind, Database};
use crate::text::time::rfc3339;
use crate::{Context, Failure, Refusal, Result};

/// After how many seconds a secret that is still configured is sealed anew. An hourly sweep comes in time.
const FRESH_FOR_SECONDS: i64 = 1800;

/// How long a secret is remembered that is configured no more, in seconds, and how many of them.
const RETIRED_FOR: i64 = 90 * 24 * 3600;
const MAX_RETIRED: usize = 10;

/// A secret of Vtryon's that is or was configured.
pub struct StoredSecret {
    pub fingerprint: String,
    pub sealed: Vec<u8>,
    /// When it was configured for certain: for the first time, and last.
    pub first_seen_at: Millis,
    pub seen_at: Millis,
}

/// A secret of Vtryon's that was sealed just now.
pub struct SealedSecret {
    pub fingerprint: String,
    pub sealed: Vec<u8>,
}

impl StoredSecret {
    /// Returns whether a former secret is too old to be tried; the next sweep removes it.
    const fn is_forgotten(&self, now: Millis) -> bool {
        self.seen_at.plus_seconds(RETIRED_FOR).0 < now.0
    }
}

/// Returns whether a configured secret that was seen at a time need not be sealed anew.
pub(super) fn is_fresh(seen_at: Millis, now: Millis) -> bool {
    now < seen_at.plus_seconds(FRESH_FOR_SECONDS)
}

/// Returns the fingerprints of the configured secrets, in their order, each with whether it is to be sealed anew.
pub fn to_seal(context: &Context<'_>) -> Result<Vec<(String, bool)>> {
    let known = remembered(context.db)?;
    let with_due = |fingerprint: String| {
        let mut same = known.iter().filter(|known| known.fingerprint == fingerprint);
        let is_due = !same.any(|known| is_fresh(known.seen_at, context.now));
        (fingerprint, is_due)
    };
    Ok(context.deployment.fingerprints().into_iter().map(with_due).collect())
}

/// Stores a configured secret as it was sealed.
pub fn remember(context: &Context<'_>, fingerprint: &str, sealed: &[u8]) -> Result<()> {
    const PUT: &str =
        "INSERT INTO secrets (fingerprint, sealed, first_seen_at, seen_at) VALUES (?1, ?2, ?3, ?3)
        ON CONFLICT (fingerprint) DO UPDATE SET sealed = excluded.sealed, seen_at = excluded.seen_at";
    let binds = [Bind::Text(fingerprint), Bind::Blob(sealed), Bind::Int(context.now.0)];
    context.db.run(PUT, &binds)
}

/// Stores configured secrets as they were sealed, each by its fingerprint, and deletes former ones that are too old.
pub(super) fn remember_all(context: &Context<'_>, sealed: &[SealedSecret]) -> Result<()> {
    sealed.iter().try_for_each(|secret| remember(context, &secret.fingerprint, &secret.sealed))?;
    forget_old(context)
}

/// Deletes former secrets that are too old, and all but the latest.
pub fn forget_old(context: &Context<'_>) -> Result<()> {
    let configured = context.deployment.fingerprints();
    let known = remembered(context.db)?.into_iter();
    let retired = known.filter(|known| !configured.contains(&known.fingerprint));
    for (place, known) in retired.enumerate() {
        if place >= MAX_RETIRED || known.is_forgotten(context.now) {
            forget(context.db, &known.fingerprint)?;
        }
    }
    Ok(())
}

/// Returns the former secrets that a sender may still be using, the one seen last first.
pub fn retired(context: &Context<'_>) -> Result<Vec<StoredSecret>> {
    let configured = context.deployment.fingerprints();
    let known = remembered(context.db)?.into_iter().take(MAX_RETIRED + configured.len());
    let is_retired =
        |known: &StoredSecret| !configured.contains(&known.fingerprint) && !known.is_forgotten(context.now);
    Ok(known.filter(is_retired).collect())
}

#[derive(Serialize)]
pub struct SecretList {
    secrets: Vec<StoredSecretView>,
}

#[derive(Serialize)]
pub struct StoredSecretView {
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
            first_seen_at: rfc3339(known.first_seen_at),
            last_seen_at: rfc3339(known.seen_at),
        }
    }
}

/// Lists the stored secrets.
pub fn list(context: &Context<'_>) -> Result<SecretList> {
    let configured = context.deployment.fingerprints();
    let is_shown =
        |known: &StoredSecret| configured.contains(&known.fingerprint) || !known.is_forgotten(context.now);
    let known = remembered(context.db)?.into_iter().filter(is_shown);
    Ok(SecretList { secrets: known.map(|known| StoredSecretView::of(known, &configured)).collect() })
}

/// Deletes a former secret. One that is configured would be stored again with the next request.
pub fn purge(
    context: &Context<'_>,
    fingerprint: &str,
    request: Option<&AuditedRequest>,
) -> Result<StoredSecretView, Failure> {
    let configured = context.deployment.fingerprints();
    let known = remembered(context.db)?.into_iter().find(|known| known.fingerprint == fingerprint);
    let missing = || Refusal::new(Code::NotFound, "no secret of this fingerprint is remembered");
    let known = known.ok_or_else(missing)?;
    if configured.contains(&known.fingerprint) {
        let message = "this secret is configured: take it out of VTRYON_WEBHOOK_SECRET or \
                       VTRYON_WEBHOOK_SECRET_PREVIOUS first";
        return Err(Refusal::new(Code::Conflict, message).into());
    }
    context.db.transaction(|| {
        forget(context.db, &known.fingerprint)?;
        audit::record(context, request, &known.fingerprint)
    })?;
    Ok(StoredSecretView::of(known, &configured))
}

/// Returns those that are remembered, the one seen last first.
fn remembered(db: &dyn Database) -> Result<Vec<StoredSecret>> {
    const ALL: &str =
        "SELECT fingerprint, sealed, first_seen_at, seen_at FROM secrets ORDER BY seen_at DESC, fingerprint";
    db.all(ALL, &[], |row| StoredSecret {
        fingerprint: row.text(),
        sealed: row.blob(),
        first_seen_at: Millis(row.int()),
        seen_at: Millis(row.int()),
    })
}

fn forget(db: &dyn Database, fingerprint: &str) -> Result<()> {
    db.run("DELETE FROM secrets WHERE fingerprint = ?", &[Bind::Text(fingerprint)])
}
