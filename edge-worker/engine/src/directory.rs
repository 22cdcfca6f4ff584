//! The directory: what it decides and stores of endpoints, range replays, rejections, Vtryon's secrets, tokens, and the
//! audit trail of changes.
//!
//! It is never on the path of an event: shards use the settings that they have. A request, or a run of the alarm, is begun
//! here, and a [`Step`] says what the shell has to do for it, and where it goes on.

pub mod alerts;
pub mod audit;
pub mod endpoints;
mod input;
pub mod rejections;
pub mod replays;
mod requests;
mod schema;
pub mod secrets;
pub mod settings;
pub mod tokens;
pub mod topology;

use vtryon_webhooks::Millis;

pub use self::endpoints::records::{Disabled, EndpointRecord};
pub use self::endpoints::view::{AlertList, ChangedEndpoint, EndpointList, EndpointView, Unreadable};
pub use self::requests::step::{Answer, Effects, NewSecret, Pushed, ShardAnswers, Step, Then, VtryonSecrets};
pub use self::secrets::SealedSecret;

use crate::alarm::{Alarm, MIN_ALARM_DELAY_MS};
use crate::log::Log;
use crate::protocol::DirectoryCall;
use crate::protocol::directory::rejection::Rejection;
use crate::storage::database::Database;
use crate::storage::meta;
use crate::{Context, Failure, Result};

/// The version of the schema.
pub const SCHEMA: usize = schema::MIGRATIONS.len();

/// How many milliseconds pass between two diagnoses of what isolates report: in a flood there are many of them.
const DIAGNOSIS_PAUSE: i64 = 2000;

/// After how many seconds something is sent again that not all shards have confirmed.
const SEND_AGAIN_AFTER_SECONDS: i64 = 5;

/// What an instance of the directory remembers beside its database.
pub struct Directory {
    /// When it last saw to it that Vtryon's secrets are remembered.
    secrets_seen_at: Option<Millis>,
    /// When it last looked for the mistakes behind rejections that were reported.
    diagnosed_at: Option<Millis>,
    alarm: Alarm,
    log: Log,
}

impl Directory {
    /// Brings the schema up to date, and begins without memories.
    pub fn open(db: &dyn Database) -> Result<Self> {
        db.transaction(|| meta::migrate(db, schema::MIGRATIONS))?;
        Ok(Self { secrets_seen_at: None, diagnosed_at: None, alarm: Alarm::default(), log: Log::default() })
    }

    /// Begins to answer a request.
    ///
    /// # Errors
    /// A refusal, and a fault of the database.
    pub fn request(&mut self, context: &Context<'_>, call: DirectoryCall) -> Result<Step, Failure> {
        requests::begin(self, context, call)
    }

    /// Begins a run of the alarm: pushes settings and sends alerts that shards have not confirmed. Whether it fails or not,
    /// [`Directory::end_alarm`] ends it.
    ///
    /// # Errors
    /// A refusal, and a fault of the database.
    pub fn run_alarm(&mut self, context: &Context<'_>) -> Result<Step, Failure> {
        requests::run_alarm(self, context)
    }

    /// Returns what a decision has left to do.
    pub fn take_effects(&mut self) -> Effects {
        let (log, faults) = self.log.take();
        Effects { alarm: self.alarm.take_wanted(), faults, log }
    }

    /// Ends a run of the alarm, and returns when to set it. It is set once more, though it may have been set during the run:
    /// whether such an alarm comes is not documented.
    ///
    /// # Errors
    /// A fault of the database; so for the other methods.
    pub fn end_alarm(&mut self, db: &dyn Database, now: Millis, clock_scale: i64) -> Result<Option<Millis>> {
        self.alarm.forget();
        self.set_alarm(db, now, clock_scale)?;
        Ok(self.alarm.take_wanted())
    }

    /// Sets the alarm for settings and alerts that shards have not confirmed, and for the next alert. It is never set for a
    /// later time than before: who asks again and again would keep it from ever running. The clock runs `clock_scale` times
    /// faster than the machine.
    pub fn set_alarm(&mut self, db: &dyn Database, now: Millis, clock_scale: i64) -> Result<()> {
        if self.alarm.needs_repair(now, clock_scale) {
            self.alarm.forget();
        }
        self.alarm.set_for_next(next_due(db, now, clock_scale))
    }

    /// Notes that the alarm could not be set.
    pub const fn alarm_failed(&mut self) {
        self.alarm.failed();
    }

    /// Notes that the alarm runs. It may be set meanwhile: a run waits for all shards, and a change sets the alarm in its own
    /// commit.
    pub const fn begin_alarm(&mut self) {
        self.alarm.forget();
    }

    /// Returns whether the configured secrets are to be remembered again.
    pub fn secrets_are_due(&self, now: Millis) -> bool {
        self.secrets_seen_at.is_none_or(|seen| !secrets::is_fresh(seen, now))
    }

    /// Notes that the configured secrets have been remembered.
    pub const fn note_secrets(&mut self, now: Millis) {
        self.secrets_seen_at = Some(now);
    }

    /// Returns whether the mistakes behind a report are looked for now, and notes it.
    pub fn begin_diagnosis(&mut self, rejections: &[Rejection], now: Millis) -> bool {
        let is_due = self.diagnosed_at.is_none_or(|at| at.remaining(DIAGNOSIS_PAUSE, now).is_none())
            && rejections.iter().any(|rejection| rejections::is_of_signature(&rejection.code));
        if is_due {
            self.diagnosed_at = Some(now);
        }
        is_due
    }
}

/// Returns when the alarm is needed next.
fn next_due(db: &dyn Database, now: Millis, clock_scale: i64) -> Result<Option<Millis>> {
    let again = now.plus_seconds(SEND_AGAIN_AFTER_SECONDS * clock_scale);
    let settings = settings::has_unconfirmed(db)?.then_some(again);
    let alerts = alerts::next_due(db, now.plus_millis(MIN_ALARM_DELAY_MS * clock_scale), again)?;
    Ok([settings, alerts].into_iter().flatten().min())
}
