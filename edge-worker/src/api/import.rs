//! `POST /api/import`: takes events that another deployment has exported, and which tasks it has erased.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use vtryon_gateway_engine::json;
use vtryon_webhooks::Digest;
use worker::{Env, Request, Response};

use super::results;
use crate::config::Config;
use crate::http::body;
use crate::http::query::Query;
use crate::http::response::{self, ApiError};
use crate::platform::clock;
use crate::protocol::import::{
    self, ImportReport, ImportedErasure, ImportedEvent, ImportedLine, LineResult, MAX_BYTES, VerifiedEvent,
    VerifiedLine,
};
use crate::protocol::{AuditedRequest, DirectoryRequest, ShardRequest, shard_client};

/// The lines of a request for one shard: their numbers, and the bodies of the events one after the other.
#[derive(Default)]
struct Part {
    numbers: Vec<usize>,
    lines: Vec<ImportedLine>,
    bodies: Vec<u8>,
    /// The tasks that are erased, by the digests of their ids.
    erased: Vec<Digest>,
}

impl Part {
    fn add(&mut self, number: usize, line: VerifiedLine) {
        self.numbers.push(number);
        self.lines.push(match line {
            VerifiedLine::Event(VerifiedEvent { event, body, .. }) => {
                let length = body.len();
                self.bodies.extend(body);
                ImportedLine::Event(ImportedEvent { event, length })
            }
            VerifiedLine::Erasure { digest, erased_at } => {
                self.erased.push(digest);
                ImportedLine::Erasure(ImportedErasure { task_digest: digest.to_hex(), erased_at })
            }
        });
    }
}

/// Verifies the events of a request and stores them, in their order, in the shards of their tasks. A line that is refused
/// does not stop the others.
pub(super) async fn import(
    query: &str,
    request: &Request,
    audited: &AuditedRequest,
    env: &Env,
    config: &Config,
) -> Result<Response, ApiError> {
    Query::parse(query, &[])?;
    let body = body::of(request, MAX_BYTES).await?;
    let now = clock::now();
    let mut results = Vec::new();
    let mut parts: BTreeMap<u32, Part> = BTreeMap::new();
    for (line, text) in import::lines(&body)? {
        match import::read(text, &config.deployment.verifier, now) {
            Ok(read) => {
                let shard = config.shards.of(read.digest());
                parts.entry(shard).or_default().add(line, read);
            }
            Err(refusal) => results.push(LineResult::refused(line, &refusal)),
        }
    }
    if !parts.is_empty() {
        super::record(env, DirectoryRequest::RecordImport, audited).await?;
    }
    let stored = parts.into_iter().map(|(shard, part)| store(shard, part, env, config));
    results.extend(try_join_all(stored).await?.into_iter().flatten());
    response::json(200, &ImportReport::new(results))
}

/// Lets a shard store its part, and deletes the results of tasks that were erased from KV; returns what became of each line.
async fn store(shard: u32, part: Part, env: &Env, config: &Config) -> Result<Vec<LineResult>, ApiError> {
    let Part { numbers, lines, bodies, erased } = part;
    let answer = shard_client::call(env, config.shards, shard, ShardRequest::Import(lines), &bodies).await?;
    let outcomes: Vec<String> = json::read(&answer.unwrap_or_default())?;
    // Only now: a reader who has asked the shard before asks it again when KV has the result.
    try_join_all(erased.iter().map(|digest| results::forget(digest, env, config))).await?;
    Ok(numbers.into_iter().zip(outcomes).map(|(line, outcome)| LineResult::of(line, outcome)).collect())
}
