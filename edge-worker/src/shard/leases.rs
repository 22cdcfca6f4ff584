//! Leases: who has a delivery under way right now. They live in memory; what outlives an instance is that
//! the delivery is pending, and from which event on to look for those that nobody has in hand any more.

use vtryon_webhooks::Millis;

use super::{TaskShard, deliveries};
use crate::wire::delivery::seq_of;
use crate::{clock, stored};

/// How long after an event the Worker may begin its attempts, in seconds of this machine.
const LEASE: i64 = 5;

/// How long after its beginning an attempt may be under way: what one can take, and a margin.
const UNDER_WAY: i64 = 30;

/// How many events that record may lag behind: to write it is a row, to look through them at a start costs far less.
const LAG: i64 = 100;

/// The same where none of them was handed out, as of an endpoint that is failing.
const IDLE_LAG: i64 = 1000;

/// Under which name the first event is recorded whose delivery may be in the Worker's hands.
const FLOOR: &str = "in_hand_from";

/// Tells until when an attempt may be begun that is handed out now.
pub(super) fn granted_at(now: Millis) -> Millis {
    now.plus_millis(clock::span(LEASE))
}

/// Tells when an attempt that is handed out, or begun, has certainly ended.
pub(super) fn over_at(now: Millis) -> Millis {
    now.plus_millis(clock::span(UNDER_WAY))
}

impl TaskShard {
    /// Notes that the Worker has a first attempt in hand.
    pub(super) fn hand_out(&self, delivery: i64, now: Millis) {
        self.memory.handed_out.set(true);
        self.lease(delivery, now);
    }

    /// Notes that an attempt is under way.
    pub(super) fn lease(&self, delivery: i64, now: Millis) {
        self.memory.leases.borrow_mut().insert(delivery, over_at(now));
    }

    pub(super) fn release(&self, delivery: i64) {
        self.memory.leases.borrow_mut().remove(&delivery);
    }

    pub(super) fn is_under_way(&self, delivery: i64, now: Millis) -> bool {
        self.memory.leases.borrow().get(&delivery).is_some_and(|until| now < *until)
    }

    /// Tells when the first lease runs out.
    pub(super) fn next_lease_end(&self) -> Option<Millis> {
        self.memory.leases.borrow().iter().map(|(_, until)| *until).min()
    }

    /// Takes over what an earlier instance had handed out: nobody knows what became of it.
    pub(super) fn recover_leases(&self, now: Millis) -> worker::Result<()> {
        let sql = self.state.storage().sql();
        let floor = stored::meta(&sql, FLOOR)?.unwrap_or(0);
        for delivery in deliveries::in_hand(&sql, floor)? {
            self.hand_out(delivery, now);
        }
        Ok(())
    }

    /// Makes due what was handed out and never reported, and records from where on to look for such.
    pub(super) fn expire_leases(&self, now: Millis) -> worker::Result<()> {
        let sql = self.state.storage().sql();
        let over: Vec<i64> = {
            let leases = self.memory.leases.borrow();
            leases.iter().filter(|(_, until)| *until <= now).map(|(delivery, _)| *delivery).collect()
        };
        for delivery in over {
            if deliveries::find(&sql, delivery)?.is_some_and(|found| found.due_at.is_none()) {
                deliveries::put_off(&sql, delivery, now)?;
            }
            self.release(delivery);
        }
        let lag = if self.memory.handed_out.replace(false) { LAG } else { IDLE_LAG };
        let first = self.memory.leases.borrow().iter().next().map(|(delivery, _)| seq_of(*delivery));
        let floor = first.unwrap_or_else(|| self.memory.last_seq.get().unwrap_or(0) + 1);
        if stored::meta(&sql, FLOOR)?.unwrap_or(0) + lag <= floor {
            stored::set_meta(&sql, FLOOR, floor)?;
        }
        Ok(())
    }
}
