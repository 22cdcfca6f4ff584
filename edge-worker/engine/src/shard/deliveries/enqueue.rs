//! Enqueues the deliveries of an event: one to each endpoint that matches it, in the commit that stores the
//! event.

use vtryon_webhooks::Millis;
use vtryon_webhooks::lifecycle::Outcome;

use super::attempts::Attempts;
use super::attempts::leases::Lease;
use super::dispatch::LeasedAttempt;
use super::end;
use super::ordering::{self, PendingDelivery};
use super::rows::{self, FirstAttempt};
use crate::protocol::IncomingEvent;
use crate::protocol::delivery::{ALERT_OUTCOME, Dispatch, delivery_no};
use crate::protocol::settings::{Endpoint, Settings};
use crate::shard::config::Config;
use crate::storage::database::Database;
use crate::{Context, Result};

/// How many first attempts of an event the Worker makes. It makes them all at once, for each has to begin within its lease:
/// the platform gives a request six connections at a time, and the report of an attempt needs one.
/// <https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections>
const MAX_DISPATCHED: usize = 5;

/// A stored event, as endpoints match and receive it.
pub(crate) struct NewEvent<'a> {
    pub(crate) seq: i64,
    pub(crate) received_at: Millis,
    /// What it is to its task; none for an alert.
    pub(crate) outcome: Option<Outcome>,
    pub(crate) name: &'a str,
    pub(crate) status: Option<&'a str>,
    pub(crate) webhook_id: String,
    /// The event of the same task before it.
    pub(crate) previous: Option<i64>,
    pub(crate) recipients: Recipients<'a>,
}

/// Which endpoints an event goes to.
pub(crate) enum Recipients<'a> {
    /// All whose filters match it.
    Matching,
    /// These alone. Of a test, somebody waits for the first attempts.
    Only { endpoints: &'a [i64], is_test: bool },
}

impl<'a> Recipients<'a> {
    /// Returns who receives an event. One that is imported has been delivered where it comes from.
    fn of(incoming: &'a IncomingEvent) -> Self {
        match (&incoming.target_endpoint, incoming.imported_at) {
            (_, Some(_)) => Self::Only { endpoints: &[], is_test: false },
            (Some(target), None) => Self::Only { endpoints: std::slice::from_ref(target), is_test: true },
            (None, None) => Self::Matching,
        }
    }
}

impl<'a> NewEvent<'a> {
    /// Describes an event that Vtryon has sent, or that is imported. `digest` is that of its body, where it is stored once by
    /// its content.
    pub(crate) fn of(
        incoming: &'a IncomingEvent,
        seq: i64,
        outcome: Outcome,
        digest: &'a str,
        previous: Option<i64>,
    ) -> Self {
        let content = &incoming.content;
        Self {
            seq,
            received_at: incoming.received_at,
            outcome: Some(outcome),
            name: content.name().unwrap_or_default(),
            status: content.status(),
            webhook_id: content.identity(digest).webhook_id(),
            previous,
            recipients: Recipients::of(incoming),
        }
    }
}

impl NewEvent<'_> {
    /// Returns the name of its outcome, as it is stored and sent.
    pub(crate) fn outcome_name(&self) -> &'static str {
        self.outcome.map_or(ALERT_OUTCOME, Outcome::as_str)
    }

    fn goes_to(&self, endpoint: &Endpoint) -> bool {
        match &self.recipients {
            _ if !endpoint.options.enabled => false,
            Recipients::Only { endpoints, .. } => endpoints.contains(&endpoint.no),
            Recipients::Matching if endpoint.options.is_alert_destination() => false,
            Recipients::Matching => {
                self.outcome.is_some_and(|outcome| endpoint.filter().matches(outcome, self.name, self.status))
            }
        }
    }
}

/// The deliveries of an event.
#[derive(Default)]
pub(crate) struct Enqueued {
    /// The attempts that the Worker makes after its 200.
    pub(crate) dispatch_now: Vec<Dispatch>,
    /// Whether more is enqueued, which is the alarm's.
    pub(crate) deferred: bool,
}

/// Inserts the deliveries of an event. Returns the attempts that the Worker makes now. Deliveries that wait
/// for an earlier one of the task, go to an endpoint that is paused, failing, at its limits or may take too long for the
/// Worker, or are more than it makes at once, are deferred to the alarm.
pub(crate) fn enqueue(
    context: &Context<'_>,
    config: &Config,
    attempts: &Attempts,
    event: &NewEvent<'_>,
) -> Result<Enqueued> {
    let (db, settings) = (context.db, &config.settings);
    let matching_endpoints = settings.endpoints.iter().filter(|endpoint| event.goes_to(endpoint));
    let mut pending: Option<Vec<PendingDelivery>> = None;
    let mut enqueued = Enqueued::default();
    for endpoint in matching_endpoints {
        let pending = match (&mut pending, event.previous) {
            (Some(pending), _) => pending,
            (None, None) => pending.insert(Vec::new()),
            (None, Some(last_seq)) => pending.insert(ordering::of_task(db, last_seq)?),
        };
        let older = pending.iter().filter(|older| older.endpoint() == endpoint.no);
        // An endpoint that is failing may hang: the alarm attempts it without delaying others. A test has somebody
        // waiting for it, so it is attempted now in any case, beyond the limits too; nobody waits for an alert.
        let is_left_to_alarm = match event.recipients {
            Recipients::Only { is_test, .. } => !is_test,
            Recipients::Matching => attempts.must_defer(context, config, endpoint, event.received_at)?,
        };
        let is_blocked = supersede_or_block(db, endpoint, older, event)?;
        let is_one_too_many = enqueued.dispatch_now.len() == MAX_DISPATCHED;
        let is_deferred = is_blocked || is_left_to_alarm || is_one_too_many || endpoint.options.paused;
        let no = delivery_no(event.seq, endpoint.no);
        if is_deferred {
            rows::create(db, no, event.received_at, FirstAttempt::Due(event.received_at))?;
            enqueued.deferred = true;
        } else {
            let attempt = first_attempt(context, settings, endpoint, event);
            rows::create(db, no, event.received_at, FirstAttempt::Leased(attempt.leased_until))?;
            enqueued.dispatch_now.push(attempt);
        }
    }
    Ok(enqueued)
}

/// Leases the first attempt of an event's delivery to the Worker.
fn first_attempt(
    context: &Context<'_>,
    settings: &Settings,
    endpoint: &Endpoint,
    event: &NewEvent<'_>,
) -> Dispatch {
    let now = event.received_at;
    let attempt = LeasedAttempt {
        settings,
        endpoint,
        delivery: delivery_no(event.seq, endpoint.no),
        replay_count: 0,
        attempt: 1,
        webhook_id: event.webhook_id.clone(),
        outcome: event.outcome_name().to_owned(),
        lease: Lease::from_now(context.deployment, endpoint.options.attempt.timeout_seconds, now),
        now,
    };
    attempt.dispatch()
}

/// Supersedes older pending deliveries of the task, or expedites those that are not due yet; returns whether one still
/// blocks this delivery.
fn supersede_or_block<'a>(
    db: &dyn Database,
    endpoint: &Endpoint,
    older: impl Iterator<Item = &'a PendingDelivery>,
    event: &NewEvent<'_>,
) -> Result<bool> {
    let mut is_blocked = false;
    for older in older {
        if older.is_leased(event.received_at) {
            is_blocked = true;
        } else if event.outcome.is_some_and(|newer| endpoint.order().supersedes(newer, older.is_applied)) {
            if let Some(older) = rows::find(db, older.no)? {
                end::supersede(db, &older, event.received_at)?;
            }
        } else {
            older.expedite(db, event.received_at)?;
            is_blocked = true;
        }
    }
    Ok(is_blocked)
}
