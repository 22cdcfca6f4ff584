//! Reads rows for the API: tasks, deliveries, the quarantine, counts and statistics.

mod deliveries;
mod metrics;
mod quarantine;
mod stats;
mod sweep;
mod tasks;

pub(crate) use self::deliveries::{DeliveryFilter, deliveries, delivery, delivery_body};
pub(crate) use self::metrics::counts;
pub(crate) use self::quarantine::quarantine;
pub(crate) use self::stats::{Commits, stats};
pub(crate) use self::sweep::sweep;
pub(crate) use self::tasks::{TaskFailure, TaskView, result, task, task_state, tasks};
