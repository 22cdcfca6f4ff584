//! What shards report to the directory from their alarms: conditions that somebody should be alerted of, and endpoints
//! that should be disabled.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;

/// The conditions that a shard reports.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConditionReport {
    /// The version of the settings that the shard has.
    pub settings_version: i64,
    /// In the order of their times.
    pub conditions: Vec<Condition>,
}

/// An endpoint that should be disabled. It is reported again until it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnhealthyEndpoint {
    pub endpoint: i64,
    /// The name of a [`vtryon_webhooks::health::Reason`].
    pub reason: String,
    /// The version of the settings that the shard has judged by.
    #[serde(default)]
    pub settings_version: i64,
}

/// A condition that a shard has met since it reported last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The name of a [`ConditionKind`]. The directory ignores one that only a newer version knows.
    pub kind: String,
    /// The endpoint; 0 where it is about none.
    pub endpoint: i64,
    /// How many times.
    pub count: i64,
    /// When it was met last.
    pub at: Millis,
}

/// What a shard can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionKind {
    /// The last attempts at an endpoint have all failed.
    EndpointDown,
    /// An endpoint that was down has taken a delivery.
    EndpointUp,
    /// A delivery has failed in all its attempts.
    DeliveryDead,
    /// A signed body could not be read.
    EventQuarantined,
}

impl ConditionKind {
    const ALL: [Self; 4] = [Self::EndpointDown, Self::EndpointUp, Self::DeliveryDead, Self::EventQuarantined];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EndpointDown => "endpoint_down",
            Self::EndpointUp => "endpoint_up",
            Self::DeliveryDead => "delivery_dead",
            Self::EventQuarantined => "event_quarantined",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}
