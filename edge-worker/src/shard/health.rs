//! How endpoints fare, as this shard sees it: written when it changes, not with every delivery.

use vtryon_webhooks::Millis;
use vtryon_webhooks::health::Health;
use vtryon_webhooks::retry::Reply;
use worker::{SqlStorage, console_error};

use super::TaskShard;
use crate::sql::{self, Bind};
use crate::stub;
use crate::wire::{Fares, Tell};

impl TaskShard {
    pub(super) fn health(&self, endpoint: i64) -> worker::Result<Health> {
        if let Some(health) = self.memory.health.borrow().get(&endpoint) {
            return Ok(*health);
        }
        const FIND: &str = "SELECT failing_since, succeeded_at, gone FROM health WHERE endpoint = ?";
        let health = sql::first(&self.state.storage().sql(), FIND, &[Bind::Int(endpoint)], |row| Health {
            failing_since: row.maybe_int().map(Millis),
            succeeded_at: row.maybe_int().map(Millis),
            gone: u32::try_from(row.int()).unwrap_or(u32::MAX),
        })?
        .unwrap_or_default();
        self.remember_health(endpoint, health);
        Ok(health)
    }

    /// Tells the directory how an endpoint fares here.
    pub(super) fn fares(&self, endpoint: i64) -> worker::Result<Fares> {
        let Health { failing_since, succeeded_at, gone } = self.health(endpoint)?;
        Ok(Fares { failing_since, succeeded_at, gone })
    }

    /// Forgets how an endpoint fared: it is another one now, or gets another chance.
    pub(super) fn forget_health(&self, sql: &SqlStorage, endpoint: i64) -> worker::Result<()> {
        self.memory.health.borrow_mut().remove(&endpoint);
        self.memory.resting.borrow_mut().remove(&endpoint);
        sql::run(sql, "DELETE FROM health WHERE endpoint = ?", &[Bind::Int(endpoint)])
    }

    /// Tells how an endpoint fares after an answer, or after none.
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
            "INSERT INTO health (endpoint, failing_since, succeeded_at, gone) VALUES (?, ?, ?, ?)
            ON CONFLICT (endpoint) DO UPDATE SET failing_since = excluded.failing_since,
                succeeded_at = excluded.succeeded_at, gone = excluded.gone";
        if self.health(endpoint)? == health {
            return Ok(());
        }
        let binds = [
            Bind::Int(endpoint),
            Bind::MaybeInt(health.failing_since.map(|at| at.0)),
            Bind::MaybeInt(health.succeeded_at.map(|at| at.0)),
            Bind::Int(health.gone.into()),
        ];
        sql::run(sql, PUT, &binds)
    }

    pub(super) fn remember_health(&self, endpoint: i64, health: Health) {
        self.memory.health.borrow_mut().insert(endpoint, health);
    }

    /// Tells the directory of endpoints that should get no more: again and again, until it has said so.
    ///
    /// Only of those that have failed since `started`: that nothing was tried for days says nothing.
    pub(super) async fn complain(&self, started: Millis, now: Millis) -> worker::Result<()> {
        let settings = self.settings();
        let enabled = settings.endpoints.iter().filter(|endpoint| endpoint.enabled);
        for endpoint in enabled.filter(|endpoint| self.is_resting(endpoint.no, started)) {
            let Some(reason) = self.health(endpoint.no)?.verdict(now) else { continue };
            let tell = Tell::Complain { endpoint: endpoint.no, reason: reason.as_str().to_owned() };
            if !stub::tell(&self.env, &tell).await.is_ok_and(|answer| answer.status_code() == 200) {
                console_error!("the directory does not hear that an endpoint is {}", reason.as_str());
            }
        }
        Ok(())
    }
}
