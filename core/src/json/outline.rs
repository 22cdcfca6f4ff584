//! One pass over a text: whether it is JSON, and where the members lie that an event may have.
//!
//! It says of every text what `serde_json` says of it (a property test holds the two together), twice as
//! fast and with the members found on the way, since it keeps no values and decodes no strings.

use super::{MAX_DEPTH, string};

/// What stands in an object under the names asked for: the text of each value, as it came.
#[derive(Clone, Copy)]
pub(crate) struct Members<'a, const N: usize> {
    pub(crate) values: [Option<&'a str>; N],
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
pub(crate) fn outline(text: &str) -> Option<Outline<'_>> {
    let outline = Outline { text: "", top: Members::NONE, data: Members::NONE, error: Members::NONE };
    let walk = Walk { text, bytes: text.as_bytes(), at: 0, outline, path: [Place::default(); 2] };
    walk.whole()
}

/// Which of the wanted members a value is.
#[derive(Clone, Copy, PartialEq)]
enum Name {
    Top(usize),
    ResultUrl,
    Message,
}

const TOP: [&str; 5] = ["event", "task_id", "status", "data", "error"];
const DATA: Name = Name::Top(3);
const ERROR: Name = Name::Top(4);

/// Where the walk is within an object: in the value of a member that is wanted, or of another.
#[derive(Clone, Copy, Default)]
struct Place {
    name: Option<Name>,
    /// Where the value begins.
    start: usize,
}

struct Walk<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    outline: Outline<'a>,
    /// The places in the outermost object and in one within it.
    path: [Place; 2],
}

impl<'a> Walk<'a> {
    /// Reads one value with blanks around it, and the values within it without recursion.
    fn whole(mut self) -> Option<Outline<'a>> {
        // A bit for each object or array that is open, the innermost last: 1 for an object.
        let mut open = 0_u64;
        let mut depth = 0;
        let first = self.blanks();
        let start = self.at;
        let mut byte = first?;
        loop {
            match byte {
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                b'{' | b'[' => {
                    if depth == MAX_DEPTH {
                        return None;
                    }
                    depth += 1;
                    open = open << 1 | u64::from(byte == b'{');
                    self.at += 1;
                    byte = self.blanks()?;
                    match (open & 1 == 1, byte) {
                        // Empty: closed as any other below.
                        (true, b'}') | (false, b']') => {}
                        (true, _) => {
                            byte = self.member(depth, byte)?;
                            continue;
                        }
                        (false, _) => continue,
                    }
                }
                _ => return None,
            }
            // A value has ended: what encloses it goes on or ends too.
            loop {
                let end = self.at;
                let next = self.blanks();
                if depth == 0 {
                    self.outline.text = self.text.get(start..end)?;
                    return next.is_none().then_some(self.outline);
                }
                let in_object = open & 1 == 1;
                let next = next?;
                if in_object && depth <= 2 {
                    self.keep(depth, end);
                }
                self.at += 1;
                match (in_object, next) {
                    (true, b',') => {
                        byte = self.blanks()?;
                        byte = self.member(depth, byte)?;
                        break;
                    }
                    (false, b',') => {
                        byte = self.blanks()?;
                        break;
                    }
                    (true, b'}') | (false, b']') => {
                        open >>= 1;
                        depth -= 1;
                    }
                    _ => return None,
                }
            }
        }
    }

    /// Reads a name and its colon; returns the first byte of the value.
    fn member(&mut self, depth: usize, first: u8) -> Option<u8> {
        if first != b'"' {
            return None;
        }
        let start = self.at;
        self.string()?;
        let end = self.at;
        if self.blanks()? != b':' {
            return None;
        }
        self.at += 1;
        let byte = self.blanks()?;
        if depth <= 2 {
            let name = self.wanted(depth, self.text.get(start..end)?);
            *self.path.get_mut(depth - 1)? = Place { name, start: self.at };
        }
        Some(byte)
    }

    /// Tells which of the wanted members a name is, by where its object lies.
    fn wanted(&mut self, depth: usize, name: &str) -> Option<Name> {
        let [above, _] = self.path;
        let unreadable = match (depth, above.name) {
            (1, _) => &mut self.outline.top.unreadable,
            (_, Some(DATA)) => &mut self.outline.data.unreadable,
            (_, Some(ERROR)) => &mut self.outline.error.unreadable,
            _ => return None,
        };
        let Ok(name) = string(name) else {
            *unreadable = true;
            return None;
        };
        match (depth, above.name, name?.as_ref()) {
            (1, _, name) => TOP.iter().position(|wanted| *wanted == name).map(Name::Top),
            (_, Some(DATA), "result_url") => Some(Name::ResultUrl),
            (_, Some(ERROR), "message") => Some(Name::Message),
            _ => None,
        }
    }

    /// Keeps the value that has ended, where it is wanted.
    fn keep(&mut self, depth: usize, end: usize) {
        let Some(place) = self.path.get_mut(depth - 1) else { return };
        let Some(name) = place.name.take() else { return };
        let value = self.text.get(place.start..end);
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

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Passes blanks; returns what stands behind them.
    #[inline(always)]
    fn blanks(&mut self) -> Option<u8> {
        loop {
            let byte = self.peek()?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Passes a string, of which an opening quote was seen.
    #[inline(always)]
    fn string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.at += plain(self.bytes.get(self.at..)?);
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    /// Passes what comes after a backslash. Whether a `\u` names a character is asked when it is decoded.
    fn escape(&mut self) -> Option<()> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.bytes.get(self.at..self.at + 4)?;
                self.at += 4;
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }

    #[inline(always)]
    fn number(&mut self) -> Option<()> {
        self.pass(|byte| byte == b'-');
        if !self.pass(|byte| byte == b'0') {
            self.digits()?;
        }
        if self.pass(|byte| byte == b'.') {
            self.digits()?;
        }
        if self.pass(|byte| matches!(byte, b'e' | b'E')) {
            self.pass(|byte| matches!(byte, b'+' | b'-'));
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.pass(|byte| byte.is_ascii_digit()) {}
        (self.at > start).then_some(())
    }

    fn literal(&mut self, word: &[u8]) -> Option<()> {
        let rest = self.bytes.get(self.at..)?;
        self.at += word.len();
        rest.starts_with(word).then_some(())
    }

    /// Passes a byte, where it is one of these.
    #[inline(always)]
    fn pass(&mut self, is_one: impl Fn(u8) -> bool) -> bool {
        let passes = self.peek().is_some_and(is_one);
        self.at += usize::from(passes);
        passes
    }
}

/// Counts the bytes, eight at a time, that a string begins with and that mean nothing but themselves. It may
/// stop short of the first that does.
#[inline(always)]
fn plain(bytes: &[u8]) -> usize {
    let mut count = 0;
    for chunk in bytes.as_chunks().0 {
        let word = u64::from_le_bytes(*chunk);
        // The high bit of a byte is set where it is zero, or below 0x20; past the first such byte it may be
        // set for others too.
        let zeros = |word: u64| word.wrapping_sub(each(1)) & !word;
        let controls = word.wrapping_sub(each(0x20)) & !word;
        let found = (zeros(word ^ each(b'"')) | zeros(word ^ each(b'\\')) | controls) & each(0x80);
        if found != 0 {
            return count + found.trailing_zeros() as usize / 8;
        }
        count += 8;
    }
    count
}

/// Eight times the same byte.
const fn each(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}
