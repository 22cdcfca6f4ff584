//! Refused requests: counted in memory, with two samples of each cause, and told to the directory now and then.
//!
//! Whoever floods the gateway reaches no object by it: each isolate tells the directory once in a while, after
//! an answer, and what it keeps until then is bounded.

mod tally;

use std::cell::RefCell;
use std::time::Duration;

use vtryon_webhooks::Code;
use worker::web_sys::Request;
use worker::{Context, Delay, Env, console_error, console_warn};

use self::tally::{Cause, Kept, Tally};
use crate::head::Head;
use crate::reply::Refusal;
use crate::wire::Tell;
use crate::wire::rejection::{self, PathKind};
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
    Unread(&'a Request),
    /// Nothing that is worth it.
    Unwanted,
}

thread_local! {
    static TALLY: RefCell<Tally> = const { RefCell::new(Tally::EMPTY) };
}

/// Counts a refusal that nothing has counted before: of a body that was not read to its end, of a webhook sent by a
/// method that the path does not have, and of one that seems to be signed and was posted elsewhere.
pub(crate) async fn count_refusal(
    refusal: &Refusal,
    path: PathKind,
    head: &Head,
    env: &Env,
    context: &Context,
) {
    let is_signed_post = head.method == "POST" && !head.signature.is_empty();
    let code = match (path, refusal.code()) {
        (_, code) if refusal.is_of_body() => code,
        (PathKind::Webhook, Code::MethodNotAllowed) => Code::MethodNotAllowed,
        (PathKind::Webhook, _) | (_, Code::Unavailable) => return,
        (PathKind::Webhooks | PathKind::Api | PathKind::Other, _) if is_signed_post => Code::NotFound,
        (PathKind::Webhooks | PathKind::Api | PathKind::Other, _) => return,
    };
    note(code, path, head, Body::Unwanted, env, context).await;
}

/// Counts a request that is refused, and sees to it that the directory hears of it after the answer. The log has the
/// first of each cause, and how many they were when the directory is told: a flood can't fill it.
pub(crate) async fn note(
    code: Code,
    path: PathKind,
    head: &Head,
    body: Body<'_>,
    env: &Env,
    context: &Context,
) {
    let kept = sample(head, body).await;
    let now = kept.received_at;
    if TALLY.with_borrow_mut(|tally| tally.add(Cause::of(code, path, kept))) {
        console_warn!("rejected: {code} at {} ({})", path.as_str(), rejection::summary(code, path));
    }
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
    for Cause { code, path, count, .. } in causes.iter().filter(|cause| cause.count > 1) {
        console_warn!("rejected: {code} at {}: {count} since the last report", path.as_str());
    }
    let told = Tell::Reject { rejections: causes.iter().map(Cause::told).collect() };
    if stub::tell(env, &told).await.is_ok_and(|answer| answer.status_code() == 200) {
        return;
    }
    console_error!("rejections: the directory was not told, and will be later");
    TALLY.with_borrow_mut(|tally| {
        for cause in causes {
            tally.add(cause);
        }
    });
}

async fn sample(head: &Head, body: Body<'_>) -> Kept {
    let Head { signature, content_type, .. } = head;
    let content_type = (!content_type.is_empty()).then(|| cut(content_type, MAX_CONTENT_TYPE));
    let declared = head.declared().and_then(|length| length.parse().ok());
    let (body, body_bytes) = match body {
        Body::Read(bytes) => (bytes.get(..MAX_BODY).unwrap_or(bytes).to_vec(), Some(bytes.len())),
        Body::Unread(request) => match body::beginning(request, MAX_BODY, PATIENCE).await {
            (bytes, true) => {
                let length = bytes.len();
                (bytes, Some(length))
            }
            (bytes, false) => (bytes, declared),
        },
        Body::Unwanted => (Vec::new(), declared),
    };
    Kept {
        received_at: clock::now(),
        header: cut(signature, MAX_HEADER),
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
