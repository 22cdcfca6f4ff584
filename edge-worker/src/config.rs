//! The configuration: read from the environment, refused as a whole when a part is wrong.

mod admin;
mod known;
mod variable;

use js_sys::Reflect;
use vtryon_gateway_engine::credentials::tickets::Tickets;
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::log::Level;
use vtryon_gateway_engine::protocol::topology::placement::Placement;
pub(crate) use vtryon_gateway_engine::variables::RESULTS;
use vtryon_gateway_engine::variables::{
    ALLOW_INSECURE_ENDPOINTS, DIRECTORY, ENDPOINT_HOSTS, GATEWAY_MASTER_KEY, JURISDICTION, LOCATION_HINT,
    LOG_LEVEL, MAX_BODY_BYTES, RETENTION_HOURS, SHARDS, TASK_SHARD, TICKET_ORIGINS, VTRYON_WEBHOOK_SECRET,
    VTRYON_WEBHOOK_SECRET_PREVIOUS,
};
use vtryon_gateway_engine::{Deployment, MAX_OBJECT_BYTES, MAX_TICKET_SOCKETS};
use vtryon_webhooks::diagnosis::SecretKind;
use vtryon_webhooks::endpoint::UrlRules;
use vtryon_webhooks::{BodyLimit, Secret, Shards, Verifier};
use worker::Env;
use zeroize::Zeroizing;

use self::variable::{Fault, fault, flag, list, missing, number, text, wrong};
use crate::auth::{Admin, is_origin};
use crate::clients::{DirectoryClient, ShardClient};
use crate::platform::clock;
use crate::testing::faults;

/// The variables that hold Vtryon's secrets, each with the kind of its secret.
const WEBHOOK_SECRETS: [(&str, SecretKind); 2] =
    [(VTRYON_WEBHOOK_SECRET, SecretKind::Current), (VTRYON_WEBHOOK_SECRET_PREVIOUS, SecretKind::Previous)];

/// The configuration from the environment.
pub(crate) struct Config {
    pub(crate) deployment: Deployment,
    /// Whether there is a KV namespace for results.
    pub(crate) has_results: bool,
    pub(crate) admin: Admin,
    pub(crate) master: MasterKey,
    /// The pages beside the gateway's own that may use tickets.
    pub(crate) ticket_origins: Vec<String>,
}

impl Config {
    /// Returns the client of the deployment's shards.
    pub(crate) fn shard_client(&self, env: &Env) -> ShardClient {
        ShardClient::new(env, self.deployment.shards, self.deployment.placement)
    }

    /// Returns the client of the deployment's directory.
    pub(crate) fn directory_client(&self, env: &Env) -> DirectoryClient {
        DirectoryClient::new(env, self.deployment.placement)
    }

    /// Reads Vtryon's secrets in clear, in the order of the verifier's keys. For the directory, which looks for
    /// mistakes with them; nothing keeps them.
    pub(crate) fn webhook_secrets(env: &Env) -> impl Iterator<Item = (SecretKind, Zeroizing<Vec<u8>>)> {
        let text = move |variable| text(env, variable).ok().flatten().filter(|text| !text.is_empty());
        let secret = move |variable| text(variable).map(|text| Zeroizing::new(text.into_bytes()));
        WEBHOOK_SECRETS.into_iter().filter_map(move |(variable, held)| Some((held, secret(variable)?)))
    }

    fn read(env: &Env) -> Result<Self, Fault> {
        faults::configure(env);
        let mut secrets =
            vec![secret(env, VTRYON_WEBHOOK_SECRET)?.ok_or_else(missing(VTRYON_WEBHOOK_SECRET))?];
        secrets.extend(previous_secret(env)?);
        let master = master_key(env)?;
        let admin = admin::admin(env, &master)?;
        let limit = number(env, MAX_BODY_BYTES, |bytes| BodyLimit::new(bytes as usize))?;
        let retention_hours = number(env, RETENTION_HOURS, Some)?;
        for object in [TASK_SHARD, DIRECTORY] {
            env.durable_object(object).map_err(|_| missing(object)())?;
        }
        let verifier = Verifier::new(secrets).map_err(fault(VTRYON_WEBHOOK_SECRET))?.with_limit(limit);
        let max_object_bytes = faults::database_limit().unwrap_or(MAX_OBJECT_BYTES);
        let deployment = Deployment {
            verifier,
            tickets: Tickets::new(&master),
            shards: number(env, SHARDS, Shards::new)?,
            placement: placement(env)?,
            endpoint_urls: endpoint_urls(env)?,
            retention_hours,
            max_ticket_sockets: faults::limited(MAX_TICKET_SOCKETS),
            max_object_bytes,
            full_at_bytes: Deployment::full_at(max_object_bytes),
            max_page: i64::MAX,
            clock_scale: clock::scale(),
            log_level: log_level(env)?,
        };
        Ok(Self {
            deployment,
            has_results: has_results(env)?,
            admin,
            ticket_origins: ticket_origins(env)?,
            master,
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
    let [jurisdiction, hint] =
        [text(env, JURISDICTION)?, text(env, LOCATION_HINT)?].map(Option::unwrap_or_default);
    Placement::parse(&jurisdiction, &hint)
        .map_err(|(variable, values)| wrong(variable, format!("is not one of {}", values.join(", ")))())
}

/// Reads the secret before the current one. An empty text is none, as in the packages: a variable that was cleared.
fn previous_secret(env: &Env) -> Result<Option<Secret>, Fault> {
    if text(env, VTRYON_WEBHOOK_SECRET_PREVIOUS)?.is_some_and(|text| text.is_empty()) {
        return Ok(None);
    }
    secret(env, VTRYON_WEBHOOK_SECRET_PREVIOUS)
}

fn secret(env: &Env, variable: &'static str) -> Result<Option<Secret>, Fault> {
    text(env, variable)?.map(Secret::new).transpose().map_err(fault(variable))
}

/// Reads where endpoints may be: on any host over HTTPS, unless hosts are named.
fn endpoint_urls(env: &Env) -> Result<UrlRules, Fault> {
    let allow_insecure = flag(env, ALLOW_INSECURE_ENDPOINTS)?;
    let is_host = |host: &str| is_host(host.strip_prefix("*.").unwrap_or(host));
    let hosts = list(env, ENDPOINT_HOSTS, is_host, "is not one text with hosts between commas")?;
    Ok(UrlRules { allow_insecure, hosts })
}

fn log_level(env: &Env) -> Result<Level, Fault> {
    match text(env, LOG_LEVEL)?.as_deref() {
        None | Some("") => Ok(Level::default()),
        Some(name) => Level::from_name(name).ok_or_else(wrong(LOG_LEVEL, "is not debug, info or warn")),
    }
}

/// Reads which pages may use tickets, beside the gateway's own.
fn ticket_origins(env: &Env) -> Result<Vec<String>, Fault> {
    let what = "is not one text with origins such as https://shop.example between commas";
    list(env, TICKET_ORIGINS, is_origin, what)
}

fn is_host(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

fn master_key(env: &Env) -> Result<MasterKey, Fault> {
    let text = text(env, GATEWAY_MASTER_KEY)?.ok_or_else(missing(GATEWAY_MASTER_KEY))?;
    let text = Zeroizing::new(text);
    MasterKey::parse(&text).ok_or_else(wrong(GATEWAY_MASTER_KEY, "is not 32 bytes in hex or base64"))
}
