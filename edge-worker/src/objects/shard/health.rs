//! The health of endpoints, as this shard sees it: written when it changes, not with every delivery.

use vtryon_webhooks::Millis;
use vtryon_webhooks::health::Health;
use vtryon_webhooks::retry::Reply;
use worker::{SqlStorage, console_error};

use super::TaskShard;
use crate::platform::sql::{self, Bind};
use crate::protocol::{DirectoryRequest, EndpointHealth, directory_client};

impl TaskShard {
    pub(super) fn health(&self, endpoint: i64) -> worker::Result<Health> {
        if let Some(health) = self.memory.health.borrow().get(&endpoint) {
            return Ok(*health);
        }
        const FIND: &str =
            "SELECT failing_since, succeeded_at, consecutive_410 FROM health WHERE endpoint = ?";
        let health = sql::first(&self.state.storage().sql(), FIND, &[Bind::Int(endpoint)], |row| Health {
            failing_since: row.maybe_int().map(Millis),
            succeeded_at: row.maybe_int().map(Millis),
            consecutive_410: u32::try_from(row.int()).unwrap_or(u32::MAX),
        })?
        .unwrap_or_default();
        self.remember_health(endpoint, health);
        Ok(health)
    }

    /// Returns the health of an endpoint for the directory.
    pub(super) fn endpoint_health(&self, endpoint: i64) -> worker::Result<EndpointHealth> {
        let Health { failing_since, succeeded_at, consecutive_410 } = self.health(endpoint)?;
        Ok(EndpointHealth { failing_since, succeeded_at, consecutive_410 })
    }

    /// Forgets the health of an endpoint: its URL has changed, or it was enabled again.
    pub(super) fn forget_health(&self, sql: &SqlStorage, endpoint: i64) -> worker::Result<()> {
        self.memory.health.borrow_mut().remove(&endpoint);
        self.memory.cooling_down.borrow_mut().remove(&endpoint);
        sql::run(sql, "DELETE FROM health WHERE endpoint = ?", &[Bind::Int(endpoint)])
    }

    /// Returns the health of an endpoint after an answer, or after none.
    pub(super) fn health_after(
        &self,
        endpoint: i64,
        reply: Option<Reply>,
        at: Millis,
    ) -> worker::Result<Health> {
        Ok(self.health(endpoint)?.after(reply, at))
    }

    pub(super) fn write_health(&self, sql: &SqlStorage, endpoint: i64, health: Health) -> worker::Result<()> {
        const PUT: &str =
            "INSERT INTO health (endpoint, failing_since, succeeded_at, consecutive_410) VALUES (?, ?, ?, ?)
            ON CONFLICT (endpoint) DO UPDATE SET failing_since = excluded.failing_since,
                succeeded_at = excluded.succeeded_at, consecutive_410 = excluded.consecutive_410";
        if self.health(endpoint)? == health {
            return Ok(());
        }
        let binds = [
            Bind::Int(endpoint),
            Bind::MaybeInt(health.failing_since.map(|at| at.0)),
            Bind::MaybeInt(health.succeeded_at.map(|at| at.0)),
            Bind::Int(health.consecutive_410.into()),
        ];
        sql::run(sql, PUT, &binds)
    }

    pub(super) fn remember_health(&self, endpoint: i64, health: Health) {
        self.memory.health.borrow_mut().insert(endpoint, health);
    }

    /// Reports endpoints that should be disabled to the directory, in every run until it has confirmed.
    ///
    /// Only endpoints that have failed since `started`: that nothing was attempted for days proves nothing.
    pub(super) async fn report_unhealthy_endpoints(
        &self,
        started: Millis,
        now: Millis,
    ) -> worker::Result<()> {
        let settings = self.settings();
        let enabled = settings.endpoints.iter().filter(|endpoint| endpoint.enabled);
        for endpoint in enabled.filter(|endpoint| self.is_cooling_down(endpoint.no, started)) {
            let Some(reason) = self.health(endpoint.no)?.verdict(now) else { continue };
            let report = DirectoryRequest::ReportUnhealthy {
                endpoint: endpoint.no,
                reason: reason.as_str().to_owned(),
            };
            if !directory_client::send(&self.env, &report)
                .await
                .is_ok_and(|answer| answer.status_code() == 200)
            {
                console_error!("the directory did not confirm that an endpoint is {}", reason.as_str());
            }
        }
        Ok(())
    }
}
