//! Requests to the directory, by the Worker and by the shards.

use super::rejection::Rejection;

use crate::json::{object, one_of};

/// A request to the directory. It answers as the API does, and the Worker forwards the answer.
pub(crate) enum DirectoryRequest {
    Create(EndpointInput),
    List,
    Get {
        endpoint: i64,
    },
    Change {
        endpoint: i64,
        change: EndpointInput,
    },
    Delete {
        endpoint: i64,
    },
    Rotate {
        endpoint: i64,
        input: String,
    },
    Retire {
        endpoint: i64,
    },
    /// A shard reports an endpoint that should be disabled.
    ReportUnhealthy {
        endpoint: i64,
        reason: String,
    },
    Replay {
        input: String,
        key: Option<String>,
    },
    Progress {
        id: String,
    },
    /// An isolate reports rejected requests.
    ReportRejections {
        rejections: Vec<Rejection>,
    },
    Rejections,
    /// Lists Vtryon's secrets that are stored.
    Secrets,
    /// Deletes a former secret.
    PurgeSecret {
        fingerprint: String,
    },
    /// Only sets the alarm again, where shards have unconfirmed settings.
    Sweep,
}

one_of!(DirectoryRequest {
    "create" => Create(held),
    "list" => List,
    "get" => Get { endpoint },
    "change" => Change { endpoint, change },
    "delete" => Delete { endpoint },
    "rotate" => Rotate { endpoint, input },
    "retire" => Retire { endpoint },
    "report_unhealthy" => ReportUnhealthy { endpoint, reason },
    "replay" => Replay { input, key },
    "progress" => Progress { id },
    "report_rejections" => ReportRejections { rejections },
    "rejections" => Rejections,
    "secrets" => Secrets,
    "purge_secret" => PurgeSecret { fingerprint },
    "sweep" => Sweep,
});

/// An endpoint as an administrator describes it, not parsed yet.
pub(crate) struct EndpointInput {
    pub(crate) body: String,
    /// The scheme and host under which this gateway was called: an endpoint must not lead back to it.
    pub(crate) own_origin: String,
}

object!(EndpointInput { body, own_origin });
