//! Range replays: requested here, and counted by the shards.

use super::changes::commit;
use super::{By, Next};
use crate::directory::Directory;
use crate::directory::replays::{self, DryRunView, ReplayView, Requested};
use crate::directory::requests::step::{ShardAnswers, Step};
use crate::directory::settings::SettingsChange;
use crate::protocol::ShardRequest;
use crate::protocol::settings::{RangeCount, Replay};
use crate::text::json;
use crate::{Context, Result};

/// Begins a range replay. The same key with the same request finds the former one.
pub(super) fn replay(body: String, key: Option<String>, by: By) -> Next {
    let begin = move |directory: &mut Directory, context: &Context<'_>, id| {
        commit(
            directory,
            context,
            move |context| replays::request(context, &body, key.clone(), id),
            |requested| match requested {
                Requested::New(new) => Some(SettingsChange::Replay(new)),
                Requested::Known(_) | Requested::DryRun(_) => None,
            },
            by,
            |_, context, requested, _| match requested {
                Requested::Known(id) => stored(context, 202, &id),
                Requested::New(new) => stored(context, 202, &new.replay.id),
                Requested::DryRun(replay) => count(replay),
            },
        )
    };
    Ok(Step::DrawId { then: Box::new(begin) })
}

/// Answers with what a range would replay.
fn count(replay: Replay) -> Next {
    let question = ShardRequest::CountRange(replay.clone());
    let add_up = move |_: &mut Directory, _: &Context<'_>, answers: ShardAnswers| {
        let counts: Vec<RangeCount> = read(&answers?)?;
        Step::answer(200, &DryRunView::new(&replay, &counts))
    };
    Ok(Step::AskShards { question, then: Box::new(add_up) })
}

/// Cancels a range: what is not enqueued yet is left out.
pub(super) fn cancel(directory: &mut Directory, context: &Context<'_>, id: String, by: By) -> Next {
    let replay = id.clone();
    commit(
        directory,
        context,
        move |context| replays::cancel(context.db, &replay),
        |cancelled| cancelled.as_ref().map(SettingsChange::ChangeReplay),
        by,
        move |_, context, _, _| stored(context, 200, &id),
    )
}

/// Answers with the progress of a range over all shards.
pub(super) fn progress(context: &Context<'_>, id: &str) -> Next {
    ask_for_progress(context, id, |replay, answers| {
        Step::answer(200, &ReplayView::new(&replay, &read(&answers?)?))
    })
}

/// Answers with a range that was begun or cancelled, though not all shards can be asked for its progress: a refusal would
/// say that nothing was stored.
fn stored(context: &Context<'_>, status: u16, id: &str) -> Next {
    ask_for_progress(context, id, move |replay, answers| match answers {
        Ok(answers) => Step::answer(status, &ReplayView::new(&replay, &read(&answers)?)),
        Err(_) => Step::answer(202, &ReplayView::uncounted(&replay)),
    })
}

fn ask_for_progress(
    context: &Context<'_>,
    id: &str,
    then: impl FnOnce(Replay, ShardAnswers) -> Next + 'static,
) -> Next {
    let replay = replays::find(context.db, id)?;
    let question = ShardRequest::Progress { id: id.to_owned() };
    let then = move |_: &mut Directory, _: &Context<'_>, answers| then(replay, answers);
    Ok(Step::AskShards { question, then: Box::new(then) })
}

fn read<T: serde::de::DeserializeOwned>(answers: &[String]) -> Result<Vec<T>> {
    answers.iter().map(|answer| json::read(answer)).collect()
}
