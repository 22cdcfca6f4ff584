use js_sys::Uint8Array;
use vtryon_webhooks::{BodyLimit, Code, Error, Event, Secret, Signature, Verified, Verifier};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use zeroize::Zeroizing;

use crate::refusal;
use crate::report::Report;
use crate::workspace;

/// A verifier of what lies in the workspace.
///
/// JavaScript makes room for a payload and writes it there with the digits of its signature. Then it calls
/// `claim`; where the host hashes, it leaves a digest on the desk, and after `next` one for each further
/// secret; last it calls `verify` or `open`.
#[wasm_bindgen]
pub struct Receiver {
    verifier: Verifier,
    /// The inner key block of each secret.
    pads: Vec<Zeroizing<[u8; 64]>>,
}

#[wasm_bindgen]
impl Receiver {
    /// Prepares the secrets, the current one first; a payload may have `limit` bytes.
    ///
    /// # Errors
    /// A refusal of the secrets, `invalid_option` for the limit.
    #[wasm_bindgen(constructor)]
    pub fn new(secrets: Vec<Uint8Array>, limit: f64) -> Result<Self, JsValue> {
        prepare(secrets, limit).map_err(|error| refusal::of(&error))
    }

    /// Returns the fingerprint of a secret.
    pub fn fingerprint(&self, index: usize) -> Option<String> {
        Some(self.verifier.keys().get(index)?.fingerprint().to_string())
    }

    /// Checks the form of the header before a payload is read: it came `count` times, with `signature`
    /// as its value where that is once.
    ///
    /// # Errors
    /// A refusal.
    pub fn admit(&self, count: u32, signature: &str, declared: f64) -> Result<(), JsValue> {
        let admit = || -> Result<(), Error> {
            Signature::from_values((0..count).map(|_| signature.as_bytes()))?;
            self.verifier.limit().check(declared as usize)
        };
        admit().map_err(|error| refusal::of(&error))
    }

    /// Reads the digits of the signature; returns whether they are some. The key block of the first secret lies
    /// before the payload then.
    pub fn claim(&self) -> bool {
        let claimed = workspace::with(|workspace| {
            workspace.pad(self.pads.first());
            workspace.claim()
        });
        claimed.is_some()
    }

    /// Takes the digest that the host has made by the secret before this one, whose key block lies before the
    /// payload then.
    pub fn next(&self, secret: usize) {
        workspace::with(|workspace| {
            workspace.take_digest();
            workspace.pad(self.pads.get(secret));
            Ok(())
        });
    }

    /// Verifies a payload of `length` bytes; returns whether it may be trusted. By `hashed` the host has.
    pub fn verify(&self, length: usize, hashed: bool) -> bool {
        self.judge(length, hashed, |_, _| Ok(()))
    }

    /// Verifies a payload and reports its event.
    pub fn open(&self, length: usize, hashed: bool) -> bool {
        self.judge(length, hashed, |verified, report| {
            report.event(&Event::parse(verified)?);
            Ok(())
        })
    }
}

impl Receiver {
    fn judge(
        &self,
        length: usize,
        hashed: bool,
        read: impl FnOnce(&Verified<'_>, &mut Report) -> Result<(), Error>,
    ) -> bool {
        let judged = workspace::with(|workspace| {
            if hashed {
                workspace.take_digest();
            }
            let (verified, report) = workspace.verified(&self.verifier, length, hashed)?;
            report.verified(&verified);
            read(&verified, report)
        });
        judged.is_some()
    }
}

fn prepare(secrets: Vec<Uint8Array>, limit: f64) -> Result<Receiver, Error> {
    let secrets = Secret::list(secrets.iter().map(Uint8Array::to_vec))?;
    let pads = secrets.iter().map(Secret::inner_pad).collect();
    let verifier = Verifier::new(secrets)?.with_limit(body_limit(limit)?);
    Ok(Receiver { verifier, pads })
}

/// Reads how long a payload may be.
///
/// # Errors
/// [`Code::InvalidOption`].
pub(crate) fn body_limit(limit: f64) -> Result<BodyLimit, Error> {
    let whole = limit.fract() == 0.0 && limit >= 0.0;
    let limit = BodyLimit::new(if whole { limit as usize } else { 0 });
    limit.ok_or(Error::because(Code::InvalidOption, "`maxBodyBytes` is not from 1 to 1048576"))
}
