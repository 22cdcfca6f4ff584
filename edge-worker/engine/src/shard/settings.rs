//! The settings as the directory last sent them: one row, so that an event finds them where it is stored.

use std::rc::Rc;

use super::{Shard, conditions};
use crate::database::{Bind, Database, Row};
use crate::protocol::settings::Settings;
use crate::{Context, Result, json};

impl Shard {
    /// Stores settings from the directory, unless they are older than the stored ones; returns the version in force.
    pub(crate) fn configure(&mut self, context: &Context<'_>, settings: Settings) -> Result<i64> {
        const PUT: &str = "INSERT INTO settings (no, version, doc) VALUES (1, ?, ?)
            ON CONFLICT (no) DO UPDATE SET version = excluded.version, doc = excluded.doc";
        let (db, known) = (context.db, self.settings());
        if settings.version <= known.version {
            return Ok(known.version);
        }
        let doc = json::to_string(&settings);
        let is_renewed = |endpoint: i64| {
            known.endpoint(endpoint).zip(settings.endpoint(endpoint)).is_none_or(|(before, after)| {
                !before.options.is_active() || before.options.url != after.options.url
            })
        };
        let active = settings.active();
        let renewed: Vec<i64> = active.map(|endpoint| endpoint.no).filter(|no| is_renewed(*no)).collect();
        db.transaction(|| {
            db.run(PUT, &[Bind::Int(settings.version), Bind::Text(&doc)])?;
            for endpoint in &renewed {
                self.health.delete(db, *endpoint)?;
                conditions::forget_health(db, *endpoint)?;
            }
            self.accept_replays(db, &settings)
        })?;
        let version = settings.version;
        for endpoint in renewed {
            self.health.forget(endpoint, version);
        }
        self.settings = Rc::new(settings);
        self.throttle.find_leased(context, &self.settings)?;
        // Deliveries to an endpoint that was enabled or resumed may be due, and a range may have to be enqueued.
        self.schedule_alarm(context, 0);
        Ok(version)
    }
}

/// Reads the stored settings.
pub(crate) fn load(db: &dyn Database) -> Result<Settings> {
    let doc = db.first("SELECT doc FROM settings WHERE no = 1", &[], Row::text)?;
    doc.map_or_else(|| Ok(Settings::default()), |doc| json::read(&doc))
}
