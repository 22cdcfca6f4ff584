use std::cell::RefCell;

use js_sys::Uint8Array;
use vtryon_webhooks::{BodyLimit, Code, Error, Event, Secret, Signature, Verified, Verifier};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::refusal;
use crate::report::Report;

/// The memory that payloads are judged in.
#[derive(Default)]
struct Workspace {
    payload: Vec<u8>,
    report: Report,
}

thread_local! {
    /// One for all receivers: they are asked one after the other, and where JavaScript has no finalizers a
    /// receiver that was made for a single request stays for ever.
    static WORKSPACE: RefCell<Workspace> = RefCell::default();
}

/// A verifier.
#[wasm_bindgen]
pub struct Receiver {
    verifier: Verifier,
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
    pub fn verify(&self, payload: &Uint8Array, count: u32, signature: &str) -> Result<u32, JsValue> {
        self.judge(payload, count, signature, |_, _| Ok(()))
    }

    /// Verifies a payload and reads its event; returns the address of the report.
    ///
    /// # Errors
    /// A refusal.
    pub fn open(&self, payload: &Uint8Array, count: u32, signature: &str) -> Result<u32, JsValue> {
        self.judge(payload, count, signature, |verified, report| {
            report.event(&Event::parse(verified)?);
            Ok(())
        })
    }
}

impl Receiver {
    fn judge(
        &self,
        payload: &Uint8Array,
        count: u32,
        signature: &str,
        read: impl FnOnce(&Verified<'_>, &mut Report) -> Result<(), Error>,
    ) -> Result<u32, JsValue> {
        let judge = |workspace: &mut Workspace| -> Result<u32, Error> {
            let signature = claimed(count, signature)?;
            // Before it is copied: what is too long takes no memory here.
            self.verifier.limit().check(payload.length() as usize)?;
            workspace.payload.resize(payload.length() as usize, 0);
            payload.copy_to(&mut workspace.payload);
            let verified = self.verifier.verify(&workspace.payload, &signature)?;
            workspace.report.verified(&verified);
            read(&verified, &mut workspace.report)?;
            Ok(workspace.report.address())
        };
        WORKSPACE.with_borrow_mut(judge).map_err(|error| refusal::of(&error))
    }
}

fn prepare(secrets: Vec<Uint8Array>, limit: f64) -> Result<Receiver, Error> {
    let secrets = secrets.iter().map(|bytes| Secret::new(bytes.to_vec())).collect::<Result<Vec<_>, _>>()?;
    let whole = limit.fract() == 0.0 && limit >= 0.0;
    let limit = BodyLimit::new(if whole { limit as usize } else { 0 });
    let limit =
        limit.ok_or(Error::because(Code::InvalidOption, "`maxBodyBytes` is not from 1 to 1048576"))?;
    let verifier = Verifier::new(secrets)?.with_limit(limit);
    Ok(Receiver { verifier })
}

/// The one signature among the values of the header.
fn claimed(count: u32, signature: &str) -> Result<Signature, Error> {
    Signature::from_values((0..count).map(|_| signature.as_bytes()))
}
