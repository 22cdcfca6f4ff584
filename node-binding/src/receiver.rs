use js_sys::Uint8Array;
use vtryon_webhooks::{BodyLimit, Code, Error, Event, Secret, Signature, Verified, Verifier};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::refusal;
use crate::report::Report;

/// A verifier with the memory that it works in, which it keeps from one payload to the next.
#[wasm_bindgen]
pub struct Receiver {
    verifier: Verifier,
    payload: Vec<u8>,
    report: Report,
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

    /// Checks the form of the header before a payload is read: it came `count` times, with `signature`
    /// as its value where that is once.
    ///
    /// # Errors
    /// A refusal.
    pub fn admit(&self, count: u32, signature: &str, declared: f64) -> Result<(), JsValue> {
        let admit = || -> Result<(), Error> {
            claimed(count, signature)?;
            self.verifier.limit().check(declared as usize)
        };
        admit().map_err(|error| refusal::of(&error))
    }

    /// Verifies a payload; returns the address of the report.
    ///
    /// # Errors
    /// A refusal.
    pub fn verify(&mut self, payload: &Uint8Array, count: u32, signature: &str) -> Result<u32, JsValue> {
        self.judge(payload, count, signature, |_, _| Ok(()))
    }

    /// Verifies a payload and reads its event; returns the address of the report.
    ///
    /// # Errors
    /// A refusal.
    pub fn open(&mut self, payload: &Uint8Array, count: u32, signature: &str) -> Result<u32, JsValue> {
        self.judge(payload, count, signature, |verified, report| {
            report.event(&Event::parse(verified)?);
            Ok(())
        })
    }
}

impl Receiver {
    fn judge(
        &mut self,
        payload: &Uint8Array,
        count: u32,
        signature: &str,
        read: impl FnOnce(&Verified<'_>, &mut Report) -> Result<(), Error>,
    ) -> Result<u32, JsValue> {
        let judge = || -> Result<u32, Error> {
            let signature = claimed(count, signature)?;
            // Before it is copied: what is too long takes no memory here.
            self.verifier.limit().check(payload.length() as usize)?;
            self.payload.resize(payload.length() as usize, 0);
            payload.copy_to(&mut self.payload);
            let verified = self.verifier.verify(&self.payload, &signature)?;
            self.report.verified(&verified);
            read(&verified, &mut self.report)?;
            Ok(self.report.address())
        };
        judge().map_err(|error| refusal::of(&error))
    }
}

fn prepare(secrets: Vec<Uint8Array>, limit: f64) -> Result<Receiver, Error> {
    let secrets = secrets.iter().map(|bytes| Secret::new(bytes.to_vec())).collect::<Result<Vec<_>, _>>()?;
    let whole = limit.fract() == 0.0 && limit >= 0.0;
    let limit = BodyLimit::new(if whole { limit as usize } else { 0 });
    let limit =
        limit.ok_or(Error::because(Code::InvalidOption, "`maxBodyBytes` is not from 1 to 1048576"))?;
    let verifier = Verifier::new(secrets)?.with_limit(limit);
    Ok(Receiver { verifier, payload: Vec::new(), report: Report::default() })
}

/// The one signature among the values of the header.
fn claimed(count: u32, signature: &str) -> Result<Signature, Error> {
    Signature::from_values((0..count).map(|_| signature.as_bytes()))
}
