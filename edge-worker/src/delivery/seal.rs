//! Secrets of endpoints at rest: sealed under the master key, opened only to sign.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use vtryon_webhooks::delivery::{EndpointSecret, Signer};
use zeroize::Zeroizing;

use crate::config::Config;
use crate::platform::crypto;
use crate::protocol::settings::{Sealed, endpoint_id};

/// What the sealing key is derived by.
const LABEL: &str = "vtryon-webhooks seal 1";

/// How many signers an isolate keeps ready.
const MAX_READY: usize = 256;

thread_local! {
    /// Signers by endpoint and version of the secret: a version never changes.
    static READY: RefCell<BTreeMap<(i64, i64), Rc<Signer>>> = const { RefCell::new(BTreeMap::new()) };
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
    if let Some(signer) = READY.with_borrow(|ready| ready.get(&place).cloned()) {
        return Ok(Some(signer));
    }
    let Some(secret) = open(config, endpoint, secret).await? else { return Ok(None) };
    let signer = Rc::new(secret.signer());
    READY.with_borrow_mut(|ready| {
        if ready.len() >= MAX_READY {
            ready.clear();
        }
        ready.insert(place, Rc::clone(&signer));
    });
    Ok(Some(signer))
}

/// Binds a sealed secret to its place: moved to another endpoint or version, it can't be opened.
fn context(endpoint: i64, version: i64) -> String {
    format!("{} {version}", endpoint_id(endpoint))
}
