use alloc::vec::Vec;

/// How many times as long as the body a layout may become, and how many bytes more than that: deep nesting
/// would make it long out of all proportion.
const GROWTH: usize = 4;
const ALLOWANCE: usize = 4096;

/// How programs lay out JSON. Only the blanks between tokens differ.
#[derive(Clone, Copy)]
pub(super) enum Layout {
    /// No blanks, as `JSON.stringify` writes it.
    Compact,
    /// A blank after each comma and colon, as Python's `json.dumps` writes it.
    Spaced,
    /// A line for each member, indented by so many blanks, as both write it when asked to.
    Pretty(usize),
}

impl Layout {
    /// Those that are common.
    pub(super) const ALL: [Self; 4] = [Self::Compact, Self::Spaced, Self::Pretty(2), Self::Pretty(4)];

    /// Writes a text that has been judged to be JSON in this layout: every byte but the blanks between tokens
    /// stays, and in its place. None where it would become too long.
    pub(super) fn apply(self, text: &str) -> Option<Vec<u8>> {
        let most = text.len().saturating_mul(GROWTH).saturating_add(ALLOWANCE);
        let mut out = Vec::with_capacity(text.len());
        let mut depth = 0_usize;
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            // A string ends with its quote, so this is never a bracket within one.
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
                b'"' => string(&mut bytes, &mut out),
                b'{' | b'[' => depth += 1,
                b':' => self.blank(&mut out),
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

    fn blank(self, out: &mut Vec<u8>) {
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

/// Copies the rest of a string, its closing quote included.
fn string(bytes: &mut core::str::Bytes<'_>, out: &mut Vec<u8>) {
    while let Some(byte) = bytes.next() {
        out.push(byte);
        match byte {
            b'\\' => out.extend(bytes.next()),
            b'"' => return,
            _ => {}
        }
    }
}
