//! What is configured for a shard: which one of how many it is, and the settings as the directory last sent them. They are
//! one row, so that an event finds them where it is stored.

pub(crate) mod topology;

use serde_json::value::RawValue;

use self::topology::{KnownTopology, ShardIndex};
use super::{Shard, conditions, deliveries};
use crate::protocol::delivery::{delivery_id, endpoint_of};
use crate::protocol::settings::limits::{Limits, Rate};
use crate::protocol::settings::{Endpoint, Settings, endpoint_id};
use crate::storage::database::{Bind, Database, Row};
use crate::text::json;
use crate::{Context, Result};

/// What a shard knows of itself and of the endpoints.
#[derive(Default)]
pub(crate) struct Config {
    pub(crate) topology: KnownTopology,
    pub(crate) settings: Settings,
}

impl Config {
    /// Reads what is stored.
    pub(crate) fn load(db: &dyn Database) -> Result<Self> {
        let doc = db.first("SELECT doc FROM settings WHERE no = 1", &[], Row::text)?;
        let settings = doc.map_or_else(|| Ok(Settings::default()), |doc| json::read(&doc))?;
        Ok(Self { topology: KnownTopology::load(db)?, settings })
    }

    /// Returns the part of an endpoint's limits that this shard has, with spans in milliseconds of the clock.
    pub(crate) fn limits(&self, context: &Context<'_>, endpoint: &Endpoint) -> Limits {
        // Before the first call there are no settings either.
        let ShardIndex { shard, shards } = self.topology.index().unwrap_or(ShardIndex::ONLY);
        let Limits { max_in_flight, rate } = Limits::of(&endpoint.options, shard, shards);
        let on_clock = |rate: Rate| Rate { span_ms: context.deployment.machine_millis(rate.span_ms), ..rate };
        Limits { max_in_flight, rate: rate.map(on_clock) }
    }

    /// Returns the public ids of a delivery and its endpoint.
    pub(crate) fn ids(&self, delivery: i64) -> (String, String) {
        let shard = self.topology.number().unwrap_or(0);
        (delivery_id(shard, delivery), endpoint_id(endpoint_of(delivery)))
    }
}

impl Shard {
    /// Stores settings from the directory, unless they are older than the stored ones; returns the version in force. They
    /// are stored as they came: a later version of the code reads what this one does not know.
    pub(crate) fn configure(&mut self, context: &Context<'_>, doc: &RawValue) -> Result<i64> {
        const PUT: &str = "INSERT INTO settings (no, version, doc) VALUES (1, ?, ?)
            ON CONFLICT (no) DO UPDATE SET version = excluded.version, doc = excluded.doc";
        let (db, known) = (context.db, &self.config.settings);
        let settings: Settings = json::read(doc.get())?;
        if settings.version <= known.version {
            return Ok(known.version);
        }
        let is_judged_anew = |endpoint: &&Endpoint| {
            known.endpoint(endpoint.no).is_none_or(|before| before.health_since != endpoint.health_since)
        };
        let judged_anew = settings.active().filter(is_judged_anew).map(|endpoint| endpoint.no);
        let forgotten: Vec<i64> = judged_anew.chain(self.attempts.health.of_deleted(&settings)).collect();
        // Before anything is committed: a fault after it would leave the alarm as it is, and no push would come again.
        self.attempts.throttle.find_leased(context, &settings)?;
        let health = &mut self.attempts.health;
        db.transaction(|| {
            db.run(PUT, &[Bind::Int(settings.version), Bind::Text(doc.get())])?;
            for endpoint in &forgotten {
                health.delete(db, *endpoint)?;
                conditions::forget_health(db, *endpoint)?;
            }
            deliveries::replays::accept(db, &settings, self.last_seq)
        })?;
        for endpoint in forgotten {
            health.forget(endpoint);
            self.reports.forgot_health(endpoint);
        }
        let version = settings.version;
        self.config.settings = settings;
        // Deliveries to an endpoint that was enabled or resumed may be due, and a range may have to be enqueued.
        self.schedule_alarm(context, 0);
        Ok(version)
    }
}
