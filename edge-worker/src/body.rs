//! The reading of a request's body: its exact bytes, and never more of them than the limit.

use futures_util::StreamExt;
use vtryon_webhooks::BodyLimit;
use worker::Request;

use crate::reply::Refusal;

/// Reads the body. One that is declared too long is not read at all; one of undeclared length (chunked)
/// is read until the limit is passed.
pub(crate) async fn read(request: &mut Request, limit: BodyLimit) -> Result<Vec<u8>, Refusal> {
    if let Some(declared) = request.headers().get("content-length")? {
        // What no number of this machine holds is too long all the more.
        limit.check(declared.parse().unwrap_or(usize::MAX))?;
        let bytes = request.bytes().await?;
        limit.check(bytes.len())?;
        return Ok(bytes);
    }
    if request.inner().body().is_none() {
        return Ok(Vec::new());
    }
    let mut stream = request.stream()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk?);
        limit.check(bytes.len())?;
    }
    Ok(bytes)
}
