//! The names in an event: the id of its task, and the status.

use alloc::borrow::Cow;
use core::fmt;

use super::MAX_TASK_ID;
use crate::error::{Code, Error};

/// The id of a task: 1 to [`MAX_TASK_ID`] bytes of UTF-8 without control characters, not `.` or `..`.
///
/// `Debug` shows only its length.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TaskId<'a>(Cow<'a, str>);

impl<'a> TaskId<'a> {
    /// Checks an id, for example one from a path.
    ///
    /// # Errors
    /// [`Code::InvalidEvent`].
    pub fn new(name: impl Into<Cow<'a, str>>) -> Result<Self, Error> {
        let name = check_name(name.into(), MAX_TASK_ID, "task_id")?;
        // URL parsers remove dot segments, encoded or not (RFC 3986, 5.2.4), so no request could name such a task.
        if name == "." || name == ".." {
            return Err(Error::in_field(Code::InvalidEvent, "task_id", "is a dot segment"));
        }
        Ok(Self(name))
    }

    /// Returns the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TaskId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({} bytes)", self.0.len())
    }
}

/// The status of a task, as Vtryon reports it. `Debug` does not show the name of an unknown one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Status<'a> {
    /// Vtryon accepted the request.
    Queued,
    /// Rendering has begun.
    Processing,
    /// The result is ready.
    Completed,
    /// There will be no result.
    Failed,
    /// A status that Vtryon's guide does not name, as received.
    Other(Cow<'a, str>),
}

impl<'a> Status<'a> {
    /// Parses a status. Names are compared exactly.
    pub fn from_name(name: impl Into<Cow<'a, str>>) -> Self {
        let name = name.into();
        match &*name {
            "queued" => Self::Queued,
            "processing" => Self::Processing,
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            _ => Self::Other(name),
        }
    }

    /// Returns the name as spelled in the event.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Debug for Status<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Other(_) => "other",
            Self::Queued | Self::Processing | Self::Completed | Self::Failed => self.as_str(),
        })
    }
}

/// Checks a name against the limits that storage, paths and logs rely on.
pub(super) fn check_name<'a>(
    name: Cow<'a, str>,
    max: usize,
    field: &'static str,
) -> Result<Cow<'a, str>, Error> {
    let refuse = |what| Err(Error::in_field(Code::InvalidEvent, field, what));
    if name.is_empty() {
        return refuse("is empty");
    }
    if name.len() > max {
        return refuse("is too long");
    }
    // Most names are ASCII, which is checked faster.
    let is_plain = name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !is_plain && name.contains(char::is_control) {
        return refuse("holds a control character");
    }
    Ok(name)
}
