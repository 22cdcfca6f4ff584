//! Deliveries: listed, shown, replayed.

use vtryon_webhooks::{Code, Digest};
use worker::{Env, Response};

use super::listing::{listing, read_page};
use super::query::Query;
use crate::config::Config;
use crate::json::{Raw, object};
use crate::reply::{self, Refusal};
use crate::stub;
use crate::wire::Ask;
use crate::wire::delivery::parse_delivery_id;
use crate::wire::settings::endpoint_no;

/// What a delivery can be.
const STATES: [&str; 4] = ["pending", "delivered", "dead", "superseded"];

/// A page of deliveries. The cursor leads to the next; on the last page it is null.
struct Deliveries {
    deliveries: Vec<Raw>,
    cursor: Option<String>,
}

object!(write Deliveries { deliveries, cursor });

/// Lists deliveries, those of one task, or of one body that can't be read, where it is named.
pub(super) async fn list(query: &str, env: &Env, config: &Config) -> Result<Response, Refusal> {
    let query = Query::parse(query, &["endpoint", "state", "task_id", "digest", "cursor", "limit"])?;
    let refuse = |message| Refusal::because(Code::InvalidRequest, message);
    let endpoint = match query.get("endpoint") {
        None => None,
        Some(id) => Some(endpoint_no(id).ok_or(refuse("`endpoint` is not the id of an endpoint"))?),
    };
    let state = query.get("state").map(str::to_owned);
    if state.as_ref().is_some_and(|state| !STATES.contains(&state.as_str())) {
        return Err(refuse("`state` is not one of pending, delivered, dead, superseded"));
    }
    let task_id = query.get("task_id").map(str::to_owned);
    let digest = match query.get("digest") {
        None => None,
        Some(hex) => Some(Digest::from_hex(hex).ok_or(refuse("`digest` is not SHA-256 in lower-case hex"))?),
    };
    let ask = |before, limit| Ask::Deliveries {
        before,
        endpoint,
        state: state.clone(),
        task_id: task_id.clone(),
        digest: digest.as_ref().map(Digest::to_hex),
        limit,
    };
    let stored_by = match (&task_id, &digest) {
        (Some(_), Some(_)) => return Err(refuse("`digest` does not go with `task_id`")),
        (Some(task_id), None) => Digest::of(task_id.as_bytes()),
        (None, Some(digest)) => *digest,
        (None, None) => {
            let (deliveries, cursor) = listing(&query, env, config, ask).await?;
            return reply::json(200, &Deliveries { deliveries, cursor });
        }
    };
    // A task, or a body, has few: they are one page, from the one shard that has them.
    if query.get("cursor").is_some() {
        return Err(refuse("`cursor` goes with neither `task_id` nor `digest`"));
    }
    let shard = config.shards.of(&stored_by);
    let page = read_page(stub::ask(env, config.shards, shard, ask(None, query.limit()?), &[]).await?)?;
    let deliveries = page.items.into_iter().map(|item| item.view).collect();
    reply::json(200, &Deliveries { deliveries, cursor: None })
}

/// Shows a delivery with its attempts.
pub(super) async fn show(id: &str, env: &Env, config: &Config) -> Result<Response, Refusal> {
    about(id, env, config, 200, |no| Ask::Delivery { no }).await
}

/// Delivers once more; one that is pending becomes due at once.
pub(super) async fn replay(id: &str, env: &Env, config: &Config) -> Result<Response, Refusal> {
    about(id, env, config, 202, |no| Ask::Replay { no }).await
}

async fn about(
    id: &str,
    env: &Env,
    config: &Config,
    status: u16,
    ask: impl Fn(i64) -> Ask,
) -> Result<Response, Refusal> {
    let unknown = Refusal::because(Code::NotFound, "there is no delivery of this id");
    let place = parse_delivery_id(id).filter(|(shard, _)| *shard < config.shards.count());
    let Some((shard, no)) = place else { return Err(unknown) };
    match stub::ask(env, config.shards, shard, ask(no), &[]).await? {
        Some(delivery) => reply::json_text(status, &delivery),
        None => Err(unknown),
    }
}
