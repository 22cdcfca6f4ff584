//! An endpoint of a shop: which URLs it may have, and which events it gets.

mod private_names;
mod url;

use alloc::string::String;
use alloc::vec::Vec;

use crate::event::STATUS_CHANGED;
use crate::lifecycle::Outcome;

pub use url::{MAX_URL, UrlRules, host};

/// Whether an endpoint gets every event of a task, or may go without those that a newer one has overtaken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// What a newer status overtakes before it is delivered is left out, and recorded as superseded.
    Latest,
    /// Every event, in order.
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

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Latest, Self::All].into_iter().find(|order| order.as_str() == name)
    }

    /// Tells whether a newer event of a task makes it needless to deliver an older one, which tells a
    /// status of the guide or not.
    ///
    /// Only a status that moved the task can: any other event says nothing of what came before it.
    pub const fn supersedes(self, newer: Outcome, older_has_status: bool) -> bool {
        use Outcome::{Applied, Capped, Conflict, Duplicate, Late, Quarantined, Unknown};
        match (self, newer) {
            (Self::Latest, Applied) => older_has_status,
            (Self::Latest, Duplicate | Late | Conflict | Unknown | Capped | Quarantined) => false,
            (Self::All, Applied | Duplicate | Late | Conflict | Unknown | Capped | Quarantined) => false,
        }
    }
}

/// Which events an endpoint gets. The default gets every status that moves a task, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The statuses to get; empty stands for those of the guide.
    pub statuses: Vec<String>,
    /// The events to get, by name; empty stands for any.
    pub events: Vec<String>,
    /// Whether to get statuses and events that we don't know.
    pub unknown: bool,
    /// Whether to get signed bodies that can't be read.
    pub quarantined: bool,
}

impl Filter {
    /// Tells whether the endpoint gets an event by this name, which was this to its task and tells this status.
    ///
    /// What moved nothing and is no news is never delivered: an endpoint need not know what late means.
    pub fn takes(&self, outcome: Outcome, name: &str, status: Option<&str>) -> bool {
        let named = |name| holds(&self.events, name);
        let told = |status| holds(&self.statuses, status);
        match outcome {
            Outcome::Applied => {
                (self.events.is_empty() || named(name))
                    && (self.statuses.is_empty() || status.is_some_and(told))
            }
            Outcome::Unknown => match status {
                Some(status) => {
                    (self.events.is_empty() || named(STATUS_CHANGED)) && (self.unknown || told(status))
                }
                None => named(name) || (self.unknown && self.events.is_empty()),
            },
            Outcome::Quarantined => self.quarantined,
            Outcome::Duplicate | Outcome::Late | Outcome::Conflict | Outcome::Capped => false,
        }
    }
}

fn holds(names: &[String], name: &str) -> bool {
    names.iter().any(|held| held == name)
}
