//! The memory that bodies may hold before their senders are verified, shared by all requests of an isolate.

use std::collections::BTreeMap;

use vtryon_webhooks::Millis;

/// The budget in bytes. An isolate has 128 MB for everything (Cloudflare's limits of Workers); this is an eighth, room
/// for 4,000 events of 4 KB or 16 of the longest that can be configured at the same time.
pub(super) const BUDGET: usize = 16 * 1024 * 1024;

/// The budget, and the bodies that hold a part of it.
///
/// A byte is reserved before it is read, so what is held never exceeds the budget. Nothing is reserved for a length
/// that is only declared: a sender that declares much and sends nothing holds one buffer.
///
/// A body that does not fit takes the room of the one that has been read for longest. An honest sender is done within
/// milliseconds, so those that keep bodies open push out each other, and not an event.
pub(super) struct Budget {
    limit: usize,
    held: usize,
    next_id: u64,
    /// In the order in which their requests came.
    bodies: BTreeMap<u64, Body>,
}

struct Body {
    begun_at: Millis,
    chunks: Vec<Vec<u8>>,
    length: usize,
    /// How much is reserved for what is being read.
    buffer: usize,
    is_evicted: bool,
}

/// The budget has no room for a body, or has given its room to another one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OverBudget;

impl Budget {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, held: 0, next_id: 0, bodies: BTreeMap::new() }
    }

    /// Begins a body, which holds nothing yet. Bodies from before `expired` are forgotten: their requests have ended
    /// without a sign, as those do that the platform cancels.
    pub(super) fn open(&mut self, now: Millis, expired: Millis) -> u64 {
        while let Some(oldest) = self.bodies.first_entry().filter(|oldest| oldest.get().begun_at < expired) {
            self.held -= oldest.remove().size();
        }
        let id = self.next_id;
        self.next_id += 1;
        let body = Body { begun_at: now, chunks: Vec::new(), length: 0, buffer: 0, is_evicted: false };
        self.bodies.insert(id, body);
        id
    }

    /// Reserves the buffer that the next bytes of a body are read into, at the cost of older bodies where it must be.
    ///
    /// # Errors
    /// [`OverBudget`]: nothing more of the body is to be read.
    pub(super) fn reserve(&mut self, id: u64, buffer: usize) -> Result<(), OverBudget> {
        self.check(id)?;
        while self.held + buffer > self.limit {
            self.evict_oldest()?;
            self.check(id)?;
        }
        let body = self.bodies.get_mut(&id).ok_or(OverBudget)?;
        body.buffer += buffer;
        self.held += buffer;
        Ok(())
    }

    /// Puts what was read in the place of the buffer.
    ///
    /// # Errors
    /// [`OverBudget`], where another body has taken the room meanwhile.
    pub(super) fn add(&mut self, id: u64, chunk: Vec<u8>) -> Result<(), OverBudget> {
        let body = self.bodies.get_mut(&id).ok_or(OverBudget)?;
        self.held -= std::mem::take(&mut body.buffer);
        if body.is_evicted {
            return Err(OverBudget);
        }
        self.held += chunk.len();
        body.length += chunk.len();
        body.chunks.push(chunk);
        Ok(())
    }

    /// Checks that a body has its room still.
    ///
    /// # Errors
    /// [`OverBudget`].
    pub(super) fn check(&self, id: u64) -> Result<(), OverBudget> {
        match self.bodies.get(&id) {
            Some(body) if !body.is_evicted => Ok(()),
            Some(_) | None => Err(OverBudget),
        }
    }

    /// Returns how much of a body was read.
    pub(super) fn length(&self, id: u64) -> usize {
        self.bodies.get(&id).map_or(0, |body| body.length)
    }

    /// Ends a body, and returns what was read of it.
    pub(super) fn close(&mut self, id: u64) -> Vec<u8> {
        let Some(mut body) = self.bodies.remove(&id) else { return Vec::new() };
        self.held -= body.size();
        match body.chunks.as_mut_slice() {
            [chunk] => std::mem::take(chunk),
            chunks => chunks.concat(),
        }
    }

    #[cfg(feature = "faults")]
    pub(super) const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Returns how much all bodies hold.
    #[cfg(any(test, feature = "faults"))]
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Drops what was read of the body that came first. Its buffer is the runtime's until its request has ended.
    fn evict_oldest(&mut self) -> Result<(), OverBudget> {
        let oldest = self.bodies.values_mut().find(|body| body.length > 0).ok_or(OverBudget)?;
        self.held -= std::mem::take(&mut oldest.length);
        oldest.chunks = Vec::new();
        oldest.is_evicted = true;
        Ok(())
    }
}

impl Body {
    const fn size(&self) -> usize {
        self.length + self.buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(10_000);
    const NONE_EXPIRED: Millis = Millis(0);

    fn open(budget: &mut Budget) -> u64 {
        budget.open(NOW, NONE_EXPIRED)
    }

    fn read(budget: &mut Budget, id: u64, length: usize) -> Result<(), OverBudget> {
        budget.reserve(id, length)?;
        budget.add(id, vec![0; length])
    }

    #[test]
    fn a_thousand_events_at_once_are_within_the_budget() {
        let mut budget = Budget::new(BUDGET);
        let ids: Vec<u64> = (0..1000).map(|_| open(&mut budget)).collect();
        for &id in &ids {
            assert_eq!(read(&mut budget, id, 2000), Ok(()));
            // Of undeclared length: a further buffer, until the end is seen.
            assert_eq!(budget.reserve(id, 4096), Ok(()));
        }
        assert!(ids.iter().all(|&id| budget.check(id).is_ok()), "none has made room for another");
    }

    #[test]
    fn a_body_takes_the_room_of_the_oldest_ones() {
        let mut budget = Budget::new(100);
        let [first, second, third] = [(); 3].map(|()| open(&mut budget));
        assert_eq!(read(&mut budget, first, 40), Ok(()));
        assert_eq!(read(&mut budget, second, 40), Ok(()));
        assert_eq!(budget.reserve(first, 10), Ok(()));
        assert_eq!(read(&mut budget, third, 40), Ok(()));
        assert_eq!(budget.check(first), Err(OverBudget));
        assert_eq!(budget.held(), 90, "the buffer of the first one is still the runtime's");
        assert_eq!(budget.add(first, vec![0; 10]), Err(OverBudget));
        assert_eq!(budget.held(), 80);
        assert_eq!(budget.reserve(first, 1), Err(OverBudget), "nothing more of it is read");
        assert_eq!(budget.reserve(second, 40), Err(OverBudget), "now it is the oldest itself");
        assert_eq!(budget.close(third).len(), 40);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn a_body_is_refused_where_only_buffers_are_left() {
        let mut budget = Budget::new(100);
        let ids = [(); 11].map(|()| open(&mut budget));
        for &id in &ids[..10] {
            assert_eq!(budget.reserve(id, 10), Ok(()));
        }
        assert_eq!(budget.reserve(ids[10], 1), Err(OverBudget));
        assert!(budget.close(ids[0]).is_empty());
        assert_eq!(budget.reserve(ids[10], 1), Ok(()));
    }

    #[test]
    fn a_body_is_what_was_added_to_it() {
        let mut budget = Budget::new(100);
        let id = open(&mut budget);
        for chunk in ["one ", "two ", "three"] {
            assert_eq!(budget.reserve(id, 20), Ok(()));
            assert_eq!(budget.add(id, chunk.into()), Ok(()));
        }
        assert_eq!((budget.length(id), budget.held()), (13, 13));
        assert_eq!(budget.close(id), b"one two three");
        assert!(budget.close(id).is_empty());
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn what_a_cancelled_request_held_is_free_after_a_while() {
        let mut budget = Budget::new(100);
        let id = open(&mut budget);
        assert_eq!(read(&mut budget, id, 50), Ok(()));
        assert_eq!(budget.reserve(id, 50), Ok(()));
        budget.open(NOW, NOW);
        assert_eq!(budget.held(), 100, "it is not over yet");
        budget.open(NOW, Millis(NOW.0 + 1));
        assert_eq!(budget.held(), 0);
        assert_eq!(budget.add(id, vec![0; 50]), Err(OverBudget));
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn no_order_of_steps_exceeds_the_budget_or_loses_a_byte_of_it() {
        let mut budget = Budget::new(1000);
        let mut ids = Vec::new();
        // Steps of a linear congruential generator (Knuth's MMIX): the same in every run.
        let mut random = 1u64;
        let mut next = |below: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).unwrap_or_default() % below
        };
        for _ in 0..20_000 {
            match next(4) {
                0 => ids.push(open(&mut budget)),
                1 if !ids.is_empty() => drop(budget.close(ids.swap_remove(next(ids.len())))),
                _ if !ids.is_empty() => {
                    let id = ids.get(next(ids.len())).copied().unwrap_or_default();
                    let length = 1 + next(300);
                    if budget.reserve(id, length).is_ok() && next(2) == 0 {
                        let _ = budget.add(id, vec![0; next(length)]);
                    }
                }
                _ => {}
            }
            assert!(budget.held() <= 1000, "{} bytes are held", budget.held());
            assert_eq!(budget.held(), budget.bodies.values().map(Body::size).sum::<usize>());
        }
        ids.into_iter().for_each(|id| drop(budget.close(id)));
        assert_eq!(budget.held(), 0);
    }
}
