//! Sends what was just stored to its subscribers.

use std::vec::IntoIter;

use vtryon_webhooks::Millis;
use worker::{WebSocket, console_error, web_sys};

use super::log::LogEntry;
use super::subscriber::Subscriber;
use super::{FAULT, NOT_ANY_MORE, OVER, STUCK, end, tag};
use crate::objects::shard::{TaskShard, deliveries, events};
use crate::platform::clock;
use crate::protocol::delivery::seq_of;
use crate::protocol::live::Subject;

/// An entry that is being broadcast.
pub(super) struct Broadcast {
    payload: Payload,
    task_id: Option<String>,
    /// The subscribers that have not received it yet. They are looked up at its turn: later ones read it from the
    /// storage.
    subscribers: Option<IntoIter<WebSocket>>,
    /// The message without the body and with it, made for the first subscriber that wants it.
    texts: [Option<String>; 2],
}

pub(super) enum Payload {
    Entry(LogEntry),
    /// A delivery was attempted. Holds the message.
    Attempt(String),
    /// Entries up to this number may not have been broadcast: to subscribers of the task, or of the shard where there is
    /// no task.
    Missed(i64),
}

impl Broadcast {
    pub(super) fn new(payload: Payload, task_id: Option<&str>) -> Self {
        let task_id = task_id.map(ToOwned::to_owned);
        Self { payload, task_id, subscribers: None, texts: [None, None] }
    }
}

impl TaskShard {
    /// Sends a broadcast to at most `left` subscribers; returns whether all have it.
    pub(super) fn send_broadcast(&self, broadcast: &mut Broadcast, left: &mut usize) -> worker::Result<bool> {
        let Broadcast { payload, task_id, subscribers, texts } = broadcast;
        let task_id = task_id.as_deref();
        let subscribers = subscribers.get_or_insert_with(|| {
            let all = match (&*payload, task_id) {
                (Payload::Missed(_), Some(task_id)) => self.subscribers_of_task(task_id),
                _ => self.subscribers(task_id),
            };
            all.into_iter()
        });
        let now = clock::now();
        *left = left.saturating_sub(1);
        for socket in subscribers {
            let sent = Subscriber::of(&socket).and_then(|subscriber| match payload {
                Payload::Entry(entry) => self.send_entry(&socket, subscriber, entry, texts, now),
                Payload::Attempt(text) => send_attempt(&socket, subscriber, text, now),
                Payload::Missed(seq) => self.send_missed(&socket, subscriber, *seq, now),
            });
            if let Err(error) = sent {
                // A client that has left is no error.
                if socket.as_ref().ready_state() == web_sys::WebSocket::OPEN {
                    console_error!("live: {error}");
                }
                end(&socket, FAULT);
            }
            if *left == 0 {
                return Ok(false);
            }
            *left -= 1;
        }
        match payload {
            Payload::Entry(_) | Payload::Missed(_) => self.send_state(task_id)?,
            Payload::Attempt(_) => {}
        }
        Ok(true)
    }

    /// Closes the sockets that may not have received an entry, so that their clients resume.
    pub(super) fn close_for_resume(&self, broadcast: &Broadcast) {
        console_error!("live: an entry was not sent to all: they have to resume");
        let task_id = broadcast.task_id.as_deref();
        self.subscribers(task_id).iter().chain(&self.pages(task_id)).for_each(|socket| end(socket, FAULT));
    }

    /// Sends an entry to one subscriber, or marks the subscriber as behind.
    fn send_entry(
        &self,
        socket: &WebSocket,
        mut subscriber: Subscriber,
        entry: &LogEntry,
        texts: &mut [Option<String>; 2],
        now: Millis,
    ) -> worker::Result<()> {
        if subscriber.is_over(now) {
            end(socket, NOT_ANY_MORE);
            return Ok(());
        }
        // It has subscribed or caught up since.
        if subscriber.at >= entry.seq {
            return Ok(());
        }
        let [plain, full] = texts;
        let text = if subscriber.bodies { full } else { plain };
        if text.is_none() {
            *text = self.entry_message(entry, subscriber.bodies)?;
        }
        let Some(text) = text else { return Ok(()) };
        if subscriber.caught_up && !subscriber.is_window_full() {
            subscriber.at = entry.seq;
            subscriber.send(socket, text)?;
        } else {
            subscriber.wait(entry.seq, text, now);
            if subscriber.is_over_limit(now) {
                end(socket, STUCK);
            }
        }
        subscriber.save(socket)
    }

    /// Sends the backlog to a subscriber that should have everything up to a number.
    fn send_missed(
        &self,
        socket: &WebSocket,
        mut subscriber: Subscriber,
        seq: i64,
        now: Millis,
    ) -> worker::Result<()> {
        if subscriber.caught_up && subscriber.at < seq && !subscriber.is_over(now) {
            subscriber.wait(subscriber.at + 1, "", now);
            self.catch_up(socket, &mut subscriber, self.position()?)?;
            subscriber.save(socket)?;
        }
        Ok(())
    }

    /// Sends the task's state to its pages, where it has changed. They are few.
    fn send_state(&self, task_id: Option<&str>) -> worker::Result<()> {
        let pages = self.pages(task_id);
        let Some(task_id) = task_id.filter(|_| !pages.is_empty()) else { return Ok(()) };
        let state = self.state_of(task_id)?;
        let (config, now) = (self.config()?, clock::now());
        for socket in pages {
            let sent = Subscriber::of(&socket).and_then(|mut subscriber| {
                if subscriber.at >= state.seq {
                    return Ok(());
                }
                let Some(until) = subscriber.until.filter(|until| *until > now) else {
                    end(&socket, NOT_ANY_MORE);
                    return Ok(());
                };
                subscriber.at = state.seq;
                subscriber.send(&socket, &state.message("update", task_id, until, &config))?;
                subscriber.save(&socket)?;
                if state.is_final() {
                    end(&socket, OVER);
                }
                Ok(())
            });
            if sent.is_err() {
                end(&socket, FAULT);
            }
        }
        Ok(())
    }

    /// Broadcasts that a delivery was attempted. Subscribers that are behind do not receive it.
    pub(in crate::objects::shard) fn broadcast_attempt(&self, no: i64) {
        if !self.memory.has_subscribers.get() {
            return;
        }
        let sql = self.state.storage().sql();
        let Ok(Some(delivery)) = deliveries::find(&sql, no) else { return };
        let stored = events::find_deliverable(&sql, seq_of(no)).ok().flatten();
        let task_id = stored.and_then(|stored| stored.task_id);
        let Ok(text) = self.attempt_message(no, task_id.as_deref(), delivery.state.as_str()) else { return };
        self.queue_broadcast(Broadcast::new(Payload::Attempt(text), task_id.as_deref()));
    }

    /// Returns the sockets that are subscribed to the shard, or to a task.
    fn subscribers(&self, task_id: Option<&str>) -> Vec<WebSocket> {
        let mut subscribers = self.state.get_websockets_with_tag(&tag(&Subject::Shard));
        if let Some(task_id) = task_id {
            subscribers.extend(self.subscribers_of_task(task_id));
        }
        subscribers
    }

    fn subscribers_of_task(&self, task_id: &str) -> Vec<WebSocket> {
        let subject = Subject::Task { task_id: task_id.to_owned() };
        self.state.get_websockets_with_tag(&tag(&subject))
    }

    /// Returns the sockets that are subscribed to a task's state.
    fn pages(&self, task_id: Option<&str>) -> Vec<WebSocket> {
        let Some(task_id) = task_id else { return Vec::new() };
        self.state.get_websockets_with_tag(&tag(&Subject::State { task_id: task_id.to_owned() }))
    }
}

/// Sends an attempt to one subscriber that has caught up.
fn send_attempt(
    socket: &WebSocket,
    mut subscriber: Subscriber,
    text: &str,
    now: Millis,
) -> worker::Result<()> {
    if subscriber.caught_up && !subscriber.is_window_full() && !subscriber.is_over(now) {
        subscriber.send(socket, text)?;
        subscriber.save(socket)?;
    }
    Ok(())
}
