//! The routes of the API below `/api`.

use vtryon_gateway_engine::access::scope::Scope;
use vtryon_gateway_engine::protocol::DirectoryRequest;
use vtryon_gateway_engine::protocol::settings::EndpointKind::{self, Alerts, Tasks};

use crate::http::response::ApiError;
use crate::http::router::{Route, RouteMatch, find};

/// What an administrator asks for. A task's id is as in the path, decoded but not yet checked. What the directory answers by
/// itself is its own request: one that reads, or one that changes something.
pub(crate) enum Api {
    ListTasks { query: String },
    ShowTask { id: Option<String> },
    EraseTask { id: Option<String>, query: String },
    ShowResult { id: Option<String> },
    ListQuarantine { query: String },
    CreateEndpoint { kind: EndpointKind },
    ShowEndpoint { kind: EndpointKind, id: String },
    ChangeEndpoint { kind: EndpointKind, id: String },
    DeleteEndpoint { kind: EndpointKind, id: String },
    RotateSecret { kind: EndpointKind, id: String },
    RetireSecret { kind: EndpointKind, id: String },
    TestEndpoint { kind: EndpointKind, id: String },
    ListDeliveries { query: String },
    ShowDelivery { id: String },
    ShowDeliveryBody { id: String },
    ReplayDelivery { id: String },
    ReplayRange,
    Import { query: String },
    IssueTicket,
    CreateToken,
    ListAudit { query: String },
    ShowMetrics,
    ShowStats { query: String },
    ShowDocument,
    ShowVersion,
    Read(DirectoryRequest),
    Change(DirectoryRequest),
    NotFound,
}

const READ: Option<Scope> = Some(Scope::Read);
const LISTEN: Option<Scope> = Some(Scope::Listen);
const REPLAY: Option<Scope> = Some(Scope::Replay);
const TICKETS: Option<Scope> = Some(Scope::Tickets);
const ADMIN: Option<Scope> = Some(Scope::Admin);

/// The routes below `/api/`. Reading tokens and the audit trail needs more than other reading: they name people, and the
/// addresses that they use.
pub(crate) const ROUTES: &[Route<Api>] = &[
    Route::new("GET", "tasks", READ, |given| Api::ListTasks { query: given.query() }),
    Route::new("GET", "tasks/{task_id}", READ, |given| Api::ShowTask { id: given.decoded_id() }),
    Route::new("DELETE", "tasks/{task_id}", ADMIN, |given| Api::EraseTask {
        id: given.decoded_id(),
        query: given.query(),
    }),
    Route::new("GET", "tasks/{task_id}/result", READ, |given| Api::ShowResult { id: given.decoded_id() }),
    Route::new("GET", "quarantine", READ, |given| Api::ListQuarantine { query: given.query() }),
    Route::new("GET", "endpoints", READ, |_| Api::Read(DirectoryRequest::List { kind: Tasks })),
    Route::new("POST", "endpoints", ADMIN, |_| Api::CreateEndpoint { kind: Tasks }),
    Route::new("GET", "endpoints/{endpoint_id}", READ, |given| Api::ShowEndpoint {
        kind: Tasks,
        id: given.id(),
    }),
    Route::new("PATCH", "endpoints/{endpoint_id}", ADMIN, |given| Api::ChangeEndpoint {
        kind: Tasks,
        id: given.id(),
    }),
    Route::new("DELETE", "endpoints/{endpoint_id}", ADMIN, |given| Api::DeleteEndpoint {
        kind: Tasks,
        id: given.id(),
    }),
    Route::new("POST", "endpoints/{endpoint_id}/rotate", ADMIN, |given| Api::RotateSecret {
        kind: Tasks,
        id: given.id(),
    }),
    Route::new("POST", "endpoints/{endpoint_id}/retire", ADMIN, |given| Api::RetireSecret {
        kind: Tasks,
        id: given.id(),
    }),
    Route::new("POST", "endpoints/{endpoint_id}/test", ADMIN, |given| Api::TestEndpoint {
        kind: Tasks,
        id: given.id(),
    }),
    Route::new("GET", "alerts", READ, |_| Api::Read(DirectoryRequest::List { kind: Alerts })),
    Route::new("POST", "alerts", ADMIN, |_| Api::CreateEndpoint { kind: Alerts }),
    Route::new("GET", "alerts/{destination_id}", READ, |given| Api::ShowEndpoint {
        kind: Alerts,
        id: given.id(),
    }),
    Route::new("PATCH", "alerts/{destination_id}", ADMIN, |given| Api::ChangeEndpoint {
        kind: Alerts,
        id: given.id(),
    }),
    Route::new("DELETE", "alerts/{destination_id}", ADMIN, |given| Api::DeleteEndpoint {
        kind: Alerts,
        id: given.id(),
    }),
    Route::new("POST", "alerts/{destination_id}/rotate", ADMIN, |given| Api::RotateSecret {
        kind: Alerts,
        id: given.id(),
    }),
    Route::new("POST", "alerts/{destination_id}/retire", ADMIN, |given| Api::RetireSecret {
        kind: Alerts,
        id: given.id(),
    }),
    Route::new("POST", "alerts/{destination_id}/test", ADMIN, |given| Api::TestEndpoint {
        kind: Alerts,
        id: given.id(),
    }),
    Route::new("GET", "deliveries", READ, |given| Api::ListDeliveries { query: given.query() }),
    Route::new("GET", "deliveries/{delivery_id}", READ, |given| Api::ShowDelivery { id: given.id() }),
    Route::new("GET", "deliveries/{delivery_id}/body", LISTEN, |given| Api::ShowDeliveryBody {
        id: given.id(),
    }),
    Route::new("POST", "deliveries/{delivery_id}/replay", REPLAY, |given| Api::ReplayDelivery {
        id: given.id(),
    }),
    Route::new("POST", "replay", REPLAY, |_| Api::ReplayRange),
    Route::new("GET", "replays/{replay_id}", READ, |given| {
        Api::Read(DirectoryRequest::Progress { id: given.id() })
    }),
    Route::new("DELETE", "replays/{replay_id}", REPLAY, |given| {
        Api::Change(DirectoryRequest::CancelReplay { id: given.id() })
    }),
    Route::new("GET", "rejections", READ, |_| Api::Read(DirectoryRequest::Rejections)),
    Route::new("GET", "secrets", READ, |_| Api::Read(DirectoryRequest::Secrets)),
    Route::new("DELETE", "secrets/{fingerprint}", ADMIN, |given| {
        Api::Change(DirectoryRequest::PurgeSecret { fingerprint: given.id() })
    }),
    Route::new("POST", "import", ADMIN, |given| Api::Import { query: given.query() }),
    Route::new("POST", "tickets", TICKETS, |_| Api::IssueTicket),
    Route::new("GET", "tokens", ADMIN, |_| Api::Read(DirectoryRequest::Tokens)),
    Route::new("POST", "tokens", ADMIN, |_| Api::CreateToken),
    Route::new("DELETE", "tokens/{token_id}", ADMIN, |given| {
        Api::Change(DirectoryRequest::RevokeToken { id: given.id() })
    }),
    Route::new("GET", "audit", ADMIN, |given| Api::ListAudit { query: given.query() }),
    Route::new("GET", "metrics", READ, |_| Api::ShowMetrics),
    Route::new("GET", "stats", READ, |given| Api::ShowStats { query: given.query() }),
    Route::new("GET", "openapi.json", READ, |_| Api::ShowDocument),
];

impl Api {
    /// Finds what is asked for by a path below `/api/`. That there is no such path is seen by whoever may read.
    pub(crate) fn find(method: &str, path: &str, query: &str) -> Result<RouteMatch<Self>, ApiError> {
        find(ROUTES, method, path, query).unwrap_or(Ok(RouteMatch {
            request: Self::NotFound,
            path: "",
            scope: READ,
        }))
    }

    /// Returns by which statuses of its answer a request has changed something, or may have: a failure can come after the
    /// change, and a repeated request is answered as the first one. Reads and tickets change nothing, and neither does a range
    /// replay that is only counted, and answered 200.
    pub(crate) fn is_change(&self, method: &str) -> fn(u16) -> bool {
        match (method, self) {
            ("GET" | "HEAD", _) | (_, Self::IssueTicket) => |_| false,
            (_, Self::ReplayRange) => |status| matches!(status, 202 | 500..600),
            _ => |status| matches!(status, 200..300 | 500..600),
        }
    }
}
