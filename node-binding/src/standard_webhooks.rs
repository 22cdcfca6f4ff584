//! The verifier of messages by Standard Webhooks.

use js_sys::Uint8Array;
use vtryon_webhooks::standard_webhooks::{MessageHeaders, MessageVerifier, Tolerance, VerifiedMessage};
use vtryon_webhooks::{Code, Error, Event, Millis, Secret};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::js_error;
use crate::report::Report;
use crate::shared_memory;
use crate::verifier::body_limit;

/// The number of values of each header: id, timestamp, signature.
type Counts = [u32; 3];

/// Verifies the payload in the shared memory by the three headers of Standard Webhooks.
///
/// JavaScript passes the headers by `set_headers`, writes the payload as for a `SignatureVerifier`, and calls
/// `verify` or `verify_and_parse`.
#[wasm_bindgen]
pub struct StandardWebhooksVerifier {
    verifier: MessageVerifier,
    counts: Counts,
    values: [String; 3],
}

#[wasm_bindgen]
impl StandardWebhooksVerifier {
    /// Prepares the secrets, the current one first. A payload may have up to `limit` bytes, a timestamp may differ
    /// from the clock by up to `tolerance` seconds.
    ///
    /// # Errors
    /// The codes that begin with `secret_`, and `invalid_option` for the limit and the tolerance.
    #[wasm_bindgen(constructor)]
    pub fn new(secrets: Vec<Uint8Array>, limit: f64, tolerance: f64) -> Result<Self, JsValue> {
        prepare(&secrets, limit, tolerance).map_err(|error| js_error::to_js(&error))
    }

    /// Returns the fingerprint of a secret.
    pub fn fingerprint(&self, index: usize) -> Option<String> {
        self.verifier.fingerprints().nth(index).map(|fingerprint| fingerprint.to_string())
    }

    /// Sets the headers of the next request: how many values each one has, and the value if there is one.
    #[wasm_bindgen(js_name = setHeaders)]
    pub fn set_headers(&mut self, counts: &[u32], id: String, timestamp: String, signature: String) {
        self.counts = counts.try_into().unwrap_or_default();
        self.values = [id, timestamp, signature];
    }

    /// Checks the headers, the time `now` and the declared length, before the payload is read.
    ///
    /// # Errors
    /// The codes of headers and timestamps, and `payload_too_large`.
    pub fn admit(&self, now: f64, declared: f64) -> Result<(), JsValue> {
        let admit = || self.verifier.admit(&self.headers()?, to_millis(now), declared as usize);
        admit().map_err(|error| js_error::to_js(&error))
    }

    /// Verifies a payload of `length` bytes at the time `now` and returns whether it is authentic.
    pub fn verify(&self, now: f64, length: usize) -> bool {
        self.run(now, length, |_, _| Ok(()))
    }

    /// Verifies a payload, parses its event and writes that into the report.
    #[wasm_bindgen(js_name = verifyAndParse)]
    pub fn verify_and_parse(&self, now: f64, length: usize) -> bool {
        self.run(now, length, |message, report| {
            report.set_event(&Event::parse(message.verified())?);
            Ok(())
        })
    }
}

impl StandardWebhooksVerifier {
    fn headers(&self) -> Result<MessageHeaders<'_>, Error> {
        let [id, timestamp, signature] = &self.values;
        let [ids, timestamps, signatures] = self.counts;
        let values = |count, value| std::iter::repeat_n(value, count as usize);
        MessageHeaders::from_values(
            values(ids, id.as_bytes()),
            values(timestamps, timestamp.as_bytes()),
            values(signatures, signature.as_bytes()),
        )
    }

    fn run(
        &self,
        now: f64,
        length: usize,
        parse: impl FnOnce(&VerifiedMessage<'_>, &mut Report) -> Result<(), Error>,
    ) -> bool {
        let result = shared_memory::with(|memory| {
            let (payload, report) = memory.payload(length)?;
            let message = self.verifier.verify(payload, &self.headers()?, to_millis(now))?;
            report.set_secret(message.verified());
            parse(&message, report)
        });
        result.is_some()
    }
}

/// Converts milliseconds since 1970. NaN becomes the earliest time, for which every timestamp is too new.
const fn to_millis(now: f64) -> Millis {
    Millis(if now.is_nan() { i64::MIN } else { now as i64 })
}

fn prepare(secrets: &[Uint8Array], limit: f64, tolerance: f64) -> Result<StandardWebhooksVerifier, Error> {
    let whole = tolerance.fract() == 0.0 && tolerance >= 0.0;
    let tolerance = Tolerance::new(if whole { tolerance as u32 } else { 0 });
    let wrong = Error::because(Code::InvalidOption, "`toleranceSeconds` is not from 1 to 86400");
    let secrets = Secret::list(secrets.iter().map(Uint8Array::to_vec))?;
    let verifier =
        MessageVerifier::new(secrets)?.with_limit(body_limit(limit)?).with_tolerance(tolerance.ok_or(wrong)?);
    Ok(StandardWebhooksVerifier { verifier, counts: [0; 3], values: [const { String::new() }; 3] })
}
