//! `POST|DELETE /api/session`: a browser gives the token once and is given a cookie that scripts can't read.

use vtryon_gateway_engine::access::actor::Actor;
use vtryon_gateway_engine::credentials::sessions;
use vtryon_gateway_engine::text::json::Object;
use vtryon_gateway_engine::variables::MAX_TOKEN_CHARS;
use vtryon_webhooks::{Code, Millis};
use worker::{Headers, Request, Response};
use zeroize::Zeroizing;

use super::credentials::{Checked, bearer};
use super::limit::ClientAddress;
use super::{Admin, Caller, clear_void};
use crate::clients::DirectoryClient;
use crate::http::body;
use crate::http::response::ApiError;

/// How long the body may be, in bytes: each character of the token may be escaped.
const LIMIT: usize = 8192;

impl Admin {
    /// Opens a session for the holder of a token.
    pub(crate) async fn sign_in(
        &self,
        request: Request,
        directory: &DirectoryClient,
        now: Millis,
    ) -> Result<Response, ApiError> {
        let Some(current) = self.roots.first() else {
            let message = "there are no sessions here: Cloudflare Access alone lets in";
            return Err(ApiError::with_message(Code::NotFound, message));
        };
        // A body is held to its form even where the header goes before it.
        let in_body = token_in_body(&request).await?;
        let claim = match bearer(request.headers())?.or(in_body) {
            Some(claim) => claim,
            None if is_json(&request)? => return Err(ApiError::invalid_request(MALFORMED)),
            None => return Err(ApiError::with_message(Code::Forbidden, HOW)),
        };
        if let Some(root) = self.roots.iter().find(|root| root.matches(&claim)) {
            return no_content(&root.sessions.open(None, now));
        }
        if let Some(Caller { actor: Actor::Token { id, .. }, .. }) =
            self.by_token(&claim, directory, now).await?
        {
            return no_content(&current.sessions.open(Some(&id), now));
        }
        let is_void = matches!(self.by_session(request.headers(), directory, now).await?, Checked::Void);
        let refusal = self.fail(ClientAddress::of(&request)?, "the token of its sign-in is wrong", now);
        Err(clear_void(is_void, refusal))
    }
}

/// Ends the browser's session.
///
/// It needs no credentials and no header: neither a form nor, without leave, a script of another site can send DELETE.
pub(crate) fn sign_out() -> Result<Response, ApiError> {
    no_content(sessions::CLEARED)
}

const HOW: &str = "send the token as JSON, with the header content-type: application/json, or in the header \
    authorization";

const MALFORMED: &str = "the body is not {\"token\": …} with a text of at most 512 characters";

/// Reads `{"token": …}`; `None` is no body. The content type is one that no form can send, so that another site
/// can't sign its visitors in.
async fn token_in_body(request: &Request) -> Result<Option<Zeroizing<String>>, ApiError> {
    let body = Zeroizing::new(body::of(request, LIMIT).await?);
    if body.is_empty() {
        return Ok(None);
    }
    if !is_json(request)? {
        return Err(ApiError::with_message(Code::Forbidden, HOW));
    }
    let object = Object::parse(&body).filter(|object| object.names().eq(["token"]));
    let token = object.and_then(|object| object.text("token")).map(Zeroizing::new);
    let token = token.filter(|token| token.chars().count() <= MAX_TOKEN_CHARS);
    token.map(Some).ok_or_else(|| ApiError::invalid_request(MALFORMED))
}

fn is_json(request: &Request) -> worker::Result<bool> {
    let content_type = request.headers().get("content-type")?.unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim_ascii();
    Ok(essence.eq_ignore_ascii_case("application/json"))
}

fn no_content(cookie: &str) -> Result<Response, ApiError> {
    let headers = Headers::new();
    headers.set("set-cookie", cookie)?;
    headers.set("cache-control", "no-store")?;
    Ok(Response::empty()?.with_status(204).with_headers(headers))
}
