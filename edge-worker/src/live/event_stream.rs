//! Server-sent events (WHATWG HTML, 9.2), fed from sockets to shards. A stream ends after a while and is
//! resumed by its last id: that a client has left is noticed only when something is sent to it.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::select;
use futures_util::{FutureExt, StreamExt};
use worker::{Delay, Response, WebSocket, WebsocketEvent, console_error};

use super::acknowledgements::Acknowledgements;
use super::client_socket::leave;
use super::frame::{self, Frame, Ids};
use crate::auth::Permit;
use crate::http::response::ApiError;
use crate::platform::body_writer::{self, BodyWriter, ClientLeft};
use crate::platform::js;
use crate::platform::timeout::with_timeout;

/// How long a stream lasts: less than what proxies let pass for idle.
const LENGTH: Duration = Duration::from_secs(55);

/// How long nothing is sent before a comment is, so that a dead connection is noticed.
const BEAT: Duration = Duration::from_secs(15);

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
    let (body, client) = body_writer::open()?;
    let mut response = Response::from_body(body)?;
    js::wait_until(async move {
        serve(&sockets, ids, &permit, acknowledge, &client).await;
        sockets.iter().for_each(leave);
        client.close().await;
    });
    let headers = response.headers_mut();
    headers.set("content-type", "text/event-stream; charset=utf-8")?;
    for (name, value) in UNBUFFERED {
        headers.set(name, value)?;
    }
    Ok(response)
}

/// Feeds a client until its stream is long enough or its credentials have ended, whether it reads or not.
async fn serve(
    sockets: &[WebSocket],
    ids: Ids,
    permit: &Permit,
    acknowledge: Acknowledge,
    client: &BodyWriter,
) {
    let served = async {
        let refused = pin!(permit.ended());
        let over = select(Delay::from(LENGTH), refused);
        select(pin!(feed(sockets, ids, acknowledge, client)), over).await;
    };
    if AssertUnwindSafe(served).catch_unwind().await.is_err() {
        console_error!("an event stream panicked: it will be resumed");
    }
}

/// Forwards messages until a socket ends.
async fn feed(
    sockets: &[WebSocket],
    mut ids: Ids,
    acknowledge: Acknowledge,
    client: &BodyWriter,
) -> Result<(), ClientLeft> {
    let Some(mut messages) = frame::from_all(sockets) else { return Ok(()) };
    let mut acknowledgements = Acknowledgements::new(sockets.len());
    client.write(RETRY.as_bytes()).await?;
    loop {
        let Some(event) = with_timeout(BEAT, messages.next()).await else {
            client.write(b":\n\n").await?;
            continue;
        };
        let Some((no, Ok(WebsocketEvent::Message(message)))) = event else { return Ok(()) };
        let Some(text) = message.text() else { return Ok(()) };
        let frame = Frame::of(&text);
        let (id, rewritten) = ids.rewrite(&frame);
        let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
        client.write(format!("{id}data: {rewritten}\n\n").as_bytes()).await?;
        if acknowledge == Acknowledge::No {
            continue;
        }
        let Some(ack) = acknowledgements.count(no, &frame) else { continue };
        if sockets.get(no).is_none_or(|socket| socket.send_with_str(ack).is_err()) {
            return Ok(());
        }
    }
}
