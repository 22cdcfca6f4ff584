//! Tokens with a scope: created, listed, revoked, and looked up when they are presented. Only their digests are stored.

use serde::Serialize;
use vtryon_webhooks::{Code, Millis};
use zeroize::Zeroizing;

use super::input::{Input, refuse};
use super::{alerts, audit};
use crate::access::scope::Scope;
use crate::credentials::known_tokens::StoredToken;
use crate::credentials::token::NewToken;
use crate::protocol::AuditedRequest;
use crate::storage::database::{Bind, Database, Row};
use crate::text::time::rfc3339;
use crate::{Context, Failure, Refusal, Result};

/// How many tokens there may be at the same time.
const MAX_TOKENS: usize = 100;

/// How long a name may be, in characters.
const MAX_NAME: usize = 100;

/// How many seconds pass at least between two notes of a token's use: its last use is exact to an hour.
const USE_NOTED_EVERY: i64 = 3600;

/// A token as it is stored.
struct TokenRow {
    token: StoredToken,
    created_at: Millis,
    last_used_at: Option<Millis>,
}

/// A token as the API shows it.
#[derive(Serialize)]
pub struct TokenView {
    id: String,
    name: String,
    scope: Scope,
    created_at: String,
    /// When it ends; null where it does not.
    expires_at: Option<String>,
    /// When it was used last, exact to an hour; null where it never was.
    last_used_at: Option<String>,
}

#[derive(Serialize)]
pub struct TokenList {
    tokens: Vec<TokenView>,
}

/// A new token, with its text, which is shown this once.
#[derive(Serialize)]
pub struct CreatedToken<'a> {
    #[serde(flatten)]
    view: TokenView,
    token: &'a str,
}

/// A new token that is not stored yet.
pub struct TokenDraft {
    token: StoredToken,
    text: Zeroizing<String>,
}

/// Stores a new token.
pub fn create<'a>(
    context: &Context<'_>,
    draft: &'a TokenDraft,
    request: Option<&AuditedRequest>,
) -> Result<CreatedToken<'a>, Failure> {
    const ADD: &str =
        "INSERT INTO tokens (id, digest, name, scope, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)";
    let Context { db, now, .. } = *context;
    let TokenDraft { token, text } = draft;
    expire(db, now)?;
    if all(db)?.len() >= MAX_TOKENS {
        let message = format!("there are {MAX_TOKENS} tokens, and no more fit: revoke one");
        return Err(Refusal::new(Code::Conflict, message).into());
    }
    let binds = [
        Bind::Text(&token.id),
        Bind::Text(&token.digest),
        Bind::Text(&token.name),
        Bind::Text(token.scope.as_str()),
        Bind::Int(now.0),
        Bind::MaybeInt(token.expires_at.map(|end| end.0)),
    ];
    db.transaction(|| {
        db.run(ADD, &binds)?;
        audit::record(context, request, &token.id)?;
        alerts::token_created(db, now)
    })?;
    let row = TokenRow { token: token.clone(), created_at: now, last_used_at: None };
    Ok(CreatedToken { view: row.view(), token: text })
}

/// Reads from a body what a new token may do.
pub fn draft(context: &Context<'_>, body: &str, new: &NewToken) -> Result<TokenDraft, Failure> {
    let input = Input::parse(body, &["name", "scope", "expires_at"])?;
    let name = input.text("name")?.ok_or_else(|| refuse("`name` is missing"))?;
    if !(1..=MAX_NAME).contains(&name.chars().count()) || name.contains(char::is_control) {
        let message = format!("`name` is not 1 to {MAX_NAME} characters without control characters");
        return Err(refuse(message).into());
    }
    let scope = input.text("scope")?.ok_or_else(|| refuse("`scope` is missing"))?;
    let scope = Scope::from_name(&scope).ok_or_else(|| {
        let names = Scope::ALL.map(Scope::as_str).join(", ");
        refuse(format!("`scope` is not one of {names}"))
    })?;
    let expires_at = input.time("expires_at")?;
    if expires_at.is_some_and(|end| end <= context.now) {
        return Err(Refusal::new(Code::Conflict, "`expires_at` is not after now").into());
    }
    let token = StoredToken { id: new.id.clone(), name, scope, digest: new.digest.to_hex(), expires_at };
    Ok(TokenDraft { token, text: new.text.clone() })
}

/// Lists the tokens, the latest first.
pub fn list(context: &Context<'_>) -> Result<TokenList, Failure> {
    expire(context.db, context.now)?;
    Ok(TokenList { tokens: all(context.db)?.into_iter().map(TokenRow::view).collect() })
}

/// Deletes a token. Isolates that have looked it up let it in for up to 30 seconds more.
pub fn revoke(
    context: &Context<'_>,
    id: &str,
    request: Option<&AuditedRequest>,
) -> Result<TokenView, Failure> {
    let db = context.db;
    let missing = || Refusal::new(Code::NotFound, "there is no token of this id");
    let row = find_row(db, id)?.ok_or_else(missing)?;
    db.transaction(|| {
        db.run("DELETE FROM tokens WHERE id = ?", &[Bind::Text(id)])?;
        audit::record(context, request, id)
    })?;
    Ok(row.view())
}

/// Looks up a token that is presented.
pub fn find(context: &Context<'_>, id: &str) -> Result<Option<StoredToken>> {
    let found = find_row(context.db, id)?.map(|row| row.token);
    Ok(found.filter(|token| !token.is_expired(context.now)))
}

/// Notes the use of a token, unless one was noted within the last hour.
pub fn note_use(context: &Context<'_>, id: &str) -> Result<()> {
    const NOTE: &str = "UPDATE tokens SET last_used_at = ?
        WHERE id = ? AND (last_used_at IS NULL OR last_used_at <= ?)";
    let Context { db, now, .. } = *context;
    let noted_before = now.plus_seconds(-USE_NOTED_EVERY);
    db.run(NOTE, &[Bind::Int(now.0), Bind::Text(id), Bind::Int(noted_before.0)])
}

/// Deletes the tokens that have expired.
pub fn expire(db: &dyn Database, now: Millis) -> Result<()> {
    db.run("DELETE FROM tokens WHERE expires_at <= ?", &[Bind::Int(now.0)])
}

impl TokenRow {
    fn read(row: &mut Row) -> Self {
        let (id, digest, name, scope) = (row.text(), row.text(), row.text(), row.text());
        let scope = Scope::from_name(&scope);
        // The least scope stands for one that can't be read, until the query fails for it.
        let scope = row.checked(scope.map(Some)).unwrap_or(Scope::Read);
        let created_at = Millis(row.int());
        let (expires_at, last_used_at) = (row.maybe_int().map(Millis), row.maybe_int().map(Millis));
        Self { token: StoredToken { id, name, scope, digest, expires_at }, created_at, last_used_at }
    }

    fn view(self) -> TokenView {
        let StoredToken { id, name, scope, expires_at, .. } = self.token;
        TokenView {
            id,
            name,
            scope,
            created_at: rfc3339(self.created_at),
            expires_at: expires_at.map(rfc3339),
            last_used_at: self.last_used_at.map(rfc3339),
        }
    }
}

fn all(db: &dyn Database) -> Result<Vec<TokenRow>> {
    const ALL: &str = "SELECT id, digest, name, scope, created_at, expires_at, last_used_at FROM tokens
        ORDER BY created_at DESC, id";
    db.all(ALL, &[], TokenRow::read)
}

fn find_row(db: &dyn Database, id: &str) -> Result<Option<TokenRow>> {
    const FIND: &str = "SELECT id, digest, name, scope, created_at, expires_at, last_used_at FROM tokens
        WHERE id = ?";
    db.first(FIND, &[Bind::Text(id)], TokenRow::read)
}
