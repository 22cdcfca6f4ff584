//! `POST|DELETE /api/session`: a browser gives the token once and is given a cookie that scripts can't read.

use vtryon_webhooks::{BodyLimit, Code};
use worker::{Headers, Request, Response};
use zeroize::Zeroizing;

use super::limit::Client;
use super::{Admin, bearer, clear_void, session};
use crate::body;
use crate::json::Object;
use crate::reply::Refusal;
use vtryon_webhooks::Millis;

/// How long the body of a sign-in may be, in bytes.
const LIMIT: usize = 4096;

impl Admin {
    /// Opens a session for the holder of the token, or ends the browser's.
    ///
    /// Ending one needs no credentials and no header: neither a form nor, without leave, a script of
    /// another site can send DELETE.
    pub(crate) async fn session(&self, request: Request, now: Millis) -> Result<Response, Refusal> {
        if request.inner().method() == "DELETE" {
            return no_content(session::CLEARED);
        }
        let Some(token) = &self.token else {
            let message = "there are no sessions here: Cloudflare Access alone lets in";
            return Err(Refusal::because(Code::NotFound, message));
        };
        let claim = match bearer(request.headers())? {
            Some(claim) => claim,
            None => token_in_body(&request).await?,
        };
        if !token.secret.matches(claim.as_bytes()) {
            let refusal = self.fail(Client::of(&request)?, "a sign-in with a wrong token", now);
            return Err(clear_void(self.cookie(request.headers(), now)?, refusal));
        }
        no_content(&token.sessions.open(now))
    }
}

/// Reads `{"token": …}`. The content type is one that no form can send, lest another site sign its
/// visitors in.
async fn token_in_body(request: &Request) -> Result<Zeroizing<String>, Refusal> {
    let content_type = request.headers().get("content-type")?.unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim_ascii();
    if !essence.eq_ignore_ascii_case("application/json") {
        let message = "send the token as JSON, with the header content-type: application/json, \
                       or in the header authorization";
        return Err(Refusal::because(Code::Forbidden, message));
    }
    let limit = BodyLimit::new(LIMIT).unwrap_or(BodyLimit::DEFAULT);
    let body = Zeroizing::new(body::of(request, limit).await?);
    let token = Object::parse(&body).and_then(|body| body.text("token"));
    token
        .map(Zeroizing::new)
        .ok_or(Refusal::because(Code::InvalidRequest, "`token` is not a text in a JSON object"))
}

fn no_content(cookie: &str) -> Result<Response, Refusal> {
    let headers = Headers::new();
    headers.set("set-cookie", cookie)?;
    headers.set("cache-control", "no-store")?;
    Ok(Response::empty()?.with_status(204).with_headers(headers))
}
