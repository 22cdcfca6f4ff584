//! How often streams are opened with tickets: anybody may hold one, and each opening is a request to a shard.
//! Counted in the memory of the isolate; an isolate elsewhere has counts of its own.

use std::cell::RefCell;
use std::collections::BTreeMap;

use vtryon_webhooks::{Code, Millis};

use super::bucket::{Bucket, BucketRate};
use crate::http::response::ApiError;

/// Of one task: 128 at once, then 2 a second, which is what 100 event streams of 55 s need to resume.
const OF_TASK: BucketRate = BucketRate { burst: 128, per_second: 2 };

/// Of all tasks of one shard, whoever opens them.
const OF_SHARD: BucketRate = BucketRate { burst: 1000, per_second: 100 };

/// How many tasks are remembered at most.
const TASKS: usize = 2048;

thread_local! {
    static OPENINGS: RefCell<Openings> = const { RefCell::new(Openings::new()) };
}

/// Admits the opening of a task's stream, or says when to come again.
///
/// # Errors
/// `rate_limited` for one task, `unavailable` for all of a shard.
pub(super) fn admit(task_id: &str, shard: u32, now: Millis) -> Result<(), ApiError> {
    match OPENINGS.with_borrow_mut(|openings| openings.take(task_id, shard, now)) {
        Opening::Admitted => Ok(()),
        Opening::TooManyOfTask => {
            let message = "streams of this task are opened too often";
            Err(ApiError::with_message(Code::RateLimited, message).with_header("retry-after", "1"))
        }
        Opening::TooManyOfShard => {
            Err(ApiError::with_message(Code::Unavailable, "too many streams are opened: come again later"))
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Opening {
    Admitted,
    TooManyOfTask,
    TooManyOfShard,
}

struct Openings {
    tasks: BTreeMap<String, Bucket>,
    shards: BTreeMap<u32, Bucket>,
}

impl Openings {
    const fn new() -> Self {
        Self { tasks: BTreeMap::new(), shards: BTreeMap::new() }
    }

    fn take(&mut self, task_id: &str, shard: u32, now: Millis) -> Opening {
        self.make_room(task_id, now);
        let task = self.tasks.entry(task_id.to_owned()).or_insert(Bucket::full(OF_TASK, now));
        // The task first: who opens one too often uses up nothing of the others.
        if !task.take(OF_TASK, now) {
            return Opening::TooManyOfTask;
        }
        let shard = self.shards.entry(shard).or_insert(Bucket::full(OF_SHARD, now));
        if shard.take(OF_SHARD, now) { Opening::Admitted } else { Opening::TooManyOfShard }
    }

    /// Forgets tasks that were not opened for a while, or, where there are too many others, all of them.
    fn make_room(&mut self, task_id: &str, now: Millis) {
        if self.tasks.len() < TASKS || self.tasks.contains_key(task_id) {
            return;
        }
        self.tasks.retain(|_, bucket| !bucket.is_full(OF_TASK, now));
        if self.tasks.len() >= TASKS {
            self.tasks.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_000_000);

    fn admitted(openings: &mut Openings, tasks: impl Iterator<Item = usize>, now: Millis) -> usize {
        tasks.filter(|nth| openings.take(&format!("task_{nth}"), 0, now) == Opening::Admitted).count()
    }

    #[test]
    fn one_task_is_opened_so_often_and_the_others_are_not_held_up() {
        let mut openings = Openings::new();
        assert_eq!(admitted(&mut openings, std::iter::repeat_n(0, 1000), NOW), 128);
        assert_eq!(openings.take("task_0", 0, NOW), Opening::TooManyOfTask);
        assert_eq!(openings.take("task_1", 0, NOW), Opening::Admitted);
        let later = NOW.plus_seconds(10);
        assert_eq!(admitted(&mut openings, std::iter::repeat_n(0, 1000), later), 20);
    }

    #[test]
    fn many_tasks_of_one_shard_hold_up_no_other_shard() {
        let mut openings = Openings::new();
        assert_eq!(admitted(&mut openings, 0..1500, NOW), 1000);
        assert_eq!(openings.take("task_new", 0, NOW), Opening::TooManyOfShard);
        assert_eq!(openings.take("task_new", 1, NOW), Opening::Admitted);
        assert_eq!(admitted(&mut openings, 0..1500, NOW.plus_seconds(2)), 200);
    }

    #[test]
    fn so_many_tasks_are_remembered_at_most() {
        let mut openings = Openings::new();
        for nth in 0..3 * TASKS {
            openings.take(&format!("task_{nth}"), nth as u32, NOW);
            assert!(openings.tasks.len() <= TASKS, "{nth}");
        }
        // One that is used up is remembered beside those that are full again.
        let mut openings = Openings::new();
        admitted(&mut openings, std::iter::repeat_n(0, 1000), NOW);
        for nth in 1..TASKS {
            openings.take(&format!("task_{nth}"), nth as u32, NOW);
        }
        let later = NOW.plus_seconds(1);
        openings.take("task_one_more", 0, later);
        assert_eq!(openings.tasks.len(), 2);
        assert!(openings.tasks.contains_key("task_0"));
    }
}
