//! What the shards are told that a client has taken. That frees their send windows; a client that is itself behind is
//! waited for by the Worker.

use vtryon_gateway_engine::protocol::live::ACKNOWLEDGE_AFTER;

use super::frame::Frame;

/// What a client has taken of each socket and the shard does not know: so many bytes, up to this id.
pub(super) struct Acknowledgements(Vec<(usize, Option<String>)>);

impl Acknowledgements {
    pub(super) fn new(sockets: usize) -> Self {
        Self(vec![(0, None); sockets])
    }

    /// Counts a message that a client has taken from a socket. Returns what the shard is to be told now, if anything.
    pub(super) fn count(&mut self, socket: usize, frame: &Frame<'_>) -> Option<String> {
        let (bytes, last_id) = self.0.get_mut(socket)?;
        *bytes += frame.text.len();
        *last_id = frame.id.clone().or(last_id.take());
        if *bytes < ACKNOWLEDGE_AFTER && !frame.is_ready() {
            return None;
        }
        let id = last_id.as_ref()?;
        *bytes = 0;
        Some(Frame::ack(id))
    }
}
