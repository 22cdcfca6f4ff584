//! The protocol between the Worker, the shards and the directory: a call in JSON, and beside it the bytes of an
//! event's body.
//!
//! Both ends are of one deployment, but not always of one version: while a deployment rolls out, a new Worker
//! may call an old shard. So a field is only ever added, and with a default.

pub mod delivery;
pub mod directory;
mod event;
pub mod import;
pub mod live;
pub mod metrics;
pub mod page;
mod result;
pub mod settings;
pub mod stats;
pub mod topology;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use vtryon_webhooks::Millis;

use self::delivery::{AttemptReport, DeliveryState, Dispatch};
use self::import::ImportedLine;
use self::live::Subscription;
use self::settings::Replay;
use self::topology::Topology;
use self::topology::placement::Placement;

pub use self::directory::sweep::{SweepFindings, SweepReport};
pub use self::directory::{AuditedRequest, DirectoryCall, DirectoryRequest, EndpointInput};
pub use self::event::{Content, IncomingEvent};
pub use self::page::{Page, PageItem, TaskFilter};
pub use self::result::{result_key, seconds_kept};

use crate::text::json;

/// The name of a test event. Vtryon has no such event, so a receiver ignores it.
pub const TEST_EVENT: &str = "gateway.test";

/// The shard that stores and delivers alerts: each deployment has it.
pub const ALERT_SHARD: u32 = 0;

/// A request to a shard.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShardRequest {
    /// Decides on an event and stores it; its body is the second argument of the call.
    StoreEvent(IncomingEvent),
    /// Stores events and erasures that another deployment has exported, in their order, and delivers none; the bodies of
    /// the events, one after the other, are the second argument of the call.
    Import(Vec<ImportedLine>),
    /// Stores an alert, once; its body is the second argument of the call.
    StoreAlert(IncomingAlert),
    /// The state and the timeline of a task.
    Task { task_id: String },
    /// The final result of a task.
    Result { task_id: String },
    /// Tasks in descending order of creation, those before `before`; with a prefix in the order of their ids, those after
    /// the task with that number.
    Tasks { before: Option<i64>, filter: TaskFilter, limit: u32 },
    /// Quarantined bodies in descending order of arrival, those before `before`.
    Quarantine { before: Option<i64>, limit: u32 },
    /// The number of shards of the deployment.
    Topology,
    /// Only compares the number of shards and the placement; answers with the number, once it is recorded.
    VerifyShardCount,
    /// To shard 0 outside of any jurisdiction, from the one within: records the number of shards and the placement of the
    /// deployment, and answers with the number.
    Anchor,
    /// Only compares what the anchor has recorded.
    VerifyAnchor,
    /// The settings of the directory: [`Settings`](settings::Settings).
    Configure(Box<RawValue>),
    /// Only brings reports.
    ReportAttempts,
    /// A delivery with its attempts.
    Delivery { no: i64 },
    /// The body that a delivery has.
    DeliveryBody { no: i64 },
    /// Deliveries in descending order of their events, those before `before`.
    Deliveries {
        before: Option<i64>,
        endpoint: Option<i64>,
        state: Option<DeliveryState>,
        task_id: Option<String>,
        digest: Option<String>,
        limit: u32,
    },
    /// Erases a task.
    Erase { task_id: String },
    /// Replays a delivery.
    Replay { no: i64 },
    /// Counts what a range would replay; nothing is changed.
    CountRange(Replay),
    /// The progress of a range replay.
    Progress { id: String },
    /// The health of an endpoint.
    Health { endpoint: i64 },
    /// What is counted for `GET /api/metrics`.
    Metrics,
    /// Sets the alarm again, for whatever is due, and asks for what an alert may be of.
    Sweep,
    /// The statistics by minute, from `from` on; with an endpoint those of its deliveries, and what it has to do.
    Stats { from: Millis, endpoint: Option<i64> },
    /// Opens a socket with a live stream.
    Subscribe(Subscription),
}

/// A shard's answer to an event.
#[derive(Default, Serialize, Deserialize)]
pub struct StoreResult {
    /// The attempts that the Worker makes after its 200.
    #[serde(default)]
    pub dispatches: Vec<Dispatch>,
}

/// The health of an endpoint in one shard.
#[derive(Serialize, Deserialize)]
pub struct EndpointHealth {
    pub failing_since: Option<Millis>,
    pub succeeded_at: Option<Millis>,
    pub consecutive_410: u32,
}

/// A request to a shard, with the shard that the caller means, and what the caller has to report to it.
#[derive(Serialize, Deserialize)]
pub struct Call {
    /// The number of this shard.
    pub shard: u32,
    /// How many shards the caller has.
    pub shards: u32,
    /// Where the caller has the objects of the deployment.
    #[serde(default)]
    pub placement: Placement,
    /// The outcomes of attempts that were leased to the Worker. They are recorded before the request is executed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<AttemptReport>,
    pub request: ShardRequest,
}

impl Call {
    /// Returns the topology that the caller has configured.
    pub const fn topology(&self) -> Topology {
        Topology { shards: self.shards, placement: self.placement }
    }

    /// Serializes a call as a URL: a request for a WebSocket has no body.
    pub fn to_url(&self) -> String {
        let head = json::to_string(self);
        format!("https://object/?{}", utf8_percent_encode(&head, NON_ALPHANUMERIC))
    }

    /// Parses a call from a URL.
    pub fn from_url(url: &str) -> crate::Result<Self> {
        let (_, query) = url.split_once('?').unwrap_or_default();
        json::read(&percent_decode_str(query).decode_utf8_lossy())
    }
}

/// An alert before it is stored, to be delivered to some of its destinations.
#[derive(Clone, Serialize, Deserialize)]
pub struct IncomingAlert {
    /// What tells it from all other alerts: it is stored once, however often it comes.
    pub id: String,
    pub name: String,
    pub destinations: Vec<i64>,
    /// Whether the caller makes the first attempts and waits for them, as for a test.
    #[serde(default)]
    pub is_test: bool,
}
