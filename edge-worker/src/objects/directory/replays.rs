//! Range replays: requested once, pushed to the shards with the settings, counted by them.

use serde::Serialize;
use vtryon_webhooks::{Code, Digest, Millis};
use worker::{Response, SqlStorage};

use super::Directory;
use super::input::{Input, refuse};
use crate::config::Config;
use crate::http::response::{self, ApiError};
use crate::json;
use crate::platform::sql::{self, Bind, Row};
use crate::platform::{clock, crypto};
use crate::protocol::settings::{Replay, ReplayProgress, endpoint_id, endpoint_no};
use crate::protocol::{ShardRequest, shard_client};

/// How long a range is remembered, in seconds, and how many of them.
const REMEMBERED: i64 = 7 * 24 * 3600;
const MAX_REPLAYS: i64 = 100;

/// How long an idempotency key may be.
const MAX_KEY: usize = 255;

fn is_key(key: &str) -> bool {
    (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

#[derive(Serialize)]
struct ReplayView {
    replay_id: String,
    endpoint: String,
    which: &'static str,
    from: String,
    until: String,
    /// How many deliveries the range had when it was asked for, and how many of them were made due so far.
    matched: i64,
    marked: i64,
    delivered: i64,
    failed: i64,
    pending: i64,
    /// Whether nothing of it is left to do.
    done: bool,
}

impl Directory {
    /// Begins a range replay. The same key with the same request finds the former one.
    pub(super) async fn replay(
        &self,
        config: &Config,
        text: &str,
        key: Option<String>,
    ) -> Result<Response, ApiError> {
        if key.as_ref().is_some_and(|key| !is_key(key)) {
            return Err(ApiError::because(
                Code::InvalidRequest,
                "`idempotency-key` is not 1 to 255 printable ASCII characters",
            ));
        }
        let now = clock::now();
        let sql = self.state.storage().sql();
        let request = Digest::of(text.as_bytes()).to_hex();
        if let Some(key) = &key
            && let Some((id, known)) = by_key(&sql, key)?
        {
            if known != request {
                let message = "`idempotency-key` was used before for another request";
                return Err(ApiError::because(Code::Conflict, message));
            }
            return self.show(config, 202, &id).await;
        }
        let replay = self.read(text, now)?;
        forget_old(&sql, now)?;
        if count(&sql)? >= MAX_REPLAYS {
            return Err(ApiError::because(
                Code::Conflict,
                "100 ranges were replayed in the last 7 days: no more fit",
            ));
        }
        self.commit(config, |sql| put(sql, &replay, key.as_deref(), &request, now)).await?;
        self.show(config, 202, &replay.id).await
    }

    /// Returns the progress of a range over all shards.
    pub(super) async fn progress(&self, config: &Config, id: &str) -> Result<Response, ApiError> {
        self.show(config, 200, id).await
    }

    fn read(&self, text: &str, now: Millis) -> Result<Replay, ApiError> {
        let input = Input::parse(text, &["endpoint", "which", "from", "until"])?;
        let endpoint = input.text("endpoint")?.ok_or_else(|| refuse("`endpoint` is missing".to_owned()))?;
        let endpoint =
            endpoint_no(&endpoint).ok_or_else(|| refuse("`endpoint` is not the id of one".to_owned()))?;
        let record = self.find(endpoint)?;
        if !record.endpoint.enabled {
            return Err(ApiError::because(Code::Conflict, "this endpoint is disabled: enable it first"));
        }
        let all = match input.text("which")?.as_deref() {
            None | Some("dead") => false,
            Some("all") => true,
            Some(_) => return Err(refuse("`which` is not one of dead, all".to_owned())),
        };
        let from = input.time("from")?.unwrap_or(Millis(0));
        // What comes from now on is delivered anyway.
        let until = input.time("until")?.unwrap_or(now).min(now);
        if from >= until {
            return Err(ApiError::because(Code::Conflict, "`from` is not before `until`, or not before now"));
        }
        let id = format!("rpl_{}", hex::encode(crypto::random::<8>()?));
        Ok(Replay { id, endpoint, all, from, until })
    }

    async fn show(&self, config: &Config, status: u16, id: &str) -> Result<Response, ApiError> {
        let replay = all(&self.state.storage().sql())?.into_iter().find(|replay| replay.id == id);
        let replay = replay.ok_or(ApiError::because(Code::NotFound, "there is no replay of this id"))?;
        let answers =
            shard_client::call_all(&self.env, config.shards, || ShardRequest::Progress { id: id.to_owned() })
                .await?;
        let mut view = ReplayView {
            replay_id: replay.id,
            endpoint: endpoint_id(replay.endpoint),
            which: if replay.all { "all" } else { "dead" },
            from: clock::rfc3339(replay.from),
            until: clock::rfc3339(replay.until),
            matched: 0,
            marked: 0,
            delivered: 0,
            failed: 0,
            pending: 0,
            done: true,
        };
        for text in &answers {
            let progress: ReplayProgress = json::read(text)?;
            view.matched += progress.matched;
            view.marked += progress.enqueued;
            view.delivered += progress.delivered;
            view.failed += progress.failed;
            view.done &= progress.is_enqueued;
        }
        view.pending = view.matched.max(view.marked) - view.delivered - view.failed;
        view.done &= view.pending <= 0;
        response::json(status, &view)
    }
}

/// Returns the ranges that are remembered.
pub(super) fn all(sql: &SqlStorage) -> worker::Result<Vec<Replay>> {
    let docs = sql::all(sql, "SELECT doc FROM replays ORDER BY created_at", &[], Row::text)?;
    docs.iter().map(|doc| json::read(doc)).collect()
}

fn by_key(sql: &SqlStorage, key: &str) -> worker::Result<Option<(String, String)>> {
    const FIND: &str = "SELECT id, request FROM replays WHERE key = ?";
    sql::first(sql, FIND, &[Bind::Text(key)], |row| (row.text(), row.text()))
}

fn put(
    sql: &SqlStorage,
    replay: &Replay,
    key: Option<&str>,
    request: &str,
    now: Millis,
) -> worker::Result<()> {
    const PUT: &str = "INSERT INTO replays (id, key, request, doc, created_at) VALUES (?, ?, ?, ?, ?)";
    let doc = json::to_string(replay);
    let binds =
        [Bind::Text(&replay.id), Bind::Maybe(key), Bind::Text(request), Bind::Text(&doc), Bind::Int(now.0)];
    sql::run(sql, PUT, &binds)
}

fn forget_old(sql: &SqlStorage, now: Millis) -> worker::Result<()> {
    let before = now.plus_seconds(-REMEMBERED);
    sql::run(sql, "DELETE FROM replays WHERE created_at < ?", &[Bind::Int(before.0)])
}

fn count(sql: &SqlStorage) -> worker::Result<i64> {
    Ok(sql::first(sql, "SELECT COUNT(*) FROM replays", &[], Row::int)?.unwrap_or(0))
}
