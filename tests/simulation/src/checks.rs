//! Invariants, checked against what is stored.

mod changes;
mod deliveries;
mod erasure;
mod events;
mod limits;
mod memory;
mod messages;
mod recorded;
mod retention;
mod stored;

pub use self::changes::of_change;
pub use self::deliveries::{Before, of_dispatch};
pub use self::erasure::{note_gone, of_erased, of_message};
pub use self::events::{of_content, of_stored_event, takes};
pub use self::limits::of_limits;
pub use self::memory::{of_memory, of_recorded};
pub use self::messages::{of_state, of_stream_message};
pub use self::recorded::Recorded;
pub use self::retention::{forget_dropped, of_retention, undelivered};
pub use self::stored::{note_pruned, of_stored};

/// How much the clocks of objects differ at most, in milliseconds.
pub const SKEW: i64 = 2_000;
