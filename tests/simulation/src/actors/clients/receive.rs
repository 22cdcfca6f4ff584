//! What clients receive: nothing twice, nothing left out but for what was pruned.

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::ShardRequest;
use vtryon_gateway_engine::protocol::live::Start;
use vtryon_gateway_engine::protocol::live::close::{self, Close};
use vtryon_gateway_engine::protocol::live::cursor::{StreamCursor, StreamPosition};
use vtryon_gateway_engine::shard::{Outgoing, Subscriber};

use super::Watched;
use crate::checks::{self, SKEW};
use crate::coverage::Decision;
use crate::model::log::Entry;
use crate::model::oracle::rank;
use crate::violation::{ensure, invariant, violated};
use crate::world::World;

/// How often a client resumes or acknowledges at most, until it has received everything.
const MOST_RESUMPTIONS: usize = 10_000;

impl World {
    /// Lets a client receive messages, and stores the attachment of its socket.
    pub(super) fn deliver(&mut self, index: usize, subscriber: &Subscriber, outgoing: Outgoing) {
        let attachment = subscriber.attachment();
        ensure!(attachment.len() <= 2048, "an attachment fits its socket", "{} bytes", attachment.len());
        if let Some((stored, _)) = &mut self.clients[index].socket {
            *stored = attachment;
        }
        for text in outgoing.messages {
            let message: Json = serde_json::from_str(&text).expect("a message is JSON");
            self.receive_message(index, &message);
        }
        if let Some(close) = outgoing.close {
            self.coverage.reach("closed", close.reason);
            let is_right = self.is_to_be_closed(index, close);
            ensure!(is_right, "a stream is closed for a reason that holds", "{close:?} of client {index}");
            self.close_socket(index);
        }
    }

    /// Returns whether the reason for which a socket is closed holds. Clients send nothing but valid acknowledgements.
    fn is_to_be_closed(&self, index: usize, reason: Close) -> bool {
        let client = &self.clients[index];
        let object = &self.shards[client.shard];
        let task_id = match &client.watched {
            Watched::Shard => "",
            Watched::Task(task_id) | Watched::State(task_id) => task_id,
        };
        match reason {
            close::EXPIRED => self.now.plus_millis(SKEW) >= client.until,
            close::TASK_ENDED => {
                let task = object.oracle.tasks.get(task_id);
                let status = task.and_then(|task| task.status.as_deref());
                client.is_ticket_holder() && status.and_then(rank) == Some(2)
            }
            close::TASK_ERASED => {
                // Where its erasure was imported, its rows may be left.
                object.log.erased.contains(task_id) || object.oracle.has_erased(task_id)
            }
            close::BEHIND => !client.is_ticket_holder(),
            _ => false,
        }
    }

    fn receive_message(&mut self, index: usize, message: &Json) {
        let kind = message["type"].as_str().unwrap_or_default();
        self.coverage.reach("message", kind);
        let client = &self.clients[index];
        checks::of_message(self, client.shard, message);
        match &client.watched {
            Watched::State(task_id) => checks::of_state(self, client.shard, task_id, &message["task"]),
            Watched::Shard | Watched::Task(_) => {
                checks::of_stream_message(self, client.shard, message, client.bodies);
            }
        }
        let client = &mut self.clients[index];
        client.received += 1;
        let log = &self.shards[client.shard].log;
        let task_id = match &client.watched {
            Watched::Shard => None,
            Watched::Task(task_id) => Some(task_id.as_str()),
            Watched::State(_) => {
                let task = &message["task"];
                client.status = task["status"].as_str().map(str::to_owned);
                client.resumes_at = task["seq"].as_i64().map(Start::After);
                client.seen = task["seq"].as_i64();
                return;
            }
        };
        if let Some(id) = message["id"].as_str() {
            client.last_id = Some(id.to_owned());
            let shards = vtryon_webhooks::Shards::new(self.regime.shards).expect("there are shards");
            let cursor = StreamCursor::parse(id, shards).ok();
            client.resumes_at = match cursor.and_then(|cursor| cursor.position(client.shard as u32)) {
                Some(StreamPosition::After(seq)) => Some(Start::After(seq)),
                Some(StreamPosition::Snapshot) | None => client.resumes_at,
            };
        }
        let (seen, gap_to) = (client.seen.unwrap_or_default(), client.gap_to);
        let missed = log.after(seen, task_id).find(|seq| !log.is_excused(*seq, gap_to));
        match kind {
            "event" | "replay" | "erased" => {
                let seq = message["seq"].as_i64().unwrap_or_default();
                ensure!(seq > seen, "a live stream repeats nothing", "{seq} after {seen}");
                ensure!(
                    missed == Some(seq),
                    "a live stream has no gap",
                    "{seq} after {seen}, without {missed:?}"
                );
                let is_above_gap = kind == "erased" || seq > gap_to;
                ensure!(is_above_gap, "a gap is what was pruned", "{seq} comes after a gap up to {gap_to}");
                client.seen = Some(seq);
            }
            "gap" => {
                let to = message["to"].as_i64().unwrap_or_default();
                client.gap_to = gap_to.max(to);
            }
            "ready" => {
                ensure!(
                    missed.is_none(),
                    "`ready` comes after the backlog",
                    "{missed:?} is missing after {seen}"
                );
            }
            _ => {}
        }
    }

    /// Lets every client receive what is left, and checks that nothing is missing.
    pub fn finish_streams(&mut self) {
        for shard in 0..self.shards.len() {
            // The run that has erased something may have ended before it could say so.
            checks::note_gone(self, shard);
            // An instance that begins now sends what the one before it has not.
            self.call(shard, Decision::Query, ShardRequest::Metrics, &[]);
        }
        self.drain_broadcasts();
        (0..self.clients.len()).for_each(|index| self.check_told(index));
        for index in (0..self.clients.len()).rev() {
            // What an instance had still to send when it ended comes once a stream is resumed.
            self.close_socket(index);
            self.finish_stream(index);
        }
    }

    /// Lets a client receive and acknowledge until nothing more comes; it resumes whenever its socket was closed.
    fn finish_stream(&mut self, index: usize) {
        let clients = self.clients.len();
        for _ in 0..MOST_RESUMPTIONS {
            let before = self.clients[index].received;
            if !self.clients[index].is_open() {
                self.open_stream(index);
            }
            if self.clients.len() < clients {
                // Its stream was over, so that it has left.
                return;
            }
            let was_open = self.clients[index].is_open();
            self.acknowledge(index);
            let client = &self.clients[index];
            if !was_open || (client.is_open() && client.received == before) {
                return self.check_finished(index);
            }
        }
        violated(
            invariant!("a live stream comes to its end"),
            format!("client {index} resumes again and again"),
        );
    }

    /// Checks that a client has received everything whose socket is open, unless it was let in for a time that is over, or
    /// its backlog waits for acknowledgements.
    fn check_told(&self, index: usize) {
        let client = &self.clients[index];
        let Some((attachment, _)) = client.socket.as_ref().filter(|_| self.now < client.until) else {
            return;
        };
        let attachment: Json = serde_json::from_str(attachment).expect("an attachment is JSON");
        if attachment["caught_up"] == true {
            self.check_finished(index);
        }
        self.check_page(index);
    }

    /// Checks that a page has the state of its task.
    pub(super) fn check_page(&self, index: usize) {
        let client = &self.clients[index];
        let Watched::State(task_id) = &client.watched else { return };
        let object = &self.shards[client.shard];
        let known = object.oracle.tasks.get(task_id).and_then(|task| task.status.as_deref());
        // Of a task whose status was told by events that are pruned by now, nothing is sent.
        let is_applied = |seq: &i64| object.log.entries.get(seq).is_some_and(Entry::is_applied);
        let mut entries = object.log.after(0, Some(task_id)).filter(is_applied);
        let is_told = entries.next_back().is_some_and(|seq| !object.log.is_pruned(seq));
        ensure!(
            client.status.as_deref() == known || !is_told,
            "a page receives the last state",
            "{:?} of {known:?}",
            client.status
        );
    }

    fn check_finished(&self, index: usize) {
        let client = &self.clients[index];
        let (object, seen) = (&self.shards[client.shard], client.seen.unwrap_or_default());
        let task_id = match &client.watched {
            Watched::Shard => None,
            Watched::Task(task_id) => Some(task_id.as_str()),
            Watched::State(_) => return,
        };
        let missed = object.log.after(seen, task_id).find(|seq| !object.log.is_excused(*seq, client.gap_to));
        ensure!(missed.is_none(), "a live stream has no gap", "{missed:?} after {seen}");
    }
}
