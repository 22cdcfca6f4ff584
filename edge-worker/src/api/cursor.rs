//! The cursor of a listing over all shards: how far each of them has been read.

use std::fmt::Write;

use vtryon_webhooks::{Code, Shards};

use crate::reply::Refusal;

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
    pub(crate) fn start(shards: Shards) -> Self {
        Self((0..shards.count()).map(|_| Place::Start).collect())
    }

    pub(crate) fn new(places: Vec<Place>) -> Self {
        Self(places)
    }

    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        self.0.iter().copied()
    }

    /// Reads a cursor that an earlier page ended with.
    pub(crate) fn parse(text: &str, shards: Shards) -> Result<Self, Refusal> {
        let mut parts = text.split('.');
        let version = parts.next();
        let places: Option<Vec<Place>> = parts.map(Place::parse).collect();
        match places {
            Some(places) if version == Some(VERSION) && places.len() == shards.count() as usize => {
                Ok(Self(places))
            }
            Some(_) | None => {
                Err(Refusal::because(Code::InvalidRequest, "`cursor` is not one that a page ended with"))
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
            number => number.parse().ok().filter(|no| (1..1 << 53).contains(no)).map(Self::Before),
        }
    }
}
