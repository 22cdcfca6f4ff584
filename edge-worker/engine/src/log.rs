//! The log of decisions: one line of JSON for each, with the fields that docs/guides/monitoring.md names. No line holds a
//! payload, a signature, a secret, or the id of a task.

use std::cell::RefCell;

use serde::Serialize;

use crate::Error;
use crate::text::json;

/// How important a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    #[default]
    Info,
    Warn,
}

impl Level {
    const ALL: [Self; 3] = [Self::Debug, Self::Info, Self::Warn];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }
}

/// What was decided.
#[derive(Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    EventStored {
        /// Its number in the shard, by which live streams and deliveries name it.
        seq: i64,
        outcome: &'static str,
    },
    /// An event that was not stored again.
    EventDropped {
        outcome: &'static str,
    },
    EventQuarantined {
        seq: i64,
        code: String,
    },
    AttemptMade {
        delivery: String,
        endpoint: String,
        attempt: u32,
        outcome: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<u16>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        took_ms: i64,
    },
    DeliveryDead {
        delivery: String,
        endpoint: String,
        reason: &'static str,
    },
    EndpointDown {
        endpoint: String,
    },
    EndpointUp {
        endpoint: String,
    },
    EndpointDisabled {
        endpoint: String,
        reason: String,
    },
    /// A change through the API.
    ChangeMade {
        operation: String,
        status: u16,
    },
    /// A wrong credential of `/api`: the first of a client within a minute.
    CredentialRejected {
        client: String,
        reason: &'static str,
    },
    /// Requests that were rejected for one cause since the last line about it.
    RequestRejected {
        code: &'static str,
        path: &'static str,
        count: i64,
    },
}

impl Decision {
    const fn level(&self) -> Level {
        match self {
            Self::EventStored { .. } | Self::EventDropped { .. } => Level::Debug,
            Self::AttemptMade { error: None, status: Some(200..=299), .. } => Level::Debug,
            Self::AttemptMade { .. } | Self::EndpointUp { .. } | Self::ChangeMade { .. } => Level::Info,
            Self::EventQuarantined { .. }
            | Self::DeliveryDead { .. }
            | Self::EndpointDown { .. }
            | Self::EndpointDisabled { .. }
            | Self::CredentialRejected { .. }
            | Self::RequestRejected { .. } => Level::Warn,
        }
    }

    /// Writes the line; none where it is less important than the least level that is logged.
    pub fn line(&self, least: Level, shard: Option<u32>) -> Option<LogLine> {
        let level = self.level();
        (level >= least).then(|| {
            let text = json::to_string(&Fields { level: level.as_str(), shard, decision: self });
            LogLine { level, text }
        })
    }
}

/// A line of the log.
pub struct LogLine {
    pub level: Level,
    pub text: String,
}

#[derive(Serialize)]
struct Fields<'a> {
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<u32>,
    #[serde(flatten)]
    decision: &'a Decision,
}

/// What the shell has not written to the log yet.
#[derive(Default)]
pub(crate) struct Log {
    decisions: RefCell<Vec<Decision>>,
    /// Those that did not fail the decision.
    faults: RefCell<Vec<Error>>,
}

impl Log {
    /// Notes a decision. A commit that fails after it is not foreseen: then the log has a line too many.
    pub(crate) fn note(&self, decision: Decision) {
        self.decisions.borrow_mut().push(decision);
    }

    /// Notes a fault, where there is one.
    pub(crate) fn fault(&self, fault: Option<Error>) {
        self.faults.borrow_mut().extend(fault);
    }

    pub(crate) fn take(&self) -> (Vec<Decision>, Vec<Error>) {
        (self.decisions.take(), self.faults.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_written_from_its_level_on() {
        let dropped = || Decision::EventDropped { outcome: "duplicate" };
        let attempt = |status| Decision::AttemptMade {
            delivery: "dlv_0_65537".to_owned(),
            endpoint: "ep_1".to_owned(),
            attempt: 1,
            outcome: "",
            status,
            error: None,
            took_ms: 1,
        };
        let up = || Decision::EndpointUp { endpoint: "ep_1".to_owned() };
        let down = || Decision::EndpointDown { endpoint: "ep_1".to_owned() };
        for (decision, least, is_written) in [
            (dropped(), Level::Debug, true),
            (dropped(), Level::Info, false),
            (attempt(Some(200)), Level::Info, false),
            (attempt(Some(302)), Level::Info, true),
            (attempt(None), Level::Info, true),
            (up(), Level::Info, true),
            (up(), Level::Warn, false),
            (down(), Level::Warn, true),
        ] {
            assert_eq!(decision.line(least, Some(3)).is_some(), is_written, "{}", json::to_string(&decision));
        }
    }

    #[test]
    fn a_line_is_one_object() {
        let line = Decision::EventQuarantined { seq: 5, code: "invalid\n\"json".to_owned() }
            .line(Level::Debug, Some(3));
        let text =
            r#"{"level":"warn","shard":3,"decision":"event_quarantined","seq":5,"code":"invalid\n\"json"}"#;
        assert_eq!(line.map(|line| line.text).as_deref(), Some(text));
    }
}
