//! What an administrator sends: JSON objects, read field by field, refused by the name of the field.

use serde::de::DeserializeOwned;
use vtryon_webhooks::endpoint::{Order, UrlRules};
use vtryon_webhooks::event::{MAX_EVENT_NAME, MAX_STATUS};
use vtryon_webhooks::{Code, Millis};

use super::records::EndpointRecord;
use crate::config::Config;
use crate::http::response::ApiError;
use crate::json::Object;
use crate::platform::clock;
use crate::platform::js_url::Url;

/// How long a description may be, in characters, and how many names a filter may have.
const MAX_DESCRIPTION: usize = 500;
const MAX_NAMES: usize = 50;

/// What an endpoint may take beyond the events that move a task.
const INCLUDE: [&str; 2] = ["unknown", "quarantined"];

/// The fields of an object, as they came; nothing at all is an object without any.
pub(super) struct Input<'a>(Object<'a>);

impl<'a> Input<'a> {
    /// Reads an object that has no other fields than `names`.
    pub(super) fn parse(text: &'a str, names: &[&str]) -> Result<Self, ApiError> {
        let text = if text.is_empty() { "{}" } else { text };
        let fields = Object::parse(text.as_bytes()).ok_or(ApiError::because(
            Code::InvalidRequest,
            "the body is not one JSON object, with each field once",
        ))?;
        if fields.names().all(|field| names.contains(&field)) {
            return Ok(Self(fields));
        }
        Err(refuse(format!("the body has a field that is none of {}", names.join(", "))))
    }

    pub(super) fn text(&self, field: &str) -> Result<Option<String>, ApiError> {
        self.read(field, "a string")
    }

    pub(super) fn flag(&self, field: &str) -> Result<Option<bool>, ApiError> {
        self.read(field, "true or false")
    }

    /// Reads a whole number; `60.0` and `6e1` are integers to JSON Schema too.
    pub(super) fn number(&self, field: &str) -> Result<Option<u32>, ApiError> {
        const WHAT: &str = "a whole number";
        let Some(number) = self.read(field, WHAT)? else { return Ok(None) };
        whole(number).map(Some).ok_or_else(|| refuse(format!("`{field}` is not {WHAT}")))
    }

    /// Reads a point in time, RFC 3339.
    pub(super) fn time(&self, field: &str) -> Result<Option<Millis>, ApiError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let time = clock::parse_rfc3339(&text);
        time.map(Some).ok_or_else(|| refuse(format!("`{field}` is not a time as RFC 3339 writes it")))
    }

    fn names(&self, field: &str, longest: usize) -> Result<Option<Vec<String>>, ApiError> {
        let Some(names) = self.read::<Vec<String>>(field, "an array of strings")? else { return Ok(None) };
        let is_name = |name: &String| {
            !name.is_empty() && name.chars().count() <= longest && !name.contains(char::is_control)
        };
        if names.len() <= MAX_NAMES && names.iter().all(is_name) {
            return Ok(Some(names));
        }
        Err(refuse(format!("`{field}` has more than {MAX_NAMES} entries, or one that is no name")))
    }

    fn read<T: DeserializeOwned>(&self, field: &str, what: &str) -> Result<Option<T>, ApiError> {
        let Some(value) = self.0.get(field) else { return Ok(None) };
        serde_json::from_str(value).map(Some).map_err(|_| refuse(format!("`{field}` is not {what}")))
    }
}

/// Returns a number that is whole and in range.
fn whole(number: f64) -> Option<u32> {
    let is_in_range = (0.0..=f64::from(u32::MAX)).contains(&number);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and in range")]
    let whole = number as u32;
    (is_in_range && number.fract() == 0.0).then_some(whole)
}

pub(super) fn refuse(message: String) -> ApiError {
    ApiError::with_message(Code::InvalidRequest, message)
}

/// Holds a URL to the rules. What only the deployment's list of hosts refuses is well formed, but forbidden.
fn check_url(url: &str, rules: &UrlRules) -> Result<(), ApiError> {
    let anywhere = UrlRules { hosts: Vec::new(), ..*rules };
    anywhere.check(url).map_err(|error| refuse(error.to_string()))?;
    rules.check(url).map_err(|error| ApiError::with_message(Code::Forbidden, error.to_string()))
}

/// The fields of an endpoint that can be set.
const FIELDS: [&str; 7] = ["url", "description", "enabled", "order", "statuses", "events", "include"];

/// Sets the fields that an administrator has sent. All of them are validated before anything is changed.
pub(super) fn apply(
    record: &mut EndpointRecord,
    text: &str,
    config: &Config,
    own_origin: &str,
) -> Result<(), ApiError> {
    let input = Input::parse(text, &FIELDS)?;
    if let Some(url) = input.text("url")? {
        check_url(&url, &config.endpoint_urls)?;
        // The rules don't judge punycode; what the platform can't parse could never be called.
        let Ok(parsed) = Url::new(&url) else {
            return Err(ApiError::because(Code::InvalidRequest, "`url` is none that can be called"));
        };
        if parsed.origin() == own_origin {
            return Err(ApiError::because(Code::Conflict, "`url` leads back to this gateway"));
        }
        record.endpoint.url = url;
    }
    if let Some(description) = input.text("description")? {
        if description.chars().count() > MAX_DESCRIPTION {
            return Err(refuse(format!("`description` is longer than {MAX_DESCRIPTION} characters")));
        }
        record.description = description;
    }
    if let Some(order) = input.text("order")? {
        if Order::from_name(&order).is_none() {
            return Err(ApiError::because(Code::InvalidRequest, "`order` is not one of latest, all"));
        }
        record.endpoint.order = order;
    }
    if let Some(statuses) = input.names("statuses", MAX_STATUS)? {
        record.endpoint.statuses = statuses;
    }
    if let Some(events) = input.names("events", MAX_EVENT_NAME)? {
        record.endpoint.events = events;
    }
    if let Some(include) = input.names("include", MAX_STATUS)? {
        if !include.iter().all(|name| INCLUDE.contains(&name.as_str())) {
            let message = "`include` has an entry that is not one of unknown, quarantined";
            return Err(ApiError::because(Code::InvalidRequest, message));
        }
        record.endpoint.include = include;
    }
    if let Some(enabled) = input.flag("enabled")? {
        record.endpoint.enabled = enabled;
    }
    Ok(())
}
