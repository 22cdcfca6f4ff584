//! Signs deliveries to endpoints, both as Vtryon's guide describes and by Standard Webhooks.
//!
//! What else a sender needs is decided by [`endpoint`](crate::endpoint) (which URLs an endpoint may have, and which events
//! it gets), [`retry`](crate::retry) (when a failed delivery is tried again) and [`health`](crate::health) (whether an
//! endpoint still answers). A time is a [`Millis`](crate::Millis), and always an argument.
//!
//! ```rust
//! use vtryon_webhooks::{Digest, Millis, delivery::EndpointSecret, endpoint::UrlRules, event::Identity, retry};
//!
//! UrlRules::default().check("https://shop.example/webhooks")?;
//! let signer = EndpointSecret::from_bytes([7; 32]).signer(); // 32 random bytes
//! let id = Identity::Status { task_id: "task_123", status: "completed" }.webhook_id();
//! let headers = [
//!     ("x-vtryon-signature", signer.vtryon(b"{}")),
//!     ("webhook-signature", signer.standard(&id, 1_780_000_000, b"{}")),
//! ];
//!
//! // It failed: again in 1.7 minutes or so.
//! let failed_at = Millis(1_780_000_000_000);
//! let next = retry::next(&Digest::of(b"task_123"), 1, failed_at, failed_at, None);
//! # assert!(headers[0].1.len() == 64 && next.is_some());
//! # Ok::<(), vtryon_webhooks::Error>(())
//! ```

use alloc::string::String;
use core::fmt;

use base64ct::{Base64, Encoding};
use hmac::Hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::{Code, Error};
use crate::secret::{Fingerprint, Key, SECRET_PREFIX, check_key, hmac, key_block};
use crate::signature::Signature;
use crate::standard_webhooks;

/// The length of 32 bytes in base64 with padding.
const BASE64_LENGTH: usize = 44;

/// The secret of an endpoint: 32 random bytes, shown as `whsec_` and their base64.
///
/// It can't be printed or cloned, and its memory is overwritten when it is dropped.
pub struct EndpointSecret(Zeroizing<[u8; 32]>);

impl EndpointSecret {
    /// Makes a secret of 32 random bytes, given as an array or as a `Zeroizing` array.
    pub fn from_bytes(bytes: impl Into<Zeroizing<[u8; 32]>>) -> Self {
        Self(bytes.into())
    }

    /// Parses the text that [`EndpointSecret::reveal`] returns. It accepts no other spelling, because the text itself
    /// is the HMAC key of Vtryon's signature.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] in the field `secret`, for any other text, and for 32 zero bytes: every receiver refuses
    /// them, since anyone can sign with them.
    ///
    /// ```
    /// use vtryon_webhooks::delivery::EndpointSecret;
    /// let secret = EndpointSecret::from_bytes([7; 32]);
    /// assert_eq!(EndpointSecret::parse(&secret.reveal())?.as_bytes(), &[7; 32]);
    /// assert!(EndpointSecret::parse("whsec_too_short").is_err());
    /// # Ok::<(), vtryon_webhooks::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        match text.strip_prefix(SECRET_PREFIX).map(|digits| Base64::decode(digits, &mut *bytes)) {
            Some(Ok(decoded)) if decoded.len() == 32 && check_key(decoded).is_ok() => Ok(Self(bytes)),
            Some(Ok(_) | Err(_)) | None => Err(Error::in_field(
                Code::InvalidRequest,
                "secret",
                "is not whsec_ and 32 random bytes in base64",
            )),
        }
    }

    /// Returns the 32 bytes, for the caller to encrypt and store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the text that the endpoint's backend is configured with: `whsec_` and 44 characters of base64.
    pub fn reveal(&self) -> Zeroizing<String> {
        let mut digits = Zeroizing::new([0; BASE64_LENGTH]);
        // Allocated in full: a string that grows would leave a copy in the memory that it frees.
        let mut text = Zeroizing::new(String::with_capacity(SECRET_PREFIX.len() + BASE64_LENGTH));
        text.push_str(SECRET_PREFIX);
        text.push_str(Base64::encode(&*self.0, &mut *digits).unwrap_or_default());
        text
    }

    /// Returns the fingerprint of the text. A receiver that is configured with this secret shows the same one.
    pub fn fingerprint(&self) -> Fingerprint {
        Key::of(self.reveal().as_bytes()).fingerprint()
    }

    /// Prepares the HMAC keys. Make one signer per secret and use it for many deliveries.
    pub fn signer(&self) -> Signer {
        Signer { text: Key::of(self.reveal().as_bytes()), bytes: hmac(&key_block(&*self.0)) }
    }
}

impl fmt::Debug for EndpointSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointSecret({})", self.fingerprint())
    }
}

/// The prepared HMAC keys of a secret. Vtryon's scheme uses the text as its key, Standard Webhooks the 32 bytes.
pub struct Signer {
    text: Key,
    bytes: Hmac<Sha256>,
}

impl Signer {
    /// Signs a body as Vtryon does. Returns the value of [`x-vtryon-signature`](crate::SIGNATURE_HEADER):
    /// 64 hex digits.
    pub fn vtryon(&self, body: &[u8]) -> String {
        Signature::sign(&self.text, body).to_hex()
    }

    /// Signs a delivery by Standard Webhooks. Returns the value of `webhook-signature`: `v1,` and base64.
    ///
    /// `id` is the value of `webhook-id`. `timestamp` is that of `webhook-timestamp`, in seconds since 1970. Receivers
    /// refuse a message whose id holds a dot or whose timestamp is negative.
    pub fn standard(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        let mac = standard_webhooks::mac(&self.bytes, id, timestamp, body);
        let mut value = String::from("v1,");
        value.push_str(&Base64::encode_string(&mac));
        value
    }

    /// Returns the fingerprint of the secret.
    pub const fn fingerprint(&self) -> Fingerprint {
        self.text.fingerprint()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.fingerprint())
    }
}
