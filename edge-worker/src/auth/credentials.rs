//! The credentials that a request may carry, each checked by itself.

use vtryon_gateway_engine::access::actor::Actor;
use vtryon_gateway_engine::access::scope::Scope;
use vtryon_gateway_engine::credentials::known_tokens::StoredToken;
use vtryon_gateway_engine::credentials::sessions::{self, Session};
use vtryon_webhooks::Millis;
use worker::Headers;
use zeroize::Zeroizing;

use super::{Admin, Caller, Permit, tokens};
use crate::clients::DirectoryClient;
use crate::http::response::ApiError;

/// The header in which Access tells the origin whom it has let in.
const ASSERTION: &str = "cf-access-jwt-assertion";

/// What the log says of a wrong bearer token.
const WRONG_TOKEN: &str = "its bearer token is wrong";

/// A kind of credential.
#[derive(Clone, Copy)]
pub(super) enum Credential {
    Bearer,
    Session,
    Access,
}

/// What a credential of a request has come to.
pub(super) enum Checked {
    Absent,
    /// A session that was altered, has ended, or is of another token or master key, or of a token that is no more. It was
    /// good once, and a browser sends it by itself, so it is no guess.
    Void,
    /// It is wrong, and why, for the log.
    Wrong(&'static str),
    Valid(Caller),
}

impl Credential {
    /// All of them, in the order in which they are checked.
    pub(super) const ALL: [Self; 3] = [Self::Bearer, Self::Session, Self::Access];

    /// Returns whether a browser adds it by itself.
    pub(super) const fn is_ambient(self) -> bool {
        match self {
            Self::Bearer => false,
            Self::Session | Self::Access => true,
        }
    }
}

impl Admin {
    /// Checks one credential of a request.
    ///
    /// # Errors
    /// `unavailable` where Access or the directory can't be asked.
    pub(super) async fn check(
        &self,
        credential: Credential,
        headers: &Headers,
        directory: &DirectoryClient,
        now: Millis,
    ) -> Result<Checked, ApiError> {
        match credential {
            Credential::Bearer => {
                let Some(token) = bearer(headers)? else { return Ok(Checked::Absent) };
                let caller = self.by_token(&token, directory, now).await?;
                Ok(caller.map_or(Checked::Wrong(WRONG_TOKEN), Checked::Valid))
            }
            Credential::Session => self.by_session(headers, directory, now).await,
            Credential::Access => self.by_access(headers, now).await,
        }
    }

    /// Finds whose bearer token a text is.
    pub(super) async fn by_token(
        &self,
        text: &str,
        directory: &DirectoryClient,
        now: Millis,
    ) -> Result<Option<Caller>, ApiError> {
        if self.roots.iter().any(|root| root.matches(text)) {
            return Ok(Some(Caller::of_configuration(Actor::Root, Scope::Admin, None, now)));
        }
        if self.ticket_token.as_ref().is_some_and(|token| token.matches(text.as_bytes())) {
            return Ok(Some(Caller::of_configuration(Actor::TicketToken, Scope::Tickets, None, now)));
        }
        let Some(presented) = self.token_form.parse(text) else { return Ok(None) };
        let token = tokens::find(directory, &presented.id, now).await?.admit(&presented, now);
        Ok(token.map(|token| of_token(directory, token, None)))
    }

    /// Finds whose session the cookie of a request is.
    pub(super) async fn by_session(
        &self,
        headers: &Headers,
        directory: &DirectoryClient,
        now: Millis,
    ) -> Result<Checked, ApiError> {
        let cookies = headers.get("cookie")?.unwrap_or_default();
        let Some(value) = sessions::find(&cookies).filter(|_| !self.roots.is_empty()) else {
            return Ok(Checked::Absent);
        };
        let session = self.roots.iter().find_map(|root| root.sessions.check(value, now));
        let Some(Session { end, token_id }) = session else { return Ok(Checked::Void) };
        let Some(id) = token_id else {
            let caller = Caller::of_configuration(Actor::Root, Scope::Admin, Some(end), now);
            return Ok(Checked::Valid(caller));
        };
        let token = tokens::find(directory, &id, now).await?.token.filter(|token| !token.is_expired(now));
        Ok(token.map_or(Checked::Void, |token| Checked::Valid(of_token(directory, token, Some(end)))))
    }

    /// Finds whom Access has let in.
    async fn by_access(&self, headers: &Headers, now: Millis) -> Result<Checked, ApiError> {
        let Some((access, rules)) = &self.access else { return Ok(Checked::Absent) };
        let Some(assertion) = headers.get(ASSERTION)? else { return Ok(Checked::Absent) };
        Ok(match access.check(&assertion, now).await? {
            Ok(identity) => {
                let scope = rules.scope_of(&identity);
                let permit = Permit::of_configuration(Some(identity.expires_at), now);
                Checked::Valid(Caller { actor: Actor::Access { name: identity.name }, scope, permit })
            }
            Err(why) => Checked::Wrong(why),
        })
    }
}

/// Makes the caller that a token stands for, until its end or that of a session.
fn of_token(directory: &DirectoryClient, token: StoredToken, session_end: Option<Millis>) -> Caller {
    let StoredToken { id, name, scope, expires_at, .. } = token;
    let until = [session_end, expires_at].into_iter().flatten().min();
    let permit = Permit::of_token(directory, &id, until);
    Caller { actor: Actor::Token { id, name }, scope: Some(scope), permit }
}

/// Reads the token of `authorization: Bearer <token>` (RFC 6750, 2.1); `None` for another scheme.
pub(super) fn bearer(headers: &Headers) -> Result<Option<Zeroizing<String>>, ApiError> {
    let header = Zeroizing::new(headers.get("authorization")?.unwrap_or_default());
    Ok(match header.split_once(' ') {
        Some((scheme, claim)) if scheme.eq_ignore_ascii_case("bearer") => {
            Some(Zeroizing::new(claim.to_owned()))
        }
        Some(_) | None => None,
    })
}
