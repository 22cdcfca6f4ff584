//! Reads who may use the API: root tokens, the ticket token and Cloudflare Access.

use vtryon_gateway_engine::access::scope_rules::ScopeRules;
use vtryon_gateway_engine::credentials::token::TokenForm;
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::variables::{
    ACCESS_AUD, ACCESS_SCOPES, ACCESS_TEAM, GATEWAY_ADMIN_TOKEN, GATEWAY_ADMIN_TOKEN_PREVIOUS,
    GATEWAY_TICKET_TOKEN, MAX_TOKEN_CHARS, MIN_TOKEN_CHARS,
};
use vtryon_webhooks::Secret;
use worker::Env;
use zeroize::Zeroizing;

use super::variable::{Fault, fault, text, wrong};
use crate::auth::{Access, Admin, RootToken};

/// The variables that hold the root tokens, the current one first.
const ROOT_TOKENS: [&str; 2] = [GATEWAY_ADMIN_TOKEN, GATEWAY_ADMIN_TOKEN_PREVIOUS];

/// Reads who may use `/api`: the holder of the token, whom Access lets in, or both; never nobody.
pub(super) fn admin(env: &Env, master: &MasterKey) -> Result<Admin, Fault> {
    let roots = root_tokens(env, master)?;
    let ticket_token = token(env, GATEWAY_TICKET_TOKEN)?;
    let access = access(env)?;
    if roots.is_empty() && access.is_none() {
        return Err(wrong(GATEWAY_ADMIN_TOKEN, "is not set, nor are ACCESS_TEAM and ACCESS_AUD")());
    }
    if let Some((text, _)) = &ticket_token
        && let Some((_, variable)) = roots.iter().zip(ROOT_TOKENS).find(|(root, _)| root.matches(text))
    {
        return Err(wrong(GATEWAY_TICKET_TOKEN, format!("is the same as {variable}"))());
    }
    let ticket_token = ticket_token.map(|(_, secret)| secret);
    Ok(Admin::new(roots, access, ticket_token, TokenForm::new(master)))
}

/// Reads the root tokens: the current one, and the one before it, of which an empty text is none.
fn root_tokens(env: &Env, master: &MasterKey) -> Result<Vec<RootToken>, Fault> {
    let [current, previous] = ROOT_TOKENS;
    let mut tokens = vec![token(env, current)?];
    if !text(env, previous)?.is_none_or(|text| text.is_empty()) {
        if tokens.iter().all(Option::is_none) {
            return Err(wrong(previous, format!("is set, but {current} is not"))());
        }
        tokens.push(token(env, previous)?);
    }
    let root = |(text, secret): (Zeroizing<String>, Secret)| RootToken::new(secret, &text, master);
    Ok(tokens.into_iter().flatten().map(root).collect())
}

/// Reads a token, as it stands and as what claims are compared with.
fn token(env: &Env, variable: &'static str) -> Result<Option<(Zeroizing<String>, Secret)>, Fault> {
    let Some(text) = text(env, variable)?.map(Zeroizing::new) else { return Ok(None) };
    let secret = Secret::new(text.as_bytes()).map_err(fault(variable))?;
    let length = match text.chars().count() {
        0..MIN_TOKEN_CHARS => format!("fewer than {MIN_TOKEN_CHARS}"),
        MIN_TOKEN_CHARS..=MAX_TOKEN_CHARS => return Ok(Some((text, secret))),
        _ => format!("more than {MAX_TOKEN_CHARS}"),
    };
    Err(wrong(variable, format!("has {length} characters: generate one by `openssl rand -hex 32`"))())
}

fn access(env: &Env) -> Result<Option<(Access, ScopeRules)>, Fault> {
    let scopes = text(env, ACCESS_SCOPES)?;
    match (text(env, ACCESS_TEAM)?, text(env, ACCESS_AUD)?) {
        (None, None) if scopes.is_some() => {
            Err(wrong(ACCESS_SCOPES, "is set, but ACCESS_TEAM and ACCESS_AUD are not")())
        }
        (None, None) => Ok(None),
        (Some(_), None) => Err(wrong(ACCESS_AUD, "is not set, but ACCESS_TEAM is")()),
        (None, Some(_)) => Err(wrong(ACCESS_TEAM, "is not set, but ACCESS_AUD is")()),
        (Some(team), Some(list)) => {
            let issuer = Access::issuer(&team).ok_or_else(wrong(
                ACCESS_TEAM,
                "is not a team's name, nor its domain on cloudflareaccess.com",
            ))?;
            let audiences = Access::audiences(&list).ok_or_else(wrong(
                ACCESS_AUD,
                "is not 64 hex digits, nor several such tags between commas",
            ))?;
            let rules = scopes.map(|scopes| {
                ScopeRules::parse(&scopes).ok_or_else(wrong(
                    ACCESS_SCOPES,
                    "is not `<e-mail, group or *>=<scope>`, nor several such rules between commas",
                ))
            });
            Ok(Some((Access::new(issuer, audiences), rules.transpose()?.unwrap_or_default())))
        }
    }
}
