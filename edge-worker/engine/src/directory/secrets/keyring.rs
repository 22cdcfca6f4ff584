//! The secrets that a refused webhook may have been signed with: Vtryon's, those before them, and the gateway's own.

use vtryon_webhooks::diagnosis::{Candidate, SecretKind};
use zeroize::Zeroizing;

use crate::Result;
use crate::directory::endpoints::records;
use crate::protocol::settings::Sealed;
use crate::storage::database::Database;

/// How many secrets are tried on a sample: that bounds what an administrator's look costs.
pub const MAX_CANDIDATES: usize = 25;

/// Secrets in clear, for one look: the likeliest first.
#[derive(Default)]
pub struct Keyring {
    secrets: Vec<(SecretKind, Zeroizing<Vec<u8>>)>,
    /// How many could not be opened, and how many there are beyond those that are tried.
    pub unopened: usize,
    pub left_out: usize,
}

impl Keyring {
    /// Begins with the secrets that are configured.
    pub fn new(configured: impl Iterator<Item = (SecretKind, Zeroizing<Vec<u8>>)>) -> Self {
        Self { secrets: configured.collect(), ..Self::default() }
    }

    /// Adds a secret, or counts one that the master key does not open.
    pub fn add(&mut self, kind: SecretKind, secret: Option<Zeroizing<Vec<u8>>>) {
        match secret {
            Some(secret) => self.secrets.push((kind, secret)),
            None => self.unopened += 1,
        }
    }

    /// Returns the endpoints' secrets that there is room for, each with its endpoint, and counts the others.
    pub fn of_endpoints(&mut self, db: &dyn Database) -> Result<Vec<(i64, Sealed)>> {
        // Every endpoint's current secret before the first one's previous.
        let (mut likely, previous): (Vec<_>, Vec<_>) = records::all(db)?
            .into_iter()
            .map(|record| record.endpoint)
            .flat_map(|endpoint| endpoint.secrets.into_iter().map(move |secret| (endpoint.no, secret)))
            .partition(|(_, secret)| secret.until.is_none());
        likely.extend(previous);
        let room = MAX_CANDIDATES.saturating_sub(self.secrets.len());
        self.left_out = likely.len().saturating_sub(room);
        likely.truncate(room);
        Ok(likely)
    }

    pub fn candidates(&self) -> Vec<Candidate<'_>> {
        self.secrets.iter().map(|(kind, secret)| Candidate { kind: *kind, secret }).collect()
    }
}
