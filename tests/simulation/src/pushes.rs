//! Settings on their way from the directory to the shards: pushes are lost, come in any order, and are repeated.

use vtryon_gateway_engine::directory::Directory;
use vtryon_gateway_engine::directory::settings::{self, Applied};
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::settings::Settings;

use crate::coverage::{CrashPoint, Decision, Loss};
use crate::violation::ensure;
use crate::world::World;

/// Settings on their way to the shards.
pub struct Push {
    settings: Settings,
    waiting: Vec<usize>,
    confirmed: u32,
}

impl World {
    pub fn begin_push(&mut self) -> Option<()> {
        let settings = self.current_settings()?;
        let waiting = (0..self.shards.len()).collect();
        self.directory.pushes.push(Push { settings, waiting, confirmed: 0 });
        Some(())
    }

    /// Returns the settings as the directory has them.
    pub fn current_settings(&mut self) -> Option<Settings> {
        self.direct(Decision::Change, |context| Ok(settings::current(context)?))
    }

    /// Pushes settings to one more shard, or notes that all have confirmed.
    pub fn advance_push(&mut self) {
        if self.directory.alarm.is_some_and(|at| at <= self.now) {
            self.directory.alarm = None;
            self.directory.engine.iter_mut().for_each(Directory::begin_alarm);
            if self.direct(Decision::Change, |context| Ok(settings::has_unconfirmed(context.db)?))
                == Some(true)
            {
                self.begin_push();
            }
            self.send_alerts();
        }
        if self.directory.pushes.is_empty() {
            return;
        }
        let index = self.random.index(self.directory.pushes.len());
        if self.random.chance(self.regime.losses) {
            self.coverage.crash(CrashPoint::Lost(Loss::Push));
            self.directory.pushes.swap_remove(index);
            return;
        }
        let push = &mut self.directory.pushes[index];
        if push.waiting.is_empty() {
            let push = self.directory.pushes.swap_remove(index);
            let applied = Applied { applied: push.confirmed, shards: self.regime.shards };
            self.direct(Decision::ConfirmSettings, |context| {
                Ok(settings::confirm(context.db, push.settings.version, applied)?)
            });
            return;
        }
        let at = self.random.index(push.waiting.len());
        let shard = push.waiting.swap_remove(at);
        let settings = push.settings.clone();
        let known = self.shards[shard].settings.version;
        // It counts once it is stored, whether the directory learns of it or not.
        let answer = self.call(shard, Decision::Configure, ShardRequest::Configure(settings.clone()), &[]);
        let stored = self.shards[shard].db.integer("SELECT COALESCE(MAX(version), 0) FROM settings", &[]);
        ensure!(stored >= known, "settings never go back", "from {known} to {stored}");
        if stored == settings.version && stored > known {
            self.shards[shard].settings = settings;
        }
        if answer.is_some() {
            let version = self.shards[shard].settings.version;
            ensure!(stored == version, "confirmed settings are in force", "{stored} instead of {version}");
            // The shard may have died meanwhile, and the push with the directory.
            if let Some(push) = self.directory.pushes.get_mut(index) {
                push.confirmed += 1;
            }
        }
    }
}
