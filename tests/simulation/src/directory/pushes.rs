//! Settings on their way from the directory to the shards: pushes are lost, come in any order, and are repeated.

use vtryon_gateway_engine::directory::{Directory, Pushed, Then, settings};
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::settings::Settings;
use vtryon_gateway_engine::text::json;

use crate::coverage::{CrashPoint, Decision, Loss};
use crate::directory::requests::{Change, Done};
use crate::violation::ensure;
use crate::world::World;

/// Settings on their way to the shards.
pub struct Push {
    settings: Settings,
    waiting: Vec<usize>,
    pushed: Pushed,
    then: Then<Pushed>,
    /// The change that they are pushed for; none where the alarm pushes them.
    change: Option<Change>,
}

impl Push {
    pub fn new(settings: Settings, shards: usize, then: Then<Pushed>, change: Option<Change>) -> Self {
        let pushed = Pushed { confirmed: 0, in_force: settings.version };
        Self { settings, waiting: (0..shards).collect(), pushed, then, change }
    }
}

impl World {
    /// Returns the settings as the directory has them.
    pub fn current_settings(&mut self) -> Option<Settings> {
        self.direct(Decision::Change, |_, context| Ok(settings::current(context)?))
    }

    /// Pushes settings to one more shard, or ends a push that all have confirmed.
    pub fn advance_push(&mut self) {
        let now = self.directory_clock();
        if self.directory.alarm.is_some_and(|at| at <= now) && !self.directory.is_alarm_running {
            self.run_directory_alarm();
        }
        if self.directory.pushes.is_empty() {
            return;
        }
        let index = self.random.index(self.directory.pushes.len());
        if self.random.chance(self.regime.losses) {
            self.coverage.crash(CrashPoint::Lost(Loss::Push));
            let push = self.directory.pushes.swap_remove(index);
            if push.change.is_none() {
                self.end_directory_alarm();
            }
            return;
        }
        let push = &mut self.directory.pushes[index];
        if push.waiting.is_empty() {
            let push = self.directory.pushes.swap_remove(index);
            return self.end_push(push);
        }
        let at = self.random.index(push.waiting.len());
        let shard = push.waiting.swap_remove(at);
        let (settings, pushed) = (push.settings.clone(), push.settings.version);
        let known = self.shards[shard].settings.version;
        // It counts once it is stored, whether the directory learns of it or not.
        let answer =
            self.call(shard, Decision::Configure, ShardRequest::Configure(json::to_raw(&settings)), &[]);
        let stored = self.shards[shard].db.integer("SELECT COALESCE(MAX(version), 0) FROM settings", &[]);
        ensure!(stored >= known, "settings never go back", "from {known} to {stored}");
        if stored == settings.version && stored > known {
            self.shards[shard].settings = settings;
        }
        if answer.is_some() {
            let version = self.shards[shard].settings.version;
            let are_in_force = stored == version && stored >= pushed;
            ensure!(are_in_force, "confirmed settings are in force", "{stored} instead of {pushed}");
            // The shard may have died meanwhile, and the push with the directory.
            if let Some(Push { pushed, .. }) = self.directory.pushes.get_mut(index) {
                pushed.confirmed += 1;
                pushed.in_force = pushed.in_force.max(version);
            }
        }
    }

    /// Tells the directory who has confirmed, and does the rest of what the settings were pushed for.
    fn end_push(&mut self, Push { pushed, then, mut change, .. }: Push) {
        let is_of_alarm = change.is_none();
        let next = self.resume(Decision::ConfirmSettings, &change, then, pushed);
        let done = next.and_then(|step| self.carry_out(Decision::Change, &mut change, step));
        if let Some(Done::Answered(answer)) = done {
            self.coverage.reach("answered", &answer.status.to_string());
        }
        if is_of_alarm {
            self.end_directory_alarm();
        }
    }

    fn run_directory_alarm(&mut self) {
        self.directory.alarm = None;
        self.directory.is_alarm_running = true;
        self.directory.engine.iter_mut().for_each(Directory::begin_alarm);
        match self.begin(Decision::Change, None, Directory::run_alarm) {
            Some(Done::Pushing) => {}
            Some(Done::Answered(_)) | None => self.end_directory_alarm(),
        }
    }

    /// Ends the run of the alarm, unless its instance has died.
    fn end_directory_alarm(&mut self) {
        if !self.directory.is_alarm_running {
            return;
        }
        let alarm = self.direct(Decision::Change, |directory, context| {
            Ok(directory.end_alarm(context.db, context.now, 1)?)
        });
        self.directory.is_alarm_running = false;
        if let Some(Some(at)) = alarm {
            self.directory.alarm = Some(at);
        }
    }
}
