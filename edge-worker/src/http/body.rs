//! The reading of a request's body: its exact bytes, never more of them than the limit, and no longer than a deadline.

mod budget;

use std::cell::RefCell;
use std::time::Duration;

use futures_util::future::{Either, select};
use js_sys::futures::JsFuture;
use js_sys::{ArrayBuffer, Promise, Uint8Array};
use vtryon_webhooks::Code;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{ReadableStreamGetReaderOptions, ReadableStreamReadResult, ReadableStreamReaderMode};
use worker::Delay;
use worker::web_sys::{self, Request};

use self::budget::{BUDGET, Budget, OverBudget};
use crate::http::response::ApiError;
use crate::platform::clock;
use crate::platform::js::BodyReader;
use crate::testing::faults;

/// How long a body may take to arrive. Events are sent in one piece; the longest one that can be configured makes it
/// at 200 KB/s. The rest of a request's deadline is the gateway's own.
pub(crate) const DEADLINE: Duration = Duration::from_secs(5);

/// How often a read that waits checks whether its body was evicted or is out of time.
const TICK: Duration = Duration::from_millis(500);

/// The buffers that a body is read into: the first one takes an event, the following ones grow with what has come.
const FIRST_BUFFER: usize = 2 * 1024;
const MAX_BUFFER: usize = 16 * 1024;

/// When a body is given up whose request has ended without a sign. As long as a request may take.
const EXPIRY: Duration = Duration::from_secs(10);

thread_local! {
    static BUDGET_OF_ISOLATE: RefCell<Budget> = const { RefCell::new(Budget::new(BUDGET)) };
}

/// Why a body was not read to its end.
enum BodyError {
    TooLarge,
    Incomplete,
    TimedOut,
    OverBudget,
    Platform(worker::Error),
}

/// Reads a body, at most `limit` bytes. One that is declared too long is not read at all; one of undeclared length
/// (chunked) is read until the limit is passed.
///
/// # Errors
/// `payload_too_large`; `incomplete_body` where the connection ends first, or its chunks are malformed; `body_timeout`;
/// `unavailable` where the isolate has no room for it.
pub(crate) async fn read(
    request: &Request,
    declared: Option<&str>,
    limit: usize,
) -> Result<Vec<u8>, ApiError> {
    Ok(read_within(request, declared, limit).await?)
}

/// Reads the body of a request to the API, in the same way; the error of one that is too long names the limit.
pub(crate) async fn of(request: &worker::Request, limit: usize) -> Result<Vec<u8>, ApiError> {
    let declared = request.headers().get("content-length")?;
    read_within(request.inner(), declared.as_deref(), limit).await.map_err(|error| {
        if !matches!(error, BodyError::TooLarge) {
            return error.into();
        }
        let message = format!("the body is longer than {limit} bytes");
        ApiError::with_message(Code::PayloadTooLarge, message).of_body()
    })
}

/// Reads the beginning of a body that nothing depends on, at most so many bytes of it and no longer than that;
/// and tells whether that is all of it.
pub(crate) async fn beginning(request: &Request, most: usize, patience: Duration) -> (Vec<u8>, bool) {
    let Ok(Some(mut incoming)) = Incoming::open(request, patience) else { return (Vec::new(), true) };
    let is_whole = loop {
        let size = MAX_BUFFER.min(most + 1 - incoming.arrival.length());
        match incoming.read(1, size).await {
            Ok(Progress::More) if incoming.arrival.length() > most => break false,
            Ok(Progress::More) => {}
            Ok(Progress::End) => break true,
            Err(_) => break false,
        }
    };
    let mut bytes = incoming.arrival.end();
    bytes.truncate(most);
    (bytes, is_whole)
}

async fn read_within(request: &Request, declared: Option<&str>, limit: usize) -> Result<Vec<u8>, BodyError> {
    // What no number of this machine holds is too long all the more.
    let declared = declared.map(|length| length.parse().unwrap_or(usize::MAX));
    check(declared.unwrap_or_default(), limit)?;
    if let Some(declared) = declared.filter(|declared| *declared <= FIRST_BUFFER) {
        return read_short(request, declared).await;
    }
    let mut length = 0;
    let Some(mut incoming) = Incoming::open(request, faults::prolonged(DEADLINE))? else {
        return if declared.unwrap_or_default() == 0 { Ok(Vec::new()) } else { Err(BodyError::Incomplete) };
    };
    // A byte more than the limit shows that there are more.
    let most = declared.unwrap_or(limit + 1);
    while length < most {
        let size = length.clamp(FIRST_BUFFER, MAX_BUFFER).min(most - length);
        let progress = incoming.read(size, size).await?;
        length = incoming.arrival.length();
        faults::while_reading(request);
        if let Progress::End = progress {
            break;
        }
    }
    check(length, limit)?;
    if declared.is_some_and(|declared| declared != length) {
        return Err(BodyError::Incomplete);
    }
    Ok(incoming.arrival.end())
}

const fn check(length: usize, limit: usize) -> Result<(), BodyError> {
    if length > limit { Err(BodyError::TooLarge) } else { Ok(()) }
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

/// Reads a body that is declared to fit into the first buffer, in one step of the runtime.
async fn read_short(request: &Request, declared: usize) -> Result<Vec<u8>, BodyError> {
    let mut arrival = Arrival::begin(faults::prolonged(DEADLINE));
    arrival.reserve(declared)?;
    // It throws where the body is read already.
    let whole = arrival.wait_for(request.array_buffer().map_err(worker::Error::from)?).await?;
    faults::while_reading(request);
    arrival.add(Uint8Array::new(&whole).to_vec())?;
    if arrival.length() == declared { Ok(arrival.end()) } else { Err(BodyError::Incomplete) }
}

/// A body that is arriving in pieces.
struct Incoming {
    reader: BodyReader,
    /// What has arrived last. Its memory is read into again: what is dropped is not collected at once.
    last: Option<Uint8Array>,
    arrival: Arrival,
}

enum Progress {
    More,
    End,
}

impl Incoming {
    /// Opens the body of a request, which may take so long; none where it has none.
    fn open(request: &Request, deadline: Duration) -> worker::Result<Option<Self>> {
        let Some(stream) = request.body() else { return Ok(None) };
        let options = ReadableStreamGetReaderOptions::new();
        options.set_mode(ReadableStreamReaderMode::Byob);
        // It throws where the body is read already.
        let reader = stream.get_reader_with_options(&options).unchecked_into();
        Ok(Some(Self { reader, last: None, arrival: Arrival::begin(deadline) }))
    }

    /// Reads at least `least` bytes, fewer at the end, and at most `most`.
    async fn read(&mut self, least: usize, most: usize) -> Result<Progress, BodyError> {
        self.arrival.reserve(most)?;
        let known = self.last.take().map(|last| last.buffer());
        let buffer = match known {
            Some(buffer) if buffer.byte_length() as usize >= most => buffer,
            Some(_) | None => ArrayBuffer::new(most as u32),
        };
        let view = Uint8Array::new_with_byte_offset_and_length(&buffer, 0, most as u32);
        let read = self.reader.read_at_least(least, view).map_err(|_| BodyError::Incomplete)?;
        let result: ReadableStreamReadResult = self.arrival.wait_for(read).await?.unchecked_into();
        let last: Uint8Array = result.get_value().unchecked_into();
        let chunk = last.to_vec();
        self.last = Some(last);
        let progress = if chunk.len() < least { Progress::End } else { Progress::More };
        self.arrival.add(chunk)?;
        Ok(progress)
    }
}

/// What has arrived of a body, and how long the rest may take. What it holds of the budget is free again when it is
/// dropped.
struct Arrival {
    id: u64,
    /// How long it may still take, and the part of that which is being waited for.
    left: Duration,
    tick: Delay,
}

impl Arrival {
    fn begin(deadline: Duration) -> Self {
        let now = clock::now();
        let expiry = faults::prolonged(EXPIRY).as_millis() as i64;
        let expired = now.plus_millis(-clock::machine_millis(expiry));
        let id = BUDGET_OF_ISOLATE.with_borrow_mut(|budget| budget.open(now, expired));
        Self { id, left: deadline, tick: TICK.min(deadline).into() }
    }

    /// Reserves room for what is read next.
    fn reserve(&self, most: usize) -> Result<(), OverBudget> {
        BUDGET_OF_ISOLATE.with_borrow_mut(|budget| budget.reserve(self.id, most))
    }

    /// Waits for what is being read, as long as the body has its room and its time.
    async fn wait_for(&mut self, read: Promise) -> Result<JsValue, BodyError> {
        let mut read = JsFuture::from(read);
        loop {
            match select(&mut self.tick, &mut read).await {
                Either::Left(_) => self.wait_on()?,
                // Whatever ends a body before its end comes from the connection.
                Either::Right((read, _)) => return read.map_err(|_| BodyError::Incomplete),
            }
        }
    }

    /// Begins another tick, where the body has its room and its time still.
    fn wait_on(&mut self) -> Result<(), BodyError> {
        BUDGET_OF_ISOLATE.with_borrow(|budget| budget.check(self.id))?;
        self.left = self.left.saturating_sub(TICK);
        if self.left.is_zero() {
            return Err(BodyError::TimedOut);
        }
        self.tick = TICK.min(self.left).into();
        Ok(())
    }

    /// Adds what was read.
    fn add(&self, chunk: Vec<u8>) -> Result<(), OverBudget> {
        BUDGET_OF_ISOLATE.with_borrow_mut(|budget| budget.add(self.id, chunk))
    }

    fn length(&self) -> usize {
        BUDGET_OF_ISOLATE.with_borrow(|budget| budget.length(self.id))
    }

    /// Returns what was read.
    fn end(self) -> Vec<u8> {
        BUDGET_OF_ISOLATE.with_borrow_mut(|budget| budget.close(self.id))
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        BUDGET_OF_ISOLATE.with_borrow_mut(|budget| drop(budget.close(self.id)));
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
            BodyError::TooLarge => Self::new(Code::PayloadTooLarge).of_body(),
            BodyError::Incomplete => Self::new(Code::IncompleteBody).of_body(),
            BodyError::TimedOut => Self::new(Code::BodyTimeout).of_body(),
            BodyError::OverBudget => {
                let message = "too many bodies are arriving at the same time: try again later";
                Self::with_message(Code::Unavailable, message).of_body()
            }
            BodyError::Platform(error) => error.into(),
        }
    }
}
