//! The text format of Prometheus, version 0.0.4.

use std::fmt::{Display, Write};

use vtryon_webhooks::Millis;
use vtryon_webhooks::event::STATUS_CHANGED;
use vtryon_webhooks::lifecycle::Outcome;

use super::{AttemptOutcome, AttemptTotals, BOUNDS_MS, Counts};
use crate::protocol::settings::endpoint_id;

/// What stands for the id of an endpoint that is deleted.
const DELETED: &str = "deleted";

/// The text, one family of metrics after the other.
#[derive(Default)]
struct Families(String);

impl Counts {
    /// Writes all metrics. `refused` is how many requests were refused, by code.
    pub fn text(&self, refused: &[(String, i64)], version: &str, now: Millis) -> String {
        let mut text = Families::default();
        text.family("build_info", "gauge", "The version of the gateway; the value is always 1.");
        text.sample("build_info", &[("version", version)], 1);
        self.write_events(&mut text, refused);
        self.write_attempts(&mut text);
        self.write_deliveries(&mut text, now);
        let single: [(&str, &str, &dyn Display); 5] = [
            (
                "tasks_open",
                "Tasks that have a status, but no final one, counted up to 10000 a shard.",
                &self.open_tasks,
            ),
            (
                "quarantined",
                "Stored signed bodies that can't be read, counted up to 10000 a shard.",
                &self.quarantined,
            ),
            (
                "broadcasts_queued",
                "Messages of live streams that are not sent yet, of all shards.",
                &self.queued_broadcasts,
            ),
            ("storage_bytes", "What all shards store.", &self.storage_bytes),
            (
                "storage_largest_shard_bytes",
                "What the shard stores that stores most; 10 GB is the limit.",
                &self.largest_shard_bytes,
            ),
        ];
        for (name, help, value) in single {
            text.family(name, "gauge", help);
            text.sample(name, &[], value);
        }
        text.family("alarm_lag_seconds", "gauge", "How long the longest due work of an alarm has been due.");
        text.sample("alarm_lag_seconds", &[], seconds(self.alarm_lag_ms));
        text.0
    }

    fn write_events(&self, text: &mut Families, refused: &[(String, i64)]) {
        text.family("events_total", "counter", "Stored events, by name and outcome.");
        let changes = [Outcome::Applied, Outcome::Late, Outcome::Conflict, Outcome::Unknown];
        let mut totals = self.totals.clone();
        // What has not happened yet is 0: an increase from nothing can't be seen.
        for outcome in changes {
            totals.add_events(STATUS_CHANGED, outcome.as_str(), 0);
        }
        for ((name, outcome), count) in &totals.events {
            text.sample("events_total", &[("name", name), ("outcome", outcome)], count);
        }
        text.family(
            "requests_refused_total",
            "counter",
            "Requests that were refused, by the code of the cause.",
        );
        for (code, count) in refused {
            text.sample("requests_refused_total", &[("code", code)], count);
        }
    }

    fn write_attempts(&self, text: &mut Families) {
        let of = |endpoint| self.totals.attempts.get(endpoint).cloned().unwrap_or_default();
        let attempts: Vec<(String, AttemptTotals)> =
            self.endpoints.keys().map(|endpoint| (endpoint_id(*endpoint), of(endpoint))).collect();
        text.family("delivery_attempts_total", "counter", "Attempts to deliver, by endpoint and outcome.");
        for (endpoint, AttemptTotals { delivered, refused, unanswered, .. }) in &attempts {
            for (outcome, count) in [
                (AttemptOutcome::Delivered, delivered),
                (AttemptOutcome::Refused, refused),
                (AttemptOutcome::Unanswered, unanswered),
            ] {
                let labels = [("endpoint", &**endpoint), ("outcome", outcome.as_str())];
                text.sample("delivery_attempts_total", &labels, count);
            }
        }
        let name = "delivery_attempt_duration_seconds";
        text.family(name, "histogram", "How long attempts to deliver took, by endpoint.");
        for (endpoint, attempts) in &attempts {
            let mut cumulative = 0;
            for (bound, count) in BOUNDS_MS.into_iter().zip(attempts.buckets) {
                cumulative += count;
                let labels = [("endpoint", &**endpoint), ("le", &seconds(bound).to_string())];
                text.sample(&format!("{name}_bucket"), &labels, cumulative);
            }
            let all = attempts.count_all();
            text.sample(&format!("{name}_bucket"), &[("endpoint", endpoint), ("le", "+Inf")], all);
            text.sample(&format!("{name}_sum"), &[("endpoint", endpoint)], seconds(attempts.took_ms));
            text.sample(&format!("{name}_count"), &[("endpoint", endpoint)], all);
        }
    }

    fn write_deliveries(&self, text: &mut Families, now: Millis) {
        let of = |no: &i64| (endpoint_id(*no), self.endpoints.get(no).cloned().unwrap_or_default());
        let registered: Vec<_> = self.endpoints.keys().map(of).collect();
        text.family(
            "endpoint_active",
            "gauge",
            "1 where attempts are made; 0 where it is disabled or paused.",
        );
        for (id, endpoint) in &registered {
            text.sample("endpoint_active", &[("endpoint", id)], i32::from(endpoint.is_active));
        }
        let all: Vec<_> =
            registered.into_iter().chain([(DELETED.to_owned(), self.deleted.clone())]).collect();
        text.family("deliveries_pending", "gauge", "Pending deliveries, counted up to 10000 a shard.");
        for (id, endpoint) in &all {
            text.sample("deliveries_pending", &[("endpoint", id)], endpoint.pending);
        }
        text.family("deliveries_dead", "gauge", "Stored dead letters, counted up to 10000 a shard.");
        for (id, endpoint) in &all {
            text.sample("deliveries_dead", &[("endpoint", id)], endpoint.dead);
        }
        let name = "delivery_oldest_pending_age_seconds";
        text.family(
            name,
            "gauge",
            "For how long the oldest pending delivery that was counted has been pending.",
        );
        for (id, endpoint) in &all {
            let age = endpoint.oldest_pending.map_or(0, |since| (now.0 - since.0).max(0));
            text.sample(name, &[("endpoint", id)], seconds(age));
        }
    }
}

impl Families {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string can't fail; so below.
        let _ =
            writeln!(self.0, "# HELP vtryon_webhooks_{name} {help}\n# TYPE vtryon_webhooks_{name} {kind}");
    }

    /// Writes a sample. No value of a label needs to be escaped: they are ids, codes and names of our own.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> = labels.iter().map(|(label, value)| format!(r#"{label}="{value}""#)).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "vtryon_webhooks_{name}{labels} {value}");
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}
