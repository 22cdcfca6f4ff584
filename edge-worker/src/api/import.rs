//! `POST /api/import`: takes events that another deployment has exported.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use vtryon_gateway_engine::json;
use worker::{Env, Request, Response};

use crate::config::Config;
use crate::http::body;
use crate::http::query::Query;
use crate::http::response::{self, ApiError};
use crate::platform::clock;
use crate::protocol::import::{self, ImportReport, ImportedEvent, LineResult, MAX_BYTES, VerifiedLine};
use crate::protocol::{AuditedRequest, DirectoryRequest, ShardRequest, shard_client};

/// The events of a request for one shard: their lines, and their bodies one after the other.
#[derive(Default)]
struct Part {
    lines: Vec<usize>,
    events: Vec<ImportedEvent>,
    bodies: Vec<u8>,
}

impl Part {
    fn add(&mut self, line: usize, verified: VerifiedLine) {
        let VerifiedLine { event, body, .. } = verified;
        self.lines.push(line);
        self.events.push(ImportedEvent { event, length: body.len() });
        self.bodies.extend(body);
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
            Ok(verified) => {
                let shard = config.shards.of(&verified.digest);
                parts.entry(shard).or_default().add(line, verified);
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

/// Lets a shard store its part; returns what became of each line.
async fn store(shard: u32, part: Part, env: &Env, config: &Config) -> Result<Vec<LineResult>, ApiError> {
    let Part { lines, events, bodies } = part;
    let answer = shard_client::call(env, config.shards, shard, ShardRequest::Import(events), &bodies).await?;
    let outcomes: Vec<String> = json::read(&answer.unwrap_or_default())?;
    Ok(lines.into_iter().zip(outcomes).map(|(line, outcome)| LineResult::of(line, outcome)).collect())
}
