//! Sockets of pages that the Worker has closed and whose clients have not. A client that never answers a Close frame
//! (RFC 6455, 5.5.1) keeps its connection, and the runtime offers no way to end one on which nothing comes. So they are
//! counted, in the memory of the isolate, and no more are opened while there are too many.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use vtryon_webhooks::Code;
use worker::{Delay, WebSocket, WebsocketEvent};

use crate::http::response::ApiError;
use crate::testing::faults;

/// How long a client has to answer a Close before its socket counts.
const GRACE: Duration = Duration::from_secs(10);

/// How many may linger: of the pages of one task, and of all pages of this isolate.
const OF_TASK: usize = 16;
const OF_ISOLATE: usize = 256;

thread_local! {
    /// The sockets that linger, by task.
    static LINGERING: RefCell<BTreeMap<String, usize>> = const { RefCell::new(BTreeMap::new()) };
}

/// Admits a page, unless too many sockets linger.
///
/// # Errors
/// `rate_limited` where they are this task's, `unavailable` where they are those of all tasks.
pub(super) fn admit(task_id: &str) -> Result<(), ApiError> {
    let (of_task, of_isolate) = LINGERING
        .with_borrow(|tasks| (tasks.get(task_id).copied().unwrap_or(0), tasks.values().sum::<usize>()));
    if of_task >= faults::limited(OF_TASK) {
        let message = "streams of this task were closed and its clients keep their connections: close them";
        return Err(ApiError::with_message(Code::RateLimited, message).with_header("retry-after", "60"));
    }
    if of_isolate >= OF_ISOLATE {
        return Err(ApiError::with_message(
            Code::Unavailable,
            "too many closed streams linger: come again later",
        ));
    }
    Ok(())
}

/// Waits until the client of a closed socket has closed it too, and counts it from the end of the grace on.
pub(super) async fn wait_for_close(socket: &WebSocket, task_id: &str) {
    // There are no events once a socket is closed.
    let Ok(events) = socket.events() else { return };
    if socket.as_ref().ready_state() == worker::web_sys::WebSocket::CLOSED {
        return;
    }
    let is_open = |event: &_| std::future::ready(matches!(event, Ok(WebsocketEvent::Message(_))));
    let closed = pin!(events.take_while(is_open).for_each(|_| std::future::ready(())));
    if let Either::Right((_, closed)) = select(closed, Delay::from(GRACE)).await {
        let _counted = Counted::new(task_id);
        closed.await;
    }
}

/// A socket that lingers, for as long as this lives.
struct Counted(String);

impl Counted {
    fn new(task_id: &str) -> Self {
        LINGERING.with_borrow_mut(|tasks| *tasks.entry(task_id.to_owned()).or_default() += 1);
        Self(task_id.to_owned())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        LINGERING.with_borrow_mut(|tasks| {
            let Some(count) = tasks.get_mut(&self.0) else { return };
            *count -= 1;
            if *count == 0 {
                tasks.remove(&self.0);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_one_task_hold_up_that_task_alone() {
        let counted: Vec<Counted> = (0..OF_TASK).map(|_| Counted::new("task_0")).collect();
        assert!(admit("task_0").is_err());
        assert!(admit("task_1").is_ok());
        drop(counted);
        assert!(admit("task_0").is_ok());
        LINGERING.with_borrow(|tasks| assert!(tasks.is_empty()));
    }

    #[test]
    fn sockets_of_many_tasks_hold_up_all() {
        let counted: Vec<Counted> = (0..OF_ISOLATE).map(|nth| Counted::new(&format!("task_{nth}"))).collect();
        assert!(admit("task_new").is_err());
        drop(counted);
        assert!(admit("task_new").is_ok());
    }
}
