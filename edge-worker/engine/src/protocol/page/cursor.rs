//! The cursor of a listing over all shards: how far each of them has been read.

use std::fmt::Write;

use vtryon_webhooks::{Code, Shards};

use crate::Refusal;
use crate::text::number;

/// A number below this fits into 16 digits and passes through a JavaScript number unchanged.
const NUMBERS: i64 = 9_000_000_000_000_000;

/// Reads the number of a row.
pub(crate) fn parse_no(text: &str) -> Option<i64> {
    number(text).filter(|no| (1..NUMBERS).contains(no))
}

/// Where one shard's part goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PagePosition {
    Start,
    Before(i64),
    End,
}

/// A place per shard. To its holder it is opaque.
pub struct PageCursor(Vec<PagePosition>);

/// What a cursor begins with, so that a later form can be told apart.
const VERSION: &str = "1";

impl PageCursor {
    /// Begins a listing of all shards, or of one.
    pub fn start(shards: Shards, only: Option<u32>) -> Self {
        let is_listed = |shard| only.is_none_or(|only| only == shard);
        let position = |shard| if is_listed(shard) { PagePosition::Start } else { PagePosition::End };
        Self((0..shards.count()).map(position).collect())
    }

    pub fn new(positions: Vec<PagePosition>) -> Self {
        Self(positions)
    }

    pub fn positions(&self) -> impl Iterator<Item = PagePosition> {
        self.0.iter().copied()
    }

    /// Reads a cursor that an earlier page ended with; one of a deployment with another number of shards is
    /// well formed, but a conflict.
    pub fn parse(text: &str, shards: Shards) -> Result<Self, Refusal> {
        let mut parts = text.split('.');
        let version = parts.next();
        let positions: Option<Vec<PagePosition>> = parts.map(PagePosition::parse).collect();
        let positions = positions.filter(|positions| version == Some(VERSION) && !positions.is_empty());
        match positions {
            Some(positions) if positions.len() == shards.count() as usize => Ok(Self(positions)),
            Some(_) => {
                Err(Refusal::new(Code::Conflict, "`cursor` is of a deployment with another number of shards"))
            }
            None => Err(Refusal::new(Code::InvalidRequest, "`cursor` is not one that a page ended with")),
        }
    }

    /// Writes the cursor down; at the end of all shards there is none.
    pub fn encode(&self) -> Option<String> {
        if self.positions().all(|position| position == PagePosition::End) {
            return None;
        }
        let mut text = VERSION.to_owned();
        for position in self.positions() {
            // Writing to a string can't fail.
            let _ = match position {
                PagePosition::Start => write!(text, ".s"),
                PagePosition::Before(no) => write!(text, ".{no}"),
                PagePosition::End => write!(text, ".e"),
            };
        }
        Some(text)
    }
}

impl PagePosition {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "s" => Some(Self::Start),
            "e" => Some(Self::End),
            number => parse_no(number).map(Self::Before),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "that is how a test fails")]

    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_in_no_other_form() {
        let shards = Shards::new(3).unwrap();
        for text in ["1.s.s.s", "1.e.s.7", "1.1.8999999999999999.e"] {
            let read = PageCursor::parse(text, shards).map(|cursor| cursor.encode()).ok().unwrap();
            assert_eq!(read.as_deref(), Some(text));
        }
        let refused = [
            ("", Code::InvalidRequest),
            ("1", Code::InvalidRequest),
            ("2.s.s.s", Code::InvalidRequest),
            ("1.s.s.", Code::InvalidRequest),
            ("1.s.s.0", Code::InvalidRequest),
            ("1.s.s.01", Code::InvalidRequest),
            ("1.s.s.+1", Code::InvalidRequest),
            ("1.s.s.-1", Code::InvalidRequest),
            ("1.s.s.9000000000000000", Code::InvalidRequest),
            ("1.s.s.x", Code::InvalidRequest),
            ("1.s.s", Code::Conflict),
            ("1.s.s.s.s", Code::Conflict),
        ];
        for (text, code) in refused {
            assert_eq!(PageCursor::parse(text, shards).err().unwrap().code, code, "{text:?}");
        }
    }

    #[test]
    fn a_listing_begins_with_all_shards_or_one_and_ends_without_a_cursor() {
        let shards = Shards::new(3).unwrap();
        assert_eq!(PageCursor::start(shards, None).encode().as_deref(), Some("1.s.s.s"));
        assert_eq!(PageCursor::start(shards, Some(1)).encode().as_deref(), Some("1.e.s.e"));
        assert_eq!(PageCursor::new(vec![PagePosition::End; 3]).encode(), None);
    }
}
