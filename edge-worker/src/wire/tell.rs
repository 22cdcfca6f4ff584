//! What the directory is told, by the Worker and by the shards.

use super::rejection::Rejection;

use crate::json::{object, one_of};

/// What the directory is told, or asked for. It answers as the API does: the Worker passes that on.
pub(crate) enum Tell {
    Create(Created),
    List,
    Get {
        endpoint: i64,
    },
    Change {
        endpoint: i64,
        change: Created,
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
    /// A shard's endpoint should get no more.
    Complain {
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
    /// Webhooks were refused.
    Reject {
        rejections: Vec<Rejection>,
    },
    Rejections,
    /// Which of Vtryon's secrets are remembered.
    Secrets,
    /// A former one is to be forgotten.
    PurgeSecret {
        fingerprint: String,
    },
    /// Nothing but to wake up: what is left to tell is told.
    Sweep,
}

one_of!(Tell {
    "create" => Create(held),
    "list" => List,
    "get" => Get { endpoint },
    "change" => Change { endpoint, change },
    "delete" => Delete { endpoint },
    "rotate" => Rotate { endpoint, input },
    "retire" => Retire { endpoint },
    "complain" => Complain { endpoint, reason },
    "replay" => Replay { input, key },
    "progress" => Progress { id },
    "reject" => Reject { rejections },
    "rejections" => Rejections,
    "secrets" => Secrets,
    "purge_secret" => PurgeSecret { fingerprint },
    "sweep" => Sweep,
});

/// An endpoint as an administrator describes it, not yet read.
pub(crate) struct Created {
    pub(crate) input: String,
    /// Under which scheme and host this gateway was called: an endpoint must not lead back to it.
    pub(crate) own_origin: String,
}

object!(Created { input, own_origin });
