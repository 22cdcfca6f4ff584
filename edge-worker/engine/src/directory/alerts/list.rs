//! Alerts as the API shows them.

use serde::Serialize;

use super::cause::Cause;
use super::rows;
use super::state::{Alert, Details};
use crate::protocol::settings::endpoint_id;
use crate::text::time::rfc3339;
use crate::{Context, Result};

/// A cause that lasts, or that was met in the last day.
#[derive(Serialize)]
pub struct AlertView {
    cause: &'static str,
    endpoint: Option<String>,
    /// Whether it lasts, so that its end will be sent.
    open: bool,
    since: String,
    last_at: String,
    count: i64,
    /// When it was last sent to destinations.
    sent_at: Option<String>,
    #[serde(flatten)]
    details: Details,
}

impl AlertView {
    fn new(cause: Cause, endpoint: i64, alert: Alert) -> Self {
        Self {
            cause: cause.as_str(),
            endpoint: (endpoint > 0).then(|| endpoint_id(endpoint)),
            open: alert.lasts(cause),
            since: rfc3339(alert.since),
            last_at: rfc3339(alert.last_at),
            count: alert.count,
            sent_at: alert.sent_at.map(rfc3339),
            details: alert.details,
        }
    }
}

/// Lists the causes that last or were met in the last day, those that last first.
pub fn list(context: &Context<'_>) -> Result<Vec<AlertView>> {
    let mut rows = rows::all(context.db)?;
    rows.retain(|(cause, _, alert)| alert.count >= cause.at_least() && !alert.is_over(*cause, context.now));
    rows.sort_by_key(|(cause, _, alert)| (!alert.lasts(*cause), -alert.last_at.0));
    Ok(rows.into_iter().map(|(cause, endpoint, alert)| AlertView::new(cause, endpoint, alert)).collect())
}
