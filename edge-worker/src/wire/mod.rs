//! What the Worker and its shards say to each other: a call in JSON, and beside it the bytes of an event's body.
//!
//! Both ends are of one deployment, but not always of one version: while a deployment rolls out, a new
//! Worker may ask an old shard. So a field is only ever added, and with a default.

pub(crate) mod delivery;
pub(crate) mod live;
pub(crate) mod rejection;
pub(crate) mod settings;
pub(crate) mod stats;
mod tell;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use vtryon_webhooks::{Digest, Error, Event, Millis, Verified};

use self::delivery::{Dispatch, Report};
use self::live::Subscription;
use self::settings::Settings;

pub(crate) use self::tell::{Created, Tell};

use crate::json::{self, Raw, Write, object, one_of};

/// What a test event is called: no event of Vtryon's, so a receiver that knows only those takes it and does
/// nothing.
pub(crate) const TEST_EVENT: &str = "gateway.test";

/// What is asked of a shard.
pub(crate) enum Ask {
    /// Decide on an event and keep it; its body is the second argument of the call.
    Keep(Arrival),
    /// The state and the timeline of a task.
    Task { task_id: String },
    /// The final result of a task.
    Result { task_id: String },
    /// Tasks in descending order of creation, those before `before`; with `stalled`, those that have not
    /// ended and were not heard of since.
    Tasks { before: Option<i64>, status: Option<String>, stalled: Option<Millis>, limit: u32 },
    /// Quarantined bodies in descending order of arrival, those before `before`.
    Quarantine { before: Option<i64>, limit: u32 },
    /// How many shards the deployment was made with.
    Topology,
    /// Nothing but to check the number of shards.
    Check,
    /// What the directory says of the endpoints.
    Configure(Settings),
    /// What came of an attempt that was handed out.
    Report(Report),
    /// A delivery with its attempts.
    Delivery { no: i64 },
    /// Deliveries in descending order of their events, those before `before`.
    Deliveries {
        before: Option<i64>,
        endpoint: Option<i64>,
        state: Option<String>,
        task_id: Option<String>,
        digest: Option<String>,
        limit: u32,
    },
    /// Deliver once more.
    Replay { no: i64 },
    /// How far a range has come.
    Progress { id: String },
    /// How an endpoint fares.
    Health { endpoint: i64 },
    /// What can be counted.
    Metrics,
    /// Nothing but to wake up: what is due is looked for.
    Sweep,
    /// What has happened minute by minute, from `from` on.
    Stats { from: Millis },
    /// Open a socket and show live what is asked for.
    Subscribe(Subscription),
}

one_of!(Ask {
    "keep" => Keep(held),
    "task" => Task { task_id },
    "result" => Result { task_id },
    "tasks" => Tasks { before, status, stalled, limit },
    "quarantine" => Quarantine { before, limit },
    "topology" => Topology,
    "check" => Check,
    "configure" => Configure(held),
    "report" => Report(held),
    "delivery" => Delivery { no },
    "deliveries" => Deliveries { before, endpoint, state, task_id, digest, limit },
    "replay" => Replay { no },
    "progress" => Progress { id },
    "health" => Health { endpoint },
    "metrics" => Metrics,
    "sweep" => Sweep,
    "stats" => Stats { from },
    "subscribe" => Subscribe(held),
});

/// A shard's answer to an event.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) outcome: String,
    /// The attempts that the Worker is to make, after its 200.
    pub(crate) owed: Vec<Dispatch>,
}

object!(Kept { outcome, owed });

/// How an endpoint fares in one shard.
pub(crate) struct Fares {
    pub(crate) failing_since: Option<Millis>,
    pub(crate) succeeded_at: Option<Millis>,
    pub(crate) gone: u32,
}

object!(Fares { failing_since, succeeded_at, gone });

/// What a shard can count without looking at every row.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) events: i64,
    pub(crate) open_tasks: i64,
    pub(crate) quarantined: i64,
    pub(crate) pending: i64,
    pub(crate) dead: i64,
    /// When the longest pending delivery was due.
    pub(crate) oldest_due: Option<Millis>,
}

object!(Counts { events, open_tasks, quarantined, pending, dead, oldest_due });

/// A request to a shard: who it believes it is, and what it is asked.
pub(crate) struct Call {
    /// The number of this shard.
    pub(crate) shard: u32,
    /// How many shards the Worker that asks has.
    pub(crate) shards: u32,
    pub(crate) ask: Ask,
}

object!(Call { shard, shards, ask });

/// A verified event on its way into a shard.
pub(crate) struct Arrival {
    pub(crate) received_at: Millis,
    /// The fingerprint of the secret that signed it.
    pub(crate) key: String,
    pub(crate) content: Content,
    /// The one endpoint that it is for: set for test events alone.
    pub(crate) only: Option<i64>,
    /// How long the storing of an earlier event took, as the Worker saw it, in milliseconds.
    pub(crate) last_commit_ms: Option<i64>,
}

object!(Arrival { received_at, key, content, only, last_commit_ms });

/// What a verified body tells.
pub(crate) enum Content {
    /// A task's status.
    Status { task_id: String, status: String, result_url: Option<String>, failure: Option<String> },
    /// An event by a name that we don't know, about a task.
    Other { task_id: String, name: String },
    /// Nothing that we can read: why not.
    Unreadable { code: String, message: String },
}

one_of!(Content {
    "status" => Status { task_id, status, result_url, failure },
    "other" => Other { task_id, name },
    "unreadable" => Unreadable { code, message },
});

/// A part of a listing, in descending order of `no`.
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    /// Where the next page begins: before this number. None when there is no more.
    pub(crate) next: Option<i64>,
}

object!(Page { items, next });

/// One entry of a listing: its place, its time, and what is shown of it, which the Worker passes on as it is.
pub(crate) struct Item {
    pub(crate) no: i64,
    pub(crate) at: Millis,
    pub(crate) view: Raw,
}

object!(Item { no, at, view });

impl Page {
    /// Makes a page of items; where they are not the last, the next one begins after them.
    pub(crate) fn new(items: Vec<Item>, is_last: bool) -> Self {
        let next = if is_last { None } else { items.last().map(|item| item.no) };
        Self { items, next }
    }
}

impl Item {
    pub(crate) fn new(no: i64, at: Millis, view: &dyn Write) -> Self {
        Self { no, at, view: Raw(json::to_string(view)) }
    }
}

impl Arrival {
    /// Reads a verified body, and what it is stored by: the digest of the task's id, or of the body.
    pub(crate) fn read(verified: &Verified<'_>, received_at: Millis) -> (Digest, Self) {
        let (digest, content) = match Event::parse(verified) {
            Ok(event) => (Digest::of(event.task_id().as_str().as_bytes()), Content::of(&event)),
            Err(error) => (Digest::of(verified.payload()), Content::unreadable(error)),
        };
        (
            digest,
            Self {
                received_at,
                key: verified.fingerprint().to_string(),
                content,
                only: None,
                last_commit_ms: None,
            },
        )
    }
}

impl Arrival {
    /// Returns the task that it is about; a body that can't be read is about none.
    pub(crate) fn task_id(&self) -> Option<&str> {
        match &self.content {
            Content::Status { task_id, .. } | Content::Other { task_id, .. } => Some(task_id),
            Content::Unreadable { .. } => None,
        }
    }
}

impl Content {
    fn of(event: &Event<'_>) -> Self {
        let task_id = event.task_id().as_str().to_owned();
        match event.status() {
            Some(status) => Self::Status {
                task_id,
                status: status.as_str().to_owned(),
                result_url: event.result_url().map(str::to_owned),
                failure: event.error_message().map(str::to_owned),
            },
            None => Self::Other { task_id, name: event.name().to_owned() },
        }
    }

    fn unreadable(error: Error) -> Self {
        Self::Unreadable { code: error.code().to_string(), message: error.to_string() }
    }
}

impl Call {
    /// Writes a call as the URL of a request that can't have a body: it asks for a socket.
    pub(crate) fn to_url(&self) -> String {
        let head = json::to_string(self);
        format!("https://object/?{}", utf8_percent_encode(&head, NON_ALPHANUMERIC))
    }

    /// Reads such a call.
    pub(crate) fn from_url(url: &str) -> worker::Result<Self> {
        let (_, query) = url.split_once('?').unwrap_or_default();
        json::read(&percent_decode_str(query).decode_utf8_lossy())
    }
}
