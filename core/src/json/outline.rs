//! One pass over a text: whether it is JSON, and where the members lie that an event may have.
//!
//! It says of every text what `serde_json` says of it (a property test holds the two together), twice as
//! fast and with the members found on the way, since it keeps no values and decodes no strings.

use super::token::{past_blanks, past_number, past_string, past_word};
use super::{MAX_DEPTH, Value, unescaped};

/// What stands in an object under the names asked for.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a, const N: usize> {
    pub(crate) values: [Option<Value<'a>>; N],
    /// One of these names stands twice.
    pub(crate) repeated: bool,
    /// A name, of these or another, is half of a surrogate pair: grammatical, but it names no characters.
    pub(crate) unreadable: bool,
}

impl<const N: usize> Members<'_, N> {
    const NONE: Self = Self { values: [None; N], repeated: false, unreadable: false };
}

/// A JSON text, and what of it an event is read from.
pub(crate) struct Outline<'a> {
    /// The text without the blanks around it.
    pub(crate) text: &'a str,
    /// `event`, `task_id`, `status`, `data` and `error`, where the text is an object.
    pub(crate) top: Members<'a, 5>,
    /// `result_url` in `data`, where that is an object.
    pub(crate) data: Members<'a, 1>,
    /// `message` in `error`, where that is an object.
    pub(crate) error: Members<'a, 1>,
}

/// Outlines a text that is JSON (RFC 8259) and nests at most [`MAX_DEPTH`] deep.
///
/// It reads one value with blanks around it, and the values within it without recursion.
pub(crate) fn outline(text: &str) -> Option<Outline<'_>> {
    let bytes = text.as_bytes();
    let mut found = Found::new(text);
    // A bit for each object or array that is open, the innermost last: 1 for an object.
    let mut open = 0_u64;
    let mut depth = 0;
    let start = past_blanks(bytes, 0);
    let mut at = start;
    loop {
        let byte = *bytes.get(at)?;
        let mut escaped = false;
        at = match byte {
            b'"' => past_string(bytes, at, &mut escaped)?,
            b'-' | b'0'..=b'9' => past_number(bytes, at)?,
            b't' => past_word(bytes, at, b"true")?,
            b'f' => past_word(bytes, at, b"false")?,
            b'n' => past_word(bytes, at, b"null")?,
            b'{' | b'[' => {
                if depth == MAX_DEPTH {
                    return None;
                }
                depth += 1;
                let is_object = byte == b'{';
                open = open << 1 | u64::from(is_object);
                at = past_blanks(bytes, at + 1);
                match (is_object, *bytes.get(at)?) {
                    // Empty: closed as any other below.
                    (true, b'}') | (false, b']') => at,
                    (true, _) => {
                        at = past_name(bytes, at, depth, &mut found)?;
                        continue;
                    }
                    (false, _) => continue,
                }
            }
            _ => return None,
        };
        // A value has ended: what encloses it goes on or ends too.
        loop {
            let end = at;
            at = past_blanks(bytes, at);
            if depth == 0 {
                found.outline.text = text.get(start..end)?;
                return (at == bytes.len()).then_some(found.outline);
            }
            let in_object = open & 1 == 1;
            if in_object && depth <= 2 {
                found.keep(depth, end, escaped);
            }
            let byte = *bytes.get(at)?;
            at += 1;
            match (in_object, byte) {
                (true, b',') => {
                    at = past_name(bytes, past_blanks(bytes, at), depth, &mut found)?;
                    break;
                }
                (false, b',') => {
                    at = past_blanks(bytes, at);
                    break;
                }
                (true, b'}') | (false, b']') => {
                    open >>= 1;
                    depth -= 1;
                    escaped = false;
                }
                _ => return None,
            }
        }
    }
}

/// Which of the wanted members a value is.
#[derive(Clone, Copy, PartialEq)]
enum Name {
    Top(usize),
    ResultUrl,
    Message,
}

const DATA: Name = Name::Top(3);
const ERROR: Name = Name::Top(4);

/// Where the walk is within an object: in the value of a member that is wanted, or of another.
#[derive(Clone, Copy, Default)]
struct Place {
    name: Option<Name>,
    /// Where the value begins.
    start: usize,
}

/// What was found so far.
struct Found<'a> {
    text: &'a str,
    outline: Outline<'a>,
    /// The places in the outermost object and in one within it.
    path: [Place; 2],
}

impl<'a> Found<'a> {
    fn new(text: &'a str) -> Self {
        let outline = Outline { text: "", top: Members::NONE, data: Members::NONE, error: Members::NONE };
        Self { text, outline, path: [Place::default(); 2] }
    }

    /// Enters the value, at `start`, of the member of this name, which stands between its quotes.
    fn enter(&mut self, depth: usize, name: &str, escaped: bool, start: usize) -> Option<()> {
        let name = self.wanted(depth, name, escaped);
        *self.path.get_mut(depth - 1)? = Place { name, start };
        Some(())
    }

    /// Tells which of the wanted members a name is, by where its object lies.
    fn wanted(&mut self, depth: usize, name: &str, escaped: bool) -> Option<Name> {
        let [above, _] = self.path;
        let unreadable = match (depth, above.name) {
            (1, _) => &mut self.outline.top.unreadable,
            (_, Some(DATA)) => &mut self.outline.data.unreadable,
            (_, Some(ERROR)) => &mut self.outline.error.unreadable,
            _ => return None,
        };
        let decoded = if escaped { unescaped(name) } else { None };
        if escaped && decoded.is_none() {
            *unreadable = true;
            return None;
        }
        match (depth, above.name, decoded.as_deref().unwrap_or(name)) {
            (1, _, "event") => Some(Name::Top(0)),
            (1, _, "task_id") => Some(Name::Top(1)),
            (1, _, "status") => Some(Name::Top(2)),
            (1, _, "data") => Some(DATA),
            (1, _, "error") => Some(ERROR),
            (2, Some(DATA), "result_url") => Some(Name::ResultUrl),
            (2, Some(ERROR), "message") => Some(Name::Message),
            _ => None,
        }
    }

    /// Keeps the value that has ended, where it is wanted.
    fn keep(&mut self, depth: usize, end: usize, escaped: bool) {
        let Some(place) = self.path.get_mut(depth - 1) else { return };
        let Some(name) = place.name.take() else { return };
        let value = self.text.get(place.start..end).map(|text| Value { text, escaped });
        let (slot, repeated) = match name {
            Name::Top(nth) => (self.outline.top.values.get_mut(nth), &mut self.outline.top.repeated),
            Name::ResultUrl => (self.outline.data.values.first_mut(), &mut self.outline.data.repeated),
            Name::Message => (self.outline.error.values.first_mut(), &mut self.outline.error.repeated),
        };
        if let Some(slot) = slot {
            *repeated |= slot.is_some();
            *slot = value;
        }
    }
}

/// Passes a name, its colon and the blanks before the value.
#[inline(always)]
fn past_name(bytes: &[u8], at: usize, depth: usize, found: &mut Found<'_>) -> Option<usize> {
    if *bytes.get(at)? != b'"' {
        return None;
    }
    let mut escaped = false;
    let end = past_string(bytes, at, &mut escaped)?;
    let colon = past_blanks(bytes, end);
    if *bytes.get(colon)? != b':' {
        return None;
    }
    let start = past_blanks(bytes, colon + 1);
    if depth <= 2 {
        found.enter(depth, found.text.get(at + 1..end - 1)?, escaped, start)?;
    }
    Some(start)
}
