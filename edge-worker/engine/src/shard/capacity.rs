//! Whether a shard may store something new. Where it is nearly full it may not: what it has already needs the rest, for
//! attempts and tombstones are longer than what they replace, and retention writes before it has freed much.

use crate::{Context, Result};

/// How much an entry takes at most, in bytes: its body, which has 1 MiB at most, and its deliveries.
const MAX_ENTRY_BYTES: u64 = 2 * 1024 * 1024;

/// When to look at how much is stored: seldom while there is a lot of room.
#[derive(Default)]
pub(crate) struct Capacity {
    /// From which number on.
    look_from: i64,
}

impl Capacity {
    /// Checks whether something new may be stored under a number.
    ///
    /// # Errors
    /// The shard is full.
    pub(crate) fn check(&mut self, context: &Context<'_>, seq: i64) -> Result<()> {
        if seq < self.look_from {
            return Ok(());
        }
        let Context { db, deployment, .. } = *context;
        let free = deployment.full_at_bytes.saturating_sub(db.size_bytes()?);
        if free == 0 {
            return Err("the shard is full: it stores nothing new until retention has freed storage".into());
        }
        self.look_from = seq + 1 + (free / MAX_ENTRY_BYTES) as i64;
        Ok(())
    }
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use vtryon_webhooks::Millis;

    use super::*;
    use crate::shard::testing;
    use crate::storage::database::Database;

    #[test]
    fn a_shard_is_looked_at_again_before_it_can_be_full() -> Result<()> {
        let (db, mut deployment) = (&testing::database()?, testing::deployment()?);
        let used = db.size_bytes()?;
        let mut is_full = |capacity: &mut Capacity, free: u64, seq: i64| {
            deployment.full_at_bytes = used + free;
            let context = Context { db, deployment: &deployment, now: Millis(0) };
            capacity.check(&context, seq).is_err()
        };
        let mut capacity = Capacity::default();
        assert!(is_full(&mut capacity, 0, 1) && !is_full(&mut capacity, 1, 1));
        assert!(is_full(&mut capacity, 0, 2), "close to the end it looks each time");
        assert!(!is_full(&mut capacity, 5 * MAX_ENTRY_BYTES, 10));
        assert!((11..16).all(|seq| !is_full(&mut capacity, 0, seq)), "five entries fit whatever they are");
        assert!(is_full(&mut capacity, 0, 16));
        Ok(())
    }
}
