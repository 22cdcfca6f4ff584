//! An endpoint of a shop: which URLs it may have, and which events it gets.

mod private_names;
mod url;

use alloc::string::String;
use alloc::vec::Vec;

use crate::event::STATUS_CHANGED;
use crate::lifecycle::Outcome;

pub use url::{MAX_URL, UrlRules, host, is_same_origin, origin};

/// Whether an endpoint receives every event of a task, or may skip events that a newer one supersedes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// A pending delivery of an older status is superseded by a newer one.
    Latest,
    /// Every event is delivered, in order.
    All,
}

impl Order {
    /// Returns the name, as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::All => "all",
        }
    }

    /// Parses a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Latest, Self::All].into_iter().find(|order| order.as_str() == name)
    }

    /// Returns whether a newer event of a task supersedes an older one. `older_has_status` says whether the older
    /// event carries one of the four documented statuses.
    ///
    /// Only an event that changed the task's status supersedes; other events say nothing about earlier ones.
    pub const fn supersedes(self, newer: Outcome, older_has_status: bool) -> bool {
        use Outcome::{Applied, Capped, Conflict, Duplicate, Late, Quarantined, Unknown};
        match (self, newer) {
            (Self::Latest, Applied) => older_has_status,
            (Self::Latest, Duplicate | Late | Conflict | Unknown | Capped | Quarantined) => false,
            (Self::All, Applied | Duplicate | Late | Conflict | Unknown | Capped | Quarantined) => false,
        }
    }
}

/// Which events an endpoint receives. By default it receives every applied status change and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The statuses to deliver; empty means all applied ones.
    pub statuses: Vec<String>,
    /// The names of the events to deliver; empty means any.
    pub events: Vec<String>,
    /// Whether to deliver statuses and events that this version does not know.
    pub unknown: bool,
    /// Whether to deliver signed bodies that are not readable events.
    pub quarantined: bool,
}

impl Filter {
    /// Returns whether the endpoint receives an event with this outcome, name and status.
    ///
    /// Duplicate, late, conflicting and capped events are never delivered, so an endpoint need not handle them.
    pub fn matches(&self, outcome: Outcome, name: &str, status: Option<&str>) -> bool {
        let lists_event = |name| contains(&self.events, name);
        let lists_status = |status| contains(&self.statuses, status);
        match outcome {
            Outcome::Applied => {
                (self.events.is_empty() || lists_event(name))
                    && (self.statuses.is_empty() || status.is_some_and(lists_status))
            }
            Outcome::Unknown => match status {
                Some(status) => {
                    (self.events.is_empty() || lists_event(STATUS_CHANGED))
                        && (self.unknown || lists_status(status))
                }
                None => lists_event(name) || (self.unknown && self.events.is_empty()),
            },
            Outcome::Quarantined => self.quarantined,
            Outcome::Duplicate | Outcome::Late | Outcome::Conflict | Outcome::Capped => false,
        }
    }
}

fn contains(names: &[String], name: &str) -> bool {
    names.iter().any(|listed| listed == name)
}
