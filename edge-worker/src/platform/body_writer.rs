//! A response's body that is written piece by piece.
//!
//! The runtime owns the stream. One that wasm feeds (`Response::from_stream`) is freed by the garbage collector if its client
//! leaves, outside of any request, and that can end the isolate.

use std::time::Duration;

use js_sys::Uint8Array;
use js_sys::futures::JsFuture;
use worker::ResponseBody;
use worker::web_sys::WritableStreamDefaultWriter;

use super::js::IdentityTransformStream;
use super::timeout::with_timeout;

/// How long the end of a body waits for a client that reads slowly, before its connection is cut.
const PATIENCE: Duration = Duration::from_secs(5);

/// The client of a body has left: nothing more can be sent to it.
pub(crate) struct ClientLeft;

/// Writes one body.
pub(crate) struct BodyWriter(WritableStreamDefaultWriter);

/// Makes a body, and what writes it. Who writes has to outlive its request (`waitUntil`): that a client has left is noticed
/// by the next write.
pub(crate) fn open() -> worker::Result<(ResponseBody, BodyWriter)> {
    let stream = IdentityTransformStream::new();
    let writer = stream.writable().get_writer()?;
    Ok((ResponseBody::Stream(stream.readable()), BodyWriter(writer)))
}

impl BodyWriter {
    /// Writes bytes, and waits until they are on their way to the client.
    pub(crate) async fn write(&self, bytes: &[u8]) -> Result<(), ClientLeft> {
        let written = self.0.write_with_chunk(&Uint8Array::from(bytes));
        JsFuture::from(written).await.map(drop).map_err(|_| ClientLeft)
    }

    /// Ends the body.
    pub(crate) async fn close(self) {
        if with_timeout(PATIENCE, JsFuture::from(self.0.close())).await.is_none() {
            // It fails where the client has left.
            let _ = JsFuture::from(self.0.abort()).await;
        }
    }
}
