//! Secrets at rest: sealed under the master key, and opened only to sign, to send and to compare.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::thread::LocalKey;

use vtryon_gateway_engine::directory::endpoints::credentials::NewHeader;
use vtryon_gateway_engine::keys::MasterKey;
use vtryon_gateway_engine::protocol::settings::{Sealed, SealedHeader, endpoint_id};
use vtryon_webhooks::delivery::{EndpointSecret, Signer};
use zeroize::Zeroizing;

use crate::platform::crypto;
use crate::testing::faults;

/// What the key of a secret is derived by: those of endpoints, and Vtryon's.
const ENDPOINT_LABEL: &str = "vtryon-webhooks seal 1";
const VTRYON_LABEL: &str = "vtryon-webhooks secrets 1";

/// How many signers, and how many headers, an isolate keeps ready; where there are more, it begins anew.
const MAX_READY: usize = 256;

thread_local! {
    static SIGNERS: RefCell<Ready<Signer>> = const { RefCell::new(Ready::new()) };
    static HEADERS: RefCell<Ready<Zeroizing<String>>> = const { RefCell::new(Ready::new()) };
}

/// What a secret belongs to, and is bound to: moved elsewhere, it can't be opened.
enum Owner<'a> {
    /// The secret of an endpoint, by its version.
    Endpoint { endpoint: i64, version: i64 },
    /// The value of a header of an endpoint.
    Header { endpoint: i64, name: &'a str },
    /// A secret of Vtryon's, by its fingerprint.
    Vtryon { fingerprint: &'a str },
}

impl Owner<'_> {
    const fn label(&self) -> &'static str {
        match self {
            Self::Endpoint { .. } | Self::Header { .. } => ENDPOINT_LABEL,
            Self::Vtryon { .. } => VTRYON_LABEL,
        }
    }

    fn context(&self) -> String {
        match self {
            Self::Endpoint { endpoint, version } => format!("{} {version}", endpoint_id(*endpoint)),
            Self::Header { endpoint, name } => format!("{} header {name}", endpoint_id(*endpoint)),
            Self::Vtryon { fingerprint } => format!("vtryon {fingerprint}"),
        }
    }
}

/// Seals and opens under a master key. Opening returns nothing where another key has sealed.
pub(crate) struct Sealer<'a>(&'a MasterKey);

impl<'a> Sealer<'a> {
    pub(crate) const fn new(master: &'a MasterKey) -> Self {
        Self(master)
    }

    /// Seals the secret of an endpoint, as its version of that number.
    pub(crate) async fn seal_endpoint_secret(
        &self,
        endpoint: i64,
        version: i64,
        secret: &EndpointSecret,
    ) -> worker::Result<String> {
        let owner = Owner::Endpoint { endpoint, version };
        Ok(hex::encode(self.seal(&owner, secret.as_bytes()).await?))
    }

    pub(crate) async fn open_endpoint_secret(
        &self,
        endpoint: i64,
        secret: &Sealed,
    ) -> worker::Result<Option<EndpointSecret>> {
        let owner = Owner::Endpoint { endpoint, version: secret.version };
        let plain = self.open_hex(&owner, &secret.sealed).await?;
        let bytes = plain.and_then(|plain| {
            let mut bytes = Zeroizing::new([0; 32]);
            (plain.len() == bytes.len()).then(|| {
                bytes.copy_from_slice(&plain);
                bytes
            })
        });
        Ok(bytes.map(EndpointSecret::from_bytes))
    }

    /// Returns the secret of an endpoint, ready to sign; it is opened where the isolate does not have it ready.
    pub(crate) async fn signer(&self, endpoint: i64, secret: &Sealed) -> worker::Result<Option<Rc<Signer>>> {
        let owner = Owner::Endpoint { endpoint, version: secret.version };
        get_or_open(&SIGNERS, &owner, &secret.sealed, async || {
            let secret = self.open_endpoint_secret(endpoint, secret).await?;
            Ok(secret.map(|secret| secret.signer()))
        })
        .await
    }

    /// Seals headers of an endpoint.
    pub(crate) async fn seal_headers(
        &self,
        endpoint: i64,
        headers: &[NewHeader],
    ) -> worker::Result<Vec<SealedHeader>> {
        let mut sealed = Vec::with_capacity(headers.len());
        for header in headers {
            let owner = Owner::Header { endpoint, name: &header.name };
            sealed.push(header.sealed(hex::encode(self.seal(&owner, header.value.as_bytes()).await?)));
        }
        Ok(sealed)
    }

    /// Returns the value of a header; it is opened where the isolate does not have it ready.
    pub(crate) async fn open_header(
        &self,
        endpoint: i64,
        header: &SealedHeader,
    ) -> worker::Result<Option<Rc<Zeroizing<String>>>> {
        let owner = Owner::Header { endpoint, name: &header.name };
        get_or_open(&HEADERS, &owner, &header.sealed, async || {
            let plain = self.open_hex(&owner, &header.sealed).await?;
            Ok(plain
                .and_then(|plain| str::from_utf8(&plain).ok().map(|text| Zeroizing::new(text.to_owned()))))
        })
        .await
    }

    /// Seals a secret of Vtryon's.
    pub(crate) async fn seal_vtryon_secret(
        &self,
        fingerprint: &str,
        secret: &[u8],
    ) -> worker::Result<Vec<u8>> {
        self.seal(&Owner::Vtryon { fingerprint }, secret).await
    }

    pub(crate) async fn open_vtryon_secret(
        &self,
        fingerprint: &str,
        sealed: &[u8],
    ) -> worker::Result<Option<Zeroizing<Vec<u8>>>> {
        self.open(&Owner::Vtryon { fingerprint }, sealed).await
    }

    async fn seal(&self, owner: &Owner<'_>, plain: &[u8]) -> worker::Result<Vec<u8>> {
        crypto::seal(&self.0.derive(owner.label()), &owner.context(), plain).await
    }

    async fn open(&self, owner: &Owner<'_>, sealed: &[u8]) -> worker::Result<Option<Zeroizing<Vec<u8>>>> {
        faults::before_opening(&owner.context())?;
        crypto::open(&self.0.derive(owner.label()), &owner.context(), sealed).await
    }

    async fn open_hex(&self, owner: &Owner<'_>, sealed: &str) -> worker::Result<Option<Zeroizing<Vec<u8>>>> {
        self.open(owner, &hex::decode(sealed).unwrap_or_default()).await
    }
}

/// What was opened, by what it is bound to and its sealed form. That has a nonce, so a version of a secret that is made
/// once more, as after a restore of the directory, is another one.
struct Ready<T>(BTreeMap<(String, String), Rc<T>>);

impl<T> Ready<T> {
    const fn new() -> Self {
        Self(BTreeMap::new())
    }

    fn get(&self, owner: &Owner<'_>, sealed: &str) -> Option<Rc<T>> {
        self.0.get(&(owner.context(), sealed.to_owned())).cloned()
    }

    fn insert(&mut self, owner: &Owner<'_>, sealed: &str, opened: T) -> Rc<T> {
        if self.0.len() >= MAX_READY {
            self.0.clear();
        }
        let opened = Rc::new(opened);
        self.0.insert((owner.context(), sealed.to_owned()), Rc::clone(&opened));
        opened
    }
}

/// Returns what is ready, and opens it where it is not.
async fn get_or_open<T: 'static>(
    ready: &'static LocalKey<RefCell<Ready<T>>>,
    owner: &Owner<'_>,
    sealed: &str,
    open: impl AsyncFnOnce() -> worker::Result<Option<T>>,
) -> worker::Result<Option<Rc<T>>> {
    if let Some(opened) = ready.with_borrow(|ready| ready.get(owner, sealed)) {
        return Ok(Some(opened));
    }
    let opened = open().await?;
    Ok(opened.map(|opened| ready.with_borrow_mut(|ready| ready.insert(owner, sealed, opened))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ready_is_found_by_its_owner_and_its_sealed_form() {
        let mut ready = Ready::new();
        let owner = |endpoint, version| Owner::Endpoint { endpoint, version };
        ready.insert(&owner(1, 1), "ab", "the first secret");
        for (owner, sealed, expected, why) in [
            (owner(1, 1), "ab", Some("the first secret"), "the same"),
            (owner(1, 1), "cd", None, "the directory was restored, and has rotated once more"),
            (owner(1, 2), "ab", None, "another version"),
            (owner(2, 1), "ab", None, "another endpoint"),
            (Owner::Header { endpoint: 1, name: "1" }, "ab", None, "a header"),
        ] {
            assert_eq!(ready.get(&owner, sealed).map(|found| *found), expected, "{why}");
        }
    }

    #[test]
    fn so_many_are_ready_at_most() {
        let mut ready = Ready::new();
        for endpoint in 0..=MAX_READY as i64 {
            ready.insert(&Owner::Endpoint { endpoint, version: 1 }, "ab", endpoint);
            assert!(ready.0.len() <= MAX_READY);
        }
    }
}
