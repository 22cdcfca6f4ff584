use vtryon_webhooks::event::STATUS_CHANGED;
use vtryon_webhooks::{Event, Status, Verified};

/// What stands where a field is absent.
const ABSENT: u32 = u32::MAX;

/// How long a JSON text may be, in bytes, to be copied into the report; a longer one is taken from where it lies.
const SHORT: usize = 1024;

/// What was read of a payload, laid out so that JavaScript takes it with one look at memory and one
/// decoding of text, instead of a call for each field.
///
/// `numbers`, in this order: the secret's index; the address and the length of `text`; the status, from 0
/// in the order of the guide, 4 for another; the lengths in UTF-16 units of the parts of `text`, the last two
/// of `data` and `error`; where these are too long for it, the addresses and lengths at which they lie, else 0.
pub(crate) struct Report {
    numbers: [u32; 16],
    /// The idempotency key, which ends with the task; the name, where it is none of the guide's; the status,
    /// where it is another; the result and the reason; `data` and `error`.
    text: String,
}

impl Report {
    pub(crate) const EMPTY: Self = Self { numbers: [0; 16], text: String::new() };

    /// Tells which secret matched.
    pub(crate) fn verified(&mut self, verified: &Verified<'_>) {
        let [index, ..] = &mut self.numbers;
        *index = number(verified.key_index());
    }

    /// Tells what the event says.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
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
        let [data, error] = json.map(|json| json.filter(|json| json.len() <= SHORT));
        let parts = [name, other, event.result_url(), event.error_message(), data, error];
        self.text.extend(parts.into_iter().flatten());
        // Most events are of ASCII, whose units are its bytes; a loop without an exit takes many at a time.
        let is_ascii = self.text.bytes().fold(0, |all, byte| all | byte) < 0x80;
        let units = |text: &str| number(if is_ascii { text.len() } else { text.encode_utf16().count() });
        let [name, other, result, reason, data, error] = parts.map(|part| part.map_or(ABSENT, units));
        let [index, ..] = self.numbers;
        let key = units(self.text.get(..key).unwrap_or_default());
        let task = units(event.task_id().as_str());
        let (text, length) = place(&self.text);
        let [(long_data, data_length), (long_error, error_length)] =
            json.map(|json| json.filter(|json| json.len() > SHORT).map_or((0, 0), place));
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
    pub(crate) fn address(&self) -> u32 {
        number(self.numbers.as_ptr().expose_provenance())
    }
}

/// Where a text lies in memory: its address, its length in bytes.
fn place(text: &str) -> (u32, u32) {
    (number(text.as_ptr().expose_provenance()), number(text.len()))
}

/// Memory of wasm32 has no address that does not fit.
const fn number(value: usize) -> u32 {
    value as u32
}
