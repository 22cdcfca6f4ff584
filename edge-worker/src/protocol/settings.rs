//! The settings that the directory sends to every shard: the endpoints, as far as deliveries need them.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;
use vtryon_webhooks::endpoint::{Filter, Order};

/// All settings as a whole; the highest version counts.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) version: i64,
    #[serde(default)]
    pub(crate) endpoints: Vec<Endpoint>,
    /// Deleted endpoints; their pending deliveries are dead-lettered.
    #[serde(default)]
    pub(crate) deleted: Vec<i64>,
    #[serde(default)]
    pub(crate) replays: Vec<Replay>,
}

/// A registered destination.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    /// Its number, never given twice.
    pub(crate) no: i64,
    #[serde(default)]
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) enabled: bool,
    /// The name of an [`Order`].
    #[serde(default)]
    pub(crate) order: String,
    /// Which statuses and which events it takes; none named means all.
    #[serde(default)]
    pub(crate) statuses: Vec<String>,
    #[serde(default)]
    pub(crate) events: Vec<String>,
    /// What it takes beyond: `unknown`, `quarantined`.
    #[serde(default)]
    pub(crate) include: Vec<String>,
    /// The current secret first, then those that are still valid.
    #[serde(default)]
    pub(crate) secrets: Vec<Sealed>,
}

/// A secret as it is stored: encrypted under the master key.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// Counts the secrets of an endpoint; it is part of what the encryption is bound to.
    pub(crate) version: i64,
    #[serde(default)]
    pub(crate) sealed: String,
    /// By what it is shown.
    #[serde(default)]
    pub(crate) fingerprint: String,
    pub(crate) created_at: Millis,
    /// When it stops being used; none for the current one.
    pub(crate) until: Option<Millis>,
}

/// A range of events that goes to an endpoint once more.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Replay {
    #[serde(default)]
    pub(crate) id: String,
    pub(crate) endpoint: i64,
    /// Whether every event in the range goes, or dead letters alone.
    #[serde(default)]
    pub(crate) all: bool,
    /// Events received from here on, and before there.
    pub(crate) from: Millis,
    pub(crate) until: Millis,
}

/// The progress of a range replay in one shard.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct ReplayProgress {
    /// How many deliveries the range had when it was asked for.
    pub(crate) matched: i64,
    /// How many of them are enqueued so far.
    pub(crate) enqueued: i64,
    pub(crate) delivered: i64,
    pub(crate) failed: i64,
    /// Whether the whole range is enqueued.
    #[serde(default)]
    pub(crate) is_enqueued: bool,
}

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
