use alloc::borrow::Cow;
use core::fmt;

use super::MAX_TASK_ID;
use crate::error::{Code, Error};

/// The name of a task: 1 to [`MAX_TASK_ID`] bytes of UTF-8 without control characters, not `.` or `..`.
///
/// `Debug` shows its length.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TaskId<'a>(Cow<'a, str>);

impl<'a> TaskId<'a> {
    /// Takes a name, from a path for example.
    ///
    /// # Errors
    /// [`Code::InvalidEvent`].
    pub fn new(name: impl Into<Cow<'a, str>>) -> Result<Self, Error> {
        let name = named(name.into(), MAX_TASK_ID, "task_id")?;
        // Dot segments vanish from every URL (RFC 3986, 5.2.4), encoded or not: nobody could ask for it.
        if name == "." || name == ".." {
            return Err(Error::in_field(Code::InvalidEvent, "task_id", "is a dot segment"));
        }
        Ok(Self(name))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TaskId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({} bytes)", self.0.len())
    }
}

/// What Vtryon says of a task. `Debug` does not show a name that we don't know.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Status<'a> {
    /// The request is accepted.
    Queued,
    /// The rendering has begun.
    Processing,
    /// The result is there.
    Completed,
    /// There will be no result.
    Failed,
    /// A status that the guide does not name, kept as it came.
    Other(Cow<'a, str>),
}

impl<'a> Status<'a> {
    /// Reads a status; names are compared exactly.
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

    /// Returns the name as it is spelled in the event.
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

/// Holds a name to the limits that storage, paths and logs rely on.
pub(super) fn named<'a>(name: Cow<'a, str>, max: usize, field: &'static str) -> Result<Cow<'a, str>, Error> {
    let refuse = |what| Err(Error::in_field(Code::InvalidEvent, field, what));
    if name.is_empty() {
        return refuse("is empty");
    }
    if name.len() > max {
        return refuse("is too long");
    }
    // Most names are of ASCII, which is looked through faster.
    let is_plain = name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !is_plain && name.contains(char::is_control) {
        return refuse("holds a control character");
    }
    Ok(name)
}
