//! Waiting for what the runtime promises, and for time to pass. One function hears of all of it, where `JsFuture` and
//! `Delay` make and register new ones for each wait.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::Closure;

use crate::host;

/// Hears that a wait is over: its number, whether it came out well, and what came out.
pub(crate) type Settle = Closure<dyn Fn(u32, bool, JsValue)>;

thread_local! {
    static SETTLE: Settle = Closure::new(settle);
    static LAST: Cell<u32> = const { Cell::new(0) };
    /// What is waited for, by number.
    static WAITS: RefCell<BTreeMap<u32, Stage>> = const { RefCell::new(BTreeMap::new()) };
}

/// How far a wait is.
enum Stage {
    Begun,
    Polled(Waker),
    Over(Result<JsValue, JsValue>),
}

/// A wait for one thing. What is dropped is no longer waited for.
pub(crate) struct Wait {
    no: u32,
    timer: Option<JsValue>,
}

/// Waits for what `begin` begins: it is given the number of the wait, and whom to tell of its end.
pub(crate) fn until(begin: impl FnOnce(u32, &Settle) -> Result<(), JsValue>) -> Wait {
    let wait = Wait::new();
    if let Err(fault) = SETTLE.with(|settle| begin(wait.no, settle)) {
        settle(wait.no, false, fault);
    }
    wait
}

/// Waits so long.
pub(crate) fn pause(length: Duration) -> Wait {
    let mut wait = Wait::new();
    let millis = u32::try_from(length.as_millis()).unwrap_or(u32::MAX);
    wait.timer = Some(SETTLE.with(|settle| host::after(millis, wait.no, settle)));
    wait
}

impl Wait {
    fn new() -> Self {
        let no = LAST.get().wrapping_add(1);
        LAST.set(no);
        WAITS.with_borrow_mut(|waits| waits.insert(no, Stage::Begun));
        Self { no, timer: None }
    }
}

impl Future for Wait {
    type Output = Result<JsValue, JsValue>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match WAITS.with_borrow_mut(|waits| waits.remove(&self.no)) {
            Some(Stage::Over(outcome)) => Poll::Ready(outcome),
            Some(Stage::Begun | Stage::Polled(_)) | None => {
                let stage = Stage::Polled(context.waker().clone());
                WAITS.with_borrow_mut(|waits| waits.insert(self.no, stage));
                Poll::Pending
            }
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let stage = WAITS.with_borrow_mut(|waits| waits.remove(&self.no));
        if let (Some(Stage::Begun | Stage::Polled(_)), Some(timer)) = (stage, &self.timer) {
            host::cancel(timer);
        }
    }
}

fn settle(no: u32, is_good: bool, value: JsValue) {
    let outcome = if is_good { Ok(value) } else { Err(value) };
    let stage = WAITS.with_borrow_mut(|waits| {
        // Nobody waits any more.
        let stage = waits.remove(&no)?;
        waits.insert(no, Stage::Over(outcome));
        Some(stage)
    });
    if let Some(Stage::Polled(waker)) = stage {
        waker.wake();
    }
}
