//! Who may use `/api`: the holder of the admin token.

use vtryon_webhooks::{Code, Secret};
use worker::Request;

use crate::reply::Refusal;

/// The administrator's credentials.
pub(crate) struct Admin(Secret);

impl Admin {
    pub(crate) const fn new(token: Secret) -> Self {
        Self(token)
    }

    /// Admits a request that carries `authorization: Bearer <token>` (RFC 6750, 2.1), compared in constant time.
    pub(crate) fn admit(&self, request: &Request) -> Result<(), Refusal> {
        let header = request.headers().get("authorization")?.unwrap_or_default();
        let claim = match header.split_once(' ') {
            Some((scheme, claim)) if scheme.eq_ignore_ascii_case("bearer") => claim,
            Some(_) | None => "",
        };
        if self.0.matches(claim.as_bytes()) {
            return Ok(());
        }
        Err(Refusal::new(Code::Unauthorized).with_header("www-authenticate", "Bearer"))
    }
}
