//! Rejected requests: counted in memory, with two samples of each cause, and reported to the directory now and
//! then.
//!
//! A flood reaches no object: each isolate reports at most every few seconds, after an answer, and what it
//! keeps until then is bounded.

mod tally;

use std::cell::RefCell;
use std::time::Duration;

use vtryon_gateway_engine::log::{Decision, Level};
use vtryon_gateway_engine::protocol::DirectoryRequest;
use vtryon_gateway_engine::protocol::directory::rejection::PathKind;
use vtryon_webhooks::Code;
use worker::web_sys::Request;
use worker::{Context, Delay, Env, console_error};

use self::tally::{RejectedRequest, RejectionCause, Tally};
use crate::config::Config;
use crate::http::body;
use crate::http::head::Head;
use crate::http::response::ApiError;
use crate::log;
use crate::platform::clock;

/// How much of a refused request is kept, in bytes. Events have a few hundred.
const MAX_HEADER: usize = 512;
const MAX_BODY: usize = 16 * 1024;
const MAX_CONTENT_TYPE: usize = 100;

/// How long a body is waited for that is read for the sample alone.
const SAMPLE_TIMEOUT: Duration = Duration::from_millis(250);

/// What there is of the body of a request that is refused.
pub(crate) enum SampleBody<'a> {
    /// All of it.
    Read(&'a [u8]),
    /// It is on its way, and its beginning is read for the sample.
    Unread(&'a Request),
    /// It is not read for the sample.
    Unwanted,
}

thread_local! {
    static TALLY: RefCell<Tally> = const { RefCell::new(Tally::EMPTY) };
}

/// Counts an error that nothing has counted before: of a body that was not read to its end, of a webhook with a
/// wrong method, and of one that seems to be signed and was posted elsewhere.
pub(crate) async fn count_refusal(
    refusal: &ApiError,
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
    note(code, path, head, SampleBody::Unwanted, env, context).await;
}

/// Counts a rejected request, and makes sure that the directory gets a report after the answer. The first of
/// each cause is logged, and the number of the others with each report: a flood can't fill the log.
pub(crate) async fn note(
    code: Code,
    path: PathKind,
    head: &Head,
    body: SampleBody<'_>,
    env: &Env,
    context: &Context,
) {
    let sample = sample(head, body).await;
    let now = sample.received_at;
    if TALLY.with_borrow_mut(|tally| tally.add(RejectionCause::of(code, path, sample))) {
        log_rejected(code, path, 1);
    }
    let Some(wait) = TALLY.with_borrow_mut(|tally| tally.wait(now)) else { return };
    let env = env.clone();
    context.wait_until(async move {
        Delay::from(wait).await;
        report(&env).await;
    });
}

/// Reports to the directory. Where that fails, the causes are counted again, and go with the next report.
async fn report(env: &Env) {
    let mut causes = TALLY.with_borrow_mut(|tally| tally.take(clock::now()));
    for cause in &mut causes {
        let count = cause.take_unlogged();
        if count > 0 {
            log_rejected(cause.code, cause.path, count);
        }
    }
    let report = DirectoryRequest::ReportRejections {
        rejections: causes.iter().map(RejectionCause::report).collect(),
    };
    if let Ok(config) = Config::current(env)
        && config.directory_client(env).report(report).await
    {
        return;
    }
    console_error!("rejections: the report to the directory failed, and will be repeated");
    TALLY.with_borrow_mut(|tally| {
        for cause in causes {
            tally.add(cause);
        }
    });
}

fn log_rejected(code: Code, path: PathKind, count: i64) {
    let decision = Decision::RequestRejected { code: code.as_str(), path: path.as_str(), count };
    log::write(Level::Warn, &decision, None);
}

async fn sample(head: &Head, body: SampleBody<'_>) -> RejectedRequest {
    let Head { signature, content_type, .. } = head;
    let content_type = (!content_type.is_empty()).then(|| cut(content_type, MAX_CONTENT_TYPE));
    let declared = head.declared().and_then(|length| length.parse().ok());
    let (body, body_bytes) = match body {
        SampleBody::Read(bytes) => (bytes.get(..MAX_BODY).unwrap_or(bytes).to_vec(), Some(bytes.len())),
        SampleBody::Unread(request) => {
            let (bytes, is_whole) = body::beginning(request, MAX_BODY, SAMPLE_TIMEOUT).await;
            let length = if is_whole { Some(bytes.len()) } else { declared };
            (bytes, length)
        }
        SampleBody::Unwanted => (Vec::new(), declared),
    };
    RejectedRequest {
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
