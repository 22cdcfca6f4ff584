//! `POST /api/import`: takes events that another deployment has exported, and which tasks it has erased.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use vtryon_gateway_engine::protocol::import::{
    self, ImportReport, ImportedErasure, ImportedEvent, ImportedLine, LineResult, MAX_BYTES, VerifiedEvent,
    VerifiedLine,
};
use vtryon_gateway_engine::protocol::live::MAX_QUEUED;
use vtryon_gateway_engine::protocol::{DirectoryRequest, ShardRequest};
use vtryon_gateway_engine::text::json;
use vtryon_webhooks::Digest;
use worker::{Request, Response};

use super::{ApiContext, results};
use crate::http::body;
use crate::http::query::Query;
use crate::http::response::{self, ApiError};
use crate::platform::clock;

/// Lines of a request for one shard, as many as it stores at once: their numbers, and the bodies of the events one after
/// the other.
#[derive(Default)]
struct Part {
    numbers: Vec<usize>,
    lines: Vec<ImportedLine>,
    bodies: Vec<u8>,
    /// The tasks that are erased, by the digests of their ids.
    erased: Vec<Digest>,
}

impl Part {
    fn of(number: usize, line: VerifiedLine) -> Self {
        let mut part = Self::default();
        part.add(number, line);
        part
    }

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
    api: &ApiContext<'_>,
) -> Result<Response, ApiError> {
    Query::parse(query, &[])?;
    let body = body::of(request, MAX_BYTES).await?;
    let now = clock::now();
    let mut results = Vec::new();
    let mut parts: BTreeMap<u32, Vec<Part>> = BTreeMap::new();
    for (line, text) in import::lines(&body)? {
        match import::read(text, &api.config.deployment.verifier, now) {
            Ok(read) => {
                let shard = api.config.deployment.shards.shard_of(read.digest());
                let of_shard = parts.entry(shard).or_default();
                match of_shard.last_mut().filter(|part| part.lines.len() < MAX_QUEUED) {
                    Some(part) => part.add(line, read),
                    None => of_shard.push(Part::of(line, read)),
                }
            }
            Err(refusal) => results.push(LineResult::refused(line, &refusal)),
        }
    }
    if !parts.is_empty() {
        api.record(DirectoryRequest::RecordImport).await?;
    }
    let stored = parts.into_iter().map(|(shard, parts)| store(shard, parts, api));
    results.extend(try_join_all(stored).await?.into_iter().flatten());
    response::json(200, &ImportReport::new(results))
}

/// Lets a shard store its parts, one after the other, and deletes the results of tasks that were erased from KV; returns
/// what became of each line.
async fn store(shard: u32, parts: Vec<Part>, api: &ApiContext<'_>) -> Result<Vec<LineResult>, ApiError> {
    let mut stored = Vec::new();
    for Part { numbers, lines, bodies, erased } in parts {
        let answer = api.shards.call(shard, ShardRequest::Import(lines), &bodies).await?;
        let outcomes: Vec<String> = json::read(&answer.unwrap_or_default())?;
        // Only now: a reader who has asked the shard before asks it again when KV has the result.
        try_join_all(erased.iter().map(|digest| results::forget(digest, api))).await?;
        stored.extend(numbers.into_iter().zip(outcomes).map(|(line, outcome)| LineResult::of(line, outcome)));
    }
    Ok(stored)
}
