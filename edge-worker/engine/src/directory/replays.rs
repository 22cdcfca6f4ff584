//! Range replays: requested once, pushed to the shards with the settings, counted by them.

use serde::Serialize;
use vtryon_webhooks::{Code, Digest, Millis};

use super::endpoints;
use super::input::{Input, refuse};
use crate::protocol::settings::{EndpointKind, RangeCount, Replay, ReplayProgress, endpoint_id, endpoint_no};
use crate::storage::database::{Bind, Database, Row};
use crate::text::json;
use crate::text::time::rfc3339;
use crate::{Context, Failure, Refusal, Result};

/// How long a range is remembered, in days, and how many of them.
const REMEMBERED_DAYS: i64 = 7;
const MAX_REPLAYS: i64 = 100;

/// How long an idempotency key may be.
const MAX_KEY: usize = 255;

/// A range that was asked for.
pub enum Requested {
    /// It was asked for before, with the same key: the id of the former range.
    Known(String),
    /// It is to be committed.
    New(NewReplay),
    /// It is to be counted, and not to be committed.
    DryRun(Replay),
}

/// A range that is not stored yet.
pub struct NewReplay {
    pub replay: Replay,
    key: Option<String>,
    /// The digest of the request, for whoever uses the key again.
    request: String,
}

/// A range as it is shown.
#[derive(Serialize)]
struct RangeView {
    endpoint: String,
    which: &'static str,
    from: String,
    until: String,
}

/// What a range would replay.
#[derive(Serialize)]
pub struct DryRunView {
    dry_run: bool,
    #[serde(flatten)]
    range: RangeView,
    matched: i64,
    /// Whether a shard has more than it counts.
    truncated: bool,
}

/// The progress of a range over all shards.
#[derive(Serialize)]
pub struct ReplayView {
    replay_id: String,
    #[serde(flatten)]
    range: RangeView,
    /// How many deliveries the range has, as far as it was counted, and how many of them were made due so far.
    matched: i64,
    enqueued: i64,
    delivered: i64,
    failed: i64,
    pending: i64,
    /// Whether what was not enqueued was left out.
    cancelled: bool,
    /// Whether nothing of it is left to do; false as long as its progress is not known.
    done: bool,
}

/// Reads a request for a range. The same key with the same request finds the former one, for as long as it is remembered;
/// `random` makes the id of a new one.
pub fn request(
    context: &Context<'_>,
    body: &str,
    key: Option<String>,
    random: [u8; 8],
) -> Result<Requested, Failure> {
    let Context { db, now, .. } = *context;
    if key.as_ref().is_some_and(|key| !is_key(key)) {
        return Err(refuse("`idempotency-key` is not 1 to 255 printable ASCII characters").into());
    }
    let input = Input::parse(body, &["endpoint", "which", "from", "until", "dry_run"])?;
    if input.get("dry_run").map(|field| field.flag()).transpose()? == Some(true) {
        return Ok(Requested::DryRun(read(context, &input, random)?));
    }
    let request = Digest::of(body.as_bytes()).to_hex();
    if let Some(key) = &key
        && let Some((id, known)) = by_key(db, key, now)?
    {
        if known != request {
            let message = "`idempotency-key` was used before for another request";
            return Err(Refusal::new(Code::Conflict, message).into());
        }
        return Ok(Requested::Known(id));
    }
    let replay = read(context, &input, random)?;
    forget_old(db, now)?;
    if count(db)? >= MAX_REPLAYS {
        let message =
            format!("{MAX_REPLAYS} ranges were replayed in the last {REMEMBERED_DAYS} days: no more fit");
        return Err(Refusal::new(Code::Conflict, message).into());
    }
    Ok(Requested::New(NewReplay { replay, key, request }))
}

fn read(context: &Context<'_>, input: &Input<'_>, random: [u8; 8]) -> Result<Replay, Failure> {
    let now = context.now;
    let endpoint = input.text("endpoint")?.ok_or_else(|| refuse("`endpoint` is missing"))?;
    let endpoint = endpoint_no(&endpoint).ok_or_else(|| refuse("`endpoint` is not the id of one"))?;
    if !endpoints::find_of_kind(context.db, EndpointKind::Tasks, endpoint)?.endpoint.options.enabled {
        return Err(Refusal::new(Code::Conflict, "this endpoint is disabled: enable it first").into());
    }
    let all = match input.text("which")?.as_deref() {
        None | Some("dead") => false,
        Some("all") => true,
        Some(_) => return Err(refuse("`which` is not one of dead, all").into()),
    };
    let from = input.time("from")?.unwrap_or(Millis(0));
    // What comes from now on is delivered anyway.
    let until = input.time("until")?.unwrap_or(now).min(now);
    if from >= until {
        let message = "`from` is not before `until`, or not before now";
        return Err(Refusal::new(Code::Conflict, message).into());
    }
    let id = format!("rpl_{}", hex::encode(random));
    Ok(Replay { id, endpoint, all, from, until, is_cancelled: false })
}

/// Returns a range that is remembered.
pub fn find(db: &dyn Database, id: &str) -> Result<Replay, Failure> {
    let replay = all(db)?.into_iter().find(|replay| replay.id == id);
    Ok(replay.ok_or_else(|| Refusal::new(Code::NotFound, "there is no replay of this id"))?)
}

/// Cancels a range that is remembered; nothing is to be committed where it was cancelled before.
pub fn cancel(db: &dyn Database, id: &str) -> Result<Option<Replay>, Failure> {
    let replay = find(db, id)?;
    Ok((!replay.is_cancelled).then_some(Replay { is_cancelled: true, ..replay }))
}

impl RangeView {
    fn of(replay: &Replay) -> Self {
        Self {
            endpoint: endpoint_id(replay.endpoint),
            which: if replay.all { "all" } else { "dead" },
            from: rfc3339(replay.from),
            until: rfc3339(replay.until),
        }
    }
}

impl DryRunView {
    /// Adds up the counts of all shards.
    pub fn new(replay: &Replay, shards: &[RangeCount]) -> Self {
        Self {
            dry_run: true,
            range: RangeView::of(replay),
            matched: shards.iter().map(|shard| shard.matched).sum(),
            truncated: shards.iter().any(|shard| shard.is_truncated),
        }
    }
}

impl ReplayView {
    /// Adds up the progress of all shards.
    pub fn new(replay: &Replay, shards: &[ReplayProgress]) -> Self {
        let sum = |count: fn(&ReplayProgress) -> i64| shards.iter().map(count).sum::<i64>();
        let (matched, enqueued) = (sum(|shard| shard.matched), sum(|shard| shard.enqueued));
        let (delivered, failed) = (sum(|shard| shard.delivered), sum(|shard| shard.failed));
        let pending = matched.max(enqueued) - delivered - failed;
        Self {
            replay_id: replay.id.clone(),
            range: RangeView::of(replay),
            matched,
            enqueued,
            delivered,
            failed,
            pending,
            cancelled: replay.is_cancelled,
            done: pending <= 0 && shards.iter().all(|shard| shard.is_enqueued),
        }
    }

    /// Shows a range whose progress is not known, since not all shards can be asked.
    pub fn uncounted(replay: &Replay) -> Self {
        Self { done: false, ..Self::new(replay, &[]) }
    }
}

fn is_key(key: &str) -> bool {
    (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// Returns the ranges that are remembered.
pub(super) fn all(db: &dyn Database) -> Result<Vec<Replay>> {
    let docs = db.all("SELECT doc FROM replays ORDER BY created_at", &[], Row::text)?;
    docs.iter().map(|doc| json::read(doc)).collect()
}

pub(super) fn put(db: &dyn Database, new: &NewReplay, now: Millis) -> Result<()> {
    const PUT: &str = "INSERT INTO replays (id, key, request, doc, created_at) VALUES (?, ?, ?, ?, ?)";
    let NewReplay { replay, key, request } = new;
    let doc = json::to_string(replay);
    let binds = [
        Bind::Text(&replay.id),
        Bind::Maybe(key.as_deref()),
        Bind::Text(request),
        Bind::Text(&doc),
        Bind::Int(now.0),
    ];
    db.run(PUT, &binds)
}

/// Stores a range that has changed.
pub(super) fn change(db: &dyn Database, replay: &Replay) -> Result<()> {
    const CHANGE: &str = "UPDATE replays SET doc = ? WHERE id = ?";
    db.run(CHANGE, &[Bind::Text(&json::to_string(replay)), Bind::Text(&replay.id)])
}

fn by_key(db: &dyn Database, key: &str, now: Millis) -> Result<Option<(String, String)>> {
    const FIND: &str = "SELECT id, request FROM replays WHERE key = ? AND created_at >= ?";
    let binds = [Bind::Text(key), Bind::Int(remembered_since(now).0)];
    db.first(FIND, &binds, |row| (row.text(), row.text()))
}

fn forget_old(db: &dyn Database, now: Millis) -> Result<()> {
    db.run("DELETE FROM replays WHERE created_at < ?", &[Bind::Int(remembered_since(now).0)])
}

fn remembered_since(now: Millis) -> Millis {
    now.plus_seconds(-REMEMBERED_DAYS * 24 * 3600)
}

fn count(db: &dyn Database) -> Result<i64> {
    Ok(db.first("SELECT COUNT(*) FROM replays", &[], Row::int)?.unwrap_or(0))
}
