//! Refused webhooks: counted in memory, with the last one of each cause, and told to the directory now and then.
//!
//! Whoever floods the gateway reaches no object by it: each isolate tells the directory once in a while, after
//! an answer, and what it keeps until then is bounded.

mod tally;

use std::cell::RefCell;
use std::time::Duration;

use vtryon_webhooks::{Code, SIGNATURE_HEADER};
use worker::{Context, Delay, Env, Request, console_error};

use self::tally::{Cause, Kept, Tally};
use crate::wire::Tell;
use crate::{body, clock, stub};

/// How much of a refused request is kept, in bytes. Events have a few hundred.
const MAX_HEADER: usize = 512;
const MAX_BODY: usize = 16 * 1024;
const MAX_CONTENT_TYPE: usize = 100;

/// How long a body is waited for that is read for the sample alone.
const PATIENCE: Duration = Duration::from_millis(250);

/// What there is of the body of a request that is refused.
pub(crate) enum Body<'a> {
    /// All of it.
    Read(&'a [u8]),
    /// It is on its way; its beginning is worth reading.
    Unread,
    /// Nothing that is worth it.
    Unwanted,
}

thread_local! {
    static TALLY: RefCell<Tally> = const { RefCell::new(Tally::EMPTY) };
}

/// Counts a webhook that is refused, and sees to it that the directory hears of it after the answer.
pub(crate) async fn note(code: Code, request: &mut Request, body: Body<'_>, env: &Env, context: &Context) {
    let last = sample(request, body).await;
    let now = clock::now();
    TALLY.with_borrow_mut(|tally| tally.add(Cause { code, count: 1, first_at: now, last_at: now, last }));
    let Some(wait) = TALLY.with_borrow_mut(|tally| tally.wait(now)) else { return };
    let env = env.clone();
    context.wait_until(async move {
        Delay::from(wait).await;
        tell(&env).await;
    });
}

/// Tells the directory. Where that fails, the next rejection after the pause sees to it again.
async fn tell(env: &Env) {
    let causes = TALLY.with_borrow_mut(|tally| tally.take(clock::now()));
    let told = Tell::Reject { rejections: causes.iter().map(Cause::told).collect() };
    if stub::tell(env, &told).await.is_ok_and(|answer| answer.status_code() == 200) {
        return;
    }
    console_error!("rejections: the directory was not told, and will be later");
    TALLY.with_borrow_mut(|tally| causes.into_iter().for_each(|cause| tally.add(cause)));
}

async fn sample(request: &mut Request, body: Body<'_>) -> Kept {
    // What can't be read of a request that is refused anyway is as good as absent.
    let header = |name| request.headers().get(name).ok().flatten();
    let signature = header(SIGNATURE_HEADER).unwrap_or_default();
    let content_type = header("content-type").map(|value| cut(&value, MAX_CONTENT_TYPE));
    let declared = header("content-length").and_then(|length| length.parse().ok());
    let (body, body_bytes) = match body {
        Body::Read(bytes) => (bytes.get(..MAX_BODY).unwrap_or(bytes).to_vec(), Some(bytes.len())),
        Body::Unread => match body::beginning(request, MAX_BODY, PATIENCE).await {
            (bytes, true) => {
                let length = bytes.len();
                (bytes, Some(length))
            }
            (bytes, false) => (bytes, declared),
        },
        Body::Unwanted => (Vec::new(), declared),
    };
    Kept {
        header: cut(&signature, MAX_HEADER),
        header_bytes: signature.len(),
        content_type,
        body,
        body_bytes,
    }
}

/// Returns the beginning of a text, at most so many bytes of it.
fn cut(text: &str, most: usize) -> String {
    text.get(..text.floor_char_boundary(most)).unwrap_or_default().to_owned()
}
