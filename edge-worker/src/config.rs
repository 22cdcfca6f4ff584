//! The configuration: read from the environment once per isolate, refused as a whole when a part is wrong.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Reflect;
use vtryon_gateway_engine::access::scope_rules::ScopeRules;
use vtryon_gateway_engine::access::token::TokenForm;
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::log::Level;
use vtryon_gateway_engine::tickets::Tickets;
pub(crate) use vtryon_gateway_engine::variables::RESULTS;
use vtryon_gateway_engine::variables::{
    ACCESS_AUD, ACCESS_SCOPES, ACCESS_TEAM, ALLOW_INSECURE_ENDPOINTS, ENDPOINT_HOSTS, GATEWAY_ADMIN_TOKEN,
    GATEWAY_ADMIN_TOKEN_PREVIOUS, GATEWAY_MASTER_KEY, GATEWAY_TICKET_TOKEN, JURISDICTION, LOCATION_HINT,
    LOG_LEVEL, MAX_BODY_BYTES, MIN_TOKEN_CHARS, Number, RETENTION_HOURS, SHARDS, TICKET_ORIGINS,
    VTRYON_WEBHOOK_SECRET, VTRYON_WEBHOOK_SECRET_PREVIOUS,
};
use vtryon_gateway_engine::variables::{DIRECTORY, TASK_SHARD};
use vtryon_gateway_engine::{Deployment, MAX_OBJECT_BYTES, MAX_PAGES};
use vtryon_webhooks::diagnosis::SecretKind;
use vtryon_webhooks::endpoint::UrlRules;
use vtryon_webhooks::{BodyLimit, Code, Error, Secret, Shards, Verifier};
use wasm_bindgen::JsValue;
use worker::{Env, console_error};
use zeroize::Zeroizing;

use crate::auth::{Access, Admin, RootToken, is_origin};
use crate::http::response::ApiError;
use crate::platform::clock;
use crate::protocol::object;
use crate::protocol::placement::Placement;
use crate::testing::faults;

/// The variables that hold Vtryon's secrets, and whose each is.
const WEBHOOK_SECRETS: [(&str, SecretKind); 2] =
    [(VTRYON_WEBHOOK_SECRET, SecretKind::Current), (VTRYON_WEBHOOK_SECRET_PREVIOUS, SecretKind::Previous)];

/// The variables that hold the root tokens, the current one first.
const ROOT_TOKENS: [&str; 2] = [GATEWAY_ADMIN_TOKEN, GATEWAY_ADMIN_TOKEN_PREVIOUS];

/// The configuration from the environment.
pub(crate) struct Config {
    pub(crate) deployment: Deployment,
    /// Whether there is a KV namespace for results.
    pub(crate) has_results: bool,
    pub(crate) admin: Admin,
    pub(crate) master: MasterKey,
    /// The pages beside the gateway's own that may use tickets.
    pub(crate) ticket_origins: Vec<String>,
    pub(crate) shards: Shards,
    /// Where the objects lie.
    pub(crate) placement: Placement,
    /// Where endpoints may be.
    pub(crate) endpoint_urls: UrlRules,
}

thread_local! {
    /// An isolate serves one deployment, whose environment never changes.
    static CURRENT: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
}

impl Config {
    /// Returns the configuration; a faulty one stops every request, and the log names the variable.
    pub(crate) fn current(env: &Env) -> Result<Rc<Self>, ApiError> {
        if let Some(config) = CURRENT.with_borrow(Clone::clone) {
            return Ok(config);
        }
        match Self::read(env) {
            Ok(config) => {
                let config = Rc::new(config);
                CURRENT.set(Some(Rc::clone(&config)));
                Ok(config)
            }
            Err(fault) => {
                console_error!("configuration: {} {}", fault.variable, fault.what);
                Err(ApiError::new(Code::Unavailable))
            }
        }
    }

    /// Reads Vtryon's secrets in clear, in the order of the verifier's keys. For the directory, which looks for
    /// mistakes with them; nothing keeps them.
    pub(crate) fn webhook_secrets(env: &Env) -> impl Iterator<Item = (SecretKind, Zeroizing<Vec<u8>>)> {
        let is_set = |text: &String| !text.is_empty();
        let secret =
            move |variable| text(env, variable).filter(is_set).map(|text| Zeroizing::new(text.into_bytes()));
        WEBHOOK_SECRETS.into_iter().filter_map(move |(variable, held)| Some((held, secret(variable)?)))
    }

    fn read(env: &Env) -> Result<Self, Fault> {
        faults::configure(env);
        let mut secrets =
            vec![secret(env, VTRYON_WEBHOOK_SECRET)?.ok_or_else(missing(VTRYON_WEBHOOK_SECRET))?];
        secrets.extend(previous_secret(env)?);
        let master = master_key(env)?;
        let admin = admin(env, &master)?;
        let limit = number(env, MAX_BODY_BYTES, |bytes| BodyLimit::new(bytes as usize))?;
        let shards = number(env, SHARDS, Shards::new)?;
        let retention_hours = number(env, RETENTION_HOURS, Some)?;
        let placement = placement(env)?;
        object::place(placement);
        for object in [TASK_SHARD, DIRECTORY] {
            env.durable_object(object).map_err(|_| missing(object)())?;
        }
        let verifier = Verifier::new(secrets).map_err(fault(VTRYON_WEBHOOK_SECRET))?.with_limit(limit);
        let deployment = Deployment {
            verifier,
            tickets: Tickets::new(&master),
            retention_hours,
            max_pages: faults::limited(MAX_PAGES),
            max_object_bytes: faults::database_limit().unwrap_or(MAX_OBJECT_BYTES),
            clock_scale: clock::scale(),
            log_level: log_level(env)?,
        };
        Ok(Self {
            deployment,
            has_results: has_results(env)?,
            admin,
            ticket_origins: ticket_origins(env)?,
            master,
            shards,
            placement,
            endpoint_urls: endpoint_urls(env)?,
        })
    }
}

/// Returns whether there is a KV namespace for results: it may be left out.
fn has_results(env: &Env) -> Result<bool, Fault> {
    let binding = Reflect::get(env, &RESULTS.into()).unwrap_or_default();
    if binding.is_undefined() {
        return Ok(false);
    }
    env.kv(RESULTS).map_err(|_| wrong(RESULTS, "is not a KV namespace")())?;
    Ok(true)
}

/// Reads where the objects lie: anywhere, unless it is said.
fn placement(env: &Env) -> Result<Placement, Fault> {
    let (jurisdiction, hint) = (word(env, JURISDICTION)?, word(env, LOCATION_HINT)?);
    Placement::parse(&jurisdiction, &hint)
        .map_err(|(variable, values)| wrong(variable, format!("is not one of {}", values.join(", ")))())
}

/// What is wrong with one variable; never its value.
struct Fault {
    variable: &'static str,
    what: String,
}

fn missing(variable: &'static str) -> impl FnOnce() -> Fault {
    wrong(variable, "is not set")
}

fn wrong(variable: &'static str, what: impl Into<String>) -> impl FnOnce() -> Fault {
    move || Fault { variable, what: what.into() }
}

fn fault(variable: &'static str) -> impl FnOnce(Error) -> Fault {
    move |error| Fault { variable, what: format!("is refused: {} ({error})", error.code()) }
}

/// Reads the secret before the current one. An empty text is none, as in the packages: a variable that was cleared.
fn previous_secret(env: &Env) -> Result<Option<Secret>, Fault> {
    if text(env, VTRYON_WEBHOOK_SECRET_PREVIOUS).is_some_and(|text| text.is_empty()) {
        return Ok(None);
    }
    secret(env, VTRYON_WEBHOOK_SECRET_PREVIOUS)
}

fn secret(env: &Env, variable: &'static str) -> Result<Option<Secret>, Fault> {
    text(env, variable).map(Secret::new).transpose().map_err(fault(variable))
}

/// Reads where endpoints may be: on any host over HTTPS, unless hosts are named.
fn endpoint_urls(env: &Env) -> Result<UrlRules, Fault> {
    let allow_insecure = match text(env, ALLOW_INSECURE_ENDPOINTS).as_deref() {
        None | Some("" | "0" | "false") => false,
        Some("1" | "true") => true,
        Some(_) => return Err(wrong(ALLOW_INSECURE_ENDPOINTS, "is neither true nor false")()),
    };
    let is_host = |host: &str| is_host(host.strip_prefix("*.").unwrap_or(host));
    let hosts = list(env, ENDPOINT_HOSTS, is_host)
        .ok_or_else(wrong(ENDPOINT_HOSTS, "is not one text with hosts between commas"))?;
    Ok(UrlRules { allow_insecure, hosts })
}

fn log_level(env: &Env) -> Result<Level, Fault> {
    match &*word(env, LOG_LEVEL)? {
        "" => Ok(Level::default()),
        name => Level::from_name(name).ok_or_else(wrong(LOG_LEVEL, "is not debug, info or warn")),
    }
}

/// Reads which pages may use tickets, beside the gateway's own.
fn ticket_origins(env: &Env) -> Result<Vec<String>, Fault> {
    let what = "is not one text with origins such as https://shop.example between commas";
    list(env, TICKET_ORIGINS, is_origin).ok_or_else(wrong(TICKET_ORIGINS, what))
}

/// Reads a list between commas; nothing where an entry is none of its kind.
fn list(env: &Env, variable: &str, is_entry: impl Fn(&str) -> bool) -> Option<Vec<String>> {
    let Some(value) = value(env, variable) else { return Some(Vec::new()) };
    let text = value.as_string().unwrap_or_default();
    let entries: Vec<String> = text.split(',').map(|entry| entry.trim().to_owned()).collect();
    entries.iter().all(|entry| is_entry(entry)).then_some(entries)
}

fn is_host(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

fn master_key(env: &Env) -> Result<MasterKey, Fault> {
    let text = text(env, GATEWAY_MASTER_KEY).ok_or_else(missing(GATEWAY_MASTER_KEY))?;
    let text = Zeroizing::new(text);
    MasterKey::parse(&text).ok_or_else(wrong(GATEWAY_MASTER_KEY, "is not 32 bytes in hex or base64"))
}

/// Reads who may use `/api`: the holder of the token, whom Access lets in, or both; never nobody.
fn admin(env: &Env, master: &MasterKey) -> Result<Admin, Fault> {
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
    if !text(env, previous).is_none_or(|text| text.is_empty()) {
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
    let Some(text) = text(env, variable).map(Zeroizing::new) else { return Ok(None) };
    let secret = Secret::new(text.as_bytes()).map_err(fault(variable))?;
    if text.chars().count() < MIN_TOKEN_CHARS {
        let what =
            format!("has fewer than {MIN_TOKEN_CHARS} characters: generate one by `openssl rand -hex 32`");
        return Err(wrong(variable, what)());
    }
    Ok(Some((text, secret)))
}

fn access(env: &Env) -> Result<Option<(Access, ScopeRules)>, Fault> {
    let scopes = text(env, ACCESS_SCOPES);
    match (text(env, ACCESS_TEAM), text(env, ACCESS_AUD)) {
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

fn number<T>(env: &Env, variable: Number, read: impl FnOnce(u32) -> Option<T>) -> Result<T, Fault> {
    let Number { name, default, min, max } = variable;
    let value = match text(env, name) {
        None => i64::from(default),
        Some(text) => text.parse().map_err(|_| wrong(name, "is not a whole number")())?,
    };
    let value = u32::try_from(value).ok().filter(|value| (min..=max).contains(value));
    value.and_then(read).ok_or_else(wrong(name, format!("is not from {min} to {max}")))
}

/// Reads a variable that can only be a text; it is empty where it is not set.
fn word(env: &Env, variable: &'static str) -> Result<String, Fault> {
    match value(env, variable) {
        None => Ok(String::new()),
        Some(value) => value.as_string().ok_or_else(wrong(variable, "is not a text")),
    }
}

/// Reads a variable: a text, or a number or a truth value as `wrangler.toml` may hold one.
fn text(env: &Env, variable: &str) -> Option<String> {
    let value = value(env, variable)?;
    let number = value.as_f64().map(whole);
    value.as_string().or(number).or_else(|| value.as_bool().map(|value| value.to_string()))
}

fn value(env: &Env, variable: &str) -> Option<JsValue> {
    faults::note_variable(variable);
    Reflect::get(env, &JsValue::from_str(variable)).ok().filter(|value| !value.is_undefined())
}

/// Writes a whole number down; any other is a text that no number is read from.
fn whole(number: f64) -> String {
    let truncated = number as i64;
    if truncated as f64 == number { truncated.to_string() } else { "not whole".to_owned() }
}
