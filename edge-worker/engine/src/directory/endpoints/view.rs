//! Endpoints as the API shows them.

use serde::Serialize;
use vtryon_webhooks::Millis;
use vtryon_webhooks::endpoint::origin;

use super::records::{Disabled, EndpointRecord};
use crate::directory::alerts::AlertView;
use crate::directory::settings::Applied;
use crate::protocol::settings::{
    AlertFormat, AlertOptions, AttemptOptions, EndpointOptions, Sealed, endpoint_id,
};
use crate::text::time::rfc3339;

/// What the master key does not open of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    Secret,
    Headers,
}

impl Unreadable {
    /// Says what it means, and what helps.
    const fn problem(self) -> &'static str {
        match self {
            Self::Secret => {
                "GATEWAY_MASTER_KEY is not the key that sealed this endpoint's secret: \
                 set the former key again, or rotate the secret"
            }
            Self::Headers => {
                "GATEWAY_MASTER_KEY is not the key that sealed this endpoint's headers: \
                 set the former key again, or send `headers` and `auth` again"
            }
        }
    }
}

/// An endpoint. Its secrets are shown by their fingerprints, its headers by their names.
#[derive(Serialize)]
pub struct EndpointView<'a> {
    id: String,
    #[serde(flatten)]
    options: OptionsView<'a>,
    description: &'a str,
    disabled: Option<DisabledView<'a>>,
    secrets: Vec<SecretView<'a>>,
    /// The names of its headers, and how it authenticates the gateway.
    headers: Vec<&'a str>,
    auth: Option<&'a str>,
    created_at: String,
    updated_at: String,
    /// What keeps deliveries from being made at all; null where nothing does.
    problem: Option<&'static str>,
}

/// The options of an endpoint, or of an alert destination.
#[derive(Serialize)]
#[serde(untagged)]
enum OptionsView<'a> {
    Endpoint(&'a EndpointOptions),
    Destination {
        url: &'a str,
        enabled: bool,
        #[serde(flatten)]
        alerts: &'a AlertOptions,
        #[serde(flatten)]
        attempt: &'a AttemptOptions,
    },
}

#[derive(Serialize)]
struct DisabledView<'a> {
    reason: &'a str,
    at: String,
}

#[derive(Serialize)]
struct SecretView<'a> {
    fingerprint: &'a str,
    created_at: String,
    /// When it stops being used; null for the current one.
    expires_at: Option<String>,
}

#[derive(Serialize)]
pub struct EndpointList<'a> {
    pub endpoints: Vec<EndpointView<'a>>,
}

/// The alert destinations, and the alerts that they are told of.
#[derive(Serialize)]
pub struct AlertList<'a> {
    pub destinations: Vec<EndpointView<'a>>,
    pub alerts: Vec<AlertView>,
}

/// The answer to a change: the endpoint, and how many shards have confirmed it.
#[derive(Serialize)]
pub struct ChangedEndpoint<'a> {
    #[serde(flatten)]
    pub endpoint: EndpointView<'a>,
    /// Shown this once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<&'a str>,
    #[serde(flatten)]
    pub applied: Applied,
}

impl EndpointRecord {
    /// Returns it as it is shown, with what the master key does not open of it.
    pub fn view(&self, now: Millis, unreadable: Option<Unreadable>) -> EndpointView<'_> {
        let headers = &self.endpoint.headers;
        EndpointView {
            id: endpoint_id(self.endpoint.no),
            options: OptionsView::of(&self.endpoint.options),
            description: &self.description,
            disabled: self.disabled.as_ref().map(DisabledView::of),
            secrets: self.endpoint.valid_secrets(now).map(SecretView::of).collect(),
            headers: headers
                .iter()
                .filter(|header| header.auth.is_none())
                .map(|header| &*header.name)
                .collect(),
            auth: headers.iter().find_map(|header| header.auth.as_deref()),
            created_at: rfc3339(self.created_at),
            updated_at: rfc3339(self.updated_at),
            problem: unreadable.map(Unreadable::problem),
        }
    }
}

impl<'a> OptionsView<'a> {
    fn of(options: &'a EndpointOptions) -> Self {
        match &options.alerts {
            None => Self::Endpoint(options),
            Some(alerts) => Self::Destination {
                url: shown_url(&options.url, alerts),
                enabled: options.enabled,
                alerts,
                attempt: &options.attempt,
            },
        }
    }
}

/// Returns the URL of an alert destination as it is shown. One of Slack's incoming webhooks is a credential: whoever has it
/// may post to it.
pub(super) fn shown_url<'a>(url: &'a str, alerts: &AlertOptions) -> &'a str {
    if alerts.format == AlertFormat::Slack.as_str() { origin(url).unwrap_or_default() } else { url }
}

impl<'a> DisabledView<'a> {
    fn of(disabled: &'a Disabled) -> Self {
        Self { reason: &disabled.reason, at: rfc3339(disabled.at) }
    }
}

impl<'a> SecretView<'a> {
    fn of(secret: &'a Sealed) -> Self {
        Self {
            fingerprint: &secret.fingerprint,
            created_at: rfc3339(secret.created_at),
            expires_at: secret.until.map(rfc3339),
        }
    }
}
