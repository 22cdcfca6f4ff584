//! The reading of a request's body: its exact bytes, and never more of them than the limit.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use vtryon_webhooks::BodyLimit;
use worker::web_sys::Request;
use worker::{ByteStream, Delay};

use crate::reply::Refusal;
use crate::{host, wait};

/// Reads the body. One that is declared too long is not read at all; one of undeclared length (chunked)
/// is read until the limit is passed.
pub(crate) async fn read(
    request: &Request,
    declared: Option<&str>,
    limit: BodyLimit,
) -> Result<Vec<u8>, Refusal> {
    if let Some(declared) = declared {
        // What no number of this machine holds is too long all the more.
        limit.check(declared.parse().unwrap_or(usize::MAX))?;
        let body = wait::until(|no, settle| host::body(request, no, settle)).await;
        let bytes = host::bytes_of(&body.map_err(worker::Error::from)?);
        limit.check(bytes.len())?;
        return Ok(bytes);
    }
    if request.body().is_none() {
        return Ok(Vec::new());
    }
    let mut stream = stream(request)?;
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk?);
        limit.check(bytes.len())?;
    }
    Ok(bytes)
}

/// Reads the body of a request to the API, in the same way.
pub(crate) async fn of(request: &worker::Request, limit: BodyLimit) -> Result<Vec<u8>, Refusal> {
    let declared = request.headers().get("content-length")?;
    read(request.inner(), declared.as_deref(), limit).await
}

/// Reads the beginning of a body that nothing depends on, at most so many bytes of it and no longer than that;
/// and tells whether that is all of it.
pub(crate) async fn beginning(request: &Request, most: usize, patience: Duration) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    if request.body().is_none() {
        return (bytes, true);
    }
    let Ok(mut stream) = stream(request) else { return (bytes, false) };
    let mut end = pin!(Delay::from(patience));
    let is_whole = loop {
        match select(stream.next(), &mut end).await {
            Either::Left((None, _)) => break true,
            Either::Left((Some(Ok(chunk)), _)) => bytes.extend_from_slice(&chunk),
            Either::Left((Some(Err(_)), _)) | Either::Right(_) => break false,
        }
        if bytes.len() > most {
            break false;
        }
    };
    bytes.truncate(most);
    (bytes, is_whole)
}

/// Opens a body as a stream of chunks.
fn stream(request: &Request) -> worker::Result<ByteStream> {
    worker::Request::from(Clone::clone(request)).stream()
}
