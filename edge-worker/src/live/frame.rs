//! A shard's message on its way through the Worker, where it may be given another id.

use futures_util::stream::{Stream, StreamExt, select_all};
use serde::Serialize;
use vtryon_gateway_engine::protocol::live::cursor::StreamCursor;
use vtryon_gateway_engine::text::json::{self, Object};
use vtryon_webhooks::Shards;
use worker::{WebSocket, WebsocketEvent};

/// Begins to read the sockets to shards: each event with the index of its socket; `None` where one cannot be
/// read, for its messages would be missing.
pub(super) fn from_all(
    sockets: &[WebSocket],
) -> Option<impl Stream<Item = (usize, worker::Result<WebsocketEvent>)> + Unpin> {
    let streams = sockets.iter().enumerate().map(|(no, socket)| {
        let events = socket.events().ok()?;
        socket.accept().ok()?;
        Some(events.map(move |event| (no, event)))
    });
    Some(select_all(streams.collect::<Option<Vec<_>>>()?))
}

/// A message as a shard has sent it.
pub(super) struct Frame<'a> {
    pub(super) id: Option<String>,
    /// The other fields.
    rest: Option<Object<'a>>,
    pub(super) text: &'a str,
}

/// A message with another id.
#[derive(Serialize)]
struct Rewritten<'a> {
    id: &'a str,
    #[serde(flatten)]
    rest: &'a Option<Object<'a>>,
}

#[derive(Serialize)]
struct Ack<'a> {
    r#type: &'static str,
    id: &'a str,
}

impl<'a> Frame<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut rest = Object::parse(text.as_bytes());
        let id = rest.as_mut().and_then(|fields| fields.remove("id")).and_then(json::text);
        Self { id, rest, text }
    }

    /// Makes the acknowledgement of everything up to an id.
    pub(super) fn ack(id: &str) -> String {
        json::to_string(&Ack { r#type: "ack", id })
    }

    /// Returns whether it is `ready`, the end of the backlog: a good moment to acknowledge.
    pub(super) fn is_ready(&self) -> bool {
        self.rest.as_ref().and_then(|fields| fields.text("type")).is_some_and(|name| name == "ready")
    }
}

/// The ids of a stream: those of its one shard, or cursors over all shards, which begin with the positions that the streams
/// of the shards begin after.
pub(super) enum Ids {
    OfShard,
    Merged { shards: Shards, cursor: StreamCursor },
}

impl Ids {
    /// Returns the id for the client, and the message with that id.
    pub(super) fn rewrite(&mut self, frame: &Frame<'_>) -> (Option<String>, String) {
        let (Some(id), Self::Merged { shards, cursor }) = (&frame.id, self) else {
            return (frame.id.clone(), frame.text.to_owned());
        };
        if let Ok(position) = StreamCursor::parse(id, *shards) {
            cursor.merge(&position);
        }
        let id = cursor.to_string();
        let text = json::to_string(&Rewritten { id: &id, rest: &frame.rest });
        (Some(id), text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "that is how a test fails")]

    use super::*;

    #[test]
    fn ids_of_all_shards_go_on_from_where_each_begins() {
        let shards = Shards::new(2).unwrap();
        let cursor = StreamCursor::parse("1.2.0_3.1_4", shards).ok().unwrap();
        let mut ids = Ids::Merged { shards, cursor };
        // a message, the id that is given, the message that is given
        let rows = [
            (
                r#"{"id":"1.2.1_5","type":"ready"}"#,
                Some("1.2.0_3.1_5"),
                r#"{"id":"1.2.0_3.1_5","type":"ready"}"#,
            ),
            (r#"{"type":"delivery"}"#, None, r#"{"type":"delivery"}"#),
            (
                r#"{"id":"1.2.0_4","type":"event"}"#,
                Some("1.2.0_4.1_5"),
                r#"{"id":"1.2.0_4.1_5","type":"event"}"#,
            ),
        ];
        for (message, id, rewritten) in rows {
            let expected = (id.map(str::to_owned), rewritten.to_owned());
            assert_eq!(ids.rewrite(&Frame::of(message)), expected, "{message}");
        }
        let mut ids = Ids::OfShard;
        let message = r#"{"id":"1.2.1_5","type":"ready"}"#;
        assert_eq!(ids.rewrite(&Frame::of(message)), (Some("1.2.1_5".to_owned()), message.to_owned()));
        assert!(Frame::of(message).is_ready());
        assert!(!Frame::of(r#"{"id":"1.2.1_6","type":"event"}"#).is_ready());
    }
}
