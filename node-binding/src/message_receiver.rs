use js_sys::Uint8Array;
use vtryon_webhooks::standard_webhooks::{MessageHeaders, MessageVerifier, Tolerance, VerifiedMessage};
use vtryon_webhooks::{Code, Error, Event, Millis, Secret};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::receiver::body_limit;
use crate::refusal;
use crate::report::Report;
use crate::workspace;

/// How many values each of the three headers has: of the id, the timestamp, the signatures.
type Counts = [u32; 3];

/// A verifier of messages by Standard Webhooks.
///
/// JavaScript passes the three headers by `claim`, which makes no verdict on them. It writes the payload into the
/// workspace, as for a `Receiver`, and calls `verify` or `open`.
#[wasm_bindgen]
pub struct MessageReceiver {
    verifier: MessageVerifier,
    counts: Counts,
    values: [String; 3],
}

#[wasm_bindgen]
impl MessageReceiver {
    /// Prepares the secrets, the current one first; a payload may have `limit` bytes, a timestamp may be `tolerance`
    /// seconds from the clock.
    ///
    /// # Errors
    /// A refusal of the secrets, `invalid_option` for the limit and the tolerance.
    #[wasm_bindgen(constructor)]
    pub fn new(secrets: Vec<Uint8Array>, limit: f64, tolerance: f64) -> Result<Self, JsValue> {
        prepare(&secrets, limit, tolerance).map_err(|error| refusal::of(&error))
    }

    /// Returns the fingerprint of a secret.
    pub fn fingerprint(&self, index: usize) -> Option<String> {
        self.verifier.fingerprints().nth(index).map(|fingerprint| fingerprint.to_string())
    }

    /// Takes the value of each header, and how often it came.
    pub fn claim(&mut self, counts: &[u32], id: String, timestamp: String, signature: String) {
        self.counts = counts.try_into().unwrap_or_default();
        self.values = [id, timestamp, signature];
    }

    /// Checks the headers and the time before a payload is read.
    ///
    /// # Errors
    /// A refusal.
    pub fn admit(&self, now: f64, declared: f64) -> Result<(), JsValue> {
        let admit = || self.verifier.admit(&self.headers()?, moment(now), declared as usize);
        admit().map_err(|error| refusal::of(&error))
    }

    /// Verifies a payload of `length` bytes at the time `now`; returns whether it may be trusted.
    pub fn verify(&self, now: f64, length: usize) -> bool {
        self.judge(now, length, |_, _| Ok(()))
    }

    /// Verifies a payload and reports its event.
    pub fn open(&self, now: f64, length: usize) -> bool {
        self.judge(now, length, |message, report| {
            report.event(&Event::parse(message.verified())?);
            Ok(())
        })
    }
}

impl MessageReceiver {
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

    fn judge(
        &self,
        now: f64,
        length: usize,
        read: impl FnOnce(&VerifiedMessage<'_>, &mut Report) -> Result<(), Error>,
    ) -> bool {
        let judged = workspace::with(|workspace| {
            let (payload, report) = workspace.payload(length);
            let message = self.verifier.verify(payload, &self.headers()?, moment(now))?;
            report.verified(message.verified());
            read(&message, report)
        });
        judged.is_some()
    }
}

/// Takes a time in milliseconds since 1970. What is no number is 1970, to which no message is near.
const fn moment(now: f64) -> Millis {
    Millis(now as i64)
}

fn prepare(secrets: &[Uint8Array], limit: f64, tolerance: f64) -> Result<MessageReceiver, Error> {
    let whole = tolerance.fract() == 0.0 && tolerance >= 0.0;
    let tolerance = Tolerance::new(if whole { tolerance as u32 } else { 0 });
    let wrong = Error::because(Code::InvalidOption, "`toleranceSeconds` is not from 1 to 86400");
    let secrets = Secret::list(secrets.iter().map(Uint8Array::to_vec))?;
    let verifier =
        MessageVerifier::new(secrets)?.with_limit(body_limit(limit)?).with_tolerance(tolerance.ok_or(wrong)?);
    Ok(MessageReceiver { verifier, counts: [0; 3], values: [const { String::new() }; 3] })
}
