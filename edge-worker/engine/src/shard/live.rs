//! Live streams of a shard: subscribers receive what is stored, in the order of sequence numbers. The whole state of a
//! subscriber is a text that its socket carries, so that the shard may hibernate.
//!
//! A subscriber has caught up, or is behind. One that has caught up receives broadcasts at once. One that is behind,
//! because it resumes or reads more slowly than events arrive, is sent the backlog from the database, as far ahead of
//! its acknowledgements as its send window allows.

pub(crate) mod audience;
mod backlog;
pub(crate) mod broadcast;
mod message;
pub(crate) mod state;
pub(crate) mod subscribe;
pub(crate) mod subscriber;

use vtryon_webhooks::Digest;

use self::backlog::Backlog;
use self::broadcast::Broadcast;
use self::state::TicketState;
use self::subscribe::OpenedStream;
use self::subscriber::{Outgoing, Subscriber};
use super::Shard;
use super::config::topology::ShardIndex;
use crate::protocol::live::{MAX_ACK_BYTES, NotOpened, Subject, Subscription, acknowledged, close};
use crate::{Context, Result};

/// How many ticket holders may watch one task at the same time: the shell closes the oldest one for another.
pub const MAX_TICKET_SOCKETS_OF_TASK: usize = 100;

/// The tag of all sockets that a ticket opened.
pub const TICKET_TAG: &str = "page";

/// Returns the tag of the sockets with a subject.
fn subject_tag(subject: &Subject) -> String {
    match subject {
        Subject::Shard => "shard".to_owned(),
        Subject::Task { task_id } => task_tag(&Digest::of_task(task_id)),
        Subject::State { task_id } => state_tag(&Digest::of_task(task_id)),
    }
}

/// Returns the tag of the streams of a task, by the digest of its id.
fn task_tag(digest: &Digest) -> String {
    format!("task:{}", digest.to_hex())
}

/// Returns the tag of those who watch its state with a ticket.
fn state_tag(digest: &Digest) -> String {
    format!("state:{}", digest.to_hex())
}

impl Shard {
    /// Opens a stream of the shard and the number of shards that the caller means, or says why not. Its socket is to be
    /// reported to [`Shard::opened`] once it has its attachment.
    ///
    /// # Errors
    /// A fault of the database; so for the other methods.
    pub fn subscribe(
        &mut self,
        context: &Context<'_>,
        (shard, shards): (u32, u32),
        subscription: Subscription,
    ) -> Result<Result<Box<OpenedStream>, NotOpened>> {
        let index = ShardIndex { shard, shards };
        let backlog = Backlog { context, index, duplicates: &self.duplicates, last_seq: self.last_seq };
        subscribe::open(&backlog, &mut self.audience, subscription)
    }

    /// Counts a socket that was opened. Until it is closed, [`Shard::closed`] has to be called once.
    pub const fn opened(&mut self, subscriber: &Subscriber) {
        self.audience.opened(subscriber);
    }

    /// Counts a socket that was closed.
    pub const fn closed(&mut self, subscriber: &Subscriber) {
        self.audience.closed(subscriber);
    }

    /// Handles a message of a client; `None` is one that is no text. It may acknowledge messages, and nothing else. The
    /// cheapest checks come first.
    pub fn on_message(
        &self,
        context: &Context<'_>,
        subscriber: &mut Subscriber,
        text: Option<&str>,
    ) -> Result<Outgoing> {
        if subscriber.is_expired(context.now) {
            return Ok(Outgoing::close(close::EXPIRED));
        }
        if subscriber.is_ticket_holder() {
            // The Worker forwards nothing that a ticket holder sends.
            return Ok(Outgoing::close(close::TAKES_NOTHING));
        }
        let id = text.and_then(|text| acknowledged(text, MAX_ACK_BYTES));
        let Some(id) = id else { return Ok(Outgoing::close(close::NOT_TAKEN)) };
        // A shard that has stored nothing yet has nothing to catch up with.
        let Ok(backlog) = self.backlog(context) else { return Ok(Outgoing::default()) };
        backlog.acknowledge(subscriber, &id)
    }

    /// Sends a broadcast to one subscriber; `None` where it has nothing to receive.
    pub fn send_broadcast(
        &self,
        context: &Context<'_>,
        broadcast: &mut Broadcast,
        subscriber: &mut Subscriber,
    ) -> Result<Option<Outgoing>> {
        broadcast.send(&self.backlog(context)?, subscriber)
    }

    /// Returns the state of a broadcast's task, for the ticket holders who watch it: [`TicketState::send`].
    pub fn ticket_state(&self, context: &Context<'_>, broadcast: &Broadcast) -> Result<Option<TicketState>> {
        broadcast.task_id().map(|task_id| state::find(context.db, task_id)).transpose()
    }

    /// Notes how many broadcasts the shell has not sent yet.
    pub const fn note_queued(&mut self, broadcasts: usize) {
        self.audience.queued = broadcasts;
    }

    fn backlog<'a>(&'a self, context: &'a Context<'a>) -> Result<Backlog<'a>> {
        let index = self.config.topology.index()?;
        Ok(Backlog { context, index, duplicates: &self.duplicates, last_seq: self.last_seq })
    }
}
