//! Opens a stream: where it begins, and its first messages.

use super::audience::Audience;
use super::backlog::Backlog;
use super::message::Gap;
use super::state::{self, TicketState};
use super::subscriber::{Outgoing, Subscriber};
use super::{TICKET_TAG, subject_tag};
use crate::protocol::live::cursor::StreamPosition;
use crate::protocol::live::{MessageType, NotOpened, Start, Subject, Subscription, close};
use crate::shard::events::import;
use crate::shard::retention::erasure;
use crate::shard::sequence::{before_time, floors};
use crate::{Context, Result};

/// A stream that is opened: its socket gets the tags and the attachment, and is sent the messages.
pub struct OpenedStream {
    pub subscriber: Subscriber,
    pub outgoing: Outgoing,
    /// The position before the first message, as cursors have it.
    pub cursor: String,
    /// That of its subject first.
    pub tags: Vec<String>,
}

/// Where a stream begins.
struct ResolvedStart {
    /// After which number.
    at: i64,
    /// Up to which number the subscriber knows what was pruned.
    floor: i64,
    /// The position before the first message.
    position: StreamPosition,
    gap: Option<Gap>,
}

/// Opens a stream, unless its task is over or there is no place for it.
pub(crate) fn open(
    backlog: &Backlog<'_>,
    audience: &mut Audience,
    subscription: Subscription,
) -> Result<Result<Box<OpenedStream>, NotOpened>> {
    let context = backlog.context;
    let mut state = None;
    if let Subject::State { task_id } = &subscription.subject {
        if erasure::is_erased(context.db, task_id)? {
            return Ok(Err(NotOpened::Erased));
        }
        let found = state::find(context.db, task_id)?;
        if let Start::After(seen) = subscription.start {
            // A resume token ends soon after its task has; a ticket is new.
            if found.is_past(context.now) {
                return Ok(Err(NotOpened::Refused));
            }
            if found.is_final() && found.seq <= seen {
                return Ok(Err(NotOpened::Over));
            }
        }
        if audience.is_full(context.deployment.max_ticket_sockets) {
            let message = "too many pages watch this shard: come again later";
            return Ok(Err(NotOpened::Unavailable(message.to_owned())));
        }
        state = Some(found);
    }
    audience.subscribed();
    let mut tags = vec![subject_tag(&subscription.subject)];
    let start = subscription.start;
    let ResolvedStart { at, floor, position, gap } = resolve_start(backlog, start)?;
    let mut subscriber = Subscriber::new(subscription, at, floor, context.now);
    let outgoing = match state {
        Some(state) => {
            tags.push(TICKET_TAG.to_owned());
            begin_state(context, &mut subscriber, start, &state)
        }
        None => begin_stream(backlog, &mut subscriber, start, gap)?,
    };
    let opened = OpenedStream { subscriber, outgoing, cursor: position.to_string(), tags };
    Ok(Ok(Box::new(opened)))
}

/// Sends a snapshot, or what was stored since the cursor.
fn begin_stream(
    backlog: &Backlog<'_>,
    subscriber: &mut Subscriber,
    start: Start,
    gap: Option<Gap>,
) -> Result<Outgoing> {
    let mut outgoing = Outgoing::default();
    match gap {
        Some(gap) => backlog.send_gap(subscriber, gap, &mut outgoing)?,
        None if matches!(start, Start::Now) => {
            backlog.send_snapshot(subscriber, &mut outgoing)?;
        }
        None => {}
    }
    backlog.catch_up(subscriber, &mut outgoing)?;
    Ok(outgoing)
}

/// Finds where a stream begins, and what of it was pruned.
fn resolve_start(backlog: &Backlog<'_>, start: Start) -> Result<ResolvedStart> {
    let (context, last) = (backlog.context, backlog.last_seq);
    let floor = floors::pruned(context.db)?;
    // What was pruned before is a gap for one that goes on below it, and is found as it catches up.
    let (at, floor, gap) = match start {
        Start::Now => (last, floor, None),
        // The database was set back to an earlier point: what this subscriber has seen is no more.
        Start::After(seq) if seq > last => (last, floor, Some(Gap { from: last + 1, to: seq, after: seq })),
        Start::After(seq) => (seq, seq, None),
        Start::Since(time) => {
            let at = before_time(context.db, time, last)?;
            // Imported events are pruned by when they were received: where all that is left was stored later, those that
            // were pruned last may have been, too.
            let is_kept = floor == 0
                || time >= context.deployment.retained_since(context.now)
                    && (at > floor || floor > import::last_event(context.db)?);
            let gap = (!is_kept).then_some(Gap { from: 1, to: floor, after: 0 });
            (at, floor, gap)
        }
    };
    let position = match start {
        Start::Now => StreamPosition::Snapshot,
        Start::After(_) | Start::Since(_) => StreamPosition::After(gap.as_ref().map_or(at, |gap| gap.after)),
    };
    Ok(ResolvedStart { at, floor, position, gap })
}

/// Sends the state of its task to a ticket holder who has not received it yet.
fn begin_state(
    context: &Context<'_>,
    subscriber: &mut Subscriber,
    start: Start,
    state: &TicketState,
) -> Outgoing {
    let mut outgoing = Outgoing::default();
    let (Subject::State { task_id }, Some(until)) = (&subscriber.subject, subscriber.until) else {
        return outgoing;
    };
    let kind = match start {
        Start::After(seen) if state.seq <= seen => return outgoing,
        Start::After(_) => MessageType::Update,
        Start::Now | Start::Since(_) => MessageType::Snapshot,
    };
    let text = state.message(kind, task_id, until, &context.deployment.tickets);
    subscriber.at = state.seq;
    subscriber.send(&mut outgoing, text);
    outgoing.close = state.is_final().then_some(close::TASK_ENDED);
    outgoing
}
