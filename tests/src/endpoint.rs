use serde::Deserialize;
use vtryon_webhooks::Code;
use vtryon_webhooks::endpoint::{self, Filter, Order, UrlRules};
use vtryon_webhooks::lifecycle::Outcome;

use crate::{judge, same};

#[derive(Deserialize)]
struct Vector {
    name: String,
    why: String,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Kind {
    /// With the host where the URL is taken, and what is said of it where not.
    Url {
        url: String,
        insecure: bool,
        hosts: Vec<String>,
        host: Option<String>,
        says: Option<String>,
    },
    Filter {
        filter: FilterInput,
        outcome: String,
        event: String,
        status: Option<String>,
        takes: bool,
    },
    Order {
        order: String,
        newer: String,
        has_status: bool,
        supersedes: bool,
    },
}

#[derive(Deserialize)]
struct FilterInput {
    statuses: Vec<String>,
    events: Vec<String>,
    unknown: bool,
    quarantined: bool,
}

/// Holds [`vtryon_webhooks::endpoint`] to `endpoint.json`.
pub fn check() -> (usize, Vec<String>) {
    judge(include_str!("../vectors/endpoint.json"), |vector: &Vector| {
        (&vector.name, &vector.why, verdict(&vector.kind))
    })
}

fn verdict(kind: &Kind) -> Result<(), String> {
    match kind {
        Kind::Url { url, insecure, hosts, host, says } => {
            let rules = UrlRules { allow_insecure: *insecure, hosts: hosts.clone() };
            let refusal = rules.check(url).err();
            let said = refusal.map(|error| (error.code(), error.to_string()));
            let should = says.as_ref().map(|says| (Code::InvalidRequest, format!("`url` {says}")));
            same("the refusal", said, should)?;
            let is = if refusal.is_none() { endpoint::host(url) } else { None };
            same("the host", is, host.as_deref())
        }
        Kind::Filter { filter, outcome: name, event, status, takes } => {
            let FilterInput { statuses, events, unknown, quarantined } = filter;
            let filter = Filter {
                statuses: statuses.clone(),
                events: events.clone(),
                unknown: *unknown,
                quarantined: *quarantined,
            };
            same("takes", filter.matches(outcome(name)?, event, status.as_deref()), *takes)
        }
        Kind::Order { order, newer, has_status, supersedes } => {
            let order = Order::from_name(order).ok_or("no such order")?;
            same("supersedes", order.supersedes(outcome(newer)?, *has_status), *supersedes)
        }
    }
}

fn outcome(name: &str) -> Result<Outcome, String> {
    use Outcome::{Applied, Capped, Conflict, Duplicate, Late, Quarantined, Unknown};
    let all = [Applied, Duplicate, Late, Conflict, Unknown, Capped, Quarantined];
    all.into_iter().find(|outcome| outcome.as_str() == name).ok_or_else(|| format!("no outcome is {name}"))
}
