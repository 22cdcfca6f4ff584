//! A client's socket, which the Worker holds: from its opening to its end.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::pin::pin;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use vtryon_gateway_engine::protocol::live::close::{self, Close};
use vtryon_webhooks::Millis;
use worker::wasm_bindgen_futures::spawn_local;
use worker::ws_events::MessageEvent;
use worker::{Response, WebSocket, WebSocketPair, console_error};

use super::bucket::{Bucket, MESSAGES};
use super::lingering;
use crate::auth::{Ended, Permit};
use crate::http::response::{ApiError, switched};
use crate::platform::{clock, js};

/// How many KiB a client may send after its socket was closed, each message counted as one at least: what was on its way.
/// Beyond that its connection is cut, for the runtime would read on for as long as there is something.
const MAX_KIB_AFTER_CLOSE: u32 = 1024;

/// Why a client's socket is closed: what the Worker says, or a shard, which may be of another version.
pub(super) struct End {
    code: u16,
    reason: Cow<'static, str>,
}

impl From<Close> for End {
    fn from(Close { code, reason }: Close) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }
}

impl End {
    /// What a shard has said, as it goes on to the client. Where it has said nothing (RFC 6455, 7.4.1), it is gone.
    pub(super) fn forward(code: u16, reason: String) -> Self {
        match code {
            1005 | 1006 | 1015 => close::SHARD_ENDED.into(),
            _ => Self { code, reason: Cow::Owned(reason) },
        }
    }
}

/// Whose socket it is.
pub(super) enum Client {
    /// The holder of a ticket for this task.
    Page {
        task_id: String,
    },
    Administrator,
}

/// Closes a client's socket and waits for the client to close it too. One that goes on sending is cut off.
async fn hang_up(socket: &WebSocket, end: &End, client: &Client) {
    // One that is closed already can't be closed.
    let _ = js::hang_up(socket.as_ref(), end.code, &end.reason, MAX_KIB_AFTER_CLOSE);
    if let Client::Page { task_id } = client {
        lingering::wait_for_close(socket, task_id).await;
    }
}

/// Opens a page's socket to say with `end` why there is nothing to see.
pub(super) fn refuse(
    end: impl Into<End> + 'static,
    task_id: String,
    protocol: Option<&str>,
) -> Result<Response, ApiError> {
    let pair = WebSocketPair::new()?;
    pair.server.accept()?;
    spawn_local(async move { hang_up(&pair.server, &end.into(), &Client::Page { task_id }).await });
    switched(pair.client, protocol)
}

/// Opens a client's socket, lets `serve` feed it from the sockets of shards until the credentials end, and closes all
/// of them.
pub(super) fn open(
    shards: Vec<WebSocket>,
    whose: Client,
    permit: Permit,
    protocol: Option<&str>,
    serve: impl AsyncFnOnce(&[WebSocket], &WebSocket) -> End + 'static,
) -> Result<Response, ApiError> {
    let pair = WebSocketPair::new()?;
    let (client, server) = (pair.client, pair.server);
    server.accept()?;
    spawn_local(async move {
        let served = async {
            match select(pin!(serve(&shards, &server)), pin!(permit.ended())).await {
                Either::Left((end, _)) => end,
                Either::Right((Ended::Expired, _)) => close::EXPIRED.into(),
                Either::Right((Ended::Unchecked, _)) => close::UNCHECKED.into(),
            }
        };
        let end = AssertUnwindSafe(served).catch_unwind().await.unwrap_or_else(|_| {
            console_error!("a live socket panicked: it will be resumed");
            close::FAULT.into()
        });
        shards.iter().for_each(leave);
        hang_up(&server, &end, &whose).await;
    });
    switched(client, protocol)
}

/// Admits one more message of a client.
///
/// # Errors
/// Why the socket ends: the client's credentials are over, or its budget is used up.
fn admit(until: Option<Millis>, budget: &mut Bucket, now: Millis) -> Result<(), Close> {
    if until.is_some_and(|until| until <= now) {
        return Err(close::EXPIRED);
    }
    if !budget.take(MESSAGES, now) {
        return Err(close::TOO_MANY_MESSAGES);
    }
    Ok(())
}

/// Returns the text of a client's message, nothing where it was a ping, which is answered.
///
/// # Errors
/// Why the socket ends, by [`admit`].
pub(super) fn receive(
    client: &WebSocket,
    message: &MessageEvent,
    until: Option<Millis>,
    budget: &mut Bucket,
) -> Result<Option<String>, End> {
    admit(until, budget, clock::now())?;
    let text = message.text().unwrap_or_default();
    if text != "ping" {
        return Ok(Some(text));
    }
    // A client that has left is noticed by its close.
    let _ = client.send_with_str("pong");
    Ok(None)
}

/// Closes a socket to a shard.
pub(super) fn leave(shard: &WebSocket) {
    // One that is closed already can't be closed.
    let _ = shard.close(Some(1000), Some("the stream has ended"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_told_what_a_shard_has_said_or_that_it_is_gone() {
        for (code, reason, told) in [
            (1000, "final", (1000, "final")),
            (1008, "any", (1008, "any")),
            (1013, "too much", (1013, "too much")),
            (1005, "", (1012, "a shard has ended its stream: resume")),
            (1006, "gone", (1012, "a shard has ended its stream: resume")),
            (1015, "", (1012, "a shard has ended its stream: resume")),
        ] {
            let End { code, reason } = End::forward(code, reason.to_owned());
            assert_eq!((code, &*reason), told);
        }
    }

    #[test]
    fn a_message_is_taken_before_the_credentials_end_and_while_the_budget_lasts() {
        let now = Millis(1_000);
        // when the credentials end, how many messages were taken before, why the socket ends
        for (until, taken, expected) in [
            (None, 0, Ok(())),
            (Some(Millis(1_001)), 0, Ok(())),
            (Some(now), 0, Err(close::EXPIRED)),
            (Some(Millis(999)), 0, Err(close::EXPIRED)),
            (None, MESSAGES.burst - 1, Ok(())),
            (None, MESSAGES.burst, Err(close::TOO_MANY_MESSAGES)),
        ] {
            let mut budget = Bucket::full(MESSAGES, now);
            for _ in 0..taken {
                assert!(budget.take(MESSAGES, now));
            }
            assert_eq!(admit(until, &mut budget, now), expected, "{until:?}, {taken}");
        }
    }
}
