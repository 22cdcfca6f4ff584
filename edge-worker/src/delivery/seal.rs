//! Secrets and headers of endpoints at rest: sealed under the master key, opened only to sign and to send.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::thread::LocalKey;

use vtryon_gateway_engine::directory::credentials::NewHeader;
use vtryon_webhooks::delivery::{EndpointSecret, Signer};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::platform::crypto;
use crate::protocol::settings::{Sealed, SealedHeader, endpoint_id};

/// What the sealing key is derived by.
const LABEL: &str = "vtryon-webhooks seal 1";

/// How many signers, and how many headers, an isolate keeps ready.
const MAX_READY: usize = 256;

/// What was opened, by what tells it from everything else.
type Ready<K, T> = RefCell<BTreeMap<K, Rc<T>>>;

thread_local! {
    /// Signers by endpoint and version of the secret: a version never changes.
    static SIGNERS: Ready<(i64, i64), Signer> = const { RefCell::new(BTreeMap::new()) };
    /// Values by what they are bound to, and their sealed form, which has a nonce.
    static HEADERS: Ready<(String, String), Zeroizing<String>> = const { RefCell::new(BTreeMap::new()) };
}

/// Seals the secret of an endpoint, as its version of that number.
pub(crate) async fn seal(
    config: &Config,
    endpoint: i64,
    version: i64,
    secret: &EndpointSecret,
) -> worker::Result<String> {
    let key = config.master.derive(LABEL);
    Ok(hex::encode(crypto::seal(&key, &context(endpoint, version), secret.as_bytes()).await?))
}

/// Opens a sealed secret; none where the master key is not the one that sealed it.
pub(crate) async fn open(
    config: &Config,
    endpoint: i64,
    secret: &Sealed,
) -> worker::Result<Option<EndpointSecret>> {
    let sealed = hex::decode(&secret.sealed).unwrap_or_default();
    let key = config.master.derive(LABEL);
    let plain = crypto::open(&key, &context(endpoint, secret.version), &sealed).await?;
    let bytes = plain.and_then(|plain| {
        let mut bytes = Zeroizing::new([0; 32]);
        (plain.len() == bytes.len()).then(|| {
            bytes.copy_from_slice(&plain);
            bytes
        })
    });
    Ok(bytes.map(EndpointSecret::from_bytes))
}

/// Makes a sealed secret ready to sign, once in the life of an isolate.
pub(crate) async fn signer(
    config: &Config,
    endpoint: i64,
    secret: &Sealed,
) -> worker::Result<Option<Rc<Signer>>> {
    let place = (endpoint, secret.version);
    if let Some(signer) = SIGNERS.with_borrow(|ready| ready.get(&place).cloned()) {
        return Ok(Some(signer));
    }
    let secret = open(config, endpoint, secret).await?;
    Ok(secret.map(|secret| keep(&SIGNERS, place, secret.signer())))
}

/// Seals headers of an endpoint.
pub(crate) async fn seal_headers(
    config: &Config,
    endpoint: i64,
    headers: &[NewHeader],
) -> worker::Result<Vec<SealedHeader>> {
    let key = config.master.derive(LABEL);
    let mut sealed = Vec::with_capacity(headers.len());
    for header in headers {
        let context = header_context(endpoint, &header.name);
        sealed.push(header.sealed(hex::encode(crypto::seal(&key, &context, header.value.as_bytes()).await?)));
    }
    Ok(sealed)
}

/// Opens the value of a header, once in the life of an isolate; none where the master key is not the one that sealed it.
pub(crate) async fn open_header(
    config: &Config,
    endpoint: i64,
    header: &SealedHeader,
) -> worker::Result<Option<Rc<Zeroizing<String>>>> {
    let place = (header_context(endpoint, &header.name), header.sealed.clone());
    if let Some(value) = HEADERS.with_borrow(|ready| ready.get(&place).cloned()) {
        return Ok(Some(value));
    }
    let sealed = hex::decode(&header.sealed).unwrap_or_default();
    let plain = crypto::open(&config.master.derive(LABEL), &place.0, &sealed).await?;
    let value =
        plain.and_then(|plain| str::from_utf8(&plain).ok().map(|text| Zeroizing::new(text.to_owned())));
    Ok(value.map(|value| keep(&HEADERS, place, value)))
}

/// Keeps something ready for the next time.
fn keep<K: Ord, T>(ready: &'static LocalKey<Ready<K, T>>, place: K, opened: T) -> Rc<T> {
    let opened = Rc::new(opened);
    ready.with_borrow_mut(|ready| {
        if ready.len() >= MAX_READY {
            ready.clear();
        }
        ready.insert(place, Rc::clone(&opened));
    });
    opened
}

/// Binds a sealed secret to its place: moved to another endpoint or version, it can't be opened.
fn context(endpoint: i64, version: i64) -> String {
    format!("{} {version}", endpoint_id(endpoint))
}

/// Binds the value of a header to its endpoint and its name.
fn header_context(endpoint: i64, name: &str) -> String {
    format!("{} header {name}", endpoint_id(endpoint))
}
