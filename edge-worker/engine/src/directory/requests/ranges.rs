//! Range replays: requested here, and counted by the shards.

use super::changes::commit;
use super::{By, Next};
use crate::directory::Directory;
use crate::directory::replays::{self, DryRunView, ReplayView, Requested};
use crate::directory::requests::step::Step;
use crate::directory::settings::SettingsChange;
use crate::protocol::ShardRequest;
use crate::protocol::settings::{RangeCount, Replay, ReplayProgress};
use crate::text::json;
use crate::{Context, Result};

/// Begins a range replay. The same key with the same request finds the former one.
pub(super) fn replay(body: String, key: Option<String>, by: By) -> Next {
    let begin = move |directory: &mut Directory, context: &Context<'_>, id| match replays::request(
        context, &body, key, id,
    )? {
        Requested::Known(id) => progress(context, 202, &id),
        Requested::DryRun(replay) => count(replay),
        Requested::New(new) => commit(
            directory,
            context,
            new,
            |new| SettingsChange::Replay(new),
            by,
            |_, context, new, _| progress(context, 202, &new.replay.id),
        ),
    };
    Ok(Step::DrawId { then: Box::new(begin) })
}

/// Answers with what a range would replay.
fn count(replay: Replay) -> Next {
    let question = ShardRequest::CountRange(replay.clone());
    let add_up = move |_: &mut Directory, _: &Context<'_>, answers: Vec<String>| {
        let counts: Vec<RangeCount> = read(&answers)?;
        Step::answer(200, &DryRunView::new(&replay, &counts))
    };
    Ok(Step::AskShards { question, then: Box::new(add_up) })
}

/// Cancels a range: what is not enqueued yet is left out.
pub(super) fn cancel(directory: &mut Directory, context: &Context<'_>, id: String, by: By) -> Next {
    let Some(replay) = replays::cancel(context.db, &id)? else { return progress(context, 200, &id) };
    commit(
        directory,
        context,
        replay,
        |replay| SettingsChange::ChangeReplay(replay),
        by,
        move |_, context, _, _| progress(context, 200, &id),
    )
}

/// Answers with the progress of a range over all shards.
pub(super) fn progress(context: &Context<'_>, status: u16, id: &str) -> Next {
    let replay = replays::find(context.db, id)?;
    let question = ShardRequest::Progress { id: id.to_owned() };
    let add_up = move |_: &mut Directory, _: &Context<'_>, answers: Vec<String>| {
        let progress: Vec<ReplayProgress> = read(&answers)?;
        Step::answer(status, &ReplayView::new(&replay, &progress))
    };
    Ok(Step::AskShards { question, then: Box::new(add_up) })
}

fn read<T: serde::de::DeserializeOwned>(answers: &[String]) -> Result<Vec<T>> {
    answers.iter().map(|answer| json::read(answer)).collect()
}
