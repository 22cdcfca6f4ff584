//! The alarm: what its runs send again, and when the next one is wanted.

use std::vec::IntoIter;

use vtryon_webhooks::Code;

use super::changes::push;
use super::{Next, prepare};
use crate::directory::alerts::{self, QueuedMessage};
use crate::directory::requests::step::Step;
use crate::directory::{Directory, settings};
use crate::{Context, Refusal};

/// Pushes settings and sends alerts that shards have not confirmed.
pub(in crate::directory) fn run(directory: &mut Directory, context: &Context<'_>) -> Next {
    prepare(directory, context, |directory, context| {
        if !settings::has_unconfirmed(context.db)? {
            return send_alerts(context);
        }
        push(directory, context, |_, context, applied| {
            applied?;
            send_alerts(context)
        })
    })
}

fn send_alerts(context: &Context<'_>) -> Next {
    send_next(context, alerts::queue(context)?.into_iter())
}

fn send_next(context: &Context<'_>, mut queued: IntoIter<QueuedMessage>) -> Next {
    match queued.next() {
        Some(message) => send_parts(context, message, 0, queued),
        None => Step::answer(200, &()),
    }
}

/// Sends the parts of a message from one on, then the messages after it. What is not confirmed is sent again by the next run.
fn send_parts(
    context: &Context<'_>,
    message: QueuedMessage,
    from: usize,
    queued: IntoIter<QueuedMessage>,
) -> Next {
    let Some(part) = message.parts.get(from) else {
        alerts::confirm(context.db, &message)?;
        return send_next(context, queued);
    };
    let (alert, body) = (message.incoming(part), part.body.clone());
    let go_on = move |_: &mut Directory, context: &Context<'_>, is_stored: bool| {
        if is_stored {
            return send_parts(context, message, from + 1, queued);
        }
        let unknown = "the shard that delivers alerts does not know all destinations yet";
        Err(Refusal::new(Code::Unavailable, unknown).into())
    };
    Ok(Step::StoreAlert { alert, body, then: Box::new(go_on) })
}
