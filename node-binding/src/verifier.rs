//! The verifier of Vtryon's own signatures.

use js_sys::Uint8Array;
use vtryon_webhooks::{BodyLimit, Code, Error, Event, Secret, Signature, Verified, Verifier};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use zeroize::Zeroizing;

use crate::js_error;
use crate::report::Report;
use crate::shared_memory;

/// Verifies the payload in the shared memory.
///
/// JavaScript reserves memory, writes the payload and the signature's digits, and calls `parse_signature`. If the
/// runtime has a fast SHA-256, it writes a digest of key block and payload into the scratch area, calls
/// `next_secret` and writes another one for each further secret. Last it calls `verify` or `verify_and_parse`.
#[wasm_bindgen]
pub struct SignatureVerifier {
    verifier: Verifier,
    /// HMAC's inner key block of each secret.
    key_blocks: Vec<Zeroizing<[u8; 64]>>,
}

#[wasm_bindgen]
impl SignatureVerifier {
    /// Prepares the secrets, the current one first; a payload may have up to `limit` bytes.
    ///
    /// # Errors
    /// The codes that begin with `secret_`, and `invalid_option` for the limit.
    #[wasm_bindgen(constructor)]
    pub fn new(secrets: Vec<Uint8Array>, limit: f64) -> Result<Self, JsValue> {
        prepare(secrets, limit).map_err(|error| js_error::to_js(&error))
    }

    /// Returns the fingerprint of a secret.
    pub fn fingerprint(&self, index: usize) -> Option<String> {
        Some(self.verifier.keys().get(index)?.fingerprint().to_string())
    }

    /// Checks the form of the signature header and the declared length, before the payload is read. `count` is the
    /// number of values that the header has; `signature` is the value if there is one.
    ///
    /// # Errors
    /// The codes of signature headers, and `payload_too_large`.
    pub fn admit(&self, count: u32, signature: &str, declared: f64) -> Result<(), JsValue> {
        let admit = || -> Result<(), Error> {
            Signature::from_values((0..count).map(|_| signature.as_bytes()))?;
            self.verifier.limit().check(declared as usize)
        };
        admit().map_err(|error| js_error::to_js(&error))
    }

    /// Parses the signature in the scratch area and returns whether it is well-formed. Writes the key block of the
    /// first secret in front of the payload.
    #[wasm_bindgen(js_name = parseSignature)]
    pub fn parse_signature(&self) -> bool {
        let parsed = shared_memory::with(|memory| {
            memory.set_key_block(self.key_blocks.first());
            memory.parse_signature()
        });
        parsed.is_some()
    }

    /// Stores the digest of the previous secret and writes the key block of `secret` in front of the payload.
    #[wasm_bindgen(js_name = nextSecret)]
    pub fn next_secret(&self, secret: usize) {
        shared_memory::with(|memory| {
            memory.take_digest();
            memory.set_key_block(self.key_blocks.get(secret));
            Ok(())
        });
    }

    /// Verifies a payload of `length` bytes and returns whether it is authentic. `hashed` says that the runtime
    /// computed the digests.
    pub fn verify(&self, length: usize, hashed: bool) -> bool {
        self.run(length, hashed, |_, _| Ok(()))
    }

    /// Verifies a payload, parses its event and writes that into the report.
    #[wasm_bindgen(js_name = verifyAndParse)]
    pub fn verify_and_parse(&self, length: usize, hashed: bool) -> bool {
        self.run(length, hashed, |verified, report| {
            report.set_event(&Event::parse(verified)?);
            Ok(())
        })
    }
}

impl SignatureVerifier {
    fn run(
        &self,
        length: usize,
        hashed: bool,
        parse: impl FnOnce(&Verified<'_>, &mut Report) -> Result<(), Error>,
    ) -> bool {
        let result = shared_memory::with(|memory| {
            if hashed {
                memory.take_digest();
            }
            let (verified, report) = memory.verify(&self.verifier, length, hashed)?;
            report.set_secret(&verified);
            parse(&verified, report)
        });
        result.is_some()
    }
}

fn prepare(secrets: Vec<Uint8Array>, limit: f64) -> Result<SignatureVerifier, Error> {
    let secrets = Secret::list(secrets.iter().map(Uint8Array::to_vec))?;
    let key_blocks = secrets.iter().map(Secret::inner_pad).collect();
    let verifier = Verifier::new(secrets)?.with_limit(body_limit(limit)?);
    Ok(SignatureVerifier { verifier, key_blocks })
}

/// Converts the option `maxBodyBytes`.
///
/// # Errors
/// [`Code::InvalidOption`].
pub(crate) fn body_limit(limit: f64) -> Result<BodyLimit, Error> {
    let whole = limit.fract() == 0.0 && limit >= 0.0;
    let limit = BodyLimit::new(if whole { limit as usize } else { 0 });
    limit.ok_or(Error::because(Code::InvalidOption, "`maxBodyBytes` is not from 1 to 1048576"))
}
