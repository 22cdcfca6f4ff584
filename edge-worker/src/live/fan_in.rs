//! One socket for all shards, for clients that cannot open one for each. The Worker holds it, so it does not
//! hibernate; the shards behind it do.

use std::collections::{BTreeMap, VecDeque};

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use vtryon_gateway_engine::protocol::cursor::StreamCursor;
use vtryon_gateway_engine::protocol::live::{SEND_WINDOW, acknowledged};
use vtryon_webhooks::{Millis, Shards};
use worker::{Response, WebSocket, WebsocketEvent};

use super::bucket::{Bucket, MESSAGES};
use super::client_socket::{self, CUT_SHORT, Client, End, FAULT, LEFT, NOT_TAKEN};
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
        join(sockets, client, ids, shards, until).await
    })
}

/// How long an acknowledgement may be, in bytes: its id has a place for each of 1024 shards.
const MAX_ACK_BYTES: usize = 32 * 1024;

/// What was sent and not acknowledged.
#[derive(Default)]
struct Unacknowledged {
    /// The id of each message, the socket that it came from with its id there, and its length.
    sent: VecDeque<Sent>,
    bytes: usize,
}

struct Sent {
    id: String,
    socket: usize,
    own_id: String,
    bytes: usize,
}

impl Unacknowledged {
    fn add(&mut self, sent: Sent) {
        self.bytes += sent.bytes;
        self.sent.push_back(sent);
    }

    /// Removes what was sent up to an id, which several messages may have; returns the last id of each socket
    /// among it.
    fn acknowledge(&mut self, id: &str) -> BTreeMap<usize, String> {
        let Some(at) = self.sent.iter().rposition(|sent| sent.id == id) else { return BTreeMap::new() };
        let done: Vec<Sent> = self.sent.drain(..=at).collect();
        self.bytes -= done.iter().map(|sent| sent.bytes).sum::<usize>();
        done.into_iter().map(|sent| (sent.socket, sent.own_id)).collect()
    }
}

/// Forwards messages and acknowledgements; returns why the stream has ended.
async fn join(
    sockets: &[WebSocket],
    client: &WebSocket,
    mut ids: Ids,
    shards: Shards,
    until: Option<Millis>,
) -> End {
    let Some(mut messages) = frame::from_all(sockets) else { return FAULT.into() };
    let Ok(mut answers) = client.events() else { return FAULT.into() };
    let mut unacknowledged = Unacknowledged::default();
    let mut budget = Bucket::full(MESSAGES, clock::now());
    let mut waiting: VecDeque<(usize, String)> = VecDeque::new();
    // The last id that the client was given, and that of each socket.
    let mut last_id = String::new();
    let mut own_ids: BTreeMap<usize, String> = BTreeMap::new();
    loop {
        // A client that is behind is waited for. The shards hold back what is not acknowledged, so what waits here
        // is bounded; and they end their streams if it lasts.
        while unacknowledged.bytes < SEND_WINDOW
            && let Some((socket, text)) = waiting.pop_front()
        {
            let frame = Frame::of(&text);
            let (id, rewritten) = ids.rewrite(&frame);
            if client.send_with_str(&rewritten).is_err() {
                return FAULT.into();
            }
            budget.add(MESSAGES);
            if let (Some(id), Some(own)) = (id, frame.id) {
                last_id = id;
                own_ids.insert(socket, own);
            }
            // What has no id is taken with what came before it.
            if let Some(own_id) = own_ids.get(&socket).cloned() {
                unacknowledged.add(Sent { id: last_id.clone(), socket, own_id, bytes: rewritten.len() });
            }
        }
        match select(messages.next(), answers.next()).await {
            Either::Left((Some((socket, Ok(WebsocketEvent::Message(message)))), _)) => {
                waiting.extend(message.text().map(|text| (socket, text)));
            }
            Either::Left((Some((_, Ok(WebsocketEvent::Close(event)))), _)) => {
                return End::forward(event.code(), event.reason());
            }
            Either::Left(_) => return CUT_SHORT.into(),
            Either::Right((Some(Ok(WebsocketEvent::Message(message))), _)) => {
                let text = match client_socket::receive(client, &message, until, &mut budget) {
                    Ok(Some(text)) => text,
                    Ok(None) => continue,
                    Err(end) => return end,
                };
                let id =
                    acknowledged(&text, MAX_ACK_BYTES).filter(|id| StreamCursor::parse(id, shards).is_ok());
                let Some(id) = id else { return NOT_TAKEN.into() };
                for (no, id) in unacknowledged.acknowledge(&id) {
                    // A shard that has ended its stream is noticed by that.
                    let _ = sockets.get(no).map(|socket| socket.send_with_str(Frame::ack(&id)));
                }
            }
            Either::Right(_) => return LEFT.into(),
        }
    }
}
