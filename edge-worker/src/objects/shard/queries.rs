//! Reads rows for the API: tasks, deliveries, counts and statistics.

mod deliveries;
mod metrics;
mod stats;
mod tasks;

pub(super) use self::deliveries::DeliveryFilter;
pub(super) use self::stats::Commits;
pub(super) use self::tasks::{Failure, TaskView};
