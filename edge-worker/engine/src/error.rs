//! Errors of the engine: faults of the database, and requests that are refused.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use vtryon_webhooks::Code;

/// A fault that is not the requester's: the database failed, or holds what this version cannot read.
///
/// Its text is for the log. It never quotes what is stored.
#[derive(Debug)]
pub struct Error(Cow<'static, str>);

/// The result of whatever uses the database.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl std::error::Error for Error {}

impl Display for Error {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&'static str> for Error {
    fn from(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Error {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

/// A request that is refused: the code of the answer, and what is wrong in words for the requester.
#[derive(Debug)]
pub struct Refusal {
    pub code: Code,
    pub message: Cow<'static, str>,
}

impl Refusal {
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }
}

/// Why a request was not carried out: it is refused, or the database failed.
#[derive(Debug)]
pub enum Failure {
    Refused(Refusal),
    Fault(Error),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Fault(error)
    }
}
