//! Changes: stored where this is the directory of the deployment, and pushed to all shards before they are answered.

use super::{By, Next, schedule_alarm};
use crate::directory::Directory;
use crate::directory::endpoints::records;
use crate::directory::requests::step::{Pushed, Step};
use crate::directory::settings::{self, Applied, SettingsChange};
use crate::directory::topology::{self, Purpose};
use crate::protocol::SweepReport;
use crate::{Context, Failure, Result};

/// Compares the number of shards and the placement with what is recorded, or with what shard 0 knows, before the rest.
pub(super) fn check_topology(
    directory: &mut Directory,
    context: &Context<'_>,
    purpose: Purpose,
    then: impl FnOnce(&mut Directory, &Context<'_>) -> Next + 'static,
) -> Next {
    let checked = topology::check(context.db, context.deployment.topology(), purpose);
    if let Err(Failure::Refused(refusal)) = &checked {
        // Whoever operates the gateway has to know, and not only whoever asks.
        directory.log.fault(Some(refusal.message.to_string().into()));
    }
    let Some(question) = checked? else { return then(directory, context) };
    let record = move |directory: &mut Directory, context: &Context<'_>, answer: Option<String>| {
        topology::record(context.db, context.deployment.topology(), answer.as_deref())?;
        then(directory, context)
    };
    Ok(Step::AskShardZero { question, then: Box::new(record) })
}

/// Stores a change of the settings where this is the directory of the deployment, and has it pushed. `decide` returns what
/// becomes of what is stored, and `change` what of that is to be stored: where it is nothing, no shard has to confirm it.
pub(super) fn commit<T: 'static>(
    directory: &mut Directory,
    context: &Context<'_>,
    decide: impl Fn(&Context<'_>) -> Result<T, Failure> + 'static,
    change: fn(&T) -> Option<SettingsChange<'_>>,
    by: By,
    then: impl FnOnce(&mut Directory, &Context<'_>, T, Applied) -> Next + 'static,
) -> Next {
    let shards = context.deployment.shards.count();
    let unchanged = Applied { applied: shards, shards };
    // Before anything is fixed: what is refused, or changes nothing, does not fix the number of shards.
    let decided = decide(context)?;
    if change(&decided).is_none() {
        return then(directory, context, decided, unchanged);
    }
    check_topology(directory, context, Purpose::Change, move |directory, context| {
        // Decided again: while shard 0 was asked, another request may have changed what is stored.
        let decided = decide(context)?;
        let Some(change) = change(&decided) else { return then(directory, context, decided, unchanged) };
        settings::commit(context, &change, by.as_ref())?;
        push_change(directory, context, move |directory, context, applied| {
            then(directory, context, decided, applied)
        })
    })
}

/// Has a change pushed that was just stored. What fails from now on is noted, and the change counts as one that no shard has
/// confirmed yet: the alarm, which is set in the same commit, pushes it again.
fn push_change(
    directory: &mut Directory,
    context: &Context<'_>,
    then: impl FnOnce(&mut Directory, &Context<'_>, Applied) -> Next + 'static,
) -> Next {
    schedule_after_change(directory, context);
    push(directory, context, move |directory, context, applied| {
        let applied = applied.unwrap_or_else(|fault| {
            directory.log.fault(Some(format!("a change is stored, and not pushed yet: {fault}").into()));
            Applied { applied: 0, shards: context.deployment.shards.count() }
        });
        then(directory, context, applied)
    })
}

/// Sets the alarm for what a change has made due. Where that fails, the hourly sweep sets it: the change is stored.
pub(super) fn schedule_after_change(directory: &mut Directory, context: &Context<'_>) {
    if let Err(fault) = schedule_alarm(directory, context) {
        directory.log.fault(Some(format!("the alarm is not set: {fault}").into()));
    }
}

/// Has the current settings pushed, for how many shards have confirmed them.
pub(super) fn push(
    directory: &mut Directory,
    context: &Context<'_>,
    then: impl FnOnce(&mut Directory, &Context<'_>, Result<Applied>) -> Next + 'static,
) -> Next {
    let settings = match settings::current(context) {
        Ok(settings) => settings,
        Err(fault) => return then(directory, context, Err(fault)),
    };
    let version = settings.version;
    let confirm = move |directory: &mut Directory, context: &Context<'_>, pushed: Pushed| {
        let applied = confirm(directory, context, version, &pushed);
        then(directory, context, applied)
    };
    Ok(Step::Push { settings, then: Box::new(confirm) })
}

/// Notes that shards have confirmed a version. Where a shard has a newer one, the current settings become the newest, and the
/// alarm pushes them again.
fn confirm(
    directory: &mut Directory,
    context: &Context<'_>,
    version: i64,
    pushed: &Pushed,
) -> Result<Applied> {
    let shards = context.deployment.shards.count();
    if overtake(directory, context, pushed.in_force)? {
        schedule_alarm(directory, context)?;
        return Ok(Applied { applied: 0, shards });
    }
    let applied = Applied { applied: pushed.confirmed, shards };
    settings::confirm(context.db, version, applied)?;
    Ok(applied)
}

/// Compares the settings with those that shards have, of which either may have been restored from an earlier state. What
/// differs is pushed again by the alarm, which is to be set then.
pub(super) fn compare_with_shards(
    directory: &mut Directory,
    context: &Context<'_>,
    report: &SweepReport,
) -> Result<()> {
    if let Some(newest) = report.newest_settings {
        overtake(directory, context, newest)?;
    }
    report.oldest_settings.map_or(Ok(()), |oldest| settings::unconfirm(context.db, oldest))
}

/// Makes the current settings the newest where a shard has newer ones in force. Returns whether that was so.
fn overtake(directory: &mut Directory, context: &Context<'_>, in_force: i64) -> Result<bool> {
    let forgotten = in_force - settings::version(context.db)?;
    if forgotten > 0 {
        // Each endpoint that was forgotten has taken one of these versions, and one number, which shards know.
        records::skip_numbers(context.db, forgotten)?;
    }
    let is_behind = settings::overtake(context.db, in_force)?;
    if is_behind {
        let restored = "it was restored, and shards had newer settings: they are pushed again";
        directory.log.fault(Some(restored.into()));
    }
    Ok(is_behind)
}
