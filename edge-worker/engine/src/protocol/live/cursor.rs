//! The cursor of a live stream: the position in each of its shards. It is opaque to its holder.
//!
//! `1.<shards>` and, for the one shard or for all, `.<shard>_<seq>`; or `.<shard>_s` where its snapshot is
//! still to be sent.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use vtryon_webhooks::{Code, Shards};

use crate::Refusal;
use crate::storage::database::MAX_SAFE_INTEGER;
use crate::text::number;

/// What a cursor begins with, so that a later form can be told apart.
const VERSION: &str = "1";

/// Where a shard's stream continues.
#[derive(Clone, Copy)]
pub enum StreamPosition {
    /// Before its snapshot.
    Snapshot,
    /// After what has this number.
    After(i64),
}

/// A position in each shard.
pub struct StreamCursor {
    shards: u32,
    positions: BTreeMap<u32, StreamPosition>,
}

impl StreamCursor {
    pub const fn new(shards: u32) -> Self {
        Self { shards, positions: BTreeMap::new() }
    }

    /// Makes the cursor of one shard's stream.
    pub fn at(shards: u32, shard: u32, position: StreamPosition) -> Self {
        Self { shards, positions: BTreeMap::from_iter([(shard, position)]) }
    }

    pub fn position(&self, shard: u32) -> Option<StreamPosition> {
        self.positions.get(&shard).copied()
    }

    /// Takes over the positions of another cursor.
    pub fn merge(&mut self, other: &Self) {
        for (shard, position) in &other.positions {
            self.positions.insert(*shard, *position);
        }
    }

    /// Reads a cursor that a message had as its id: in its one spelling, with each shard once and in order.
    pub fn parse(text: &str, shards: Shards) -> Result<Self, Refusal> {
        let mut parts = text.split('.');
        let (version, count) = (parts.next(), parts.next());
        let count: Option<u32> = count.and_then(number);
        let positions: Option<Vec<(u32, StreamPosition)>> = parts.map(of_shard).collect();
        let (Some(VERSION), Some(count), Some(positions)) = (version, count, positions) else {
            return Err(Refusal::new(Code::InvalidRequest, "`cursor` is not the id of a message"));
        };
        if !positions.is_sorted_by(|(one, _), (next, _)| one < next) {
            return Err(Refusal::new(Code::Conflict, "`cursor` is of another stream"));
        }
        let positions = BTreeMap::from_iter(positions);
        if count != shards.count() || positions.keys().any(|shard| *shard >= count) {
            let message = "`cursor` is of a deployment with another number of shards";
            return Err(Refusal::new(Code::Conflict, message));
        }
        Ok(Self { shards: count, positions })
    }
}

impl Display for StreamCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{VERSION}.{}", self.shards)?;
        self.positions.iter().try_for_each(|(shard, position)| write!(f, ".{shard}_{position}"))
    }
}

impl StreamPosition {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "s" => Some(Self::Snapshot),
            seq => number(seq).filter(|seq| *seq <= MAX_SAFE_INTEGER).map(Self::After),
        }
    }
}

impl Display for StreamPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Snapshot => f.write_str("s"),
            Self::After(seq) => seq.fmt(f),
        }
    }
}

fn of_shard(text: &str) -> Option<(u32, StreamPosition)> {
    let (shard, position) = text.split_once('_')?;
    Some((number(shard)?, StreamPosition::parse(position)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "that is how a test fails")]

    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_in_no_other_form() {
        let shards = Shards::new(4).unwrap();
        for text in
            ["1.4", "1.4.0_0", "1.4.3_812", "1.4.3_s", "1.4.0_s.1_7", "1.4.0_1.1_2.2_3.3_9007199254740991"]
        {
            assert_eq!(
                StreamCursor::parse(text, shards).map(|cursor| cursor.to_string()).ok().unwrap(),
                text
            );
        }
        let refused = [
            (
                Code::InvalidRequest,
                &[
                    "",
                    "1",
                    "1.",
                    "2.4",
                    "1.4.",
                    "1.4.0",
                    "1.4.0_",
                    "1.4._1",
                    "1.4.0_-1",
                    "1.4.-0_1",
                    "1.4.00_1",
                    "1.4.0_01",
                    "1.4.+1_1",
                    "1.4.0_9007199254740992",
                    "1.4.0_1x",
                    "1.4.0_S",
                    "1.4.0_s1",
                    "1.04",
                    " 1.4",
                    "1.4.0_1 ",
                ][..],
            ),
            // What the document of the API allows, and no message of this stream had.
            (Code::Conflict, &["1.5", "1.4.4_1", "1.4.1_1.0_1", "1.4.0_1.0_2"]),
        ];
        for (code, texts) in refused {
            for text in texts {
                let refusal = StreamCursor::parse(text, shards).err();
                assert_eq!(refusal.map(|refusal| refusal.code), Some(code), "{text:?}");
            }
        }
    }
}
