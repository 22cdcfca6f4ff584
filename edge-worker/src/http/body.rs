//! The reading of a request's body: its exact bytes, never more of them than the limit, and no longer than a deadline.

mod budget;

use std::cell::RefCell;
use std::time::Duration;

use futures_util::future::{Either, select};
use vtryon_webhooks::{BodyLimit, Code, Error};
use wasm_bindgen::JsValue;
use worker::web_sys::Request;

use self::budget::{BUDGET, Budget, OverBudget};
use crate::http::response::ApiError;
use crate::platform::clock;
use crate::testing::faults;
use crate::{host, wait};

/// How long a body may take to arrive. Events are sent in one piece; the longest one that can be configured makes it
/// at 200 KB/s. The rest of a request's deadline is the gateway's own.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// How often a body that has not arrived yet is looked after. One that has lost its room ends after that at the latest.
const TICK: Duration = Duration::from_millis(500);

/// The buffers that a body is read into: the first one takes an event, the following ones grow with what has come.
const FIRST_BUFFER: usize = 2 * 1024;
const MAX_BUFFER: usize = 16 * 1024;

/// When a body is given up whose request has ended without a sign. As long as a request may take.
const EXPIRY_MILLIS: i64 = 10_000;

thread_local! {
    static BUDGET_OF_ISOLATE: RefCell<Budget> = const { RefCell::new(Budget::new(BUDGET)) };
}

/// Why a body was not read to its end.
enum BodyError {
    TooLarge(Error),
    Incomplete,
    TimedOut,
    OverBudget,
    Platform(worker::Error),
}

/// Reads a body. One that is declared too long is not read at all; one of undeclared length (chunked) is read until the
/// limit is passed.
///
/// # Errors
/// `payload_too_large`; `incomplete_body` where the connection ends first, or its chunks are malformed; `body_timeout`;
/// `unavailable` where the isolate has no room for it.
pub(crate) async fn read(
    request: &Request,
    declared: Option<&str>,
    limit: BodyLimit,
) -> Result<Vec<u8>, ApiError> {
    Ok(read_within(request, declared, limit).await?)
}

/// Reads the body of a request to the API, in the same way.
pub(crate) async fn of(request: &worker::Request, limit: BodyLimit) -> Result<Vec<u8>, ApiError> {
    let declared = request.headers().get("content-length")?;
    read(request.inner(), declared.as_deref(), limit).await
}

/// Reads the beginning of a body that nothing depends on, at most so many bytes of it and no longer than that;
/// and tells whether that is all of it.
pub(crate) async fn beginning(request: &Request, most: usize, patience: Duration) -> (Vec<u8>, bool) {
    let Ok(Some(mut incoming)) = Incoming::open(request, patience) else { return (Vec::new(), true) };
    let is_whole = loop {
        let size = MAX_BUFFER.min(most + 1 - incoming.length());
        match incoming.read(1, size).await {
            Ok(Progress::More) if incoming.length() > most => break false,
            Ok(Progress::More) => {}
            Ok(Progress::End) => break true,
            Err(_) => break false,
        }
    };
    let mut bytes = incoming.close();
    bytes.truncate(most);
    (bytes, is_whole)
}

async fn read_within(
    request: &Request,
    declared: Option<&str>,
    limit: BodyLimit,
) -> Result<Vec<u8>, BodyError> {
    // What no number of this machine holds is too long all the more.
    let declared = declared.map(|length| length.parse().unwrap_or(usize::MAX));
    limit.check(declared.unwrap_or_default())?;
    let mut length = 0;
    let Some(mut incoming) = Incoming::open(request, DEADLINE)? else {
        return if declared.unwrap_or_default() == 0 { Ok(Vec::new()) } else { Err(BodyError::Incomplete) };
    };
    // A byte more than the limit shows that there are more.
    let most = declared.unwrap_or(limit.bytes() + 1);
    while length < most {
        let size = length.clamp(FIRST_BUFFER, MAX_BUFFER).min(most - length);
        let progress = incoming.read(size, size).await?;
        length = incoming.length();
        faults::while_reading(request);
        if let Progress::End = progress {
            break;
        }
    }
    limit.check(length)?;
    if declared.is_some_and(|declared| declared != length) {
        return Err(BodyError::Incomplete);
    }
    Ok(incoming.close())
}

/// Sets another budget than that of the release; none restores it.
#[cfg(feature = "faults")]
pub(crate) fn set_budget(bytes: Option<usize>) {
    BUDGET_OF_ISOLATE.with_borrow_mut(|budget| budget.set_limit(bytes.unwrap_or(BUDGET)));
}

/// Returns how many bytes of the budget are held.
#[cfg(feature = "faults")]
pub(crate) fn held_bytes() -> usize {
    BUDGET_OF_ISOLATE.with_borrow(Budget::held)
}

/// A body that is arriving. What it holds of the budget is free again when it is closed or dropped.
struct Incoming {
    reader: JsValue,
    /// What has arrived last, as the runtime tells it.
    last: JsValue,
    id: u64,
    /// How long it may still take, and the part of that which is being waited for.
    left: Duration,
    tick: wait::Wait,
}

enum Progress {
    More,
    End,
}

impl Incoming {
    /// Opens the body of a request, which may take so long; none where it has none.
    fn open(request: &Request, deadline: Duration) -> worker::Result<Option<Self>> {
        let reader = host::open_body(request).map_err(worker::Error::from)?;
        if reader.is_undefined() {
            return Ok(None);
        }
        let now = clock::now();
        let expired = now.plus_millis(-clock::stretched(EXPIRY_MILLIS));
        let id = BUDGET_OF_ISOLATE.with_borrow_mut(|budget| budget.open(now, expired));
        let incoming = Self {
            reader,
            last: JsValue::UNDEFINED,
            id,
            left: deadline,
            tick: wait::pause(TICK.min(deadline)),
        };
        Ok(Some(incoming))
    }

    /// Reads at least `least` bytes, fewer at the end, and at most `most`.
    async fn read(&mut self, least: usize, most: usize) -> Result<Progress, BodyError> {
        BUDGET_OF_ISOLATE.with_borrow_mut(|budget| budget.reserve(self.id, most))?;
        let mut incoming =
            wait::until(|no, settle| host::read_body(&self.reader, &self.last, least, most, no, settle));
        let arrived = loop {
            match select(&mut self.tick, &mut incoming).await {
                Either::Left(_) => self.wait_on()?,
                Either::Right((arrived, _)) => break arrived,
            }
        };
        // Whatever ends a body before its end comes from the connection.
        self.last = arrived.map_err(|_| BodyError::Incomplete)?;
        let chunk = host::arrived_bytes(&self.last);
        let progress = if chunk.len() < least { Progress::End } else { Progress::More };
        BUDGET_OF_ISOLATE.with_borrow_mut(|budget| budget.add(self.id, chunk))?;
        Ok(progress)
    }

    /// Waits for another tick, where the body has its room and its time still.
    fn wait_on(&mut self) -> Result<(), BodyError> {
        BUDGET_OF_ISOLATE.with_borrow(|budget| budget.check(self.id))?;
        self.left = self.left.saturating_sub(TICK);
        if self.left.is_zero() {
            return Err(BodyError::TimedOut);
        }
        self.tick = wait::pause(TICK.min(self.left));
        Ok(())
    }

    fn length(&self) -> usize {
        BUDGET_OF_ISOLATE.with_borrow(|budget| budget.length(self.id))
    }

    /// Returns what was read.
    fn close(self) -> Vec<u8> {
        BUDGET_OF_ISOLATE.with_borrow_mut(|budget| budget.close(self.id))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        BUDGET_OF_ISOLATE.with_borrow_mut(|budget| drop(budget.close(self.id)));
    }
}

impl From<Error> for BodyError {
    fn from(error: Error) -> Self {
        Self::TooLarge(error)
    }
}

impl From<OverBudget> for BodyError {
    fn from(_: OverBudget) -> Self {
        Self::OverBudget
    }
}

impl From<worker::Error> for BodyError {
    fn from(error: worker::Error) -> Self {
        Self::Platform(error)
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge(error) => Self::from(error).of_body(),
            BodyError::Incomplete => Self::new(Code::IncompleteBody).of_body(),
            BodyError::TimedOut => Self::new(Code::BodyTimeout).of_body(),
            BodyError::OverBudget => {
                let message = "too many bodies are arriving at the same time: try again later";
                Self::because(Code::Unavailable, message).of_body()
            }
            BodyError::Platform(error) => error.into(),
        }
    }
}
