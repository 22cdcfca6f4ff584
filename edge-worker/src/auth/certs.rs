//! The public keys of an Access team: fetched when first needed, kept in the isolate, and fetched anew
//! when they are old or when a key is named that is not among them.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use vtryon_webhooks::Code;
use worker::web_sys::{self, RequestCache, RequestInit, RequestRedirect};
use worker::{AbortController, AbortSignal, Delay, Fetch, console_error};

use super::rsa::PublicKey;
use crate::json::Object;
use crate::reply::Refusal;
use vtryon_webhooks::Millis;

/// How long keys are kept, in milliseconds. Access changes its key every six weeks, and the one before
/// stays good for a week.
const KEPT: i64 = 3_600_000;

/// How often an unknown key may make us fetch, in milliseconds: anyone can name one.
const REFETCH: i64 = 60_000;

/// How long a fetch may take.
const FETCH_LIMIT: Duration = Duration::from_secs(5);

/// RFC 7518, 3.3: RS256 takes keys of 2048 bits or more. This many digits of base64url write them.
const MODULUS_DIGITS: usize = 342;

/// The keys of one team.
pub(super) struct Certs {
    url: String,
    known: RefCell<Option<Known>>,
    refetched_at: Cell<Option<Millis>>,
}

struct Known {
    keys: Vec<Named>,
    fetched_at: Millis,
}

struct Named {
    kid: String,
    key: PublicKey,
}

impl Certs {
    pub(super) const fn new(url: String) -> Self {
        Self { url, known: RefCell::new(None), refetched_at: Cell::new(None) }
    }

    /// Returns the key of this name; none is what the team does not have.
    ///
    /// # Errors
    /// `unavailable` where the keys can't be fetched; the log has why.
    pub(super) async fn key(&self, kid: &str, now: Millis) -> Result<Option<PublicKey>, Refusal> {
        if let Some(keys) = self.known.borrow().as_ref().filter(|known| within(known.fetched_at, KEPT, now)) {
            let key = find(&keys.keys, kid);
            if key.is_some() || self.refetched_at.get().is_some_and(|at| within(at, REFETCH, now)) {
                return Ok(key);
            }
            // Noted before the fetch, so that requests which come meanwhile do not fetch too.
            self.refetched_at.set(Some(now));
        }
        let keys = fetch_in_time(&self.url).await.map_err(|error| {
            console_error!("the keys of Access can't be had: {error}");
            Refusal::new(Code::Unavailable)
        })?;
        let key = find(&keys, kid);
        self.known.replace(Some(Known { keys, fetched_at: now }));
        Ok(key)
    }
}

fn within(since: Millis, length: i64, now: Millis) -> bool {
    (0..length).contains(&now.0.saturating_sub(since.0))
}

fn find(keys: &[Named], kid: &str) -> Option<PublicKey> {
    keys.iter().find(|named| named.kid == kid).map(|named| named.key.clone())
}

async fn fetch_in_time(url: &str) -> worker::Result<Vec<Named>> {
    let controller = AbortController::default();
    let signal = controller.signal();
    match select(pin!(fetch(url, &signal)), Delay::from(FETCH_LIMIT)).await {
        Either::Left((keys, _)) => keys,
        Either::Right(_) => {
            controller.abort();
            Err(worker::Error::from("they took too long"))
        }
    }
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

/// Reads a set of keys (RFC 7517, 5): those that RS256 can be verified with. Others are passed over, for
/// the set may grow.
async fn read(body: &[u8]) -> worker::Result<Vec<Named>> {
    let set = Object::parse(body).and_then(|set| set.list("keys")).ok_or("they are no set of keys")?;
    let mut keys = Vec::new();
    for jwk in set.iter().filter_map(|jwk| Object::of(jwk)) {
        if let Some((kid, modulus, exponent)) = for_rs256(&jwk) {
            keys.push(Named { kid, key: PublicKey::import(&modulus, &exponent).await? });
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
