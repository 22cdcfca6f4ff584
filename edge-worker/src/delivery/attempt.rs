//! One attempt to deliver: signed, sent, and its answer read as far as it matters.

use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};
use js_sys::Uint8Array;
use js_sys::futures::JsFuture;
use vtryon_gateway_engine::protocol::delivery::{
    ALERT_OUTCOME, Attempt, AttemptReport, Dispatch, delivery_id, endpoint_of,
};
use vtryon_gateway_engine::text::{excerpt, time};
use vtryon_webhooks::delivery::Signer;
use vtryon_webhooks::retry::Reply;
use vtryon_webhooks::{Millis, SIGNATURE_HEADER};
use wasm_bindgen::{JsCast, JsValue};
use worker::web_sys::{
    self, AbortController, AbortSignal, ReadableStreamDefaultReader, RequestInit, RequestRedirect,
};
use worker::{Delay, console_error};
use zeroize::Zeroizing;

use super::redaction;
use crate::config::Config;
use crate::platform::js_url::location_host;
use crate::platform::timeout::with_timeout;
use crate::sealing::Sealer;

use crate::platform::clock;

/// How much of a failure's answer is kept, and how long an answer is waited for once its status is known.
const ANSWER_BYTES: usize = 1024;
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// The value of `webhook-delivery` in an answer that asks for no further attempt, as other senders of webhooks take it:
/// <https://docs.svix.com/receiving/delivery-control>.
const ABORT: &str = "abort-message";

const USER_AGENT: &str = concat!("vtryon-webhooks/", env!("CARGO_PKG_VERSION"));

/// Makes an attempt. After the end of its lease it makes none, for somebody else may.
pub(crate) async fn attempt(
    config: &Config,
    shard: u32,
    dispatch: &Dispatch,
    body: &[u8],
) -> Option<AttemptReport> {
    let attempted_at = clock::now();
    if attempted_at >= dispatch.begin_before {
        return None;
    }
    let opened = match open(config, dispatch).await {
        Ok(Some(opened)) => opened,
        Ok(None) => {
            console_error!(
                "the secret or a header of an endpoint can't be opened: GATEWAY_MASTER_KEY is not the key that \
                 sealed it"
            );
            return Some(dispatch.report(None));
        }
        Err(error) => {
            console_error!("delivery: {error}");
            return Some(dispatch.report(None));
        }
    };
    let timestamp = attempted_at.0 / 1000;
    let signatures: Vec<Signatures> = opened
        .signers
        .iter()
        .map(|signer| Signatures {
            vtryon: signer.vtryon(body),
            standard: signer.standard(&dispatch.webhook_id, timestamp, body),
        })
        .collect();
    let made = match config.deployment.endpoint_urls.check(&dispatch.url) {
        Ok(()) => send(shard, dispatch, &opened, &signatures, attempted_at, body).await,
        Err(_) => Answer::none("url_refused"),
    };
    Some(dispatch.report(Some(Attempt {
        attempted_at,
        took_ms: (clock::now().0 - attempted_at.0).max(0),
        status: made.status,
        error: made.error.map(str::to_owned),
        answer: opened.redact(&made.answer_excerpt, dispatch, &signatures),
        location_host: made.location_host,
        is_aborted: made.is_aborted,
        retry_after_ms: made.retry_after_ms,
        previous_secret: made.previous_secret,
    })))
}

/// What is sealed at rest and needed for an attempt.
struct UnsealedCredentials<'a> {
    signers: Vec<Rc<Signer>>,
    /// The endpoint's headers with their values.
    headers: Vec<(&'a str, Rc<Zeroizing<String>>)>,
}

/// What an event is signed with by one secret.
struct Signatures {
    /// As Vtryon signs, over the body alone.
    vtryon: String,
    /// By Standard Webhooks.
    standard: String,
}

impl UnsealedCredentials<'_> {
    /// Replaces what an endpoint has answered of that which was sent to it and is secret: the values of its headers, the
    /// signatures, by which the event could be sent again, and of an alert the URL, which may be one of Slack.
    fn redact(&self, answer: &str, dispatch: &Dispatch, signatures: &[Signatures]) -> String {
        // As of every success: nothing of its answer is kept.
        if answer.is_empty() {
            return String::new();
        }
        let values = self.headers.iter().map(|(_, value)| value.as_str());
        let signatures = signatures.iter().flat_map(|each| {
            let unversioned = each.standard.strip_prefix("v1,").unwrap_or_default();
            [&*each.vtryon, &*each.standard, unversioned]
        });
        let url = if dispatch.outcome == ALERT_OUTCOME { &dispatch.url } else { "" };
        let secrets = redaction::secrets(values.chain(signatures).chain(redaction::url_credentials(url)));
        excerpt::redact(answer, &secrets.iter().map(|secret| secret.as_str()).collect::<Vec<_>>())
    }
}

/// Opens the secrets and the headers. Without one of the headers, or the current secret, no attempt is made. A secret
/// before it that can't be opened is left out: it was sealed under a master key that has been replaced since.
async fn open<'a>(
    config: &Config,
    dispatch: &'a Dispatch,
) -> worker::Result<Option<UnsealedCredentials<'a>>> {
    let endpoint = endpoint_of(dispatch.delivery);
    let sealer = Sealer::new(&config.master);
    let mut signers = Vec::with_capacity(dispatch.secrets.len());
    for (index, secret) in dispatch.secrets.iter().enumerate() {
        match sealer.signer(endpoint, secret).await? {
            Some(signer) => signers.push(signer),
            None if index == 0 => return Ok(None),
            None => {}
        }
    }
    let mut headers = Vec::with_capacity(dispatch.headers.len());
    for header in &dispatch.headers {
        let Some(value) = sealer.open_header(endpoint, header).await? else { return Ok(None) };
        headers.push((header.name.as_str(), value));
    }
    Ok(Some(UnsealedCredentials { signers, headers }))
}

/// What an endpoint answered.
#[derive(Default)]
struct Answer {
    status: Option<u16>,
    error: Option<&'static str>,
    answer_excerpt: String,
    location_host: Option<String>,
    is_aborted: bool,
    retry_after_ms: Option<i64>,
    previous_secret: bool,
}

impl Answer {
    fn none(error: &'static str) -> Self {
        Self { error: Some(error), ..Self::default() }
    }
}

/// Sends the event. A receiver that refuses the new secret is asked once more with the one before it,
/// while that is still valid: its operator may not have rotated yet.
async fn send(
    shard: u32,
    dispatch: &Dispatch,
    opened: &UnsealedCredentials<'_>,
    signatures: &[Signatures],
    attempted_at: Millis,
    body: &[u8],
) -> Answer {
    let Ok(controller) = AbortController::new() else { return Answer::none("connection") };
    let signal = controller.signal();
    // Not `AbortSignal.timeout`: its timer lives on after the answer, and workerd is slow where thousands of them do.
    let mut time_is_over = pin!(Delay::from(Duration::from_secs(dispatch.options.timeout_seconds.into())));
    let standard: Vec<&str> = signatures.iter().map(|each| &*each.standard).collect();
    let standard = standard.join(" ");
    let mut refused = None;
    for (index, signature) in signatures.iter().enumerate() {
        let own = [
            ("content-type", "application/json".to_owned()),
            ("user-agent", USER_AGENT.to_owned()),
            (SIGNATURE_HEADER, signature.vtryon.clone()),
            ("webhook-id", dispatch.webhook_id.clone()),
            ("webhook-timestamp", (attempted_at.0 / 1000).to_string()),
            ("webhook-signature", standard.clone()),
            ("x-vtryon-delivery", name(shard, dispatch)),
            ("x-vtryon-attempt", dispatch.attempt.to_string()),
            ("x-vtryon-outcome", dispatch.outcome.clone()),
        ];
        let theirs = opened.headers.iter().map(|(name, value)| (*name, value.as_str()));
        let headers = theirs.chain(own.iter().map(|(name, value)| (*name, value.as_str())));
        let posted = post(&dispatch.url, headers, body, &signal);
        let answer = match select(pin!(posted), &mut time_is_over).await {
            Either::Left((Ok(response), _)) => read(&response, &dispatch.url, attempted_at).await,
            Either::Left((Err(_), _)) => return refused.unwrap_or(Answer::none("connection")),
            Either::Right(_) => {
                controller.abort();
                return refused.unwrap_or(Answer::none("timeout"));
            }
        };
        match answer.status.map(Reply::from_status) {
            Some(Reply::Unauthorized) if !answer.is_aborted => refused = refused.or(Some(answer)),
            reply => {
                let has_arrived = reply == Some(Reply::Delivered);
                return Answer { previous_secret: index > 0 && has_arrived, ..answer };
            }
        }
    }
    refused.unwrap_or(Answer::none("connection"))
}

/// Names a delivery to its receiver; each replay of it has a name of its own.
fn name(shard: u32, dispatch: &Dispatch) -> String {
    let id = delivery_id(shard, dispatch.delivery);
    if dispatch.replay_count == 0 { id } else { format!("{id}.{}", dispatch.replay_count) }
}

async fn post<'a>(
    url: &str,
    headers: impl Iterator<Item = (&'a str, &'a str)>,
    body: &[u8],
    signal: &AbortSignal,
) -> Result<web_sys::Response, JsValue> {
    let list = web_sys::Headers::new()?;
    for (name, value) in headers {
        list.set(name, value)?;
    }
    let init = RequestInit::new();
    init.set_method("POST");
    init.set_headers(&list);
    init.set_body(&Uint8Array::from(body));
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(signal));
    let scope: web_sys::WorkerGlobalScope = js_sys::global().unchecked_into();
    JsFuture::from(scope.fetch_with_str_and_init(url, &init)).await?.dyn_into()
}

async fn read(response: &web_sys::Response, url: &str, attempted_at: Millis) -> Answer {
    let header = |name| response.headers().get(name).ok().flatten();
    let retry_after = header("retry-after");
    let delivery_control = header("webhook-delivery").unwrap_or_default();
    let location = header("location").filter(|_| (300..400).contains(&response.status()));
    // Read in any case: an endpoint may take a connection that is closed before for a failure.
    let body = beginning(response).await;
    let is_failure = Reply::from_status(response.status()) != Reply::Delivered;
    Answer {
        status: Some(response.status()),
        error: None,
        is_aborted: delivery_control.eq_ignore_ascii_case(ABORT),
        retry_after_ms: retry_after.and_then(|value| time::retry_after_ms(&value, attempted_at)),
        answer_excerpt: if is_failure { excerpt::line(&body, ANSWER_BYTES) } else { String::new() },
        location_host: location.and_then(|location| location_host(&location, url)),
        previous_secret: false,
    }
}

/// Reads the beginning of an answer's body.
async fn beginning(response: &web_sys::Response) -> Vec<u8> {
    let Some(stream) = response.body() else { return Vec::new() };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut bytes = Vec::new();
    let filled = async {
        while bytes.len() < ANSWER_BYTES {
            let Ok(chunk) = JsFuture::from(reader.read()).await else { break };
            let Ok(value) = js_sys::Reflect::get(&chunk, &JsValue::from_str("value")) else { break };
            let Ok(value) = value.dyn_into::<Uint8Array>() else { break };
            bytes.extend(value.to_vec());
        }
    };
    // What has come by then is enough.
    with_timeout(ANSWER_TIME, filled).await;
    // Cancel the rest, so that the connection can be used again.
    drop(JsFuture::from(reader.cancel()));
    bytes
}
