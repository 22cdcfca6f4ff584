//! The endpoints as the directory last sent them: one row, so that an event finds them where it is stored.

use std::rc::Rc;

use worker::SqlStorage;

use super::TaskShard;
use crate::json;
use crate::platform::sql::{self, Bind, Row};
use crate::protocol::settings::Settings;

impl TaskShard {
    /// Returns the settings that the directory sent last.
    pub(super) fn settings(&self) -> Rc<Settings> {
        Rc::clone(&self.memory.settings.borrow())
    }

    /// Stores settings from the directory, unless they are older than the stored ones; returns the version in
    /// force.
    pub(super) fn configure(&self, settings: Settings) -> worker::Result<i64> {
        const PUT: &str = "INSERT INTO settings (no, version, doc) VALUES (1, ?, ?)
            ON CONFLICT (no) DO UPDATE SET version = excluded.version, doc = excluded.doc";
        let known = self.settings();
        if settings.version <= known.version {
            return Ok(known.version);
        }
        let doc = json::to_string(&settings);
        let storage = self.state.storage();
        let sql = storage.sql();
        sql::transaction(&storage, || {
            sql::run(&sql, PUT, &[Bind::Int(settings.version), Bind::Text(&doc)])?;
            for endpoint in settings.endpoints.iter().filter(|endpoint| endpoint.enabled) {
                let before = known.endpoint(endpoint.no);
                if before.is_none_or(|before| !before.enabled || before.url != endpoint.url) {
                    self.forget_health(&sql, endpoint.no)?;
                }
            }
            self.accept_replays(&sql, &settings)
        })?;
        let version = settings.version;
        *self.memory.settings.borrow_mut() = Rc::new(settings);
        // What was held back for an endpoint may be due, and a range may wait to be replayed.
        self.schedule(0);
        Ok(version)
    }
}

/// Reads the stored settings.
pub(super) fn load(sql: &SqlStorage) -> worker::Result<Settings> {
    let doc = sql::first(sql, "SELECT doc FROM settings WHERE no = 1", &[], Row::text)?;
    doc.map_or_else(|| Ok(Settings::default()), |doc| json::read(&doc))
}
