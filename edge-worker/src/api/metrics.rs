//! What the gateway counts, in the text format of Prometheus.

use std::fmt::Write;

use worker::{Env, Headers, Response};

use crate::config::Config;
use crate::http::response::ApiError;
use crate::platform::clock;
use crate::protocol::{Counts, ShardRequest, shard_client};
use vtryon_gateway_engine::json;

/// Counts over all shards.
pub(super) async fn show(env: &Env, config: &Config) -> Result<Response, ApiError> {
    let mut sum = Counts::default();
    for text in shard_client::call_all(env, config.shards, || ShardRequest::Metrics).await? {
        let counts: Counts = json::read(&text)?;
        sum.events += counts.events;
        sum.open_tasks += counts.open_tasks;
        sum.quarantined += counts.quarantined;
        sum.pending += counts.pending;
        sum.dead += counts.dead;
        sum.oldest_due = [sum.oldest_due, counts.oldest_due].into_iter().flatten().min();
    }
    let overdue = sum.oldest_due.map_or(0, |due| (clock::now().0 - due.0).max(0) / 1000);
    let headers = Headers::new();
    headers.set("content-type", "text/plain; version=0.0.4; charset=utf-8")?;
    headers.set("cache-control", "no-store")?;
    Ok(Response::ok(text(&sum, overdue))?.with_headers(headers))
}

fn text(sum: &Counts, overdue: i64) -> String {
    let mut text = String::new();
    for (name, kind, help, value) in [
        ("events_stored_total", "counter", "Events and quarantined bodies stored.", sum.events),
        ("tasks_open", "gauge", "Tasks without a final status, counted up to 10000 a shard.", sum.open_tasks),
        (
            "quarantined",
            "gauge",
            "Signed bodies that can't be read, counted up to 10000 a shard.",
            sum.quarantined,
        ),
        ("deliveries_pending", "gauge", "Pending deliveries, counted up to 10000 a shard.", sum.pending),
        ("deliveries_dead", "gauge", "Dead letters, counted up to 10000 a shard.", sum.dead),
        ("delivery_overdue_seconds", "gauge", "How long the longest due delivery has been due.", overdue),
    ] {
        // Writing to a string can't fail.
        let _ = write!(
            text,
            "# HELP vtryon_webhooks_{name} {help}\n# TYPE vtryon_webhooks_{name} {kind}\nvtryon_webhooks_{name} {value}\n"
        );
    }
    text
}
