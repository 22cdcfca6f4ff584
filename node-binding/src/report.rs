use vtryon_webhooks::{Event, Verified};

/// What stands where a field is absent.
const ABSENT: u32 = u32::MAX;

/// What was read of a payload, laid out so that JavaScript takes it with one look at memory and one
/// decoding of text, instead of a call for each field.
///
/// `numbers`: the secret's index and its fingerprint; the address and the length of `text`; the length
/// of each of its six parts in UTF-16 units; the addresses and lengths of `data` and `error` in the
/// payload.
#[derive(Default)]
pub(crate) struct Report {
    numbers: [u32; 14],
    /// Name, task, status, result, reason and key, one after the other.
    text: String,
}

impl Report {
    /// Tells which secret matched.
    pub(crate) fn verified(&mut self, verified: &Verified<'_>) {
        let [index, fingerprint, ..] = &mut self.numbers;
        *index = number(verified.key_index());
        *fingerprint = u32::from_be_bytes(verified.fingerprint().to_bytes());
    }

    /// Tells what the event says.
    pub(crate) fn event(&mut self, event: &Event<'_>) {
        let key = event.idempotency_key();
        let parts = [
            Some(event.name()),
            Some(event.task_id().as_str()),
            event.status().map(|status| status.as_str()),
            event.result_url(),
            event.error_message(),
            Some(&*key),
        ];
        self.text.clear();
        self.text.extend(parts.into_iter().flatten());
        let units = parts.map(|part| part.map_or(ABSENT, |part| number(part.encode_utf16().count())));
        let values = [event.data(), event.error()].map(|value| value.map_or((ABSENT, 0), place));
        let [_, _, address, length, rest @ ..] = &mut self.numbers;
        (*address, *length) = place(&self.text);
        let values = values.into_iter().flat_map(|(address, length)| [address, length]);
        for (slot, value) in rest.iter_mut().zip(units.into_iter().chain(values)) {
            *slot = value;
        }
    }

    /// Returns the address of the numbers.
    pub(crate) fn address(&self) -> u32 {
        number(self.numbers.as_ptr().addr())
    }
}

/// Where a text lies in memory: its address, its length in bytes.
fn place(text: &str) -> (u32, u32) {
    (number(text.as_ptr().addr()), number(text.len()))
}

/// Memory of wasm32 has no address that does not fit.
const fn number(value: usize) -> u32 {
    value as u32
}
