//! Who may use `/api`, and for what: the holder of the admin token or of a token with a scope, of a session that one of
//! them opened, or whom Access lets in.
//!
//! Every credential that is presented is checked, whatever its sender has done before: all Workers of other accounts
//! share an address, and so may an administrator with someone who guesses. Only failures are throttled ([`limit`]).
//! What makes guessing hopeless is the length of the tokens, which the configuration enforces.
//!
//! So a hostile client can make the isolate check as much as it likes to send. What one request costs is bounded:
//! - a token: SHA-256 of a header, which the platform limits, and HMAC-SHA256 of what has the length of one. Only what
//!   this gateway has made is looked up in the directory, and each of these at most every 30 seconds;
//! - a session: HMAC-SHA256 of at most 64 characters, only where the rest has the right form;
//! - an assertion: at most 8 KiB are decoded and parsed. Issuer, audience, times and the name of the key are compared
//!   first; only one that claims all of them rightly costs one RSA verification with a public exponent (measured: 0.1
//!   to 0.3 ms). Keys are fetched once for all who wait, and after a failure not for a while (`access::certs`).

mod access;
mod cross_site;
mod limit;
pub(crate) mod origin;
mod permit;
mod sign_in;
mod tokens;

use std::cell::RefCell;

use vtryon_gateway_engine::access::actor::Actor;
use vtryon_gateway_engine::access::known_tokens::StoredToken;
use vtryon_gateway_engine::access::scope::Scope;
use vtryon_gateway_engine::access::scope_rules::ScopeRules;
use vtryon_gateway_engine::access::token::TokenForm;
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::log::{Decision, Level};
use vtryon_gateway_engine::sessions::{self, Session, Sessions};
use vtryon_webhooks::{Code, Millis, Secret};
use worker::{Env, Headers, Request};
use zeroize::Zeroizing;

pub(crate) use access::Access;
pub(crate) use cross_site::is_socket;
pub(crate) use origin::is_origin;
pub(crate) use permit::{Ended, Permit};

use self::cross_site::check_browser;
use self::limit::{ClientAddress, Failure, Failures};
use crate::http::response::ApiError;
use crate::log;
use crate::protocol::AuditedRequest;

/// The header in which Access tells the origin whom it has let in.
const ASSERTION: &str = "cf-access-jwt-assertion";

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

/// What the log says of a wrong bearer token.
const WRONG_TOKEN: &str = "its bearer token is wrong";

/// Who has sent a request with a good credential.
pub(crate) struct Caller {
    actor: Actor,
    /// `None` where `ACCESS_SCOPES` gives none.
    scope: Option<Scope>,
    pub(crate) permit: Permit,
}

impl Caller {
    fn new(actor: Actor, scope: Scope) -> Self {
        Self { actor, scope: Some(scope), permit: Permit::until(None) }
    }

    /// Describes a request for the audit trail.
    pub(crate) fn audited(&self, request: &Request, operation: String) -> Result<AuditedRequest, ApiError> {
        let address = limit::address(request)?.map(|address| address.to_string());
        Ok(AuditedRequest { actor: self.actor.clone(), operation, address })
    }
}

/// The session cookie of a request.
enum Cookie {
    Absent,
    /// Altered, ended, of another token or master key, or of a token that is no more. It was good once, and a browser
    /// sends it by itself, so it is no guess.
    Void,
    Valid(Caller),
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
    /// site; `unavailable` where Access or the directory can't be asked.
    pub(crate) async fn admit(
        &self,
        request: &Request,
        env: &Env,
        needed: Scope,
        now: Millis,
    ) -> Result<Caller, ApiError> {
        let headers = request.headers();
        let mut insufficient = None;
        let mut has_scope = |caller: &Caller| match needed.check(caller.scope) {
            Ok(()) => true,
            Err(refusal) => {
                insufficient.get_or_insert(refusal);
                false
            }
        };
        let claim = bearer(headers)?;
        if let Some(claim) = &claim
            && let Some(caller) = self.by_token(claim, env, now).await?
            && has_scope(&caller)
        {
            return Ok(caller);
        }
        let cookie = self.cookie(headers, env, now).await?;
        let is_void = matches!(cookie, Cookie::Void);
        if let Cookie::Valid(caller) = cookie
            && has_scope(&caller)
        {
            return check_browser(request).map(|()| caller);
        }
        let mut fault = None;
        if let Some((access, rules)) = &self.access
            && let Some(assertion) = headers.get(ASSERTION)?
        {
            match access.check(&assertion, now).await? {
                Ok(identity) => {
                    let scope = rules.scope_of(&identity);
                    let permit = Permit::until(Some(identity.expires_at));
                    let caller = Caller { actor: Actor::Access { name: identity.name }, scope, permit };
                    if has_scope(&caller) {
                        return check_browser(request).map(|()| caller);
                    }
                }
                Err(why) => fault = Some(why),
            }
        }
        if let Some(refusal) = insufficient {
            return Err(refusal.into());
        }
        let refusal = match claim.map(|_| WRONG_TOKEN).or(fault) {
            Some(why) => self.fail(ClientAddress::of(request)?, why, now),
            // Any web page can make a browser send nothing, so it is no guess.
            None => unauthorized(),
        };
        Err(clear_void(is_void, refusal))
    }

    /// Finds whose bearer token a text is.
    async fn by_token(&self, text: &str, env: &Env, now: Millis) -> Result<Option<Caller>, ApiError> {
        if self.roots.iter().any(|root| root.matches(text)) {
            return Ok(Some(Caller::new(Actor::Root, Scope::Admin)));
        }
        if self.ticket_token.as_ref().is_some_and(|token| token.matches(text.as_bytes())) {
            return Ok(Some(Caller::new(Actor::TicketToken, Scope::Tickets)));
        }
        let Some(presented) = self.token_form.parse(text) else { return Ok(None) };
        let token = tokens::find(env, &presented.id, now).await?.admit(&presented, now);
        Ok(token.map(|token| of_token(env, token, None)))
    }

    /// Finds whose session the cookie of a request is.
    async fn cookie(&self, headers: &Headers, env: &Env, now: Millis) -> Result<Cookie, ApiError> {
        let cookies = headers.get("cookie")?.unwrap_or_default();
        let Some(value) = sessions::find(&cookies).filter(|_| !self.roots.is_empty()) else {
            return Ok(Cookie::Absent);
        };
        let session = self.roots.iter().find_map(|root| root.sessions.check(value, now));
        let Some(Session { end, token_id }) = session else { return Ok(Cookie::Void) };
        let Some(id) = token_id else {
            let permit = Permit::until(Some(end));
            return Ok(Cookie::Valid(Caller { permit, ..Caller::new(Actor::Root, Scope::Admin) }));
        };
        let token = tokens::find(env, &id, now).await?.token.filter(|token| !token.is_expired(now));
        Ok(token.map_or(Cookie::Void, |token| Cookie::Valid(of_token(env, token, Some(end)))))
    }

    /// Counts a failure, and says how it is answered. The first in a client's minute is logged, so that
    /// guesses can't fill it.
    fn fail(&self, client: ClientAddress, reason: &'static str, now: Millis) -> ApiError {
        match self.failures.borrow_mut().record(client, now) {
            Failure::First => {
                let decision = Decision::CredentialRejected { client: client.to_string(), reason };
                log::write(Level::Warn, &decision, None);
            }
            Failure::Further => {}
            Failure::Throttled(seconds) => {
                let message = "these credentials are wrong, and so were many before them from this address";
                let refusal = ApiError::because(Code::RateLimited, message);
                return refusal.with_header("retry-after", seconds.to_string());
            }
        }
        unauthorized()
    }
}

/// Makes the caller that a token stands for, until its end or that of a session.
fn of_token(env: &Env, token: StoredToken, session_end: Option<Millis>) -> Caller {
    let StoredToken { id, name, scope, expires_at, .. } = token;
    let until = [session_end, expires_at].into_iter().flatten().min();
    let permit = Permit::of_token(env, &id, until);
    Caller { actor: Actor::Token { id, name }, scope: Some(scope), permit }
}

fn unauthorized() -> ApiError {
    ApiError::new(Code::Unauthorized).with_header("www-authenticate", "Bearer")
}

/// Has a browser forget a session that is void, so that it does not send it again.
fn clear_void(is_void: bool, refusal: ApiError) -> ApiError {
    if is_void { refusal.with_header("set-cookie", sessions::CLEARED) } else { refusal }
}

/// Reads the token of `authorization: Bearer <token>` (RFC 6750, 2.1); another scheme is none of ours.
fn bearer(headers: &Headers) -> Result<Option<Zeroizing<String>>, ApiError> {
    let header = Zeroizing::new(headers.get("authorization")?.unwrap_or_default());
    Ok(match header.split_once(' ') {
        Some((scheme, claim)) if scheme.eq_ignore_ascii_case("bearer") => {
            Some(Zeroizing::new(claim.to_owned()))
        }
        Some(_) | None => None,
    })
}
