//! Errors: why a request or a configuration was refused.

mod code;
mod messages;

use core::fmt;

pub use code::Code;

/// Why a request or a configuration was refused: a [`Code`], a message, a hint, and the field or the byte offset where
/// known.
///
/// It never holds bytes of a payload, a header or a secret, so it can be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    code: Code,
    what: &'static str,
    hint: &'static str,
    field: Option<&'static str>,
    offset: Option<usize>,
    /// The position of the faulty secret in a list.
    position: Option<usize>,
}

impl Error {
    pub(crate) const fn new(code: Code) -> Self {
        Self::because(code, code.summary())
    }

    /// Makes an error with a message of its own instead of the code's.
    pub const fn because(code: Code, what: &'static str) -> Self {
        Self { code, what, hint: code.hint(), field: None, offset: None, position: None }
    }

    /// Makes an error about a field or a parameter. The message is the field's name followed by `what`.
    pub(crate) const fn in_field(code: Code, field: &'static str, what: &'static str) -> Self {
        Self { field: Some(field), ..Self::because(code, what) }
    }

    pub(crate) const fn at(code: Code, offset: usize) -> Self {
        Self { offset: Some(offset), ..Self::new(code) }
    }

    /// Replaces the hint of the code by a more exact one.
    #[must_use]
    pub(crate) const fn with_hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    /// Adds the position of the faulty secret in a list of `count`, from 0. A single secret needs none.
    #[must_use]
    pub(crate) const fn in_secret(self, position: usize, count: usize) -> Self {
        Self { position: if count > 1 { Some(position) } else { None }, ..self }
    }

    /// Makes the error for a signature that no key made over `body`.
    pub(crate) const fn mismatch(body: &[u8]) -> Self {
        if body.is_empty() {
            return Self::because(Code::SignatureMismatch, "the body is empty, and it was not signed empty")
                .with_hint(
                    "the body never arrived: something read it before it was verified, or a proxy dropped it; pass the raw body, before any parser",
                );
        }
        Self::new(Code::SignatureMismatch)
    }

    /// Returns the stable code. Programs should compare this, not the text.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Returns what to do about it: the hint of the code, or a more exact one.
    pub const fn hint(&self) -> &'static str {
        self.hint
    }

    /// Returns the faulty field: for an event a path from the outermost object, for a request the parameter's name.
    pub const fn field(&self) -> Option<&'static str> {
        self.field
    }

    /// Returns the offset in the body at which the fault was found, in bytes.
    pub const fn offset(&self) -> Option<usize> {
        self.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = self.position {
            write!(f, "`secrets[{position}]`: ")?;
        }
        if let Some(field) = self.field {
            write!(f, "`{field}` ")?;
        }
        f.write_str(self.what)?;
        match self.offset {
            Some(offset) => write!(f, " at byte {offset}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Error {}
