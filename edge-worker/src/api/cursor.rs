//! The cursor of a listing over all shards: how far each of them has been read.

use std::fmt::Write;

use vtryon_webhooks::{Code, Shards};

use crate::reply::ApiError;

/// A number below this fits into 16 digits and passes through a JavaScript number unchanged.
const NUMBERS: i64 = 9_000_000_000_000_000;

/// Reads a number of a row in its one spelling.
pub(crate) fn parse_no(text: &str) -> Option<i64> {
    let no: i64 = text.parse().ok()?;
    ((1..NUMBERS).contains(&no) && no.to_string() == text).then_some(no)
}

/// Where one shard's part goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Start,
    Before(i64),
    End,
}

/// A place per shard. To its holder it is opaque.
pub(crate) struct Cursor(Vec<Place>);

/// What a cursor begins with, so that a later form can be told apart.
const VERSION: &str = "1";

impl Cursor {
    /// Begins a listing of all shards, or of one.
    pub(crate) fn start(shards: Shards, only: Option<u32>) -> Self {
        let is_listed = |shard| only.is_none_or(|only| only == shard);
        let place = |shard| if is_listed(shard) { Place::Start } else { Place::End };
        Self((0..shards.count()).map(place).collect())
    }

    pub(crate) fn new(places: Vec<Place>) -> Self {
        Self(places)
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        self.0.iter().copied()
    }

    /// Reads a cursor that an earlier page ended with; one of a deployment with another number of shards is
    /// well formed, but a conflict.
    pub(crate) fn parse(text: &str, shards: Shards) -> Result<Self, ApiError> {
        let mut parts = text.split('.');
        let version = parts.next();
        let places: Option<Vec<Place>> = parts.map(Place::parse).collect();
        let places = places.filter(|places| version == Some(VERSION) && !places.is_empty());
        match places {
            Some(places) if places.len() == shards.count() as usize => Ok(Self(places)),
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
        if self.places().all(|place| place == Place::End) {
            return None;
        }
        let mut text = VERSION.to_owned();
        for place in self.places() {
            // Writing to a string can't fail.
            let _ = match place {
                Place::Start => write!(text, ".s"),
                Place::Before(no) => write!(text, ".{no}"),
                Place::End => write!(text, ".e"),
            };
        }
        Some(text)
    }
}

impl Place {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "s" => Some(Self::Start),
            "e" => Some(Self::End),
            number => parse_no(number).map(Self::Before),
        }
    }
}
