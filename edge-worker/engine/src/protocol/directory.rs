//! Requests to the directory, by the Worker and by the shards.

pub mod conditions;
pub mod rejection;
pub mod sweep;

use serde::{Deserialize, Serialize};

use self::conditions::{ConditionReport, UnhealthyEndpoint};
use self::rejection::Rejection;
use self::sweep::SweepReport;
use super::settings::EndpointKind;
use crate::access::actor::Actor;

/// A call of the directory.
#[derive(Serialize, Deserialize)]
pub struct DirectoryCall {
    pub request: DirectoryRequest,
    /// The request of the API that asks for a change. It is recorded in the transaction of the change.
    pub audited: Option<AuditedRequest>,
}

/// A request that changes something, as the audit trail has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditedRequest {
    pub actor: Actor,
    /// The method and the path, with the names of its parameters.
    pub operation: String,
    /// The address that it comes from, as Cloudflare has seen it.
    pub address: Option<String>,
}

/// A request to the directory. It answers as the API does, and the Worker forwards the answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DirectoryRequest {
    Create {
        kind: EndpointKind,
        input: EndpointInput,
    },
    List {
        kind: EndpointKind,
    },
    Get {
        kind: EndpointKind,
        endpoint: i64,
    },
    Change {
        kind: EndpointKind,
        endpoint: i64,
        change: EndpointInput,
    },
    Delete {
        kind: EndpointKind,
        endpoint: i64,
    },
    Rotate {
        kind: EndpointKind,
        endpoint: i64,
        input: String,
    },
    Retire {
        kind: EndpointKind,
        endpoint: i64,
    },
    /// A shard reports conditions to alert somebody of.
    ReportConditions(ConditionReport),
    /// A shard reports an endpoint that should be disabled.
    ReportUnhealthy(UnhealthyEndpoint),
    Replay {
        input: String,
        key: Option<String>,
    },
    Progress {
        id: String,
    },
    CancelReplay {
        id: String,
    },
    /// An isolate reports rejected requests.
    ReportRejections {
        rejections: Vec<Rejection>,
    },
    Rejections,
    /// How many requests were rejected, by code.
    RejectionTotals,
    /// Lists Vtryon's secrets that are stored.
    Secrets,
    /// Deletes a former secret.
    PurgeSecret {
        fingerprint: String,
    },
    CreateToken {
        input: String,
    },
    Tokens,
    RevokeToken {
        id: String,
    },
    /// Looks up a token that was presented, and notes that it was used.
    FindToken {
        id: String,
    },
    Audit {
        cursor: Option<String>,
        limit: u32,
    },
    /// Records a change that is about to be made in a shard.
    RecordChange {
        target: String,
    },
    /// Records an import that is about to be made in shards.
    RecordImport,
    /// Looks for causes of alerts that only time brings, and sets the alarm again. It brings what was found in the shards.
    Sweep(SweepReport),
}

/// An endpoint as an administrator describes it, not parsed yet.
#[derive(Serialize, Deserialize)]
pub struct EndpointInput {
    pub body: String,
    /// The scheme and host under which this gateway was called: an endpoint must not lead back to it.
    pub own_origin: String,
}
