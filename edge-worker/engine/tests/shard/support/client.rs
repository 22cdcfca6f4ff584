//! A client that follows a live stream, and its socket: the subscriber is a text, as in an attachment.

use serde_json::Value as Json;
use vtryon_gateway_engine::protocol::live::close::Close;
use vtryon_gateway_engine::protocol::live::cursor::{StreamCursor, StreamPosition};
use vtryon_gateway_engine::protocol::live::{NotOpened, SEND_WINDOW, Start, Subject, Subscription};
use vtryon_gateway_engine::shard::{Outgoing, Subscriber, TICKET_TAG};
use vtryon_webhooks::{Millis, Shards};

use super::World;

/// What a client watches.
#[derive(Clone, Copy, Debug)]
pub enum Watches {
    Shard,
    Task(&'static str),
    /// The state of a task, with a ticket.
    State(&'static str),
}

/// A client, with everything that it has received over all its sockets.
pub struct Client {
    watches: Watches,
    /// Whether it receives bodies.
    pub bodies: bool,
    /// How many bytes it may have unacknowledged.
    pub window: usize,
    /// Until when its credentials are good; for an hour unless a test says otherwise.
    pub until: Option<Millis>,
    /// Where its first stream began.
    first: Option<Start>,
    /// The attachment and the tags of its socket, while it is open.
    socket: Option<(String, Vec<String>)>,
    pub messages: Vec<Json>,
    /// The length of each message.
    pub sizes: Vec<usize>,
    /// Why its last socket was closed by the shard.
    pub end: Option<Close>,
}

impl Client {
    pub fn new(watches: Watches) -> Self {
        Self {
            watches,
            bodies: false,
            window: SEND_WINDOW,
            until: None,
            first: None,
            socket: None,
            messages: Vec::new(),
            sizes: Vec::new(),
            end: None,
        }
    }

    /// Makes a client and opens its stream.
    pub fn opened(world: &mut World, watches: Watches, start: Start) -> Self {
        let mut client = Self::new(watches);
        client.open(world, start);
        client
    }

    /// Opens a stream; panics where it is not opened.
    pub fn open(&mut self, world: &mut World, start: Start) {
        assert_eq!(self.try_open(world, start), "opened");
    }

    /// Opens a stream; returns what became of it.
    pub fn try_open(&mut self, world: &mut World, start: Start) -> &'static str {
        self.cut(world);
        let subject = match self.watches {
            Watches::Shard => Subject::Shard,
            Watches::Task(task_id) => Subject::Task { task_id: task_id.to_owned() },
            Watches::State(task_id) => Subject::State { task_id: task_id.to_owned() },
        };
        let until = self.until.or(Some(world.now.plus_seconds(3600)));
        let subscription =
            Subscription { subject, start, bodies: self.bodies, until, send_window: self.window };
        let at = (world.no, world.shards);
        let subscribed = world.decide(|shard, context| shard.subscribe(context, at, subscription));
        let opened = match subscribed.unwrap() {
            Ok(opened) => opened,
            Err(NotOpened::Refused) => return "refused",
            Err(NotOpened::Over) => return "over",
            Err(NotOpened::Erased) => return "erased",
            Err(NotOpened::Unavailable(_)) => return "full",
        };
        world.decide(|shard, _| shard.opened(&opened.subscriber));
        self.end = None;
        self.first.get_or_insert(start);
        self.socket = Some((String::new(), opened.tags));
        self.receive(world, &opened.subscriber, opened.outgoing);
        "opened"
    }

    /// Loses the socket.
    pub fn cut(&mut self, world: &mut World) {
        if let Some(subscriber) = self.subscriber() {
            world.decide(|shard, _| shard.closed(&subscriber));
        }
        self.socket = None;
    }

    /// Goes on after the last message that has an id.
    pub fn resume(&mut self, world: &mut World) {
        let start = self.resumes_at(self.messages.len());
        self.open(world, start);
    }

    /// Returns where a client goes on that has received so many of the messages.
    pub fn resumes_at(&self, count: usize) -> Start {
        let ids = self.messages[..count].iter().rev().find_map(|message| message["id"].as_str());
        ids.map_or_else(|| self.first.unwrap_or(Start::Now), after)
    }

    /// Acknowledges everything that it has received.
    pub fn ack(&mut self, world: &mut World) {
        self.ack_up_to(world, self.messages.len());
    }

    /// Acknowledges so many of the messages that it has received.
    pub fn ack_up_to(&mut self, world: &mut World, count: usize) {
        let id = self.messages[..count].iter().rev().find_map(|message| message["id"].as_str()).unwrap_or("");
        self.say(world, &format!(r#"{{"type":"ack","id":"{id}"}}"#));
    }

    /// Sends a message to the shard.
    pub fn say(&mut self, world: &mut World, text: &str) {
        let Some(mut subscriber) = self.subscriber() else { return };
        let outgoing =
            world.decide(|shard, context| shard.on_message(context, &mut subscriber, Some(text))).unwrap();
        self.receive(world, &subscriber, outgoing);
    }

    /// Acknowledges until everything has been sent.
    pub fn catch_up(&mut self, world: &mut World) {
        while self.is_open() {
            let before = self.messages.len();
            self.ack(world);
            if self.messages.len() == before {
                break;
            }
        }
    }

    pub const fn is_open(&self) -> bool {
        self.socket.is_some()
    }

    fn subscriber(&self) -> Option<Subscriber> {
        self.socket.as_ref().map(|(attachment, _)| Subscriber::parse(attachment).unwrap())
    }

    fn receive(&mut self, world: &mut World, subscriber: &Subscriber, outgoing: Outgoing) {
        for text in outgoing.messages {
            self.sizes.push(text.len());
            self.messages.push(serde_json::from_str(&text).unwrap());
        }
        let attachment = subscriber.attachment();
        assert!(attachment.len() <= 2048, "an attachment holds 2 KiB");
        if let Some((stored, _)) = &mut self.socket {
            *stored = attachment;
        }
        if outgoing.close.is_some() {
            self.cut(world);
            self.end = outgoing.close;
        }
    }

    /// Returns the types of the messages from one on.
    pub fn types(&self, from: usize) -> Vec<&str> {
        self.messages[from..].iter().map(|message| message["type"].as_str().unwrap()).collect()
    }

    /// Returns the messages of a type.
    pub fn all(&self, kind: &str) -> Vec<&Json> {
        self.messages.iter().filter(|message| message["type"] == kind).collect()
    }

    /// Returns the numbers of the entries that it has received, in order.
    pub fn seqs(&self) -> Vec<i64> {
        let entries = self
            .messages
            .iter()
            .filter(|message| ["event", "replay"].iter().any(|kind| message["type"] == *kind));
        entries.map(|message| message["seq"].as_i64().unwrap()).collect()
    }
}

/// Returns the start of a stream that goes on after the message with an id.
fn after(id: &str) -> Start {
    let shards = id.split('.').nth(1).unwrap().parse().unwrap();
    let cursor = StreamCursor::parse(id, Shards::new(shards).unwrap());
    let Ok(cursor) = cursor else { panic!("{id}") };
    match (0..shards).find_map(|shard| cursor.position(shard)) {
        Some(StreamPosition::After(seq)) => Start::After(seq),
        Some(StreamPosition::Snapshot) | None => Start::Now,
    }
}

/// Sends what was stored since the last time to the clients that watch it.
pub fn broadcast(world: &mut World, clients: &mut [&mut Client]) {
    for mut broadcast in std::mem::take(&mut world.broadcasts) {
        let tags = broadcast.tags();
        let ticket_tag = broadcast.ticket_tag();
        for client in &mut *clients {
            let Some((_, own)) = &client.socket else { continue };
            let is_ticket_holder = own.iter().any(|tag| tag == TICKET_TAG);
            let is_meant = own.iter().any(|tag| tags.contains(tag) || ticket_tag.as_ref() == Some(tag));
            let Some(mut subscriber) = client.subscriber().filter(|_| is_meant) else { continue };
            let outgoing = world
                .decide(|shard, context| {
                    if is_ticket_holder && ticket_tag.is_some() {
                        let state = shard.ticket_state(context, &broadcast)?;
                        return Ok(state.and_then(|state| state.send(context, &mut subscriber)));
                    }
                    shard.send_broadcast(context, &mut broadcast, &mut subscriber)
                })
                .unwrap();
            if let Some(outgoing) = outgoing {
                client.receive(world, &subscriber, outgoing);
            }
        }
    }
}
