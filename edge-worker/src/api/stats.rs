//! What has happened lately, minute by minute over all shards: what charts are drawn from.

use std::collections::BTreeMap;

use serde::Serialize;
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::settings::endpoint_id;
use vtryon_gateway_engine::protocol::stats::{Count, EndpointLoad, Stats};
use vtryon_gateway_engine::text::{json, time};
use vtryon_webhooks::Millis;
use worker::Response;

use super::ApiContext;
use super::deliveries::endpoint;
use crate::http::query::Query;
use crate::http::response::{self, ApiError};
use crate::platform::clock;

/// How many minutes are shown where none are asked for.
const DEFAULT_MINUTES: u32 = 60;

const MINUTE: i64 = 60_000;

/// A number for each minute, by name.
type Series = BTreeMap<String, Vec<u64>>;

#[derive(Serialize)]
struct StatsView {
    from: String,
    minutes: u32,
    events: Series,
    deliveries: Series,
    latency_ms: Latency,
    commit_ms: CommitLatency,
    endpoint: Option<LoadView>,
    truncated: bool,
}

/// From an event's arrival to its delivery's, for each minute; null where nothing was delivered.
#[derive(Serialize)]
struct Latency {
    p50: Vec<Option<i64>>,
    p95: Vec<Option<i64>>,
}

#[derive(Serialize)]
struct CommitLatency {
    count: u64,
    p50: Option<i64>,
    p95: Option<i64>,
    max: Option<i64>,
}

/// What there is to do for the endpoint that was asked for.
#[derive(Serialize)]
struct LoadView {
    id: String,
    #[serde(flatten)]
    load: EndpointLoad,
}

/// Shows the last minutes, this one included.
pub(super) async fn show(query: &str, api: &ApiContext<'_>) -> Result<Response, ApiError> {
    let query = Query::parse(query, &["minutes", "endpoint"])?;
    let endpoint = endpoint(&query)?;
    let minutes = query.number("minutes", DEFAULT_MINUTES, 5..=1440);
    let message = "`minutes` is not a whole number from 5 to 1440";
    let minutes = minutes.ok_or_else(|| ApiError::invalid_request(message))?;
    let this_minute = clock::now().0.div_euclid(MINUTE) * MINUTE;
    let from = Millis(this_minute - MINUTE * i64::from(minutes - 1));
    let mut sum = Stats::default();
    for text in api.shards.call_all(|| ShardRequest::Stats { from, endpoint }).await? {
        let part: Stats = json::read(&text)?;
        sum.events.extend(part.events);
        sum.deliveries.extend(part.deliveries);
        sum.latency.extend(part.latency);
        sum.commits.extend(part.commits);
        sum.slowest_commit = sum.slowest_commit.max(part.slowest_commit);
        sum.truncated |= part.truncated;
        sum.load.in_flight += part.load.in_flight;
        sum.load.due += part.load.due;
    }
    let load = endpoint.map(|no| LoadView { id: endpoint_id(no), load: sum.load });
    response::json(200, &StatsView { endpoint: load, ..view(sum, from, minutes) })
}

fn view(sum: Stats, from: Millis, minutes: u32) -> StatsView {
    let mut of_minute: BTreeMap<u32, Vec<(i64, u64)>> = BTreeMap::new();
    for (minute, bound, count) in &sum.latency {
        of_minute.entry(*minute).or_default().push((*bound, *count));
    }
    let quantile_of = |minute, share| quantile(of_minute.get(&minute)?.iter().copied(), share);
    let latency = |share| (0..minutes).map(|minute| quantile_of(minute, share)).collect();
    let commits = || sum.commits.iter().copied();
    // A bound may be above all that was seen.
    let commit = |share| quantile(commits(), share).min(sum.slowest_commit);
    StatsView {
        from: time::rfc3339(from),
        minutes,
        events: series(&sum.events, minutes),
        deliveries: series(&sum.deliveries, minutes),
        latency_ms: Latency { p50: latency(50), p95: latency(95) },
        commit_ms: CommitLatency {
            count: commits().map(|(_, count)| count).sum(),
            p50: commit(50),
            p95: commit(95),
            max: sum.slowest_commit,
        },
        endpoint: None,
        truncated: sum.truncated,
    }
}

fn series(counts: &[Count], minutes: u32) -> Series {
    let mut series = Series::new();
    for (minute, name, count) in counts {
        let numbers = series.entry(name.clone()).or_default();
        numbers.resize(minutes as usize, 0);
        if let Some(number) = numbers.get_mut(*minute as usize) {
            *number += count;
        }
    }
    series
}

/// Returns the bound under which so many of a hundred are.
fn quantile(counts: impl Iterator<Item = (i64, u64)>, share: u64) -> Option<i64> {
    let mut sorted: BTreeMap<i64, u64> = BTreeMap::new();
    for (bound, count) in counts {
        *sorted.entry(bound).or_default() += count;
    }
    let wanted = (sorted.values().sum::<u64>() * share).div_ceil(100);
    let mut seen = 0;
    sorted.into_iter().find_map(|(bound, count)| {
        seen += count;
        (seen >= wanted).then_some(bound)
    })
}
