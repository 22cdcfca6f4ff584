mod code;
mod words;

use core::fmt;

pub use code::Code;

/// A refusal: its [`Code`], what is wrong, and where that is known the field or the byte.
///
/// It never holds bytes of a payload, a header or a secret, so it can be logged as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    code: Code,
    what: &'static str,
    field: Option<&'static str>,
    offset: Option<usize>,
}

impl Error {
    pub(crate) const fn new(code: Code) -> Self {
        Self::because(code, code.summary())
    }

    /// Makes one in the words of the place that knows, for a refusal that is a shell's own.
    pub const fn because(code: Code, what: &'static str) -> Self {
        Self { code, what, field: None, offset: None }
    }

    /// Makes one that names the field, or the parameter, that is at fault; `what` goes on from its name.
    pub const fn in_field(code: Code, field: &'static str, what: &'static str) -> Self {
        Self { code, what, field: Some(field), offset: None }
    }

    pub(crate) const fn at(code: Code, offset: usize) -> Self {
        Self { code, what: code.summary(), field: None, offset: Some(offset) }
    }

    /// Returns the code, for programs.
    pub const fn code(&self) -> Code {
        self.code
    }

    /// Returns the field that is at fault: of an event as a path from the outermost object, of a request
    /// the parameter's name.
    pub const fn field(&self) -> Option<&'static str> {
        self.field
    }

    /// Returns the offset in the body, in bytes, at which the fault was seen.
    pub const fn offset(&self) -> Option<usize> {
        self.offset
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
