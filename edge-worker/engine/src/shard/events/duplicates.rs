//! Duplicates are counted in memory: they cost no row, and a restart forgets those since the task's last change.

use std::collections::BTreeMap;

/// Of how many tasks duplicates are counted at the same time: with one more the counts begin anew.
const MAX_COUNTED: usize = 10_000;

/// The duplicates per task, by its number, since the task's row was last written.
#[derive(Default)]
pub(crate) struct Duplicates(BTreeMap<i64, u32>);

impl Duplicates {
    /// Counts a duplicate.
    pub(crate) fn count(&mut self, task_no: i64) {
        if self.0.len() >= MAX_COUNTED && !self.0.contains_key(&task_no) {
            self.0.clear();
        }
        *self.0.entry(task_no).or_default() += 1;
    }

    /// Returns the duplicates of a task that its row does not count yet.
    pub(crate) fn count_of(&self, task_no: i64) -> i64 {
        self.0.get(&task_no).copied().unwrap_or(0).into()
    }

    /// Forgets the duplicates of a task: its row counts them now.
    pub(crate) fn forget(&mut self, task_no: i64) {
        self.0.remove(&task_no);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_counted_per_task() {
        let mut duplicates = Duplicates::default();
        duplicates.count(1);
        duplicates.count(1);
        duplicates.count(2);
        assert_eq!((duplicates.count_of(1), duplicates.count_of(2), duplicates.count_of(3)), (2, 1, 0));
        duplicates.forget(1);
        assert_eq!(duplicates.count_of(1), 0);
    }

    #[test]
    fn one_task_more_than_are_counted_begins_anew() {
        let mut duplicates = Duplicates::default();
        (0..).take(MAX_COUNTED).for_each(|task| duplicates.count(task));
        duplicates.count(0);
        assert_eq!((duplicates.0.len(), duplicates.count_of(0), duplicates.count_of(1)), (MAX_COUNTED, 2, 1));
        duplicates.count(MAX_COUNTED as i64);
        assert_eq!((duplicates.0.len(), duplicates.count_of(0)), (1, 0));
    }
}
