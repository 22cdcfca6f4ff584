//! Conditions that somebody should be alerted of. They are stored in the commit that meets them, a row for each kind and
//! endpoint, and reported to the directory by the alarm.

use std::collections::BTreeSet;

use vtryon_webhooks::Millis;
use vtryon_webhooks::health::Health;

use crate::protocol::directory::conditions::{Condition, ConditionKind};
use crate::protocol::settings::Endpoint;
use crate::storage::database::{Bind, Database};
use crate::{Context, Result};

/// How long a condition that is met outside of the alarm waits for others, in seconds of machine time: a report is a
/// call of the directory.
const BATCHED_FOR_SECONDS: i64 = 2;

/// After how many seconds of machine time an unconfirmed report is repeated. No run of the alarm does it earlier: it makes no
/// attempt while it waits for a directory that hangs.
const REPORT_AGAIN_AFTER_SECONDS: i64 = 60;

/// The kinds that tell whether an endpoint is down.
const OF_HEALTH: [ConditionKind; 2] = [ConditionKind::EndpointDown, ConditionKind::EndpointUp];

/// Notes a condition about an endpoint, or about none: at a time after those of the endpoint that were noted before, also
/// where the clock was set back.
pub(crate) fn note(db: &dyn Database, kind: ConditionKind, endpoint: i64, at: Millis) -> Result<()> {
    const NOTE: &str =
        "INSERT INTO conditions (kind, endpoint, count, at) VALUES (?1, ?2, 1, MAX(?3, COALESCE(
            (SELECT MAX(at) + 1 FROM conditions WHERE endpoint = ?2 AND kind <> ?1), ?3)))
        ON CONFLICT (kind, endpoint) DO UPDATE SET count = count + 1, at = excluded.at";
    db.run(NOTE, &[Bind::Text(kind.as_str()), Bind::Int(endpoint), Bind::Int(at.0)])
}

/// Forgets whether an endpoint is down: its URL has changed, or it was enabled, resumed or deleted.
pub(crate) fn forget_health(db: &dyn Database, endpoint: i64) -> Result<()> {
    const FORGET: &str = "DELETE FROM conditions WHERE endpoint = ? AND kind IN (?, ?)";
    let [down, up] = OF_HEALTH.map(ConditionKind::as_str);
    db.run(FORGET, &[Bind::Int(endpoint), Bind::Text(down), Bind::Text(up)])
}

/// Returns what an attempt at an endpoint shows: that it is down, or up again. Nothing is reported of
/// an alert destination: the alert would be sent to it.
pub(crate) fn of_attempt(endpoint: &Endpoint, before: Health, after: Health) -> Option<ConditionKind> {
    match (before.is_down(), after.is_down()) {
        _ if endpoint.options.is_alert_destination() => None,
        (false, true) => Some(ConditionKind::EndpointDown),
        (true, false) => Some(ConditionKind::EndpointUp),
        (false, false) | (true, true) => None,
    }
}

/// Returns what was met since the last report, in the order of the times.
pub(crate) fn all(db: &dyn Database) -> Result<Vec<Condition>> {
    const ALL: &str = "SELECT kind, endpoint, count, at FROM conditions ORDER BY at, kind, endpoint";
    db.all(ALL, &[], |row| Condition {
        kind: row.text(),
        endpoint: row.int(),
        count: row.int(),
        at: Millis(row.int()),
    })
}

/// When the alarm reports what is stored.
#[derive(Default)]
pub(crate) struct Reports {
    /// None where there is nothing to report.
    pub(crate) due_at: Option<Millis>,
    /// When the report was begun that the directory has not confirmed.
    begun_at: Option<Millis>,
    /// The endpoints whose health was forgotten since the last report began: what is stored of it came later.
    forgotten: BTreeSet<i64>,
}

impl Reports {
    /// What an earlier instance has left is reported at once.
    pub(crate) fn load(context: &Context<'_>) -> Result<Self> {
        Ok(Self { due_at: (!all(context.db)?.is_empty()).then_some(context.now), ..Self::default() })
    }

    /// Schedules a report of what was just noted. Returns when the alarm is needed for it.
    pub(crate) fn schedule(&mut self, context: &Context<'_>) -> Millis {
        let batched_for = context.deployment.machine_seconds(BATCHED_FOR_SECONDS);
        let due_at = context.now.plus_millis(self.pause_left(context).unwrap_or(batched_for));
        self.due_at = Some(due_at);
        due_at
    }

    /// Returns what is to be reported now, and schedules the next report in case that the directory does not confirm it.
    pub(crate) fn begin(&mut self, context: &Context<'_>) -> Result<Vec<Condition>> {
        if let Some(left) = self.pause_left(context) {
            self.due_at = Some(context.now.plus_millis(left));
            return Ok(Vec::new());
        }
        let conditions = all(context.db)?;
        self.begun_at = (!conditions.is_empty()).then_some(context.now);
        self.due_at = self.begun_at.map(|begun_at| begun_at.plus_millis(pause(context)));
        self.forgotten.clear();
        Ok(conditions)
    }

    /// Returns for how many milliseconds an unconfirmed report is not repeated yet.
    fn pause_left(&self, context: &Context<'_>) -> Option<i64> {
        self.begun_at.and_then(|begun_at| begun_at.remaining(pause(context), context.now))
    }

    /// Notes that the health of an endpoint was forgotten, and that is committed.
    pub(crate) fn forgot_health(&mut self, endpoint: i64) {
        self.forgotten.insert(endpoint);
    }

    /// Forgets conditions that the directory has stored. What was met meanwhile stays.
    pub(crate) fn confirm(&mut self, context: &Context<'_>, conditions: &[Condition]) -> Result<()> {
        const SUBTRACT: &str = "UPDATE conditions SET count = count - ? WHERE kind = ? AND endpoint = ?";
        const FORGET: &str = "DELETE FROM conditions WHERE count <= 0";
        let db = context.db;
        if conditions.is_empty() {
            return Ok(());
        }
        db.transaction(|| {
            for Condition { kind, endpoint, count, .. } in conditions {
                let is_of_health = OF_HEALTH.iter().any(|known| known.as_str() == kind);
                if is_of_health && self.forgotten.contains(endpoint) {
                    continue;
                }
                db.run(SUBTRACT, &[Bind::Int(*count), Bind::Text(kind), Bind::Int(*endpoint)])?;
            }
            db.run(FORGET, &[])
        })?;
        *self = Self::load(context)?;
        Ok(())
    }
}

/// Returns the pause before an unconfirmed report is repeated, in milliseconds of the clock.
fn pause(context: &Context<'_>) -> i64 {
    context.deployment.machine_seconds(REPORT_AGAIN_AFTER_SECONDS)
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;
    use crate::shard::testing;

    #[test]
    fn a_report_that_is_not_confirmed_is_repeated_after_a_pause_and_not_by_each_run() -> Result<()> {
        let (db, deployment) = (&testing::database()?, &testing::deployment()?);
        let mut reports = Reports::default();
        note(db, ConditionKind::DeliveryDead, 1, Millis(5))?;
        for (now, reported, due_at, why) in [
            (10, 1, 60_010, "the first report"),
            (11, 0, 60_010, "a run that follows at once"),
            (60_009, 0, 60_010, "the pause is not over"),
            (60_010, 1, 120_010, "it is over"),
            (60_011, 0, 120_010, "a second pause"),
            (60_000, 1, 120_000, "the clock was set back"),
        ] {
            let context = Context { db, deployment, now: Millis(now) };
            assert_eq!(reports.begin(&context)?.len(), reported, "{now}: {why}");
            assert_eq!(reports.due_at, Some(Millis(due_at)), "{now}: {why}");
        }
        Ok(())
    }

    #[test]
    fn what_is_met_is_reported_in_its_order_also_where_the_clock_was_set_back() -> Result<()> {
        let (down, up) = (ConditionKind::EndpointDown, ConditionKind::EndpointUp);
        for (name, met, order) in [
            ("one after the other", &[(down, 1000), (up, 2000)][..], [down, up]),
            ("in the same millisecond", &[(up, 1000), (down, 1000)], [up, down]),
            ("after the clock was set back", &[(down, 1000), (up, 500)], [down, up]),
            ("once more, after it was set back", &[(down, 1000), (up, 2000), (down, 500)], [up, down]),
        ] {
            let db = &testing::database()?;
            for (kind, at) in met {
                note(db, *kind, 1, Millis(*at))?;
            }
            let found: Vec<_> = all(db)?.into_iter().map(|condition| condition.kind).collect();
            assert_eq!(found, order.map(ConditionKind::as_str), "{name}");
        }
        Ok(())
    }

    #[test]
    fn what_is_not_confirmed_is_reported_again_and_what_is_met_meanwhile_stays() -> Result<()> {
        let (db, deployment) = (&testing::database()?, &testing::deployment()?);
        let at = |now: i64| Context { db, deployment, now: Millis(now) };
        let met = |now: i64| note(db, ConditionKind::DeliveryDead, 1, Millis(now));
        let mut reports = Reports::load(&at(0))?;
        assert_eq!(reports.due_at, None, "there is nothing to report");
        met(5)?;
        let batched = Millis(5 + BATCHED_FOR_SECONDS * 1000);
        assert_eq!((reports.schedule(&at(5)), reports.due_at), (batched, Some(batched)));
        let reported = reports.begin(&at(10))?;
        assert_eq!(reports.due_at, Some(Millis(10 + REPORT_AGAIN_AFTER_SECONDS * 1000)));
        met(20)?;
        reports.confirm(&at(30), &reported)?;
        assert_eq!(reports.due_at, Some(Millis(30)), "one was met meanwhile");
        let left = reports.begin(&at(30))?;
        assert_eq!(left.iter().map(|condition| condition.count).collect::<Vec<_>>(), [1]);
        reports.confirm(&at(40), &left)?;
        assert_eq!((reports.due_at, reports.begin(&at(40))?.len()), (None, 0));
        Ok(())
    }
}
