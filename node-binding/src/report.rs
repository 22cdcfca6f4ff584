use vtryon_webhooks::event::STATUS_CHANGED;
use vtryon_webhooks::{Event, Status, Verified};

/// What stands where a field is absent.
const ABSENT: u32 = u32::MAX;

/// What was read of a payload, laid out so that JavaScript takes it with one look at memory and one
/// decoding of text, instead of a call for each field.
///
/// `numbers`, in this order: the secret's index; the address and the length of `text`; the status, from 0
/// in the order of the guide, 4 for another; the lengths in UTF-16 units of the parts of `text`; the
/// addresses and lengths of `data` and `error` in the payload.
pub(crate) struct Report {
    numbers: [u32; 14],
    /// The idempotency key, which ends with the task; the name, where it is none of the guide's; the status,
    /// where it is another; the result and the reason.
    text: String,
}

impl Report {
    pub(crate) const EMPTY: Self = Self { numbers: [0; 14], text: String::new() };

    /// Tells which secret matched.
    pub(crate) fn verified(&mut self, verified: &Verified<'_>) {
        let [index, ..] = &mut self.numbers;
        *index = number(verified.key_index());
    }

    /// Tells what the event says.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        self.text.clear();
        event.push_idempotency_key(&mut self.text);
        let key = units(&self.text);
        let (status, other) = match event.status() {
            None => (ABSENT, None),
            Some(Status::Queued) => (0, None),
            Some(Status::Processing) => (1, None),
            Some(Status::Completed) => (2, None),
            Some(Status::Failed) => (3, None),
            Some(Status::Other(name)) => (4, Some(&**name)),
        };
        let name = Some(event.name()).filter(|name| *name != STATUS_CHANGED);
        let parts = [name, other, event.result_url(), event.error_message()];
        self.text.extend(parts.into_iter().flatten());
        let [name, other, result, reason] = parts.map(|part| part.map_or(ABSENT, units));
        let (text, length) = place(&self.text);
        let [(data, data_length), (error, error_length)] =
            [event.data(), event.error()].map(|value| value.map_or((ABSENT, 0), place));
        let [index, ..] = self.numbers;
        let task = units(event.task_id().as_str());
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
            data_length,
            error,
            error_length,
        ];
    }

    /// Returns the address of the numbers.
    pub(crate) fn address(&self) -> u32 {
        number(self.numbers.as_ptr().expose_provenance())
    }
}

/// Counts the UTF-16 units of a text.
fn units(text: &str) -> u32 {
    number(if text.is_ascii() { text.len() } else { text.encode_utf16().count() })
}

/// Where a text lies in memory: its address, its length in bytes.
fn place(text: &str) -> (u32, u32) {
    (number(text.as_ptr().expose_provenance()), number(text.len()))
}

/// Memory of wasm32 has no address that does not fit.
const fn number(value: usize) -> u32 {
    value as u32
}
