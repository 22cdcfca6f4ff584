//! The result of a call, laid out so that JavaScript reads it with one view of memory and one decoded string,
//! instead of a call for each field.

use vtryon_webhooks::event::STATUS_CHANGED;
use vtryon_webhooks::{Event, Status, Verified};

/// Stands for an absent field.
const ABSENT: u32 = u32::MAX;

/// `data` and `error` up to this many bytes are copied into `text`; longer ones are read from the payload.
const MAX_COPIED: usize = 1024;

/// The event of a verified payload, and which secret signed it.
///
/// The numbers are, in this order: the index of the secret; the address and the length of `text` in bytes; the status
/// (0 to 3 for queued, processing, completed and failed, 4 for another one); the lengths of the parts of `text` in
/// UTF-16 units, the last two being `data` and `error`; then address and length of `data` and of `error` in the
/// payload if they are longer than [`MAX_COPIED`], else 0.
pub(crate) struct Report {
    numbers: [u32; 16],
    /// The idempotency key, which ends with the task id; the event name unless it is `generation.status_changed`; the
    /// status unless it is one of the four; the result URL and the error message; `data` and `error`.
    text: String,
}

impl Report {
    pub(crate) const EMPTY: Self = Self { numbers: [0; 16], text: String::new() };

    /// Sets the index of the secret that signed the payload.
    pub(crate) fn set_secret(&mut self, verified: &Verified<'_>) {
        let [index, ..] = &mut self.numbers;
        *index = to_u32(verified.secret_index());
    }

    /// Sets the fields of the event.
    pub(crate) fn set_event(&mut self, event: &Event<'_>) {
        self.text.clear();
        event.push_idempotency_key(&mut self.text);
        let key = self.text.len();
        let (status, other) = match event.status() {
            None => (ABSENT, None),
            Some(Status::Queued) => (0, None),
            Some(Status::Processing) => (1, None),
            Some(Status::Completed) => (2, None),
            Some(Status::Failed) => (3, None),
            Some(Status::Other(name)) => (4, Some(&**name)),
        };
        let name = Some(event.name()).filter(|name| *name != STATUS_CHANGED);
        let json = [event.data(), event.error()];
        let [data, error] = json.map(|json| json.filter(|json| json.len() <= MAX_COPIED));
        let parts = [name, other, event.result_url(), event.error_message(), data, error];
        self.text.extend(parts.into_iter().flatten());
        // Most events are ASCII, where UTF-16 units are bytes. A loop without an early exit is vectorised.
        let is_ascii = self.text.bytes().fold(0, |all, byte| all | byte) < 0x80;
        let units = |text: &str| to_u32(if is_ascii { text.len() } else { text.encode_utf16().count() });
        let [name, other, result, reason, data, error] = parts.map(|part| part.map_or(ABSENT, units));
        let [index, ..] = self.numbers;
        let key = units(self.text.get(..key).unwrap_or_default());
        let task = units(event.task_id().as_str());
        let (text, length) = ptr_and_length(&self.text);
        let [(long_data, data_length), (long_error, error_length)] =
            json.map(|json| json.filter(|json| json.len() > MAX_COPIED).map_or((0, 0), ptr_and_length));
        self.numbers = [
            index,
            text,
            length,
            status,
            key,
            task,
            name,
            other,
            result,
            reason,
            data,
            error,
            long_data,
            data_length,
            long_error,
            error_length,
        ];
    }

    /// Returns the address of the numbers.
    pub(crate) fn ptr(&self) -> u32 {
        to_u32(self.numbers.as_ptr().expose_provenance())
    }
}

/// Returns the address of a text and its length in bytes.
fn ptr_and_length(text: &str) -> (u32, u32) {
    (to_u32(text.as_ptr().expose_provenance()), to_u32(text.len()))
}

/// An address or a length of wasm32 always fits.
const fn to_u32(value: usize) -> u32 {
    value as u32
}
