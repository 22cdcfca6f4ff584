//! Clients that follow live streams: they are slow, lose their sockets, and resume.

mod receive;

use vtryon_gateway_engine::protocol::live::{NotOpened, Start, Subject, Subscription};
use vtryon_gateway_engine::shard::{Subscriber, TICKET_TAG};
use vtryon_webhooks::Millis;

use crate::checks::SKEW;
use crate::coverage::{CrashPoint, Decision, Loss};
use crate::model::log::Entry;
use crate::platform::object::Decided;
use crate::violation::ensure;
use crate::world::{START, World};

/// What a client watches.
#[derive(Clone)]
enum Watched {
    Shard,
    Task(String),
    /// The state of a task, as a page does with a ticket.
    State(String),
}

pub struct Client {
    pub shard: usize,
    watched: Watched,
    /// The attachment of its socket and its tags, while it is open.
    socket: Option<(String, Vec<String>)>,
    /// The number of the last entry that it has received. None before its first stream began.
    seen: Option<i64>,
    /// Up to which number it has received a gap.
    gap_to: i64,
    /// The id of its last message, by which it acknowledges.
    last_id: Option<String>,
    /// Where it resumes.
    resumes_at: Option<Start>,
    /// The status of its task that it received last.
    status: Option<String>,
    /// Whether its events carry their bodies and signatures.
    bodies: bool,
    /// When what has let it in ends.
    until: Millis,
    /// How many messages it has received.
    received: u64,
}

impl Client {
    pub const fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    fn is_ticket_holder(&self) -> bool {
        matches!(self.watched, Watched::State(_))
    }
}

impl World {
    /// Returns how many sockets a shard has.
    pub fn sockets_of(&self, shard: usize) -> usize {
        self.clients.iter().filter(|client| client.shard == shard && client.is_open()).count()
    }

    /// Loses all sockets of a shard, as a deployment does.
    pub fn cut_sockets(&mut self, shard: usize) {
        for client in self.clients.iter_mut().filter(|client| client.shard == shard) {
            client.socket = None;
        }
    }

    /// Lets a client do something: it subscribes or resumes, acknowledges, or loses its socket.
    pub fn advance_client(&mut self) {
        if self.clients.len() < self.regime.clients {
            let client = self.new_client();
            self.clients.push(client);
        }
        if self.clients.is_empty() {
            return;
        }
        let index = self.random.index(self.clients.len());
        if !self.clients[index].is_open() {
            return self.open_stream(index);
        }
        match self.random.weighted(&[12, 2]) {
            0 => self.acknowledge(index),
            _ => {
                self.coverage.crash(CrashPoint::Lost(Loss::Socket));
                self.close_socket(index);
                if self.random.chance(300) {
                    // It does not come back, and another one takes its place.
                    self.clients.swap_remove(index);
                }
            }
        }
    }

    fn new_client(&mut self) -> Client {
        let shard = self.random.index(self.shards.len());
        let count = self.shards[shard].oracle.tasks.len();
        let task_id = if count == 0 {
            None
        } else {
            let nth = self.random.index(count);
            self.shards[shard].oracle.tasks.keys().nth(nth).cloned()
        };
        let watched = match (task_id, self.random.index(3)) {
            (Some(task_id), 1) => Watched::Task(task_id),
            (Some(task_id), 2) => Watched::State(task_id),
            (_, _) => Watched::Shard,
        };
        Client {
            shard,
            watched,
            socket: None,
            seen: None,
            gap_to: 0,
            last_id: None,
            resumes_at: None,
            status: None,
            bodies: self.random.chance(500),
            until: self.now,
            received: 0,
        }
    }

    fn open_stream(&mut self, index: usize) {
        let client = &self.clients[index];
        let shard = client.shard;
        if self.shards[shard].log.last == 0 {
            return;
        }
        let (resumes_at, is_ticket_holder) = (client.resumes_at, client.is_ticket_holder());
        let since = if is_ticket_holder || resumes_at.is_some() { None } else { self.draw_since(shard) };
        let start = resumes_at.or(since.map(|(time, _)| Start::Since(time))).unwrap_or(Start::Now);
        let client = &self.clients[index];
        let subject = match &client.watched {
            Watched::Shard => Subject::Shard,
            Watched::Task(task_id) => Subject::Task { task_id: task_id.clone() },
            Watched::State(task_id) => Subject::State { task_id: task_id.clone() },
        };
        let (bodies, until) = (client.bodies, self.now.plus_seconds(3600));
        let send_window = self.random.one_of(&[2_000, 262_144]);
        let subscription = Subscription { subject, start, bodies, until: Some(until), send_window };
        let at = (shard as u32, self.regime.shards);
        let subscribed = self.decide(shard, Decision::Subscribe, |engine, context| {
            engine.subscribe(context, at, subscription)
        });
        let opened = match subscribed {
            Decided::Done(Ok(opened)) => opened,
            Decided::Done(Err(NotOpened::Over | NotOpened::Refused)) => {
                self.coverage.reach("stream", "over");
                self.clients.swap_remove(index);
                return;
            }
            Decided::Done(Err(NotOpened::Erased)) => {
                let Watched::State(task_id) = &self.clients[index].watched else { return };
                let is_erased = self.shards[shard].oracle.has_erased(task_id);
                ensure!(is_erased, "only what was erased is gone", "{task_id}");
                self.coverage.reach("stream", "erased");
                self.clients.swap_remove(index);
                return;
            }
            Decided::Done(Err(NotOpened::Unavailable(_))) | Decided::Unknown => return,
        };
        if let Some(engine) = &mut self.shards[shard].engine {
            engine.opened(&opened.subscriber);
        }
        let client = &mut self.clients[index];
        let opened_as = match (client.seen, since) {
            (Some(_), _) => "resumed",
            (None, Some(_)) => "opened since a time",
            (None, None) => "opened",
        };
        self.coverage.reach("stream", opened_as);
        if let Watched::State(task_id) = &client.watched
            && self.shards[shard].oracle.tasks.get(task_id).is_some_and(|task| task.is_pruned)
        {
            self.coverage.reach("stream", "of a task that was pruned");
        }
        client.seen.get_or_insert(match (start, since) {
            (Start::After(seq), _) | (_, Some((_, seq))) => seq,
            (_, None) => self.shards[shard].log.last,
        });
        client.until = until;
        client.socket = Some((String::new(), opened.tags.clone()));
        self.deliver(index, &opened.subscriber, opened.outgoing);
        self.check_page(index);
    }

    /// Draws a time, and the last number that was stored before it; nothing where clocks that differ leave that open.
    fn draw_since(&mut self, shard: usize) -> Option<(Millis, i64)> {
        let log = &self.shards[shard].log;
        let seq = self.random.number(0..log.last + 1);
        let last = log.entries.range(..=seq).map(|(_, entry)| entry.stored_at).max();
        let time = last.unwrap_or(Millis(START)).plus_millis(2 * SKEW);
        let is_later = |entry: &Entry| entry.stored_at > time.plus_millis(2 * SKEW);
        let is_certain = log.entries.range(seq + 1..).all(|(_, entry)| is_later(entry));
        is_certain.then_some((time, seq))
    }

    fn close_socket(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let Some((attachment, _)) = client.socket.take() else { return };
        let subscriber = Subscriber::parse(&attachment).expect("an attachment is read as it was written");
        if let Some(engine) = &mut self.shards[client.shard].engine {
            engine.closed(&subscriber);
        }
    }

    fn acknowledge(&mut self, index: usize) {
        let client = &self.clients[index];
        let (Some((attachment, _)), Some(id)) = (&client.socket, &client.last_id) else { return };
        if client.is_ticket_holder() {
            return;
        }
        let mut subscriber = Subscriber::parse(attachment).expect("an attachment is read as it was written");
        let text = format!(r#"{{"type":"ack","id":"{id}"}}"#);
        let shard = client.shard;
        let outgoing = self.decide(shard, Decision::Acknowledge, |engine, context| {
            engine.on_message(context, &mut subscriber, Some(&text))
        });
        match outgoing.done() {
            Some(outgoing) => self.deliver(index, &subscriber, outgoing),
            // The class closes a socket of which a message could not be handled.
            None => self.clients[index].socket = None,
        }
    }

    /// Sends all that is queued.
    pub fn drain_broadcasts(&mut self) {
        for shard in 0..self.shards.len() {
            while !self.shards[shard].broadcasts.is_empty() {
                self.send_broadcast(shard);
            }
        }
    }

    /// Sends the oldest broadcast of a shard to all that watch it.
    pub fn send_broadcast(&mut self, shard: usize) {
        let Some(mut broadcast) = self.shards[shard].broadcasts.pop_front() else { return };
        let mut tags = broadcast.tags();
        let ticket_tag = broadcast.ticket_tag();
        let is_state = ticket_tag.is_some();
        tags.extend(ticket_tag);
        for index in 0..self.clients.len() {
            let client = &self.clients[index];
            let Some((attachment, own)) = client.socket.as_ref().filter(|_| client.shard == shard) else {
                continue;
            };
            if !own.iter().any(|tag| tags.contains(tag)) {
                continue;
            }
            let is_ticket_holder = own.iter().any(|tag| tag == TICKET_TAG);
            let mut subscriber =
                Subscriber::parse(attachment).expect("an attachment is read as it was written");
            let sent = self.decide(shard, Decision::SendBroadcast, |engine, context| {
                if is_ticket_holder && is_state {
                    let state = engine.ticket_state(context, &broadcast)?;
                    return Ok(state.and_then(|state| state.send(context, &mut subscriber)));
                }
                engine.send_broadcast(context, &mut broadcast, &mut subscriber)
            });
            match sent {
                Decided::Done(Some(outgoing)) => self.deliver(index, &subscriber, outgoing),
                Decided::Done(None) => {}
                Decided::Unknown if self.shards[shard].engine.is_none() => return,
                Decided::Unknown => self.close_socket(index),
            }
        }
    }
}
