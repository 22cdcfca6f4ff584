//! Attempts to dispatch: what their sender needs, made in one place for first attempts and retries.

use vtryon_webhooks::Millis;

use super::attempts::leases::Lease;
use crate::protocol::delivery::Dispatch;
use crate::protocol::settings::{Endpoint, Settings};

/// An attempt that is leased now.
pub(crate) struct LeasedAttempt<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) delivery: i64,
    pub(crate) replay_count: i64,
    /// The number of the attempt since the last replay, from 1.
    pub(crate) attempt: u32,
    /// What the receiver is told of the event.
    pub(crate) webhook_id: String,
    pub(crate) outcome: String,
    pub(crate) lease: Lease,
    pub(crate) now: Millis,
}

impl LeasedAttempt<'_> {
    /// Returns what the sender of the attempt needs.
    pub(crate) fn dispatch(self) -> Dispatch {
        let endpoint = self.endpoint;
        Dispatch {
            delivery: self.delivery,
            url: endpoint.options.url.clone(),
            secrets: endpoint.secrets_at(self.now),
            headers: endpoint.headers.clone(),
            webhook_id: self.webhook_id,
            outcome: self.outcome,
            replay_count: self.replay_count,
            attempt: self.attempt,
            begin_before: self.lease.begin_before,
            leased_until: self.lease.until,
            options: endpoint.options.attempt.clone(),
            settings_version: self.settings.version,
        }
    }
}
