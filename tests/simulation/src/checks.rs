//! Invariants, checked against what is stored.

mod changes;
mod deliveries;
mod erasure;
mod events;
mod limits;
mod memory;
mod retention;

pub use self::changes::of_change;
pub use self::deliveries::of_dispatch;
pub use self::erasure::{note_gone, of_erased, of_message};
pub use self::events::of_stored_event;
pub use self::limits::of_limits;
pub use self::memory::of_memory;
pub use self::retention::{forget_dropped, of_retention, owed};

/// How much the clocks of objects differ at most, in milliseconds.
pub const SKEW: i64 = 2_000;
