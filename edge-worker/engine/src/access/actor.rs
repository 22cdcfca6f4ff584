//! Who makes a request, as the audit trail names them.

use serde::{Deserialize, Serialize};

/// Who makes a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Actor {
    /// The holder of `GATEWAY_ADMIN_TOKEN`, or of the one before it.
    Root,
    /// The holder of `GATEWAY_TICKET_TOKEN`.
    TicketToken,
    /// The holder of a token that was created through the API.
    Token { id: String, name: String },
    /// Somebody whom Cloudflare Access has let in: an e-mail address, or the client id of a service token.
    Access { name: String },
}
