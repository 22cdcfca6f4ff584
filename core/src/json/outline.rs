//! Validates a JSON text and finds the members of an event in one pass.
//!
//! It accepts exactly what `serde_json` accepts (a property test compares the two), in half of the time, because it
//! builds no values and decodes no strings.

use super::token::{skip_number, skip_string, skip_whitespace, skip_word};
use super::{MAX_DEPTH, Value, unescaped};

/// The values of the wanted members of an object.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a, const N: usize> {
    pub(crate) values: [Option<Value<'a>>; N],
    /// Whether one of these names occurs twice.
    pub(crate) repeated: bool,
    /// Whether any name holds half of a surrogate pair, which the grammar allows but which can't be decoded.
    pub(crate) unreadable: bool,
}

impl<const N: usize> Members<'_, N> {
    const NONE: Self = Self { values: [None; N], repeated: false, unreadable: false };
}

/// A valid JSON text and the members that an event is read from.
pub(crate) struct Outline<'a> {
    /// The text without surrounding whitespace.
    pub(crate) text: &'a str,
    /// `event`, `task_id`, `status`, `data` and `error`, if the text is an object.
    pub(crate) top: Members<'a, 5>,
    /// `result_url` in `data`, if that is an object.
    pub(crate) data: Members<'a, 1>,
    /// `message` in `error`, if that is an object.
    pub(crate) error: Members<'a, 1>,
}

/// Outlines a text. Returns `None` if it is not JSON (RFC 8259) or nests deeper than [`MAX_DEPTH`].
///
/// It uses no recursion, so a deeply nested text can't overflow the stack.
pub(crate) fn outline(text: &str) -> Option<Outline<'_>> {
    let bytes = text.as_bytes();
    let mut found = Finder::new(text);
    // One bit for each open object (1) or array (0). The innermost is the lowest bit.
    let mut open = 0_u64;
    let mut depth = 0;
    let start = skip_whitespace(bytes, 0);
    let mut at = start;
    loop {
        let byte = *bytes.get(at)?;
        let mut escaped = false;
        at = match byte {
            b'"' => skip_string(bytes, at, &mut escaped)?,
            b'-' | b'0'..=b'9' => skip_number(bytes, at)?,
            b't' => skip_word(bytes, at, b"true")?,
            b'f' => skip_word(bytes, at, b"false")?,
            b'n' => skip_word(bytes, at, b"null")?,
            b'{' | b'[' => {
                if depth == MAX_DEPTH {
                    return None;
                }
                depth += 1;
                let is_object = byte == b'{';
                open = open << 1 | u64::from(is_object);
                at = skip_whitespace(bytes, at + 1);
                match (is_object, *bytes.get(at)?) {
                    // Empty: the loop below closes it.
                    (true, b'}') | (false, b']') => at,
                    (true, _) => {
                        at = skip_name(bytes, at, depth, &mut found)?;
                        continue;
                    }
                    (false, _) => continue,
                }
            }
            _ => return None,
        };
        // A value has ended. The enclosing object or array continues or ends too.
        loop {
            let end = at;
            at = skip_whitespace(bytes, at);
            if depth == 0 {
                found.outline.text = text.get(start..end)?;
                return (at == bytes.len()).then_some(found.outline);
            }
            let in_object = open & 1 == 1;
            if in_object && depth <= 2 {
                found.end(depth, end, escaped);
            }
            let byte = *bytes.get(at)?;
            at += 1;
            match (in_object, byte) {
                (true, b',') => {
                    at = skip_name(bytes, skip_whitespace(bytes, at), depth, &mut found)?;
                    break;
                }
                (false, b',') => {
                    at = skip_whitespace(bytes, at);
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

/// One of the wanted members.
#[derive(Clone, Copy, PartialEq)]
enum Name {
    Top(usize),
    ResultUrl,
    Message,
}

const DATA: Name = Name::Top(3);
const ERROR: Name = Name::Top(4);

/// The member of an object that is being read; without a name it is not a wanted one.
#[derive(Clone, Copy, Default)]
struct CurrentMember {
    name: Option<Name>,
    /// The offset at which the value begins.
    start: usize,
}

/// The state of the pass: what it has found so far.
struct Finder<'a> {
    text: &'a str,
    outline: Outline<'a>,
    /// The current members of the outermost object and of an object in it.
    path: [CurrentMember; 2],
}

impl<'a> Finder<'a> {
    fn new(text: &'a str) -> Self {
        let outline = Outline { text: "", top: Members::NONE, data: Members::NONE, error: Members::NONE };
        Self { text, outline, path: [CurrentMember::default(); 2] }
    }

    /// Begins a member. `name` is the text between its quotes, `start` the offset of its value.
    fn begin(&mut self, depth: usize, name: &str, escaped: bool, start: usize) -> Option<()> {
        let name = self.wanted(depth, name, escaped);
        *self.path.get_mut(depth - 1)? = CurrentMember { name, start };
        Some(())
    }

    /// Returns which wanted member a name is, by the object that holds it.
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

    /// Records the value that has ended, if it is a wanted one.
    fn end(&mut self, depth: usize, end: usize, escaped: bool) {
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

/// Skips a name, its colon and the whitespace before the value, and returns the offset of the value.
#[inline(always)]
fn skip_name(bytes: &[u8], at: usize, depth: usize, found: &mut Finder<'_>) -> Option<usize> {
    if *bytes.get(at)? != b'"' {
        return None;
    }
    let mut escaped = false;
    let end = skip_string(bytes, at, &mut escaped)?;
    let colon = skip_whitespace(bytes, end);
    if *bytes.get(colon)? != b':' {
        return None;
    }
    let start = skip_whitespace(bytes, colon + 1);
    if depth <= 2 {
        found.begin(depth, found.text.get(at + 1..end - 1)?, escaped, start)?;
    }
    Some(start)
}
