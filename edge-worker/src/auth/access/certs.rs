//! The public keys of an Access team: fetched when first needed, kept in the isolate, and fetched anew
//! when they are old or when a key is named that is not among them.
//!
//! There is one fetch at a time, for all requests that need it, and it goes on when the request leaves that began it.
//! After one that has failed there is none for a while. So whoever sends assertions can neither make the isolate
//! fetch without end, nor end a fetch that others wait for.

use std::cell::{Cell, RefCell};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use js_sys::{Function, Promise};
use vtryon_gateway_engine::text::json::Object;
use vtryon_webhooks::{Code, Millis};
use wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{self, RequestCache, RequestInit, RequestRedirect};
use worker::{AbortController, AbortSignal, Fetch, console_error};

use crate::http::response::ApiError;
use crate::platform::crypto::rsa::PublicKey;
use crate::platform::timeout::with_timeout;
use crate::platform::{clock, js};

/// How long keys are kept, in milliseconds. Access changes its key every six weeks, and the one before
/// stays good for a week.
const CACHE_MS: i64 = 3_600_000;

/// How often an unknown key may make us fetch, in milliseconds: anyone can name one. It is also how long a key that
/// is new at Access may be unknown here, so it is short.
const REFETCH_PAUSE_MS: i64 = 10_000;

/// How long nothing is fetched after a fetch that has failed, in milliseconds.
const FAILURE_PAUSE_MS: i64 = 10_000;

/// How long a fetch may take.
const FETCH_LIMIT: Duration = Duration::from_secs(5);

/// When a fetch that has not ended counts as lost, in milliseconds from its beginning: well after its limit.
const LOST_AFTER_MS: i64 = 10_000;

/// RFC 7518, 3.3: RS256 takes keys of 2048 bits or more. This many digits of base64url write them.
const MODULUS_DIGITS: usize = 342;

/// The keys of one team.
pub(super) struct Certs {
    url: String,
    known: RefCell<Option<CachedKeys>>,
    refetched_at: Cell<Option<Millis>>,
    failed_at: Cell<Option<Millis>>,
    under_way: RefCell<Option<UnderWay>>,
}

struct CachedKeys {
    keys: Vec<Named>,
    fetched_at: Millis,
}

struct Named {
    kid: String,
    key: PublicKey,
}

/// A fetch, and what tells each request that waits for it that it is over. Each waits by a promise of its own, which
/// the runtime settles in its own context: what belongs to one request is not touched by another.
struct UnderWay {
    since: Millis,
    waiting: Vec<Function>,
}

impl Certs {
    pub(super) const fn new(url: String) -> Self {
        Self {
            url,
            known: RefCell::new(None),
            refetched_at: Cell::new(None),
            failed_at: Cell::new(None),
            under_way: RefCell::new(None),
        }
    }

    /// Returns the key of this name; none is what the team does not have.
    ///
    /// # Errors
    /// `unavailable` where the keys can't be fetched, with how long to wait; the log has why.
    pub(super) async fn key(self: &Rc<Self>, kid: &str, now: Millis) -> Result<Option<PublicKey>, ApiError> {
        let is_fresh = |known: &&CachedKeys| known.fetched_at.remaining(CACHE_MS, now).is_some();
        if let Some(keys) = self.known.borrow().as_ref().filter(is_fresh) {
            let key = find(&keys.keys, kid);
            if key.is_some() {
                return Ok(key);
            }
            if !self.is_fetching(now) {
                self.check_pause(now)?;
                if self.refetched_at.get().is_some_and(|at| at.remaining(REFETCH_PAUSE_MS, now).is_some()) {
                    return Ok(None);
                }
                self.refetched_at.set(Some(now));
            }
        }
        self.check_pause(now)?;
        if with_timeout(FETCH_LIMIT + Duration::from_secs(1), self.join(now)).await.is_none() {
            return Err(ApiError::new(Code::Unavailable));
        }
        self.check_pause(clock::now())?;
        Ok(self.known.borrow().as_ref().and_then(|known| find(&known.keys, kid)))
    }

    /// Refuses while nothing is fetched because the last fetch has failed.
    fn check_pause(&self, now: Millis) -> Result<(), ApiError> {
        let left = self.failed_at.get().and_then(|at| at.remaining(FAILURE_PAUSE_MS, now));
        let Some(left) = left else { return Ok(()) };
        Err(ApiError::new(Code::Unavailable).with_header("retry-after", ((left + 999) / 1000).to_string()))
    }

    fn is_fetching(&self, now: Millis) -> bool {
        self.under_way
            .borrow()
            .as_ref()
            .is_some_and(|fetch| fetch.since.remaining(LOST_AFTER_MS, now).is_some())
    }

    /// Waits for the fetch in progress, and begins one where there is none.
    fn join(self: &Rc<Self>, now: Millis) -> JsFuture {
        if !self.is_fetching(now) {
            self.under_way.replace(Some(UnderWay { since: now, waiting: Vec::new() }));
            let certs = Rc::clone(self);
            // What a panic leaves behind is replaced by the next fetch.
            js::wait_until(async move {
                let keys = AssertUnwindSafe(fetch_in_time(&certs.url)).catch_unwind().await;
                certs.finish(keys.unwrap_or_else(|_| Err(worker::Error::from("the fetch panicked"))));
            });
        }
        // Unwind safe: nothing in it panics.
        let under_way = AssertUnwindSafe(&self.under_way);
        JsFuture::from(Promise::new(&mut |resolve, _| {
            if let Some(fetch) = under_way.borrow_mut().as_mut() {
                fetch.waiting.push(resolve);
            }
        }))
    }

    /// Notes what has come of a fetch, and tells those who wait for it.
    fn finish(&self, keys: worker::Result<Vec<Named>>) {
        let now = clock::now();
        match keys {
            Ok(keys) => {
                self.failed_at.set(None);
                self.known.replace(Some(CachedKeys { keys, fetched_at: now }));
            }
            Err(error) => {
                console_error!("the keys of Access can't be had: {error}");
                self.failed_at.set(Some(now));
            }
        }
        let waiting = self.under_way.take().map(|fetch| fetch.waiting).unwrap_or_default();
        for resolve in waiting {
            // To resolve a promise can't fail.
            let _ = resolve.call0(&JsValue::UNDEFINED);
        }
    }
}

fn find(keys: &[Named], kid: &str) -> Option<PublicKey> {
    keys.iter().find(|named| named.kid == kid).map(|named| named.key.clone())
}

async fn fetch_in_time(url: &str) -> worker::Result<Vec<Named>> {
    let controller = AbortController::default();
    let signal = controller.signal();
    with_timeout(FETCH_LIMIT, fetch(url, &signal)).await.unwrap_or_else(|| {
        controller.abort();
        Err(worker::Error::from("they took too long"))
    })
}

async fn fetch(url: &str, signal: &AbortSignal) -> worker::Result<Vec<Named>> {
    let init = RequestInit::new();
    // Not from elsewhere, and not from a cache: a key that was withdrawn must be gone.
    init.set_redirect(RequestRedirect::Manual);
    init.set_cache(RequestCache::NoStore);
    let request = web_sys::Request::new_with_str_and_init(url, &init)?;
    let mut response = Fetch::Request(request.into()).send_with_signal(signal).await?;
    if response.status_code() != 200 {
        return Err(worker::Error::from(format!("they are answered {}", response.status_code())));
    }
    read(response.text().await?.as_bytes()).await
}

/// Reads a set of keys (RFC 7517, 5): those that RS256 can be verified with. Others are skipped, for
/// the set may grow, and so is one that WebCrypto does not take, for the others are good.
async fn read(body: &[u8]) -> worker::Result<Vec<Named>> {
    let set = Object::parse(body).and_then(|set| set.list("keys")).ok_or("they are no set of keys")?;
    let mut keys = Vec::new();
    for jwk in set.iter().filter_map(|jwk| Object::parse(jwk.as_bytes())) {
        let Some((kid, modulus, exponent)) = for_rs256(&jwk) else { continue };
        match PublicKey::import(&modulus, &exponent).await {
            Ok(key) => keys.push(Named { kid, key }),
            Err(error) => console_error!("a key of Access is skipped: {error}"),
        }
    }
    if keys.is_empty() {
        return Err(worker::Error::from("there is none for RS256 among them"));
    }
    Ok(keys)
}

/// Returns the name, the modulus and the exponent of a public RSA key (RFC 7517, 4 and RFC 7518, 6.3.1).
fn for_rs256(jwk: &Object<'_>) -> Option<(String, String, String)> {
    let is = |name, value| jwk.text(name).is_some_and(|text| text == value);
    let modulus = jwk.text("n")?;
    let fits = is("kty", "RSA")
        && modulus.len() >= MODULUS_DIGITS
        && (jwk.get("alg").is_none() || is("alg", "RS256"))
        && (jwk.get("use").is_none() || is("use", "sig"));
    fits.then_some((jwk.text("kid")?, modulus, jwk.text("e")?))
}
