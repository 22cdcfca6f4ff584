//! The settings that the directory sends to every shard: the endpoints, as far as deliveries need them.

pub mod limits;

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;
use vtryon_webhooks::delivery::EndpointSecret;
use vtryon_webhooks::endpoint::{Filter, Order};

use crate::text::number;

/// All settings as a whole; the highest version counts.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub version: i64,
    pub endpoints: Vec<Endpoint>,
    /// Endpoints deleted within 30 days: a shard tells them from those that it has not heard of yet, and dead-letters their
    /// pending deliveries.
    pub deleted: Vec<i64>,
    pub replays: Vec<Replay>,
}

/// A registered destination.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Endpoint {
    /// Its number, which none has had before; but a directory that was restored from an earlier state may give it again, until
    /// it hears from shards that they have newer settings.
    pub no: i64,
    #[serde(flatten)]
    pub options: EndpointOptions,
    /// The current secret first, then those that are still valid.
    pub secrets: Vec<Sealed>,
    /// Headers that each attempt has beside the gateway's own.
    pub headers: Vec<SealedHeader>,
    /// The version of the settings with which its health began anew: it was enabled, disabled, paused or resumed, or its URL
    /// has changed. Attempts and reports that were made with earlier settings say nothing of it.
    pub health_since: i64,
}

/// The options of an endpoint, which the API shows as they are. An administrator sets each by
/// [`crate::directory::endpoints::fields`].
#[derive(Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointOptions {
    pub url: String,
    pub enabled: bool,
    /// Whether its deliveries wait, those of new events too.
    pub paused: bool,
    /// The name of an [`Order`].
    pub order: String,
    /// Which statuses and which events it takes; none named means all.
    pub statuses: Vec<String>,
    pub events: Vec<String>,
    /// What it takes beyond: `unknown`, `quarantined`.
    pub include: Vec<String>,
    #[serde(flatten)]
    pub attempt: AttemptOptions,
    /// How many attempts may be in progress at the same time, and how many may begin in a second; none where there is no
    /// limit. Each shard has a part of them: [`limits::Limits`].
    pub max_in_flight: Option<u32>,
    pub attempts_per_second: Option<u32>,
    /// What an alert destination takes; none for an endpoint, which takes events of tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alerts: Option<AlertOptions>,
}

/// What the sender of an attempt needs of the options.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct AttemptOptions {
    /// How long the endpoint may take to answer.
    pub timeout_seconds: u32,
}

impl Default for AttemptOptions {
    fn default() -> Self {
        Self { timeout_seconds: 10 }
    }
}

/// The options of an alert destination.
#[derive(Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertOptions {
    /// The names of the alerts that it takes; none named means all.
    pub events: Vec<String>,
    /// The name of an [`AlertFormat`].
    pub format: String,
}

impl Default for AlertOptions {
    fn default() -> Self {
        Self { events: Vec::new(), format: AlertFormat::Standard.as_str().to_owned() }
    }
}

/// Which of the registered URLs a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointKind {
    /// Endpoints, which take events of tasks.
    Tasks,
    /// Alert destinations.
    Alerts,
}

/// How an alert is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertFormat {
    /// As an event by Standard Webhooks.
    Standard,
    /// As a message to one of Slack's incoming webhooks.
    Slack,
}

impl AlertFormat {
    pub const ALL: [Self; 2] = [Self::Standard, Self::Slack];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Slack => "slack",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }
}

/// The options of a new endpoint. An endpoint that was stored before an option existed has its value here.
impl Default for EndpointOptions {
    fn default() -> Self {
        Self {
            url: String::new(),
            enabled: true,
            paused: false,
            order: Order::Latest.as_str().to_owned(),
            statuses: Vec::new(),
            events: Vec::new(),
            include: Vec::new(),
            attempt: AttemptOptions::default(),
            max_in_flight: None,
            attempts_per_second: None,
            alerts: None,
        }
    }
}

impl EndpointOptions {
    /// Returns whether attempts are made: it is neither disabled nor paused.
    pub const fn is_active(&self) -> bool {
        self.enabled && !self.paused
    }

    /// Returns whether it takes alerts, and no events of tasks.
    pub const fn is_alert_destination(&self) -> bool {
        self.alerts.is_some()
    }

    pub const fn kind(&self) -> EndpointKind {
        if self.is_alert_destination() { EndpointKind::Alerts } else { EndpointKind::Tasks }
    }
}

/// A secret as it is stored: encrypted under the master key.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sealed {
    /// Counts the secrets of an endpoint; it is part of what the encryption is bound to.
    pub version: i64,
    pub sealed: String,
    /// What people are shown of it.
    pub fingerprint: String,
    pub created_at: Millis,
    /// When it stops being used; none for the current one.
    pub until: Option<Millis>,
}

/// A header of an endpoint as it is stored: its value is encrypted under the master key, bound to the endpoint and the
/// name.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SealedHeader {
    pub name: String,
    /// For the header `authorization` that the field `auth` has set: its `type`.
    pub auth: Option<String>,
    pub sealed: String,
}

/// A range of events that goes to an endpoint once more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replay {
    pub id: String,
    pub endpoint: i64,
    /// Whether every event in the range goes, or dead letters alone.
    pub all: bool,
    /// Events received from here on, and before there.
    pub from: Millis,
    pub until: Millis,
    /// Whether what is not enqueued yet is left out.
    pub is_cancelled: bool,
}

/// How many deliveries a range has in one shard, before it is replayed.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RangeCount {
    pub matched: i64,
    /// Whether it has more than was looked at.
    pub is_truncated: bool,
}

/// The progress of a range replay in one shard.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplayProgress {
    /// How many deliveries the range has, as far as it was counted; in the end, all that were enqueued.
    pub matched: i64,
    /// How many of them are enqueued so far.
    pub enqueued: i64,
    pub delivered: i64,
    pub failed: i64,
    /// Whether the whole range is enqueued.
    pub is_enqueued: bool,
}

impl Settings {
    /// Returns the endpoints that are attempted.
    pub fn active(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.iter().filter(|endpoint| endpoint.options.is_active())
    }

    pub fn endpoint(&self, no: i64) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.no == no)
    }
}

impl Endpoint {
    pub fn filter(&self) -> Filter {
        let EndpointOptions { statuses, events, include, .. } = &self.options;
        let includes = |name| include.iter().any(|included| included == name);
        Filter {
            statuses: statuses.clone(),
            events: events.clone(),
            unknown: includes("unknown"),
            quarantined: includes("quarantined"),
        }
    }

    /// Begins its health anew with a version of the settings, where its attempts end or begin with that version, or go to
    /// another URL than `before`.
    pub fn renew_health(&mut self, before: &Self, version: i64) {
        let is_same =
            before.options.is_active() == self.options.is_active() && before.options.url == self.options.url;
        self.health_since = if is_same { before.health_since } else { version };
    }

    pub fn order(&self) -> Order {
        Order::from_name(&self.options.order).unwrap_or(Order::Latest)
    }

    /// Returns the secrets to sign with at a time, the current one first.
    pub fn secrets_at(&self, now: Millis) -> Vec<Sealed> {
        self.valid_secrets(now).cloned().collect()
    }

    /// Borrows the same.
    pub fn valid_secrets(&self, now: Millis) -> impl Iterator<Item = &Sealed> {
        self.secrets.iter().filter(move |secret| secret.until.is_none_or(|until| now < until))
    }
}

impl Sealed {
    /// Describes a new current secret; `sealed` is what its encryption has made.
    pub fn new(version: i64, sealed: String, secret: &EndpointSecret, now: Millis) -> Self {
        Self { version, sealed, fingerprint: secret.fingerprint().to_string(), created_at: now, until: None }
    }
}

/// Names an endpoint to people and programs.
pub fn endpoint_id(no: i64) -> String {
    format!("ep_{no}")
}

/// Reads such a name, of at most 5 digits. Those from [`super::delivery::ENDPOINT_NUMBERS`] on are well formed, but
/// name no endpoint.
pub fn endpoint_no(id: &str) -> Option<i64> {
    number(id.strip_prefix("ep_")?).filter(|no| (1..=99_999).contains(no))
}
