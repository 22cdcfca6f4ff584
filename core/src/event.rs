//! Parses a verified body into an event. Task and status are decoded; `data` and `error` stay the JSON text that was
//! received.

mod identity;
mod names;

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use crate::digest::Digest;
use crate::error::{Code, Error};
use crate::json::{self, Members, Outline, Value};
use crate::verifier::Verified;

pub use crate::json::MAX_DEPTH;
pub use identity::Identity;
use names::check_name;
pub use names::{Status, TaskId};

/// The event that Vtryon sends for every change of a task (Vtryon's guide).
pub const STATUS_CHANGED: &str = "generation.status_changed";

/// The longest `task_id`, in bytes of UTF-8. With a prefix it still fits into a key of Cloudflare KV (512 bytes).
pub const MAX_TASK_ID: usize = 256;

/// The longest `event` name, in bytes of UTF-8.
pub const MAX_EVENT_NAME: usize = 128;

/// The longest `status`, in bytes of UTF-8.
pub const MAX_STATUS: usize = 64;

/// An event, borrowed from the body that it was parsed from.
///
/// `Debug` shows the status and sizes, no other content.
#[derive(Clone, PartialEq, Eq)]
pub struct Event<'a> {
    body: &'a [u8],
    name: Cow<'a, str>,
    task_id: TaskId<'a>,
    status: Option<Status<'a>>,
    result_url: Option<Cow<'a, str>>,
    error_message: Option<Cow<'a, str>>,
    data: Option<&'a str>,
    error: Option<&'a str>,
}

impl<'a> Event<'a> {
    /// Parses a verified body.
    ///
    /// Of an event with another name than [`STATUS_CHANGED`] only `event` and `task_id` are parsed, so that future kinds
    /// of events can be stored and forwarded.
    ///
    /// # Errors
    /// In this order: [`Code::InvalidUtf8`], [`Code::TooDeep`], [`Code::InvalidJson`],
    /// [`Code::InvalidEvent`] if it is not an object, [`Code::DuplicateKey`] for `event`, `task_id`,
    /// `status`, `data` and `error`; then field by field [`Code::InvalidEvent`], and
    /// [`Code::DuplicateKey`] for `data.result_url` and `error.message`.
    ///
    /// ```
    /// use vtryon_webhooks::{Event, Secret, Signature, Status, Verifier};
    /// let body = br#"{"event":"generation.status_changed","task_id":"task_123","status":"queued"}"#;
    /// let secret = Secret::new("whsec_example")?;
    /// let signature = Signature::sign(&secret.key(), body);
    /// let event = Event::parse(&Verifier::new([secret])?.verify(body, &signature)?)?;
    /// assert_eq!(event.task_id().as_str(), "task_123");
    /// assert_eq!(event.status(), Some(&Status::Queued));
    /// # Ok::<(), vtryon_webhooks::Error>(())
    /// ```
    pub fn parse(verified: &Verified<'a>) -> Result<Self, Error> {
        let outline = json::outline(verified.payload())?;
        if !outline.text.starts_with('{') {
            return Err(Error::because(Code::InvalidEvent, "the body is not an object"));
        }
        let Outline { top, .. } = outline;
        readable(&top)?;
        if top.repeated {
            return Err(Error::new(Code::DuplicateKey));
        }
        let [name, task_id, status, data, error] = top.values;
        let data = data.map(|value| value.text);
        let error = error.map(|value| value.text);
        let name = required(name, MAX_EVENT_NAME, "event")?;
        let task_id = TaskId::new(required(task_id, MAX_TASK_ID, "task_id")?)?;
        let (status, result_url, error_message) = if name == STATUS_CHANGED {
            (
                Some(Status::from_name(required(status, MAX_STATUS, "status")?)),
                member(data, &outline.data, "data.result_url")?,
                member(error, &outline.error, "error.message")?,
            )
        } else {
            (None, None, None)
        };
        Ok(Self { body: verified.payload(), name, task_id, status, result_url, error_message, data, error })
    }

    /// Returns the event's name: [`STATUS_CHANGED`] or one that this version does not know.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the id of the task.
    pub const fn task_id(&self) -> &TaskId<'a> {
        &self.task_id
    }

    /// Returns the task's new status. An event with another name than [`STATUS_CHANGED`] has none.
    pub const fn status(&self) -> Option<&Status<'a>> {
        self.status.as_ref()
    }

    /// Returns `data.result_url`, the address of the finished image. It is not checked to be a URL.
    pub fn result_url(&self) -> Option<&str> {
        self.result_url.as_deref()
    }

    /// Returns `error.message`, the reason why the task failed.
    pub fn error_message(&self) -> Option<&str> {
        self.error_message.as_deref()
    }

    /// Returns the JSON text of `data`, byte for byte.
    pub const fn data(&self) -> Option<&'a str> {
        self.data
    }

    /// Returns the JSON text of `error`, byte for byte.
    pub const fn error(&self) -> Option<&'a str> {
        self.error
    }

    /// Returns the idempotency key, which two events share exactly if one repeats the other ([`Identity::key`]). It is
    /// made of task and status, so a second `completed` of a task is a repeat, whatever its data.
    pub fn idempotency_key(&self) -> String {
        let mut key = String::new();
        self.push_idempotency_key(&mut key);
        key
    }

    /// Appends the idempotency key to `text`.
    pub fn push_idempotency_key(&self, text: &mut String) {
        let task_id = self.task_id.as_str();
        match &self.status {
            Some(status) => Identity::Status { task_id, status: status.as_str() }.push_key(text),
            None => {
                let digest = Digest::of(self.body).to_hex();
                Identity::Other { task_id, name: &self.name, digest: &digest }.push_key(text);
            }
        }
    }
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("status", &self.status)
            .field("data_bytes", &self.data.map(str::len))
            .field("error_bytes", &self.error.map(str::len))
            .finish_non_exhaustive()
    }
}

/// Parses a required field that must be a name.
fn required<'a>(value: Option<Value<'a>>, max: usize, field: &'static str) -> Result<Cow<'a, str>, Error> {
    let value = value.ok_or(Error::in_field(Code::InvalidEvent, field, "is missing"))?;
    let name = value.string()?;
    check_name(name.ok_or(Error::in_field(Code::InvalidEvent, field, "is not a string"))?, max, field)
}

/// Refuses an object in which a member's name can't be decoded.
fn readable<const N: usize>(members: &Members<'_, N>) -> Result<(), Error> {
    if members.unreadable { Err(json::lone_surrogate()) } else { Ok(()) }
}

/// Parses the one known string member of an optional object. A null object or a null member counts as absent.
fn member<'a>(
    object: Option<&'a str>,
    members: &Members<'a, 1>,
    field: &'static str,
) -> Result<Option<Cow<'a, str>>, Error> {
    let Some(object) = object.filter(|value| *value != "null") else {
        return Ok(None);
    };
    if !object.starts_with('{') {
        return Err(Error::in_field(Code::InvalidEvent, field, "is not in an object"));
    }
    readable(members)?;
    if members.repeated {
        return Err(Error::in_field(Code::DuplicateKey, field, "occurs twice"));
    }
    let [value] = members.values;
    let Some(value) = value.filter(|value| value.text != "null") else {
        return Ok(None);
    };
    match value.string()? {
        None => Err(Error::in_field(Code::InvalidEvent, field, "is not a string")),
        string => Ok(string),
    }
}
