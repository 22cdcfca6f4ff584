//! Who may use `/api`, and for what: the holder of the admin token or of a token with a scope, of a session that one of
//! them opened, or whom Access lets in.
//!
//! Every credential that is presented is checked, whatever its sender has done before: all Workers of other accounts
//! share an address, and so may an administrator with someone who guesses. Only failures are throttled ([`limit`]).
//! What makes guessing hopeless is the length of the tokens, which the configuration enforces.
//!
//! So a hostile client can make the isolate check as much as it likes to send. What one request costs is bounded:
//! - a token: SHA-256 of a header, which the platform limits, and HMAC-SHA256 of what has the length of one. Only what
//!   this gateway has made is looked up in the directory, and each of these at most every 30 seconds, or by every
//!   request that arrives while a look-up is in progress;
//! - a session: HMAC-SHA256 of at most 64 characters, only where the rest has the right form;
//! - an assertion: at most 8 KiB are decoded and parsed. Issuer, audience, times and the name of the key are compared
//!   first; only one that claims all of them rightly costs one RSA verification with a public exponent (measured: 0.1
//!   to 0.3 ms). Keys are fetched once for all who wait, and after a failure not for a while (`access::certs`).

mod access;
mod credentials;
mod cross_site;
mod limit;
pub(crate) mod origin;
mod permit;
mod sign_in;
mod tokens;

use std::cell::RefCell;

use vtryon_gateway_engine::access::actor::Actor;
use vtryon_gateway_engine::access::scope::Scope;
use vtryon_gateway_engine::access::scope_rules::ScopeRules;
use vtryon_gateway_engine::credentials::sessions::{self, Sessions};
use vtryon_gateway_engine::credentials::token::TokenForm;
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::log::{Decision, Level};
use vtryon_gateway_engine::protocol::AuditedRequest;
use vtryon_webhooks::{Code, Millis, Secret};
use worker::Request;

pub(crate) use access::Access;
pub(crate) use cross_site::is_socket;
pub(crate) use origin::is_origin;
pub(crate) use permit::{Ended, Permit};
pub(crate) use sign_in::sign_out;

use self::credentials::{Checked, Credential};
use self::cross_site::check_browser;
use self::limit::{ClientAddress, Failures, ThrottleDecision};
use crate::clients::DirectoryClient;
use crate::http::response::ApiError;
use crate::log;

/// The credentials that are configured, and who has failed to show one lately. There is a root token, or Access, or
/// both.
pub(crate) struct Admin {
    /// `GATEWAY_ADMIN_TOKEN`, then the one before it.
    roots: Vec<RootToken>,
    access: Option<(Access, ScopeRules)>,
    /// The token that issues tickets, and can do nothing else.
    ticket_token: Option<Secret>,
    pub(crate) token_form: TokenForm,
    failures: RefCell<Failures>,
}

/// A root token, and the sessions under it.
pub(crate) struct RootToken {
    secret: Secret,
    sessions: Sessions,
}

impl RootToken {
    /// Takes the token as configured, and the secret made of it.
    pub(crate) fn new(secret: Secret, text: &str, master: &MasterKey) -> Self {
        Self { secret, sessions: Sessions::new(master, text.as_bytes()) }
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.secret.matches(text.as_bytes())
    }
}

/// Who has sent a request with a good credential.
pub(crate) struct Caller {
    actor: Actor,
    /// `None` where `ACCESS_SCOPES` gives none.
    scope: Option<Scope>,
    pub(crate) permit: Permit,
}

impl Caller {
    /// Describes who has sent a token of the configuration, or, until a time, a session under it.
    fn of_configuration(actor: Actor, scope: Scope, until: Option<Millis>, now: Millis) -> Self {
        Self { actor, scope: Some(scope), permit: Permit::of_configuration(until, now) }
    }

    /// Describes a request for the audit trail.
    pub(crate) fn audited(&self, request: &Request, operation: String) -> Result<AuditedRequest, ApiError> {
        let address = limit::address(request)?.map(|address| address.to_string());
        Ok(AuditedRequest { actor: self.actor.clone(), operation, address })
    }
}

impl Admin {
    pub(crate) const fn new(
        roots: Vec<RootToken>,
        access: Option<(Access, ScopeRules)>,
        ticket_token: Option<Secret>,
        token_form: TokenForm,
    ) -> Self {
        Self { roots, access, ticket_token, token_form, failures: RefCell::new(Failures::new()) }
    }

    /// Admits a request that carries a good credential whose scope suffices, and, where a browser adds it by itself,
    /// shows that no form of another site has sent it. Any one of several credentials is enough.
    ///
    /// # Errors
    /// `unauthorized`, or `rate_limited` after too many of those, which both clear a void session cookie;
    /// `forbidden` where the scope does not suffice, for a change without the header, and for a socket from another
    /// site; `unavailable` where nothing else admits, and Access or the directory can't be asked.
    pub(crate) async fn admit(
        &self,
        request: &Request,
        directory: &DirectoryClient,
        needed: Scope,
        now: Millis,
    ) -> Result<Caller, ApiError> {
        let (mut unchecked, mut insufficient, mut wrong, mut is_void) = (None, None, None, false);
        for credential in Credential::ALL {
            match self.check(credential, request.headers(), directory, now).await {
                Ok(Checked::Absent) => {}
                Ok(Checked::Void) => is_void = true,
                Ok(Checked::Wrong(why)) => wrong = wrong.or(Some(why)),
                Ok(Checked::Valid(caller)) => match needed.check(caller.scope) {
                    Ok(()) if credential.is_ambient() => return check_browser(request).map(|()| caller),
                    Ok(()) => return Ok(caller),
                    Err(refusal) => insufficient = insufficient.or(Some(refusal)),
                },
                Err(error) => unchecked = unchecked.or(Some(error)),
            }
        }
        // What can't be checked at the moment may be good.
        if let Some(error) = unchecked {
            return Err(error);
        }
        if let Some(refusal) = insufficient {
            return Err(refusal.into());
        }
        let refusal = match wrong {
            Some(why) => self.fail(ClientAddress::of(request)?, why, now),
            // Any web page can make a browser send nothing, so it is no guess.
            None => unauthorized(),
        };
        Err(clear_void(is_void, refusal))
    }

    /// Counts a failure, and says how it is answered. The first in a client's minute is logged, so that
    /// guesses can't fill it.
    fn fail(&self, client: ClientAddress, reason: &'static str, now: Millis) -> ApiError {
        match self.failures.borrow_mut().record(client, now) {
            ThrottleDecision::First => {
                let decision = Decision::CredentialRejected { client: client.to_string(), reason };
                log::write(Level::Warn, &decision, None);
            }
            ThrottleDecision::Further => {}
            ThrottleDecision::Throttled(seconds) => {
                let message = "these credentials are wrong, and so were many before them from this address";
                let refusal = ApiError::with_message(Code::RateLimited, message);
                return refusal.with_header("retry-after", seconds.to_string());
            }
        }
        unauthorized()
    }
}

/// Says that there is no credential, and which scheme there is for one (RFC 9110, 15.5.2).
pub(crate) fn unauthorized() -> ApiError {
    ApiError::new(Code::Unauthorized).with_header("www-authenticate", "Bearer")
}

/// Has a browser forget a session that is void, so that it does not send it again.
fn clear_void(is_void: bool, refusal: ApiError) -> ApiError {
    if is_void { refusal.with_header("set-cookie", sessions::CLEARED) } else { refusal }
}
