//! What alerts are about: each cause, the events that tell of it, and how they say it.

/// A cause of alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    EndpointFailing,
    EndpointDisabled,
    EndpointCreated,
    EndpointMoved,
    TokenCreated,
    DeliveryDead,
    EventQuarantined,
    SignaturesRefused,
    TasksStalled,
    StorageNearlyFull,
    RotationDue,
}

/// What a message says of a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It was met.
    Opened,
    /// It is over.
    Closed,
}

impl Cause {
    pub const ALL: [Self; 11] = [
        Self::EndpointFailing,
        Self::EndpointDisabled,
        Self::EndpointCreated,
        Self::EndpointMoved,
        Self::TokenCreated,
        Self::DeliveryDead,
        Self::EventQuarantined,
        Self::SignaturesRefused,
        Self::TasksStalled,
        Self::StorageNearlyFull,
        Self::RotationDue,
    ];

    /// Returns the name, as it is stored and shown; the event that tells of it has the same.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EndpointFailing => "endpoint_failing",
            Self::EndpointDisabled => "endpoint_disabled",
            Self::EndpointCreated => "endpoint_created",
            Self::EndpointMoved => "endpoint_moved",
            Self::TokenCreated => "token_created",
            Self::DeliveryDead => "delivery_dead",
            Self::EventQuarantined => "event_quarantined",
            Self::SignaturesRefused => "signatures_refused",
            Self::TasksStalled => "tasks_stalled",
            Self::StorageNearlyFull => "storage_nearly_full",
            Self::RotationDue => "rotation_due",
        }
    }

    /// Parses a stored name; `None` for names from newer versions.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }

    /// Returns the name of the event that tells that it is over; none for what has no end.
    pub const fn closing(self) -> Option<&'static str> {
        match self {
            Self::EndpointFailing => Some("endpoint_recovered"),
            Self::EndpointDisabled => Some("endpoint_enabled"),
            Self::TasksStalled => Some("tasks_resumed"),
            Self::SignaturesRefused => Some("refusals_stopped"),
            Self::StorageNearlyFull => Some("storage_relieved"),
            Self::RotationDue => Some("rotation_finished"),
            Self::EndpointCreated
            | Self::EndpointMoved
            | Self::TokenCreated
            | Self::DeliveryDead
            | Self::EventQuarantined => None,
        }
    }

    /// Returns how many times it has to be met within an hour before somebody is told.
    pub const fn at_least(self) -> i64 {
        match self {
            // A scanner that tries a few signatures is no reason for an alert.
            Self::SignaturesRefused => 10,
            Self::EndpointFailing
            | Self::EndpointDisabled
            | Self::EndpointCreated
            | Self::EndpointMoved
            | Self::TokenCreated
            | Self::DeliveryDead
            | Self::EventQuarantined
            | Self::TasksStalled
            | Self::StorageNearlyFull
            | Self::RotationDue => 1,
        }
    }

    /// Returns the name of the event of a phase. What has no end never has the second phase.
    pub fn event(self, phase: Phase) -> String {
        let name = match phase {
            Phase::Opened => self.as_str(),
            Phase::Closed => self.closing().unwrap_or_else(|| self.as_str()),
        };
        format!("gateway.{name}")
    }

    /// Says in one sentence what has happened.
    pub const fn sentence(self, phase: Phase) -> &'static str {
        match (self, phase) {
            (Self::EndpointFailing, Phase::Opened) => "The last attempts at an endpoint have all failed",
            (Self::EndpointFailing, Phase::Closed) => "An endpoint takes deliveries again",
            (Self::EndpointDisabled, Phase::Opened) => "An endpoint is disabled and gets no new events",
            (Self::EndpointDisabled, Phase::Closed) => "An endpoint is enabled again: replay what it missed",
            (Self::EndpointCreated, _) => "An endpoint was registered",
            (Self::EndpointMoved, _) => "The URL of an endpoint has another origin",
            (Self::TokenCreated, _) => "A token was created: the audit trail says by whom",
            (Self::DeliveryDead, _) => {
                "A delivery has failed in all its attempts: replay it when the endpoint works"
            }
            (Self::EventQuarantined, _) => "A signed webhook can't be read: it is in quarantine",
            (Self::SignaturesRefused, Phase::Opened) => "Webhooks are refused for their signatures",
            (Self::SignaturesRefused, Phase::Closed) => {
                "No webhook was refused for its signature for an hour"
            }
            (Self::TasksStalled, Phase::Opened) => "Tasks have not ended and have had no event for an hour",
            (Self::TasksStalled, Phase::Closed) => "No further task has stalled for a day",
            (Self::StorageNearlyFull, Phase::Opened) => {
                "A shard stores 80 % of what it may: shorten the retention, or move to more shards"
            }
            (Self::StorageNearlyFull, Phase::Closed) => "Every shard stores less than 70 % of what it may",
            (Self::RotationDue, Phase::Opened) => "The previous secret of an endpoint soon ends",
            (Self::RotationDue, Phase::Closed) => "The previous secret of an endpoint has ended",
        }
    }
}

/// Returns the names of all events.
pub fn names() -> impl Iterator<Item = String> {
    Cause::ALL.into_iter().flat_map(|cause| {
        let closed = cause.closing().map(|_| cause.event(Phase::Closed));
        std::iter::once(cause.event(Phase::Opened)).chain(closed)
    })
}

/// Returns whether there is an event of this name.
pub fn is_name(name: &str) -> bool {
    names().any(|known| known == name)
}
