//! Deliveries between the Worker and a shard: attempts to make, and their outcomes.

use serde::{Deserialize, Serialize};
use vtryon_webhooks::Millis;
use vtryon_webhooks::retry::Reply;

use crate::protocol::settings::{AttemptOptions, Sealed, SealedHeader};
use crate::storage::database::MAX_SAFE_INTEGER;
use crate::text::number;

/// How many endpoints a deployment can ever have registered: deliveries are numbered by event and endpoint.
pub const ENDPOINT_NUMBERS: i64 = 1 << 16;

/// Numbers the delivery of an event to an endpoint within its shard.
pub const fn delivery_no(seq: i64, endpoint: i64) -> i64 {
    seq * ENDPOINT_NUMBERS + endpoint
}

/// Returns the sequence number of a delivery's event.
pub const fn seq_of(delivery: i64) -> i64 {
    delivery / ENDPOINT_NUMBERS
}

/// Returns the endpoint of a delivery.
pub const fn endpoint_of(delivery: i64) -> i64 {
    delivery % ENDPOINT_NUMBERS
}

/// Returns the public id of a delivery, which names its shard.
pub fn delivery_id(shard: u32, no: i64) -> String {
    format!("dlv_{shard}_{no}")
}

/// Parses a public id into the shard and the number.
pub fn parse_delivery_id(id: &str) -> Option<(u32, i64)> {
    let (shard, no) = id.strip_prefix("dlv_")?.split_once('_')?;
    let (shard, no) = (number(shard)?, number(no)?);
    (1..=MAX_SAFE_INTEGER).contains(&no).then_some((shard, no))
}

/// The state of a delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    #[default]
    Pending,
    Delivered,
    Dead,
    Superseded,
}

impl DeliveryState {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Delivered, Self::Dead, Self::Superseded];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Superseded => "superseded",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// The outcome that a dispatch names of an alert, which is no event of a task.
pub const ALERT_OUTCOME: &str = "alert";

/// An attempt to be made: all that its sender needs but the body.
#[derive(Clone, Serialize, Deserialize)]
pub struct Dispatch {
    pub delivery: i64,
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    pub secrets: Vec<Sealed>,
    /// Headers of the endpoint, sent beside the gateway's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<SealedHeader>,
    /// The event's, the same for every attempt, endpoint and replay.
    #[serde(default)]
    pub webhook_id: String,
    #[serde(default)]
    pub outcome: String,
    /// How often the delivery was replayed before, one by one or as part of a range.
    pub replay_count: i64,
    /// The number of the attempt since the last replay, from 1.
    pub attempt: u32,
    /// Until when it may be begun.
    pub begin_before: Millis,
    /// When its lease is over: by then it has certainly ended. It tells this lease from a later one.
    pub leased_until: Millis,
    /// What a shard of an older version does not name is as for a new endpoint.
    #[serde(default)]
    pub options: AttemptOptions,
    /// The version of the settings that it was made by.
    #[serde(default)]
    pub settings_version: i64,
}

impl Dispatch {
    /// Makes the report of the attempt; without one where it could not even be made.
    pub const fn report(&self, made: Option<Attempt>) -> AttemptReport {
        AttemptReport {
            delivery: self.delivery,
            replay_count: self.replay_count,
            attempt: self.attempt,
            leased_until: self.leased_until,
            settings_version: self.settings_version,
            made,
        }
    }
}

/// The outcome of an attempt.
#[derive(Serialize, Deserialize)]
pub struct AttemptReport {
    pub delivery: i64,
    pub replay_count: i64,
    pub attempt: u32,
    /// The lease that it was made under. A Worker of an older version does not name it: then only a success counts.
    #[serde(default)]
    pub leased_until: Millis,
    /// The version of the settings that it was made by.
    #[serde(default)]
    pub settings_version: i64,
    /// None where the gateway could not even make it.
    pub made: Option<Attempt>,
}

/// An attempt that was made.
#[derive(Serialize, Deserialize)]
pub struct Attempt {
    pub attempted_at: Millis,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
    /// The status of the answer; none where there was none.
    pub status: Option<u16>,
    /// Why there was none: `timeout`, `connection`, `url_refused`.
    pub error: Option<String>,
    /// The first KiB of a failure's answer, in one line, as [`crate::text::excerpt`] makes it.
    #[serde(default)]
    pub answer: String,
    /// Where a redirect leads: the host alone.
    pub location_host: Option<String>,
    /// Whether the answer asks for no further attempt, by `webhook-delivery: abort-message`.
    #[serde(default)]
    pub is_aborted: bool,
    /// What the answer asks for, in milliseconds from now on (RFC 9110, 10.2.3).
    pub retry_after_ms: Option<i64>,
    /// Whether the receiver took the previous secret alone.
    #[serde(default)]
    pub previous_secret: bool,
}

impl Attempt {
    /// Returns what the answer says; none where there was none.
    pub fn reply(&self) -> Option<Reply> {
        self.status.map(Reply::from_status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_has_one_id_and_an_id_one_delivery() {
        for (shard, no) in [(0, 1), (3, 65_537), (u32::MAX, MAX_SAFE_INTEGER)] {
            assert_eq!(parse_delivery_id(&delivery_id(shard, no)), Some((shard, no)));
        }
        for id in [
            "",
            "dlv_",
            "dlv_0",
            "dlv_0_",
            "0_1",
            "evt_0_1",
            "dlv_0_0",
            "dlv_0_-1",
            "dlv_-1_1",
            "dlv_00_1",
            "dlv_0_01",
            "dlv_0_+1",
            "dlv_0_1 ",
            "dlv_0_1_1",
            "dlv_4294967296_1",
            "dlv_0_9007199254740992",
        ] {
            assert_eq!(parse_delivery_id(id), None, "{id:?}");
        }
    }
}
