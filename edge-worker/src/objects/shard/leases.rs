//! Leases: which deliveries have an attempt in progress. They are in memory. After a restart they are found
//! again as pending deliveries without a due time, from an event on whose number is stored.

use vtryon_webhooks::Millis;

use super::{TaskShard, deliveries};
use crate::platform::{clock, migrations};
use crate::protocol::delivery::seq_of;

/// How long after an event the Worker may begin its attempts, in seconds of this machine.
const LEASE: i64 = 5;

/// How long an attempt may be in progress after its beginning: its timeout, and a margin.
const ATTEMPT: i64 = 30;

/// How many events the stored number may lag behind: writing it costs a row, and looking through them at a start far less.
const LAG: i64 = 100;

/// The same where none of them was leased, as to an endpoint that is failing.
const IDLE_LAG: i64 = 1000;

/// The name in `meta` of the first event whose deliveries may be leased.
const FLOOR: &str = "leased_from";

/// Returns until when an attempt may begin that is leased now.
pub(super) fn granted_at(now: Millis) -> Millis {
    now.plus_millis(clock::span(LEASE))
}

/// Returns when an attempt that is leased or begun now has certainly ended.
pub(super) fn over_at(now: Millis) -> Millis {
    now.plus_millis(clock::span(ATTEMPT))
}

impl TaskShard {
    /// Leases a first attempt to the Worker.
    pub(super) fn lease_first_attempt(&self, delivery: i64, now: Millis) {
        self.memory.has_leased.set(true);
        self.lease(delivery, now);
    }

    /// Marks an attempt as in progress.
    pub(super) fn lease(&self, delivery: i64, now: Millis) {
        self.memory.leases.borrow_mut().insert(delivery, over_at(now));
    }

    pub(super) fn release(&self, delivery: i64) {
        self.memory.leases.borrow_mut().remove(&delivery);
    }

    pub(super) fn is_leased(&self, delivery: i64, now: Millis) -> bool {
        self.memory.leases.borrow().get(&delivery).is_some_and(|until| now < *until)
    }

    /// Returns when the first lease expires.
    pub(super) fn next_lease_end(&self) -> Option<Millis> {
        self.memory.leases.borrow().values().min().copied()
    }

    /// Restores the leases of an earlier instance: the outcome of their attempts is not known.
    pub(super) fn recover_leases(&self, now: Millis) -> worker::Result<()> {
        let sql = self.state.storage().sql();
        let floor = migrations::meta(&sql, FLOOR)?.unwrap_or(0);
        for delivery in deliveries::leased(&sql, floor)? {
            self.lease_first_attempt(delivery, now);
        }
        Ok(())
    }

    /// Makes deliveries due whose leases have expired without a report, and stores from which event on to look
    /// for leases after a restart.
    pub(super) fn expire_leases(&self, now: Millis) -> worker::Result<()> {
        let sql = self.state.storage().sql();
        let over: Vec<i64> = {
            let leases = self.memory.leases.borrow();
            leases.iter().filter(|(_, until)| **until <= now).map(|(delivery, _)| *delivery).collect()
        };
        for delivery in over {
            if deliveries::find(&sql, delivery)?.is_some_and(|found| found.due_at.is_none()) {
                deliveries::reschedule(&sql, delivery, now)?;
            }
            self.release(delivery);
        }
        let lag = if self.memory.has_leased.replace(false) { LAG } else { IDLE_LAG };
        let first = self.memory.leases.borrow().keys().next().map(|delivery| seq_of(*delivery));
        let floor = first.unwrap_or_else(|| self.memory.last_seq.get().unwrap_or(0) + 1);
        if migrations::meta(&sql, FLOOR)?.unwrap_or(0) + lag <= floor {
            migrations::set_meta(&sql, FLOOR, floor)?;
        }
        Ok(())
    }
}
