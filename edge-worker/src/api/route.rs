//! The paths of the API below `/api`, and their methods.

use percent_encoding::percent_decode_str;

/// What an administrator asks for.
pub(crate) enum Api {
    Task(Option<String>),
    Result(Option<String>),
    Tasks(String),
    Quarantine(String),
    Endpoints,
    Endpoint(String),
    Rotate(String),
    Retire(String),
    Test(String),
    Deliveries(String),
    Delivery(String),
    ReplayDelivery(String),
    Replays,
    Replay(String),
    Tickets,
    Rejections,
    Secrets,
    Secret(String),
    Metrics,
    Stats(String),
    Document,
    NotFound,
}

impl Api {
    pub(crate) fn of(segments: &[&str], query: &str) -> Self {
        match *segments {
            ["tasks"] => Self::Tasks(query.to_owned()),
            ["tasks", id] => Self::Task(decoded(id)),
            ["tasks", id, "result"] => Self::Result(decoded(id)),
            ["quarantine"] => Self::Quarantine(query.to_owned()),
            ["endpoints"] => Self::Endpoints,
            ["endpoints", id] => Self::Endpoint(id.to_owned()),
            ["endpoints", id, "rotate"] => Self::Rotate(id.to_owned()),
            ["endpoints", id, "retire"] => Self::Retire(id.to_owned()),
            ["endpoints", id, "test"] => Self::Test(id.to_owned()),
            ["deliveries"] => Self::Deliveries(query.to_owned()),
            ["deliveries", id] => Self::Delivery(id.to_owned()),
            ["deliveries", id, "replay"] => Self::ReplayDelivery(id.to_owned()),
            ["replay"] => Self::Replays,
            ["replays", id] => Self::Replay(id.to_owned()),
            ["rejections"] => Self::Rejections,
            ["secrets"] => Self::Secrets,
            ["secrets", fingerprint] => Self::Secret(fingerprint.to_owned()),
            ["tickets"] => Self::Tickets,
            ["metrics"] => Self::Metrics,
            ["stats"] => Self::Stats(query.to_owned()),
            ["openapi.json"] => Self::Document,
            _ => Self::NotFound,
        }
    }

    /// Returns the methods of a path, as the header `allow` lists them.
    pub(crate) const fn methods(&self) -> &'static str {
        match self {
            Self::Task(_)
            | Self::Result(_)
            | Self::Tasks(_)
            | Self::Quarantine(_)
            | Self::Deliveries(_)
            | Self::Delivery(_)
            | Self::Replay(_)
            | Self::Rejections
            | Self::Secrets
            | Self::Metrics
            | Self::Stats(_)
            | Self::Document
            | Self::NotFound => "GET, HEAD",
            Self::Endpoints => "GET, HEAD, POST",
            Self::Endpoint(_) => "GET, HEAD, PATCH, DELETE",
            Self::Secret(_) => "DELETE",
            Self::Rotate(_)
            | Self::Retire(_)
            | Self::Test(_)
            | Self::ReplayDelivery(_)
            | Self::Replays
            | Self::Tickets => "POST",
        }
    }
}

/// Decodes a segment of the path; one that is not UTF-8 names nothing.
pub(crate) fn decoded(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(|name| name.into_owned())
}
