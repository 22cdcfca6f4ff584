//! Who may use `/api`: the holder of the admin token, of a session that it opened, or whom Access lets in.
//!
//! Every credential that is presented is checked, whatever its sender has done before: all Workers of other accounts
//! share an address, and so may an administrator with someone who guesses. Only failures are throttled ([`limit`]).
//! What makes guessing hopeless is the length of the tokens, which the configuration enforces.
//!
//! So a hostile client can make the isolate check as much as it likes to send. What one request costs is bounded:
//! - a token: SHA-256 of a header, which the platform limits;
//! - a session: HMAC-SHA256 of at most 20 digits, only where the rest has the right form;
//! - an assertion: at most 8 KiB are decoded and parsed. Issuer, audience, times and the name of the key are compared
//!   first; only one that claims all of them rightly costs one RSA verification with a public exponent (measured: 0.1
//!   to 0.3 ms). Keys are fetched once for all who wait, and after a failure not for a while (`access::certs`).

mod access;
mod limit;
pub(crate) mod origin;
mod sign_in;

use std::cell::RefCell;

use vtryon_webhooks::{Code, Secret};
use worker::{Headers, Request, console_warn};
use zeroize::Zeroizing;

pub(crate) use access::Access;
pub(crate) use origin::is_origin;

use self::limit::{ClientAddress, Failure, Failures};
use crate::http::response::ApiError;
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::sessions::{self, Sessions};
use vtryon_webhooks::Millis;

/// The header in which Access tells the origin whom it has let in.
const ASSERTION: &str = "cf-access-jwt-assertion";

/// The administrator's credentials, and who has failed to show them lately. There is a token, or
/// Access, or both.
pub(crate) struct Admin {
    token: Option<Token>,
    access: Option<Access>,
    /// The token that makes tickets, and can do nothing else.
    ticket_issuer: Option<Secret>,
    failures: RefCell<Failures>,
}

/// What a request is about, as far as it matters for who may send it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Everything,
    /// The making of tickets, which a shop's backend may do without being an administrator.
    Tickets,
}

/// The admin token, and the sessions that it opens.
pub(crate) struct Token {
    secret: Secret,
    sessions: Sessions,
}

impl Token {
    /// Takes the token as configured, and the secret made of it.
    pub(crate) fn new(secret: Secret, text: &str, master: &MasterKey) -> Self {
        Self { secret, sessions: Sessions::new(master, text.as_bytes()) }
    }
}

/// The log message for a wrong bearer token.
const WRONG_TOKEN: &str = "its bearer token is wrong";

/// Who has sent a request.
enum Sender {
    /// A program that has put the token into the request.
    Explicit,
    /// A browser: its cookie, or the assertion that Access makes of one, comes with whatever it sends, until then.
    Browser(Millis),
    /// A shop's backend, which makes tickets.
    TicketIssuer,
    /// Someone whose credentials are wrong, and why.
    Invalid(&'static str),
    /// Someone without credentials. Any web page can make a browser send that, so it is no guess. Nor is a void
    /// session: it was good once, before it ended or the token changed, and a browser sends it by itself.
    Anonymous,
}

/// The session cookie of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cookie {
    Absent,
    /// Altered, ended, or of another token or master key.
    Void,
    /// Good until then.
    Valid(Millis),
}

impl Admin {
    pub(crate) const fn new(
        token: Option<Token>,
        access: Option<Access>,
        ticket_issuer: Option<Secret>,
    ) -> Self {
        Self { token, access, ticket_issuer, failures: RefCell::new(Failures::new()) }
    }

    /// Admits a request that carries good credentials, and, where a browser adds them by itself, shows
    /// that no form of another site has sent it. Returns until when it may be answered: a session ends.
    ///
    /// # Errors
    /// `unauthorized`, or `rate_limited` after too many of those, which both clear a void session cookie;
    /// `forbidden` for a change without the header, for a socket from another site, and for what a token may not
    /// do; `unavailable` where Access can't be asked.
    pub(crate) async fn admit(
        &self,
        request: &Request,
        scope: Scope,
        now: Millis,
    ) -> Result<Option<Millis>, ApiError> {
        let headers = request.headers();
        let cookie = self.cookie(headers, now)?;
        match self.sender(headers, cookie, scope, now).await? {
            Sender::Explicit => Ok(None),
            Sender::Browser(end) => {
                check_change(request)?;
                if is_socket(request)? {
                    origin::check_socket(request)?;
                }
                Ok(Some(end))
            }
            Sender::TicketIssuer if scope == Scope::Tickets => Ok(None),
            Sender::TicketIssuer => {
                Err(ApiError::because(Code::Forbidden, "this token may make tickets, and nothing else"))
            }
            Sender::Invalid(why) => Err(clear_void(cookie, self.fail(ClientAddress::of(request)?, why, now))),
            Sender::Anonymous => Err(clear_void(cookie, unauthorized())),
        }
    }

    /// Tries each credential that the request carries; any one that is good suffices.
    async fn sender(
        &self,
        headers: &Headers,
        cookie: Cookie,
        scope: Scope,
        now: Millis,
    ) -> Result<Sender, ApiError> {
        let claim = bearer(headers)?;
        let is = |secret: &Secret| claim.as_ref().is_some_and(|claim| secret.matches(claim.as_bytes()));
        if self.token.as_ref().is_some_and(|token| is(&token.secret)) {
            return Ok(Sender::Explicit);
        }
        let is_ticket_issuer = self.ticket_issuer.as_ref().is_some_and(is);
        if is_ticket_issuer && scope == Scope::Tickets {
            return Ok(Sender::TicketIssuer);
        }
        if let Cookie::Valid(end) = cookie {
            return Ok(Sender::Browser(end));
        }
        let mut why = None;
        if let Some(access) = &self.access
            && let Some(assertion) = headers.get(ASSERTION)?
        {
            match access.check(&assertion, now).await? {
                Ok(end) => return Ok(Sender::Browser(end)),
                Err(fault) => why = Some(fault),
            }
        }
        if is_ticket_issuer {
            return Ok(Sender::TicketIssuer);
        }
        // Where Access alone lets in, there is no token to guess.
        if claim.is_some() && (self.token.is_some() || self.ticket_issuer.is_some()) {
            why = Some(WRONG_TOKEN);
        }
        Ok(why.map_or(Sender::Anonymous, Sender::Invalid))
    }

    fn cookie(&self, headers: &Headers, now: Millis) -> Result<Cookie, ApiError> {
        let cookies = headers.get("cookie")?.unwrap_or_default();
        let (Some(token), Some(value)) = (&self.token, sessions::find(&cookies)) else {
            return Ok(Cookie::Absent);
        };
        Ok(token.sessions.check(value, now).map_or(Cookie::Void, Cookie::Valid))
    }

    /// Counts a failure, and says how it is answered. The first in a client's minute is logged, so that
    /// guesses can't fill it.
    fn fail(&self, client: ClientAddress, why: &str, now: Millis) -> ApiError {
        match self.failures.borrow_mut().record(client, now) {
            Failure::First => console_warn!("refused: a request to /api from {client}: {why}"),
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

fn unauthorized() -> ApiError {
    ApiError::new(Code::Unauthorized).with_header("www-authenticate", "Bearer")
}

/// Has a browser forget a session that is void, so that it does not send it again.
fn clear_void(cookie: Cookie, refusal: ApiError) -> ApiError {
    match cookie {
        Cookie::Void => refusal.with_header("set-cookie", sessions::CLEARED),
        Cookie::Absent | Cookie::Valid(_) => refusal,
    }
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

/// Returns whether a request asks for a WebSocket (RFC 6455, 4.1).
pub(crate) fn is_socket(request: &Request) -> worker::Result<bool> {
    Ok(request.headers().get("upgrade")?.is_some_and(|name| name.eq_ignore_ascii_case("websocket")))
}

/// Refuses a change that a form on another site may have sent with the browser's credentials.
fn check_change(request: &Request) -> Result<(), ApiError> {
    let marker = request.headers().get("x-requested-with")?;
    if is_deliberate(&request.inner().method(), marker.as_deref()) {
        return Ok(());
    }
    let message = "a change needs the header x-requested-with, which no form can send";
    Err(ApiError::because(Code::Forbidden, message))
}

/// Returns whether a request only reads, or has a header that no form can send: a script of another site would
/// need permission first (CORS), and `/api` never gives it.
fn is_deliberate(method: &str, marker: Option<&str>) -> bool {
    ["GET", "HEAD"].contains(&method) || marker.is_some_and(|marker| !marker.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_may_change_something_needs_a_marker() {
        for method in ["GET", "HEAD"] {
            assert!(is_deliberate(method, None), "{method}");
        }
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", "PROPFIND", ""] {
            assert!(!is_deliberate(method, None), "{method}");
            assert!(!is_deliberate(method, Some("")), "{method}");
            assert!(is_deliberate(method, Some("fetch")), "{method}");
        }
    }
}
