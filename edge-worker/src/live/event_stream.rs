//! Server-sent events (WHATWG HTML, 9.2), fed from sockets to shards. A stream ends after a while and is
//! resumed by its last id: that a client has left is noticed only when something is sent to it.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_channel::mpsc::{self, Sender};
use futures_util::future::{Either, select};
use futures_util::{FutureExt, SinkExt, StreamExt};
use worker::wasm_bindgen_futures::spawn_local;
use worker::{Delay, Response, WebSocket, WebsocketEvent, console_error};

use super::acknowledgements::Acknowledgements;
use super::client_socket::leave;
use super::frame::{self, Frame, Ids};
use crate::auth::Permit;
use crate::http::response::ApiError;
use crate::platform::timeout::with_timeout;

/// How long a stream lasts: less than what proxies let pass for idle.
const LENGTH: Duration = Duration::from_secs(55);

/// How long nothing is sent before a comment is, so that a dead connection is noticed.
const BEAT: Duration = Duration::from_secs(15);

/// How many messages are buffered for a client that reads slowly.
const BUFFERED: usize = 8;

/// What keeps proxies from holding a stream back: from compressing it (RFC 9111, 5.2.2.6), and nginx from buffering it.
const UNBUFFERED: [(&str, &str); 2] =
    [("cache-control", "no-store, no-transform"), ("x-accel-buffering", "no")];

/// How long a client waits before it resumes, in milliseconds.
const RETRY: &str = "retry: 1000\n\n";

/// Whether the shards receive acknowledgements. The shard of a page takes no messages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Acknowledge {
    Yes,
    No,
}

/// Opens an event stream, fed from sockets.
pub(super) fn open(
    sockets: Vec<WebSocket>,
    ids: Ids,
    permit: Permit,
    acknowledge: Acknowledge,
) -> Result<Response, ApiError> {
    let (mut events, body) = mpsc::channel(BUFFERED);
    let mut response = Response::from_stream(body.map(Ok::<Vec<u8>, worker::Error>))?;
    // Held for as long as it is fed. If a client leaves, its request ends and this task with it, without a sign; the runtime
    // would collect the stream, and free what feeds it outside of any request: the isolate then answers nothing any more.
    let held = response.body().clone();
    spawn_local(async move {
        let feeding = pin!(AssertUnwindSafe(feed(&sockets, ids, acknowledge, &mut events)).catch_unwind());
        // Whatever it waits for: a client that does not read is not waited for any longer.
        let refused = pin!(permit.ended());
        let over = select(Delay::from(LENGTH), refused);
        if let Either::Left((Err(_), _)) = select(feeding, over).await {
            console_error!("an event stream panicked: it will be resumed");
        }
        sockets.iter().for_each(leave);
        drop(held);
    });
    let headers = response.headers_mut();
    headers.set("content-type", "text/event-stream; charset=utf-8")?;
    for (name, value) in UNBUFFERED {
        headers.set(name, value)?;
    }
    Ok(response)
}

/// Forwards messages until a socket ends or the client has left.
async fn feed(sockets: &[WebSocket], mut ids: Ids, acknowledge: Acknowledge, client: &mut Sender<Vec<u8>>) {
    let Some(mut messages) = frame::from_all(sockets) else { return };
    let mut acknowledgements = Acknowledgements::new(sockets.len());
    if client.send(RETRY.into()).await.is_err() {
        return;
    }
    loop {
        let Some(event) = with_timeout(BEAT, messages.next()).await else {
            if client.send(b":\n\n".into()).await.is_err() {
                return;
            }
            continue;
        };
        let Some((no, Ok(WebsocketEvent::Message(message)))) = event else { return };
        let Some(text) = message.text() else { return };
        let frame = Frame::of(&text);
        let (id, rewritten) = ids.rewrite(&frame);
        let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
        if client.send(format!("{id}data: {rewritten}\n\n").into_bytes()).await.is_err() {
            return;
        }
        if acknowledge == Acknowledge::No {
            continue;
        }
        let Some(ack) = acknowledgements.count(no, &frame) else { continue };
        if sockets.get(no).is_none_or(|socket| socket.send_with_str(ack).is_err()) {
            return;
        }
    }
}
