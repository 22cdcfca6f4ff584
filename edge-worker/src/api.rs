//! What an administrator reads: tasks, results, the quarantine.

use std::collections::VecDeque;

use futures_util::future::try_join_all;
use serde::Serialize;
use serde_json::value::RawValue;
use vtryon_webhooks::lifecycle::Stage;
use vtryon_webhooks::{Code, Digest, Status, TaskId};
use worker::{Env, Response, console_error};

use crate::config::{Config, RESULTS};
use crate::cursor::{Cursor, Place};
use crate::reply::{self, Refusal};
use crate::route::Api;
use crate::shard::result_key;
use crate::stub;
use crate::wire::{Ask, Item, Page};

/// How many entries a page has where none are asked for, and at most.
const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 100;

/// Answers a request whose sender has been admitted.
pub(crate) async fn answer(api: Api, env: &Env, config: &Config) -> Result<Response, Refusal> {
    match api {
        Api::Task(id) => task(id, env, config).await,
        Api::Result(id) => result(id, env, config).await,
        Api::Tasks(query) => tasks(&query, env, config).await,
        Api::Quarantine(query) => quarantine(&query, env, config).await,
        Api::Nowhere => Err(Refusal::new(Code::NotFound)),
    }
}

async fn task(id: Option<String>, env: &Env, config: &Config) -> Result<Response, Refusal> {
    let id = task_id(id)?;
    let task_id = id.as_str().to_owned();
    match about(&id, Ask::Task { task_id }, env, config).await? {
        Some(text) => reply::json_text(200, text),
        None => Err(Refusal::because(Code::NotFound, "no event of this task has arrived")),
    }
}

/// KV is near and cheap, but it learns late: what it doesn't have, the shard may.
async fn result(id: Option<String>, env: &Env, config: &Config) -> Result<Response, Refusal> {
    let id = task_id(id)?;
    match env.kv(RESULTS)?.get(&result_key(id.as_str())).text().await {
        Ok(Some(text)) => return reply::json_text(200, text),
        Ok(None) => {}
        Err(error) => console_error!("results: {error}"),
    }
    let task_id = id.as_str().to_owned();
    match about(&id, Ask::Result { task_id }, env, config).await? {
        Some(text) => reply::json_text(200, text),
        None => Err(Refusal::because(Code::NotFound, "this task has no result yet")),
    }
}

async fn tasks(query: &str, env: &Env, config: &Config) -> Result<Response, Refusal> {
    let query = Query::parse(query, &["status", "cursor", "limit"])?;
    let status = query.get("status");
    if status.is_some_and(|name| Stage::of(&Status::from_name(name)).is_none()) {
        let message = "`status` is not one of queued, processing, completed, failed";
        return Err(Refusal::because(Code::InvalidRequest, message));
    }
    let status = status.map(str::to_owned);
    let ask = |before, limit| Ask::Tasks { before, status: status.clone(), limit };
    let (tasks, cursor) = listing(&query, env, config, ask).await?;
    reply::json(200, &Tasks { tasks, cursor })
}

async fn quarantine(query: &str, env: &Env, config: &Config) -> Result<Response, Refusal> {
    let query = Query::parse(query, &["cursor", "limit"])?;
    let ask = |before, limit| Ask::Quarantine { before, limit };
    let (quarantine, cursor) = listing(&query, env, config, ask).await?;
    reply::json(200, &Quarantine { quarantine, cursor })
}

/// A page of tasks. The cursor leads to the next; on the last page it is null.
#[derive(Serialize)]
struct Tasks {
    tasks: Vec<Box<RawValue>>,
    cursor: Option<String>,
}

/// A page of the quarantine.
#[derive(Serialize)]
struct Quarantine {
    quarantine: Vec<Box<RawValue>>,
    cursor: Option<String>,
}

fn task_id(name: Option<String>) -> Result<TaskId<'static>, Refusal> {
    name.and_then(|name| TaskId::new(name).ok()).ok_or(Refusal::because(
        Code::InvalidRequest,
        "`task_id` is not 1 to 256 bytes of UTF-8 without control characters",
    ))
}

/// Asks the shard that holds a task.
async fn about(id: &TaskId<'_>, ask: Ask, env: &Env, config: &Config) -> Result<Option<String>, Refusal> {
    let shard = config.shards.of(&Digest::of(id.as_str().as_bytes()));
    stub::ask(env, config.shards, shard, ask, &[]).await
}

/// Asks all shards for a page each, and merges the latest of them into one.
async fn listing(
    query: &Query,
    env: &Env,
    config: &Config,
    ask: impl Fn(Option<i64>, u32) -> Ask,
) -> Result<(Vec<Box<RawValue>>, Option<String>), Refusal> {
    let limit = query.limit()?;
    let cursor = match query.get("cursor") {
        Some(text) => Cursor::parse(text, config.shards)?,
        None => Cursor::start(config.shards),
    };
    let parts = (0..).zip(cursor.places()).map(|(shard, place)| {
        let before = match place {
            Place::Start => Some(None),
            Place::Before(no) => Some(Some(no)),
            Place::End => None,
        };
        let call = before.map(|before| stub::ask(env, config.shards, shard, ask(before, limit), &[]));
        async move {
            match call {
                Some(call) => read_page(call.await?),
                None => Ok(Page { items: Vec::new(), next: None }),
            }
        }
    });
    let pages = try_join_all(parts).await?;
    let (items, places) = merge(pages, cursor.places(), limit as usize);
    Ok((items.into_iter().map(|item| item.view).collect(), Cursor::new(places).encode()))
}

fn read_page(text: Option<String>) -> Result<Page, Refusal> {
    let page = serde_json::from_str(&text.unwrap_or_default());
    // Not the parser's own words: they may quote what it read.
    page.map_err(|_| worker::Error::from("a page can't be read: is a deployment under way?").into())
}

/// Takes the latest items of all pages, and notes for each shard where its next page begins.
///
/// It looks at the first item left of each page alone, so it never takes one before those above it: in
/// a shard the order is that of the numbers, whatever the clock did.
fn merge(pages: Vec<Page>, places: impl Iterator<Item = Place>, limit: usize) -> (Vec<Item>, Vec<Place>) {
    let mut parts: Vec<_> = pages
        .into_iter()
        .zip(places)
        .map(|(page, place)| (VecDeque::from(page.items), place, page.next))
        .collect();
    let mut merged = Vec::with_capacity(limit);
    while merged.len() < limit {
        let latest = parts.iter_mut().max_by_key(|(items, ..)| items.front().map(|item| item.at));
        let Some((items, place, _)) = latest else { break };
        let Some(item) = items.pop_front() else { break };
        *place = Place::Before(item.no);
        merged.push(item);
    }
    let places = parts.into_iter().map(|(items, place, next)| match items.front() {
        Some(_) => place,
        None => next.map_or(Place::End, Place::Before),
    });
    (merged, places.collect())
}

/// The parameters of a listing. One that the listing does not have is refused: it would be a filter that does nothing.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(query: &str, names: &[&str]) -> Result<Self, Refusal> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let refuse = |message| Err(Refusal::because(Code::InvalidRequest, message));
        if !pairs.iter().all(|(name, _)| names.contains(&name.as_str())) {
            return refuse("the query has a parameter that this path does not know");
        }
        if names.iter().any(|wanted| pairs.iter().filter(|(name, _)| name == wanted).count() > 1) {
            return refuse("the query has a parameter twice");
        }
        Ok(Self(pairs))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    fn limit(&self) -> Result<u32, Refusal> {
        let limit = self.get("limit").map_or(Ok(DEFAULT_LIMIT), str::parse);
        limit
            .ok()
            .filter(|limit| (1..=MAX_LIMIT).contains(limit))
            .ok_or(Refusal::because(Code::InvalidRequest, "`limit` is not a whole number from 1 to 100"))
    }
}
