//! A client's socket to one shard. It ends at the Worker, which forwards the shard's messages, and the client's
//! within a budget: an object receives every message addressed to it, even after its socket is closed.

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use vtryon_gateway_engine::protocol::live::{MAX_ACK_BYTES, acknowledged, close};
use vtryon_webhooks::Millis;
use worker::{Response, WebSocket, WebsocketEvent};

use super::bucket::{Bucket, MESSAGES};
use super::client_socket::{self, Client, End};
use crate::auth::Permit;
use crate::http::response::ApiError;
use crate::platform::clock;

/// Forwards the messages of a shard until the credentials expire. Administrators may acknowledge them, within a
/// budget; the first message of a page ends its stream.
pub(super) fn open(
    shard: WebSocket,
    whose: Client,
    permit: Permit,
    protocol: Option<&str>,
) -> Result<Response, ApiError> {
    let may_acknowledge = matches!(whose, Client::Administrator);
    let until = permit.end();
    client_socket::open(vec![shard], whose, permit, protocol, async move |shards, client| match shards {
        [shard] => relay(shard, client, may_acknowledge, until).await,
        _ => close::FAULT.into(),
    })
}

/// Forwards messages; returns why the stream has ended.
async fn relay(shard: &WebSocket, client: &WebSocket, may_acknowledge: bool, until: Option<Millis>) -> End {
    let (Ok(mut messages), Ok(mut answers)) = (shard.events(), client.events()) else {
        return close::FAULT.into();
    };
    if shard.accept().is_err() {
        return close::FAULT.into();
    }
    let mut budget = Bucket::full(MESSAGES, clock::now());
    loop {
        match select(messages.next(), answers.next()).await {
            Either::Left((Some(Ok(WebsocketEvent::Message(message))), _)) => {
                if client.send_with_str(message.text().unwrap_or_default()).is_err() {
                    return close::FAULT.into();
                }
                budget.add(MESSAGES);
            }
            Either::Left((Some(Ok(WebsocketEvent::Close(event))), _)) => {
                return End::forward(event.code(), event.reason());
            }
            Either::Left(_) => return close::SHARD_ENDED.into(),
            Either::Right((Some(Ok(WebsocketEvent::Message(message))), _)) => {
                if !may_acknowledge {
                    return close::TAKES_NOTHING.into();
                }
                let text = match client_socket::receive(client, &message, until, &mut budget) {
                    Ok(Some(text)) => text,
                    Ok(None) => continue,
                    Err(end) => return end,
                };
                if acknowledged(&text, MAX_ACK_BYTES).is_none() {
                    return close::NOT_TAKEN.into();
                }
                if shard.send_with_str(&text).is_err() {
                    return close::SHARD_ENDED.into();
                }
            }
            Either::Right(_) => return close::CLOSED.into(),
        }
    }
}
