//! Who may use `/api`: the holder of the admin token, of a session that it opened, or whom Access lets in.

mod access;
mod assertion;
mod certs;
mod claims;
mod limit;
pub(crate) mod origin;
mod rsa;
mod session;
mod sign_in;
mod ticket;

use std::cell::RefCell;

use vtryon_webhooks::{Code, Error, Secret};
use worker::{Headers, Request, console_warn};
use zeroize::Zeroizing;

pub(crate) use access::Access;
pub(crate) use origin::is_origin;
pub(crate) use ticket::{Pass, Tickets};

use self::limit::{Client, Failures};
use self::session::Sessions;
use crate::keys::MasterKey;
use crate::reply::Refusal;
use vtryon_webhooks::Millis;

/// The header in which Access tells the origin whom it has let in.
const ASSERTION: &str = "cf-access-jwt-assertion";

/// The administrator's credentials, and who has failed to show them lately. There is a token, or
/// Access, or both.
pub(crate) struct Admin {
    token: Option<Token>,
    access: Option<Access>,
    /// What may make tickets, and nothing else.
    minter: Option<Secret>,
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
    /// Takes the token as configured.
    ///
    /// # Errors
    /// Those of [`Secret::new`].
    pub(crate) fn new(text: String, master: &MasterKey) -> Result<Self, Error> {
        let sessions = Sessions::new(master, text.as_bytes());
        Ok(Self { secret: Secret::new(text)?, sessions })
    }
}

/// What the log is told of a bearer token that is not the one.
const WRONG_TOKEN: &str = "its bearer token is wrong";

/// Who has sent a request.
enum Sender {
    /// A program that has put the token into the request.
    Explicit,
    /// A browser: its cookie, or the assertion that Access makes of one, comes with whatever it sends, until then.
    Browser(Millis),
    /// A shop's backend, which makes tickets.
    Minter,
    /// Nobody we know, and why.
    Stranger(&'static str),
    /// Nobody who claims to be anyone. Any web page can make a browser send that, so it is no guess.
    Nobody,
}

impl Admin {
    pub(crate) const fn new(token: Option<Token>, access: Option<Access>, minter: Option<Secret>) -> Self {
        Self { token, access, minter, failures: RefCell::new(Failures::new()) }
    }

    /// Admits a request that carries good credentials, and, where a browser adds them by itself, shows
    /// that no form of another site has sent it. Returns until when it may be answered: a session ends.
    ///
    /// # Errors
    /// `unauthorized`; `rate_limited` after too many of those, whatever the request carries;
    /// `forbidden` for a change without the header, for a socket from another site, and for what a token may not
    /// do; `unavailable` where Access can't be asked.
    pub(crate) async fn admit(
        &self,
        request: &Request,
        scope: Scope,
        now: Millis,
    ) -> Result<Option<Millis>, Refusal> {
        let client = Client::of(request)?;
        self.slow_down(client, now)?;
        match self.sender(request.headers(), now).await? {
            Sender::Explicit => Ok(None),
            Sender::Browser(end) => {
                check_change(request)?;
                if is_socket(request)? {
                    origin::check_socket(request)?;
                }
                Ok(Some(end))
            }
            Sender::Minter if scope == Scope::Tickets => Ok(None),
            Sender::Minter => {
                Err(Refusal::because(Code::Forbidden, "this token may make tickets, and nothing else"))
            }
            Sender::Stranger(why) => Err(self.refuse(client, why, now)),
            Sender::Nobody => Err(unauthorized()),
        }
    }

    /// Tries each credential that the request carries; any one that is good suffices.
    async fn sender(&self, headers: &Headers, now: Millis) -> Result<Sender, Refusal> {
        let mut why = None;
        let claim = bearer(headers)?;
        let is = |secret: &Secret| claim.as_ref().is_some_and(|claim| secret.matches(claim.as_bytes()));
        if self.minter.as_ref().is_some_and(is) {
            return Ok(Sender::Minter);
        }
        if claim.is_some() && self.minter.is_some() {
            why = Some(WRONG_TOKEN);
        }
        if let Some(token) = &self.token {
            if is(&token.secret) {
                return Ok(Sender::Explicit);
            }
            if claim.is_some() {
                why = Some(WRONG_TOKEN);
            }
            if let Some(cookies) = headers.get("cookie")?
                && let Some(value) = session::find(&cookies)
            {
                match token.sessions.check(value, now) {
                    Ok(end) => return Ok(Sender::Browser(end)),
                    // One that was good is no guess: a page that goes on asking must not shut its user out.
                    Err(session::ENDED) => {}
                    Err(fault) => why = why.or(Some(fault)),
                }
            }
        }
        if why == Some(WRONG_TOKEN) {
            // A guess: counted before anything is waited for, so that no two pass for one.
            return Ok(Sender::Stranger(WRONG_TOKEN));
        }
        if let Some(access) = &self.access
            && let Some(assertion) = headers.get(ASSERTION)?
        {
            match access.check(&assertion, now).await? {
                Ok(end) => return Ok(Sender::Browser(end)),
                Err(fault) => why = Some(fault),
            }
        }
        Ok(why.map_or(Sender::Nobody, Sender::Stranger))
    }

    /// Refuses a client that was wrong too often, before its credentials are looked at: a guess that
    /// is not compared can't be right.
    fn slow_down(&self, client: Client, now: Millis) -> Result<(), Refusal> {
        match self.failures.borrow().wait(client, now) {
            Some(seconds) => {
                Err(Refusal::new(Code::RateLimited).with_header("retry-after", seconds.to_string()))
            }
            None => Ok(()),
        }
    }

    /// Counts a failure. The log is told of the first in a client's minute, so that guesses can't fill it.
    fn refuse(&self, client: Client, why: &str, now: Millis) -> Refusal {
        if self.failures.borrow_mut().count(client, now) {
            console_warn!("refused: a request to /api from {client}: {why}");
        }
        unauthorized()
    }
}

fn unauthorized() -> Refusal {
    Refusal::new(Code::Unauthorized).with_header("www-authenticate", "Bearer")
}

/// Reads the token of `authorization: Bearer <token>` (RFC 6750, 2.1); another scheme is none of ours.
fn bearer(headers: &Headers) -> Result<Option<Zeroizing<String>>, Refusal> {
    let header = Zeroizing::new(headers.get("authorization")?.unwrap_or_default());
    Ok(match header.split_once(' ') {
        Some((scheme, claim)) if scheme.eq_ignore_ascii_case("bearer") => {
            Some(Zeroizing::new(claim.to_owned()))
        }
        Some(_) | None => None,
    })
}

/// Tells whether a request asks for a WebSocket (RFC 6455, 4.1).
pub(crate) fn is_socket(request: &Request) -> worker::Result<bool> {
    Ok(request.headers().get("upgrade")?.is_some_and(|name| name.eq_ignore_ascii_case("websocket")))
}

/// Refuses a change that a form on another site may have sent with the browser's credentials.
fn check_change(request: &Request) -> Result<(), Refusal> {
    let marker = request.headers().get("x-requested-with")?;
    if is_deliberate(&request.inner().method(), marker.as_deref()) {
        return Ok(());
    }
    let message = "a change needs the header x-requested-with, which no form can send";
    Err(Refusal::because(Code::Forbidden, message))
}

/// Tells whether a request only reads, or has a header that no form can send: a script of another site
/// would have to ask for leave first (CORS), and `/api` never gives it.
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
