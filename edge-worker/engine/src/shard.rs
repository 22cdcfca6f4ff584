//! A shard: decides on the events of its tasks, stores them, and says what follows from them.

mod alarm;
mod call;
mod capacity;
mod conditions;
mod config;
mod deliveries;
mod events;
mod live;
mod queries;
mod retention;
mod schema;
mod sequence;
#[cfg(all(test, feature = "sqlite"))]
mod testing;
mod tombstone_ids;
mod totals;

use vtryon_webhooks::Millis;

pub use self::config::topology::TopologyCheck;
pub use self::deliveries::schedule::{POLL_DUE_MS, Picked};
pub use self::live::broadcast::Broadcast;
pub use self::live::state::TicketState;
pub use self::live::subscribe::OpenedStream;
pub use self::live::subscriber::{Outgoing, Subscriber};
pub use self::live::{MAX_TICKET_SOCKETS_OF_TASK, TICKET_TAG};

use self::capacity::Capacity;
use self::conditions::Reports;
use self::config::Config;
use self::deliveries::attempts::Attempts;
use self::events::duplicates::Duplicates;
use self::live::audience::Audience;
use self::queries::Commits;
use self::retention::Retention;
use self::totals::TotalsCheckpoint;
use crate::alarm::Alarm;
use crate::log::{Decision, Log};
use crate::storage::database::Row;
use crate::storage::meta;
use crate::{Context, Error, Result};

/// The version of the schema.
pub const SCHEMA: usize = schema::MIGRATIONS.len();

/// What an instance of a shard knows beside its database. All of it is restored by [`Shard::open`], or can be lost.
#[derive(Default)]
pub struct Shard {
    config: Config,
    /// The sequence number of the entry stored last.
    last_seq: i64,
    capacity: Capacity,
    duplicates: Duplicates,
    attempts: Attempts,
    alarm: Alarm,
    retention: Retention,
    commits: Commits,
    totals: TotalsCheckpoint,
    audience: Audience,
    reports: Reports,
    log: Log,
}

/// What has to be done after a decision, by whoever asked for it.
#[derive(Default)]
pub struct Effects {
    /// The time that the alarm has to be set for. [`Shard::alarm_failed`] takes back what could not be set.
    pub alarm: Option<Millis>,
    /// What has to be sent to subscribers, in this order.
    pub broadcasts: Vec<Broadcast>,
    /// Faults that did not fail the decision, for the log.
    pub faults: Vec<Error>,
    /// The decisions, for the log.
    pub log: Vec<Decision>,
}

impl Shard {
    /// Migrates the schema and restores what an instance knows. `subscribers` is the number of open sockets, and
    /// `ticket_holders` how many of them were opened with a ticket.
    ///
    /// # Errors
    /// A fault of the database; so for all other methods.
    pub fn open(context: &Context<'_>, subscribers: usize, ticket_holders: usize) -> Result<Self> {
        const LAST: &str = "SELECT MAX((SELECT COALESCE(MAX(seq), 0) FROM events),
            (SELECT COALESCE(MAX(no), 0) FROM quarantine), (SELECT COALESCE(MAX(seq), 0) FROM replay_log),
            (SELECT COALESCE(MAX(value), 0) FROM meta WHERE name IN ('pruned_to', 'erased_to')))";
        let db = context.db;
        db.transaction(|| meta::migrate(db, schema::MIGRATIONS))?;
        let config = Config::load(db)?;
        let mut shard = Self {
            attempts: Attempts::recover(context, &config.settings)?,
            config,
            totals: TotalsCheckpoint::load(db)?,
            last_seq: db.first(LAST, &[], Row::int)?.unwrap_or(0),
            audience: Audience::new(subscribers, ticket_holders),
            reports: Reports::load(context)?,
            ..Self::default()
        };
        shard.schedule_alarm(context, 0);
        if subscribers > 0 {
            shard.audience.catch_up_missed(db, shard.last_seq)?;
        }
        Ok(shard)
    }

    /// Returns the effects of what was decided since the last time. They are to be executed before anything is
    /// awaited, so that they become part of the same commit.
    pub fn take_effects(&mut self) -> Effects {
        let (log, faults) = self.log.take();
        Effects { alarm: self.alarm.take_wanted(), broadcasts: self.audience.take_broadcasts(), faults, log }
    }

    /// Returns the number of this shard.
    ///
    /// # Errors
    /// It does not know its number before the first call.
    pub fn number(&self) -> Result<u32> {
        self.config.topology.number()
    }

    /// Returns the sequence number of the next stored entry.
    const fn next_seq(&self) -> i64 {
        self.last_seq + 1
    }

    /// Returns what this instance knows otherwise than one that has just been opened on the same database, if anything:
    /// for simulations.
    #[cfg(feature = "sqlite")]
    pub fn differs_from(&self, fresh: &Self) -> Option<String> {
        let (own, other) = (&self.config, &fresh.config);
        let parts = [
            ("the last number", self.last_seq == fresh.last_seq),
            ("the settings", own.settings.version == other.settings.version),
            ("the topology", own.topology == other.topology),
            ("the health of endpoints", self.attempts.health.is_stored_as(&fresh.attempts.health)),
            ("how far totals are counted", self.totals.is_stored_as(&fresh.totals)),
        ];
        let different = parts.iter().find(|(_, is_same)| !is_same).map(|(what, _)| (*what).to_owned());
        different.or_else(|| self.attempts.leases.missing_from(&fresh.attempts.leases))
    }
}
