//! The memory that bodies may hold before their senders are verified, shared by all requests of an isolate.

use std::collections::BTreeMap;

use vtryon_webhooks::Millis;

/// The budget in bytes. An isolate has 128 MB for everything (Cloudflare's limits of Workers); this is an eighth, room
/// for 4,000 events of 4 KB or 16 of the longest that can be configured at the same time.
pub(super) const BUDGET: usize = 16 * 1024 * 1024;

/// The part of the budget that evicted bodies may hold beside it, as a divisor: 8 MiB, the first buffers of 4,096 bodies.
///
/// The buffer of an evicted body is the runtime's until its request ends, which is at its next tick. With none beside
/// the budget, bodies of which no byte has come could not make room for another one.
const OVERDRAFT_DIVISOR: usize = 2;

/// The budget, and the bodies that hold a part of it.
///
/// A byte is reserved before it is read, so what is held never exceeds the budget and its overdraft. Nothing is
/// reserved for a length that is only declared: a sender that declares much and sends nothing holds one buffer.
///
/// A body that does not fit takes the room of the one that has been read for longest, whether anything of that one has
/// come or not. An honest sender is done within milliseconds, so those that keep bodies open push out each other, and
/// not an event.
pub(super) struct Budget {
    limit: usize,
    /// What all bodies hold, and the part of it that evicted ones do: their buffers.
    held: usize,
    overdraft: usize,
    next_id: u64,
    /// In the order in which their requests came.
    bodies: BTreeMap<u64, BufferedBody>,
}

struct BufferedBody {
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
        Self { limit, held: 0, overdraft: 0, next_id: 0, bodies: BTreeMap::new() }
    }

    /// Begins a body, which holds nothing yet. Bodies from before `expired` are forgotten: their requests have ended
    /// without a sign, as those do that the platform cancels.
    pub(super) fn open(&mut self, now: Millis, expired: Millis) -> u64 {
        while let Some(oldest) = self.bodies.first_entry().filter(|oldest| oldest.get().begun_at < expired) {
            let oldest = oldest.remove();
            self.release(&oldest);
        }
        let id = self.next_id;
        self.next_id += 1;
        let body =
            BufferedBody { begun_at: now, chunks: Vec::new(), length: 0, buffer: 0, is_evicted: false };
        self.bodies.insert(id, body);
        id
    }

    /// Reserves the buffer that the next bytes of a body are read into, at the cost of older bodies where it must be.
    ///
    /// # Errors
    /// [`OverBudget`]: nothing more of the body is to be read.
    pub(super) fn reserve(&mut self, id: u64, buffer: usize) -> Result<(), OverBudget> {
        self.check(id)?;
        // Only bodies of which something has come: ending others would free nothing now.
        while self.held + buffer > self.limit + self.limit / OVERDRAFT_DIVISOR {
            self.evict_oldest(id, |body| body.length > 0)?;
        }
        while self.held - self.overdraft + buffer > self.limit {
            self.evict_oldest(id, |body| !body.is_evicted)?;
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
        let buffer = std::mem::take(&mut body.buffer);
        self.held -= buffer;
        if body.is_evicted {
            self.overdraft -= buffer;
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
        self.release(&body);
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

    /// Drops what was read of the oldest such body that came before `id`. Its buffer goes into the overdraft.
    fn evict_oldest(&mut self, id: u64, is_meant: impl Fn(&BufferedBody) -> bool) -> Result<(), OverBudget> {
        let mut older = self.bodies.range_mut(..id).map(|(_, body)| body);
        let oldest = older.find(|body| is_meant(body)).ok_or(OverBudget)?;
        self.held -= std::mem::take(&mut oldest.length);
        self.overdraft += oldest.buffer;
        oldest.chunks = Vec::new();
        oldest.is_evicted = true;
        Ok(())
    }

    /// Takes off what a body held that is gone.
    const fn release(&mut self, body: &BufferedBody) {
        self.held -= body.size();
        if body.is_evicted {
            self.overdraft -= body.buffer;
        }
    }
}

impl BufferedBody {
    const fn size(&self) -> usize {
        self.length + self.buffer
    }
}

#[cfg(test)]
mod tests;
