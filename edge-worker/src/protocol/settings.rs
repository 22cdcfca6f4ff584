//! The settings that the directory sends to every shard: the endpoints, as far as deliveries need them.

use vtryon_webhooks::Millis;
use vtryon_webhooks::endpoint::{Filter, Order};

use crate::json::object;

/// All settings as a whole; the highest version counts.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    pub(crate) version: i64,
    pub(crate) endpoints: Vec<Endpoint>,
    /// Deleted endpoints; their pending deliveries are dead-lettered.
    pub(crate) deleted: Vec<i64>,
    pub(crate) replays: Vec<Replay>,
}

object!(Settings { version, endpoints, deleted, replays });

/// A registered destination.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// Its number, never given twice.
    pub(crate) no: i64,
    pub(crate) url: String,
    pub(crate) enabled: bool,
    /// The name of an [`Order`].
    pub(crate) order: String,
    /// Which statuses and which events it takes; none named means all.
    pub(crate) statuses: Vec<String>,
    pub(crate) events: Vec<String>,
    /// What it takes beyond: `unknown`, `quarantined`.
    pub(crate) include: Vec<String>,
    /// The current secret first, then those that are still valid.
    pub(crate) secrets: Vec<Sealed>,
}

object!(Endpoint { no, url, enabled, order, statuses, events, include, secrets });

/// A secret as it is stored: encrypted under the master key.
#[derive(Clone)]
pub(crate) struct Sealed {
    /// Counts the secrets of an endpoint; it is part of what the encryption is bound to.
    pub(crate) version: i64,
    pub(crate) sealed: String,
    /// By what it is shown.
    pub(crate) fingerprint: String,
    pub(crate) created_at: Millis,
    /// When it stops being used; none for the current one.
    pub(crate) until: Option<Millis>,
}

object!(Sealed { version, sealed, fingerprint, created_at, until });

/// A range of events that goes to an endpoint once more.
#[derive(Clone)]
pub(crate) struct Replay {
    pub(crate) id: String,
    pub(crate) endpoint: i64,
    /// Whether every event in the range goes, or dead letters alone.
    pub(crate) all: bool,
    /// Events received from here on, and before there.
    pub(crate) from: Millis,
    pub(crate) until: Millis,
}

object!(Replay { id, endpoint, all, from, until });

/// The progress of a range replay in one shard.
#[derive(Default)]
pub(crate) struct ReplayProgress {
    /// How many deliveries the range had when it was asked for.
    pub(crate) matched: i64,
    /// How many of them are enqueued so far.
    pub(crate) enqueued: i64,
    pub(crate) delivered: i64,
    pub(crate) failed: i64,
    /// Whether the whole range is enqueued.
    pub(crate) is_enqueued: bool,
}

object!(ReplayProgress { matched, enqueued, delivered, failed, is_enqueued });

impl Settings {
    pub(crate) fn endpoint(&self, no: i64) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.no == no)
    }
}

impl Endpoint {
    pub(crate) fn filter(&self) -> Filter {
        let includes = |name| self.include.iter().any(|included| included == name);
        Filter {
            statuses: self.statuses.clone(),
            events: self.events.clone(),
            unknown: includes("unknown"),
            quarantined: includes("quarantined"),
        }
    }

    pub(crate) fn order(&self) -> Order {
        Order::from_name(&self.order).unwrap_or(Order::Latest)
    }

    /// Returns the secrets to sign with at a time, the current one first.
    pub(crate) fn secrets_at(&self, now: Millis) -> Vec<Sealed> {
        self.secrets.iter().filter(|secret| secret.until.is_none_or(|until| now < until)).cloned().collect()
    }
}

/// Names an endpoint to people and programs.
pub(crate) fn endpoint_id(no: i64) -> String {
    format!("ep_{no}")
}

/// Reads such a name, of at most 5 digits. Those of 65536 and above are well formed, but name no endpoint.
pub(crate) fn endpoint_no(id: &str) -> Option<i64> {
    let digits = id.strip_prefix("ep_")?;
    let no = digits.parse().ok()?;
    // One spelling each: no sign, no zeros in front.
    ((1..=99_999).contains(&no) && endpoint_id(no) == id).then_some(no)
}
