//! Random choices, all of which follow from one seed.

use std::ops::Range;

pub struct Random(fastrand::Rng);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Returns a number of a range.
    pub fn number(&mut self, range: Range<i64>) -> i64 {
        self.0.i64(range)
    }

    /// Returns an index below a length.
    pub fn index(&mut self, length: usize) -> usize {
        self.0.usize(0..length)
    }

    /// Returns true so many times in a thousand.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.0.u32(0..1000) < per_mille
    }

    /// Returns one of some values.
    pub fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.index(values.len())]
    }

    /// Returns an index, each as often as its weight says.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut rest = self.0.u32(0..weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if rest < *weight {
                return index;
            }
            rest -= weight;
        }
        unreachable!("the rest is below the sum")
    }
}
