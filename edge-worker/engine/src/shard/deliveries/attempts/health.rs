//! The health of endpoints as this shard sees it: stored when it changes, not with every delivery.

use std::collections::BTreeMap;

use vtryon_webhooks::Millis;
use vtryon_webhooks::health::Health;

use crate::Result;
use crate::protocol::EndpointHealth;
use crate::protocol::directory::conditions::UnhealthyEndpoint;
use crate::protocol::settings::Settings;
use crate::storage::database::{Bind, Database};

/// The health of each endpoint that has been attempted, and until when those that failed cool down.
#[derive(Default)]
pub(crate) struct EndpointHealths {
    stored: BTreeMap<i64, Health>,
    cooling_down: BTreeMap<i64, Millis>,
}

impl EndpointHealths {
    /// Reads what is stored.
    pub(crate) fn load(db: &dyn Database) -> Result<Self> {
        const ALL: &str =
            "SELECT endpoint, failing_since, succeeded_at, consecutive_410, consecutive_failures FROM health";
        let rows = db.all(ALL, &[], |row| {
            let endpoint = row.int();
            let (failing_since, succeeded_at) = (row.maybe_int().map(Millis), row.maybe_int().map(Millis));
            let mut count = || u32::try_from(row.int()).unwrap_or(u32::MAX);
            let (consecutive_410, consecutive_failures) = (count(), count());
            (endpoint, Health { failing_since, succeeded_at, consecutive_410, consecutive_failures })
        })?;
        Ok(Self { stored: rows.into_iter().collect(), ..Self::default() })
    }

    pub(crate) fn get(&self, endpoint: i64) -> Health {
        self.stored.get(&endpoint).copied().unwrap_or_default()
    }

    pub(crate) fn last_attempt_failed(&self, endpoint: i64) -> bool {
        self.get(endpoint).failing_since.is_some()
    }

    /// Returns the health of an endpoint for the directory.
    pub(crate) fn of_shard(&self, endpoint: i64) -> EndpointHealth {
        let Health { failing_since, succeeded_at, consecutive_410, .. } = self.get(endpoint);
        EndpointHealth { failing_since, succeeded_at, consecutive_410 }
    }

    /// Writes the health of an endpoint where it has changed.
    pub(crate) fn write(&self, db: &dyn Database, endpoint: i64, health: Health) -> Result<()> {
        const PUT: &str =
            "INSERT INTO health (endpoint, failing_since, succeeded_at, consecutive_410, consecutive_failures)
            VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (endpoint) DO UPDATE SET failing_since = excluded.failing_since,
                succeeded_at = excluded.succeeded_at, consecutive_410 = excluded.consecutive_410,
                consecutive_failures = excluded.consecutive_failures";
        if self.get(endpoint) == health {
            return Ok(());
        }
        let binds = [
            Bind::Int(endpoint),
            Bind::MaybeInt(health.failing_since.map(|at| at.0)),
            Bind::MaybeInt(health.succeeded_at.map(|at| at.0)),
            Bind::Int(health.consecutive_410.into()),
            Bind::Int(health.consecutive_failures.into()),
        ];
        db.run(PUT, &binds)
    }

    /// Notes the health that was written where it has changed, once that is committed.
    pub(crate) fn committed(&mut self, endpoint: i64, health: Health) {
        if self.get(endpoint) != health {
            self.stored.insert(endpoint, health);
        }
    }

    /// Returns the endpoints that have been attempted and are not registered any more.
    pub(crate) fn of_deleted<'a>(&'a self, settings: &'a Settings) -> impl Iterator<Item = i64> + 'a {
        self.stored.keys().copied().filter(|endpoint| settings.endpoint(*endpoint).is_none())
    }

    /// Deletes the health of an endpoint: its URL has changed, or it was enabled, resumed or deleted.
    pub(crate) fn delete(&self, db: &dyn Database, endpoint: i64) -> Result<()> {
        db.run("DELETE FROM health WHERE endpoint = ?", &[Bind::Int(endpoint)])
    }

    /// Forgets the health that was deleted, once that is committed.
    pub(crate) fn forget(&mut self, endpoint: i64) {
        self.stored.remove(&endpoint);
        self.cooling_down.remove(&endpoint);
    }

    /// Returns whether another instance has read the same.
    #[cfg(feature = "sqlite")]
    pub(crate) fn is_stored_as(&self, other: &Self) -> bool {
        self.stored == other.stored
    }

    /// Lets an endpoint cool down after a failure.
    pub(crate) fn cool_down(&mut self, endpoint: i64, until: Millis) {
        self.cooling_down.insert(endpoint, until);
    }

    pub(crate) fn is_cooling_down(&self, endpoint: i64, now: Millis) -> bool {
        self.cooled_down_at(endpoint).is_some_and(|until| now < until)
    }

    /// Returns when a delivery can be attempted that is due at a time: once its endpoint has cooled down.
    pub(crate) fn after_cool_down(&self, endpoint: i64, due_at: Millis) -> Millis {
        self.cooled_down_at(endpoint).map_or(due_at, |cooled_down_at| due_at.max(cooled_down_at))
    }

    /// Returns when an endpoint has cooled down.
    fn cooled_down_at(&self, endpoint: i64) -> Option<Millis> {
        self.cooling_down.get(&endpoint).copied()
    }

    /// Returns the endpoints that should be disabled. They are reported in every run of the alarm until the directory has
    /// disabled them.
    ///
    /// Only endpoints that have failed since the run has `started`: that nothing was attempted for days proves nothing.
    pub(crate) fn unhealthy(
        &self,
        settings: &Settings,
        now: Millis,
        started: Millis,
    ) -> Vec<UnhealthyEndpoint> {
        let failed = settings.active().filter(|endpoint| self.is_cooling_down(endpoint.no, started));
        let report = |endpoint: i64| {
            let reason = self.get(endpoint).verdict(now)?.as_str().to_owned();
            Some(UnhealthyEndpoint { endpoint, reason, settings_version: settings.version })
        };
        failed.filter_map(|endpoint| report(endpoint.no)).collect()
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;
    use crate::shard::testing::database;

    const FAILING: Health = Health {
        failing_since: Some(Millis(10)),
        succeeded_at: None,
        consecutive_410: 1,
        consecutive_failures: 2,
    };

    #[test]
    fn what_is_written_is_known_once_it_is_committed_and_read_at_the_next_start() -> Result<()> {
        let db = &database()?;
        let mut healths = EndpointHealths::load(db)?;
        healths.write(db, 1, FAILING)?;
        assert_eq!(healths.get(1), Health::default(), "it may be rolled back");
        assert_eq!(EndpointHealths::load(db)?.get(1), FAILING);
        healths.committed(1, FAILING);
        assert!(healths.last_attempt_failed(1) && !healths.last_attempt_failed(2));
        Ok(())
    }

    #[test]
    fn a_health_that_is_the_same_is_not_written() -> Result<()> {
        let db = &database()?;
        let mut healths = EndpointHealths::default();
        healths.write(db, 1, Health::default())?;
        healths.committed(2, FAILING);
        healths.write(db, 2, FAILING)?;
        assert!(EndpointHealths::load(db)?.stored.is_empty());
        Ok(())
    }

    #[test]
    fn what_is_deleted_is_forgotten_with_its_cool_down() -> Result<()> {
        let db = &database()?;
        let mut healths = EndpointHealths::default();
        healths.write(db, 1, FAILING)?;
        healths.committed(1, FAILING);
        healths.cool_down(1, Millis(50));
        assert!(healths.is_cooling_down(1, Millis(49)) && !healths.is_cooling_down(1, Millis(50)));
        healths.delete(db, 1)?;
        healths.forget(1);
        assert_eq!((healths.get(1), healths.cooled_down_at(1)), (Health::default(), None));
        assert_eq!(EndpointHealths::load(db)?.get(1), Health::default());
        Ok(())
    }
}
