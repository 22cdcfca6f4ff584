//! The sockets of a shard: opened, read and closed as the engine decides.

use std::panic::{AssertUnwindSafe, catch_unwind};

use vtryon_gateway_engine::protocol::live::close::{self, Close};
use vtryon_gateway_engine::protocol::live::{LIVE_CURSOR, NotOpened};
use vtryon_gateway_engine::protocol::{Call, ShardRequest};
use vtryon_gateway_engine::shard::{MAX_TICKET_SOCKETS_OF_TASK, OpenedStream, Outgoing, Subscriber};
use worker::{Request, Response, WebSocket, WebSocketIncomingMessage, WebSocketPair, console_error};

use super::{TaskShard, attachment, fault};

/// Closes a socket; does nothing where it is closed already.
pub(super) fn close(socket: &WebSocket, Close { code, reason }: Close) {
    let _ = socket.close(Some(code), Some(reason));
}

/// Closes a socket where its handling fails or panics: its client has to resume.
pub(super) fn guarded(socket: &WebSocket, handle: impl FnOnce() -> worker::Result<()>) {
    if !matches!(catch_unwind(AssertUnwindSafe(handle)), Ok(Ok(()))) {
        console_error!("live: a message was not handled: its client has to resume");
        close(socket, close::FAULT);
    }
}

/// Sends what the engine has decided, stores the subscriber, and closes the socket where it says so.
pub(super) fn send(socket: &WebSocket, subscriber: &Subscriber, outgoing: &Outgoing) -> worker::Result<()> {
    for message in &outgoing.messages {
        socket.send_with_str(message)?;
    }
    attachment::write(socket, subscriber)?;
    if let Some(reason) = outgoing.close {
        close(socket, reason);
    }
    Ok(())
}

/// Answers that no stream is opened.
fn not_opened(reason: NotOpened) -> worker::Result<Response> {
    let status = reason.status();
    let response = match reason {
        NotOpened::Unavailable(message) => Response::ok(message)?,
        NotOpened::Over | NotOpened::Refused | NotOpened::Erased => Response::empty()?,
    };
    Ok(response.with_status(status))
}

impl TaskShard {
    /// Opens a socket for a stream, and sends its first messages.
    pub(super) async fn open_socket(&self, request: &Request) -> worker::Result<Response> {
        let call = Call::from_url(&request.inner().url()).map_err(fault)?;
        if let Err(mismatch) = self.begin_call(&call).await? {
            return not_opened(NotOpened::Unavailable(mismatch.0));
        }
        let Call { shard, shards, request, .. } = call;
        let ShardRequest::Subscribe(subscription) = request else {
            return Err("only a socket is asked for by a request".into());
        };
        let subscribed =
            self.with_engine(|engine, context| engine.subscribe(context, (shard, shards), subscription))?;
        let OpenedStream { subscriber, outgoing, cursor, tags } = *match subscribed {
            Ok(opened) => opened,
            Err(reason) => return not_opened(reason),
        };
        if let Some(tag) = tags.first().filter(|_| subscriber.is_ticket_holder()) {
            self.make_room(tag);
        }
        let pair = WebSocketPair::new()?;
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        self.state.accept_websocket_with_tags(&pair.server, &tags);
        if let Err(error) = attachment::write(&pair.server, &subscriber) {
            close(&pair.server, close::FAULT);
            return Err(error);
        }
        // Counted once its attachment is there, by which `on_close` recognises it.
        self.with_engine(|engine, _| {
            engine.opened(&subscriber);
            Ok(())
        })?;
        send(&pair.server, &subscriber, &outgoing)?;
        let mut response = Response::from_websocket(pair.client)?;
        response.headers_mut().set(LIVE_CURSOR, &cursor)?;
        Ok(response)
    }

    pub(super) fn on_message(
        &self,
        socket: &WebSocket,
        message: &WebSocketIncomingMessage,
    ) -> worker::Result<()> {
        let mut subscriber = attachment::read(socket)?;
        let text = match message {
            WebSocketIncomingMessage::String(text) => Some(text.as_str()),
            WebSocketIncomingMessage::Binary(_) => None,
        };
        let outgoing =
            self.with_engine(|engine, context| engine.on_message(context, &mut subscriber, text))?;
        send(socket, &subscriber, &outgoing)
    }

    /// Counts the closing of a socket.
    pub(super) fn on_close(&self, socket: &WebSocket) {
        // An instance that has not been opened yet counts the sockets that there are when it is.
        let Some(mut engine) = self.engine.take() else { return };
        if let Ok(subscriber) = attachment::read(socket) {
            engine.closed(&subscriber);
        }
        self.engine.set(Some(engine));
    }

    /// Closes the oldest socket of a task that too many ticket holders watch, so that no ticket fills the shard.
    fn make_room(&self, tag: &str) {
        let sockets = self.state.get_websockets_with_tag(tag);
        if let Some(first) = sockets.first().filter(|_| sockets.len() >= MAX_TICKET_SOCKETS_OF_TASK) {
            close(first, close::BEHIND);
        }
    }
}
