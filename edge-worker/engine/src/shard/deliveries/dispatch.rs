//! Attempts to dispatch: what their sender needs, made in one place for first attempts and retries.

use vtryon_webhooks::Millis;

use super::leases;
use crate::Deployment;
use crate::protocol::delivery::Dispatch;
use crate::protocol::settings::{Endpoint, Settings};

/// The event of a delivery, as its receiver is told of it.
pub(crate) struct DispatchedEvent {
    pub(crate) webhook_id: String,
    pub(crate) outcome: String,
}

/// Makes the attempt of a delivery that is leased now.
pub(crate) fn make(
    deployment: &Deployment,
    settings: &Settings,
    endpoint: &Endpoint,
    delivery: i64,
    (replay_count, attempt): (i64, u32),
    event: DispatchedEvent,
    now: Millis,
) -> Dispatch {
    Dispatch {
        delivery,
        url: endpoint.options.url.clone(),
        secrets: endpoint.secrets_at(now),
        headers: endpoint.headers.clone(),
        webhook_id: event.webhook_id,
        outcome: event.outcome,
        replay_count,
        attempt,
        begin_before: leases::begins_before(deployment, now),
        leased_until: leases::over_at(deployment, endpoint.options.timeout_seconds, now),
        timeout_seconds: endpoint.options.timeout_seconds,
        settings_version: settings.version,
    }
}
