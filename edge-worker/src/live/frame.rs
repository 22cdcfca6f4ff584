//! A shard's message on its way through the Worker. It begins with its id, if it has one, so that the id is found
//! without reading the rest.

use futures_util::stream::{Stream, StreamExt, select_all};
use vtryon_webhooks::Shards;
use worker::{WebSocket, WebsocketEvent};

use super::cursor::Cursor;

/// Begins to take what sockets to shards bring, each thing with the place of its socket among them; nothing where one
/// of them can't be taken from, for what it brings would be missing.
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
    pub(super) id: Option<&'a str>,
    /// The rest of the object, from its next member on.
    rest: &'a str,
    text: &'a str,
}

impl<'a> Frame<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let parts = text.strip_prefix(r#"{"id":""#).and_then(|text| text.split_once(r#"","#));
        match parts {
            Some((id, rest)) => Self { id: Some(id), rest, text },
            None => Self { id: None, rest: "", text },
        }
    }

    /// Makes the message by which a shard is told that everything up to an id was taken.
    pub(super) fn ack(id: &str) -> String {
        format!(r#"{{"type":"ack","id":"{id}"}}"#)
    }

    /// Tells whether it ends what was stored before the stream was opened: a good moment to acknowledge.
    pub(super) fn is_ready(&self) -> bool {
        self.rest.starts_with(r#""type":"ready""#)
    }
}

/// The ids of a stream: those of the one shard that it comes from, or cursors over all.
pub(super) enum Ids {
    OfShard,
    Merged { shards: Shards, cursor: Cursor },
}

impl Ids {
    pub(super) const fn of_shard() -> Self {
        Self::OfShard
    }

    /// Begins with the places that the streams of all shards begin after.
    pub(super) const fn merged(shards: Shards, cursor: Cursor) -> Self {
        Self::Merged { shards, cursor }
    }

    /// Returns the id that a client is given, and the message with it.
    pub(super) fn given(&mut self, frame: &Frame<'_>) -> (Option<String>, String) {
        let (Some(id), Self::Merged { shards, cursor }) = (frame.id, self) else {
            return (frame.id.map(str::to_owned), frame.text.to_owned());
        };
        if let Ok(place) = Cursor::parse(id, *shards) {
            cursor.merge(&place);
        }
        let id = cursor.to_string();
        let text = format!(r#"{{"id":"{id}",{}"#, frame.rest);
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
        let mut ids = Ids::merged(shards, Cursor::parse("1.2.0_3.1_4", shards).ok().unwrap());
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
        for (message, id, given) in rows {
            let expected = (id.map(str::to_owned), given.to_owned());
            assert_eq!(ids.given(&Frame::of(message)), expected, "{message}");
        }
        let mut ids = Ids::of_shard();
        let message = r#"{"id":"1.2.1_5","type":"ready"}"#;
        assert_eq!(ids.given(&Frame::of(message)), (Some("1.2.1_5".to_owned()), message.to_owned()));
        assert!(Frame::of(message).is_ready());
        assert!(!Frame::of(r#"{"id":"1.2.1_6","type":"event"}"#).is_ready());
    }
}
