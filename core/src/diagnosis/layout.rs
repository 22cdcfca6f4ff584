//! Writes JSON again with other whitespace, as other serialisers do.

use alloc::vec::Vec;

/// A layout may be at most `GROWTH` times as long as the body, plus `ALLOWANCE` bytes. Without a limit, the
/// indentation of deeply nested JSON would take far more memory than the body.
const GROWTH: usize = 4;
const ALLOWANCE: usize = 4096;

/// How programs format JSON. Layouts differ only in the whitespace between tokens.
#[derive(Clone, Copy)]
pub(super) enum Layout {
    /// No whitespace, as `JSON.stringify` writes it.
    Compact,
    /// A space after each comma and colon, as Python's `json.dumps` writes it.
    Spaced,
    /// A line for each member, indented by this number of spaces per level, as both can write it.
    Pretty(usize),
}

impl Layout {
    /// The layouts to try.
    pub(super) const ALL: [Self; 4] = [Self::Compact, Self::Spaced, Self::Pretty(2), Self::Pretty(4)];

    /// Formats a valid JSON text in this layout. Only the whitespace between tokens changes. Returns `None` if the
    /// result would be too long.
    pub(super) fn apply(self, text: &str) -> Option<Vec<u8>> {
        let most = text.len().saturating_mul(GROWTH).saturating_add(ALLOWANCE);
        let mut out = Vec::with_capacity(text.len());
        let mut depth = 0_usize;
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            // The last byte of a string is its quote, so a bracket here is never part of a string.
            let has_opened = matches!(out.last(), Some(b'{' | b'['));
            let closes = matches!(byte, b'}' | b']');
            if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                continue;
            }
            depth = depth.saturating_sub(closes.into());
            if has_opened != closes {
                self.end_line(&mut out, depth);
            }
            out.push(byte);
            match byte {
                b'"' => copy_string(&mut bytes, &mut out),
                b'{' | b'[' => depth += 1,
                b':' => self.space(&mut out),
                b',' if matches!(self, Self::Spaced) => out.push(b' '),
                b',' => self.end_line(&mut out, depth),
                _ => {}
            }
            if out.len() > most {
                return None;
            }
        }
        Some(out)
    }

    fn space(self, out: &mut Vec<u8>) {
        match self {
            Self::Compact => {}
            Self::Spaced | Self::Pretty(_) => out.push(b' '),
        }
    }

    fn end_line(self, out: &mut Vec<u8>, depth: usize) {
        match self {
            Self::Compact | Self::Spaced => {}
            Self::Pretty(indent) => {
                out.push(b'\n');
                out.resize(out.len() + indent * depth, b' ');
            }
        }
    }
}

/// Copies the rest of a string with its closing quote.
fn copy_string(bytes: &mut core::str::Bytes<'_>, out: &mut Vec<u8>) {
    while let Some(byte) = bytes.next() {
        out.push(byte);
        match byte {
            b'\\' => out.extend(bytes.next()),
            b'"' => return,
            _ => {}
        }
    }
}
