//! The cursor of a listing over all shards: how far each of them has been read.

use std::fmt::Write;

use vtryon_webhooks::{Code, Shards};

use crate::http::response::ApiError;

/// A number below this fits into 16 digits and passes through a JavaScript number unchanged.
const NUMBERS: i64 = 9_000_000_000_000_000;

/// Reads a number of a row in its one spelling.
pub(crate) fn parse_no(text: &str) -> Option<i64> {
    let no: i64 = text.parse().ok()?;
    ((1..NUMBERS).contains(&no) && no.to_string() == text).then_some(no)
}

/// Where one shard's part goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PagePosition {
    Start,
    Before(i64),
    End,
}

/// A place per shard. To its holder it is opaque.
pub(crate) struct PageCursor(Vec<PagePosition>);

/// What a cursor begins with, so that a later form can be told apart.
const VERSION: &str = "1";

impl PageCursor {
    /// Begins a listing of all shards, or of one.
    pub(crate) fn start(shards: Shards, only: Option<u32>) -> Self {
        let is_listed = |shard| only.is_none_or(|only| only == shard);
        let position = |shard| if is_listed(shard) { PagePosition::Start } else { PagePosition::End };
        Self((0..shards.count()).map(position).collect())
    }

    pub(crate) fn new(positions: Vec<PagePosition>) -> Self {
        Self(positions)
    }

    pub(crate) fn positions(&self) -> impl Iterator<Item = PagePosition> {
        self.0.iter().copied()
    }

    /// Reads a cursor that an earlier page ended with; one of a deployment with another number of shards is
    /// well formed, but a conflict.
    pub(crate) fn parse(text: &str, shards: Shards) -> Result<Self, ApiError> {
        let mut parts = text.split('.');
        let version = parts.next();
        let positions: Option<Vec<PagePosition>> = parts.map(PagePosition::parse).collect();
        let positions = positions.filter(|positions| version == Some(VERSION) && !positions.is_empty());
        match positions {
            Some(positions) if positions.len() == shards.count() as usize => Ok(Self(positions)),
            Some(_) => Err(ApiError::because(
                Code::Conflict,
                "`cursor` is of a deployment with another number of shards",
            )),
            None => {
                Err(ApiError::because(Code::InvalidRequest, "`cursor` is not one that a page ended with"))
            }
        }
    }

    /// Writes the cursor down; at the end of all shards there is none.
    pub(crate) fn encode(&self) -> Option<String> {
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
