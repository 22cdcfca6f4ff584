//! One socket for all shards, for clients that cannot open one for each. The Worker holds it, so it does not
//! hibernate; the shards behind it do.

use std::collections::VecDeque;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use vtryon_gateway_engine::protocol::live::cursor::StreamCursor;
use vtryon_gateway_engine::protocol::live::{SEND_WINDOW, acknowledged, close, has_room_for_hint};
use vtryon_webhooks::{Millis, Shards};
use worker::ws_events::MessageEvent;
use worker::{Response, WebSocket, WebsocketEvent};

use super::acknowledgements::Acknowledgements;
use super::bucket::{Bucket, MESSAGES};
use super::client_socket::{self, Client, End};
use super::frame::{self, Frame, Ids};
use crate::auth::Permit;
use crate::http::response::ApiError;
use crate::platform::clock;

/// Joins sockets to shards into one.
pub(super) fn open(
    sockets: Vec<WebSocket>,
    ids: Ids,
    shards: Shards,
    permit: Permit,
    protocol: Option<&str>,
) -> Result<Response, ApiError> {
    let until = permit.end();
    client_socket::open(sockets, Client::Administrator, permit, protocol, async move |sockets, client| {
        let fan_in = FanIn {
            sockets,
            acknowledgements: Acknowledgements::new(sockets.len()),
            client,
            ids,
            shards,
            until,
            budget: Bucket::full(MESSAGES, clock::now()),
            waiting: VecDeque::new(),
            unacknowledged: Unacknowledged::default(),
            last_id: None,
        };
        fan_in.run().await
    })
}

/// How long an acknowledgement may be, in bytes: its id has a place for each of 1024 shards.
const MAX_ACK_BYTES: usize = 32 * 1024;

/// What was sent to the client and it has not acknowledged.
#[derive(Default)]
struct Unacknowledged {
    /// The id and the length of each message; one without an id has that of the message before it.
    sent: VecDeque<(String, usize)>,
    bytes: usize,
}

impl Unacknowledged {
    fn add(&mut self, id: String, bytes: usize) {
        self.bytes += bytes;
        self.sent.push_back((id, bytes));
    }

    /// Returns whether the next message has to wait for an acknowledgement.
    const fn is_full(&self) -> bool {
        self.bytes >= SEND_WINDOW
    }

    /// Returns whether a message is left out: one without an id is no reason for another acknowledgement, so it must not
    /// fill the window.
    fn leaves_out(&self, frame: &Frame<'_>) -> bool {
        frame.id.is_none() && !has_room_for_hint(self.bytes, SEND_WINDOW)
    }

    /// Removes what was sent up to an id, which several messages may have.
    fn acknowledge(&mut self, id: &str) {
        let Some(at) = self.sent.iter().rposition(|(sent, _)| sent == id) else { return };
        self.bytes -= self.sent.drain(..=at).map(|(_, bytes)| bytes).sum::<usize>();
    }
}

/// The stream of one client.
struct FanIn<'a> {
    sockets: &'a [WebSocket],
    acknowledgements: Acknowledgements,
    client: &'a WebSocket,
    ids: Ids,
    shards: Shards,
    until: Option<Millis>,
    budget: Bucket,
    /// The messages that wait until the client has acknowledged others, with the sockets that they came from.
    waiting: VecDeque<(usize, String)>,
    unacknowledged: Unacknowledged,
    /// The last id that the client was given.
    last_id: Option<String>,
}

impl FanIn<'_> {
    /// Forwards messages and acknowledgements; returns why the stream has ended.
    async fn run(mut self) -> End {
        let Some(mut messages) = frame::from_all(self.sockets) else { return close::FAULT.into() };
        let Ok(mut answers) = self.client.events() else { return close::FAULT.into() };
        loop {
            if let Err(end) = self.send_waiting() {
                return end;
            }
            match select(messages.next(), answers.next()).await {
                Either::Left((Some((socket, Ok(WebsocketEvent::Message(message)))), _)) => {
                    self.waiting.extend(message.text().map(|text| (socket, text)));
                }
                Either::Left((Some((_, Ok(WebsocketEvent::Close(event)))), _)) => {
                    return End::forward(event.code(), event.reason());
                }
                Either::Left(_) => return close::SHARD_ENDED.into(),
                Either::Right((Some(Ok(WebsocketEvent::Message(message))), _)) => {
                    if let Err(end) = self.receive(&message) {
                        return end;
                    }
                }
                Either::Right(_) => return close::CLOSED.into(),
            }
        }
    }

    /// Sends what waits, as long as the client is not behind. What waits is not acknowledged to its shards: they hold the
    /// rest back, so that what waits here is bounded; and they end their streams if it lasts.
    fn send_waiting(&mut self) -> Result<(), End> {
        while !self.unacknowledged.is_full()
            && let Some((socket, text)) = self.waiting.pop_front()
        {
            self.send(socket, &text)?;
        }
        Ok(())
    }

    fn send(&mut self, socket: usize, text: &str) -> Result<(), End> {
        let frame = Frame::of(text);
        if !self.unacknowledged.leaves_out(&frame) {
            self.forward(&frame)?;
        }
        // A shard that has ended its stream is noticed by that.
        if let (Some(socket), Some(ack)) =
            (self.sockets.get(socket), self.acknowledgements.count(socket, &frame))
        {
            let _ = socket.send_with_str(ack);
        }
        Ok(())
    }

    fn forward(&mut self, frame: &Frame<'_>) -> Result<(), End> {
        let (id, rewritten) = self.ids.rewrite(frame);
        self.client.send_with_str(&rewritten).map_err(|_| close::FAULT)?;
        self.budget.add(MESSAGES);
        self.last_id = id.or(self.last_id.take());
        if let Some(id) = self.last_id.clone() {
            self.unacknowledged.add(id, rewritten.len());
        }
        Ok(())
    }

    /// Takes a message of the client.
    fn receive(&mut self, message: &MessageEvent) -> Result<(), End> {
        let text = client_socket::receive(self.client, message, self.until, &mut self.budget)?;
        let Some(text) = text else { return Ok(()) };
        let id = acknowledged(&text, MAX_ACK_BYTES);
        let id = id.filter(|id| StreamCursor::parse(id, self.shards).is_ok()).ok_or(close::NOT_TAKEN)?;
        self.unacknowledged.acknowledge(&id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_without_an_id_leave_room_for_others() {
        const HINT: &str = r#"{"type":"delivery"}"#;
        const EVENT: &str = r#"{"id":"1.1.0_2","type":"event"}"#;
        let mut unacknowledged = Unacknowledged::default();
        unacknowledged.add("1.1.0_1".to_owned(), 1);
        unacknowledged.acknowledge("1.1.0_1");
        for _ in 0..SEND_WINDOW / HINT.len() + 1 {
            if !unacknowledged.leaves_out(&Frame::of(HINT)) {
                unacknowledged.add("1.1.0_1".to_owned(), HINT.len());
            }
        }
        assert!(!unacknowledged.is_full());
        assert!(!unacknowledged.leaves_out(&Frame::of(EVENT)));
        unacknowledged.add("1.1.0_2".to_owned(), EVENT.len());
        unacknowledged.acknowledge("1.1.0_2");
        assert_eq!(unacknowledged.bytes, 0, "what has no id is acknowledged with what comes after it");
    }
}
