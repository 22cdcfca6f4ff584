//! The codes of errors, with their spellings and HTTP statuses.

use core::fmt;

/// Every reason to refuse, with one spelling for Rust, JavaScript, Python, HTTP answers and logs.
///
/// The spelling that [`Code::as_str`] returns is stable; the messages are not. A later version may have further codes.
///
/// This crate itself returns those up to [`Code::SecretPlaceholder`] but for [`Code::IncompleteBody`] and
/// [`Code::BodyTimeout`], and [`Code::InvalidRequest`] and [`Code::InvalidOption`]. The others are those of the gateway
/// and of the packages for other languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// The signature header is absent or empty.
    MissingSignature,
    /// The signature header is not exactly 64 hex digits.
    MalformedSignature,
    /// The signature header was sent more than once, or holds a list.
    MultipleSignatures,
    /// No configured secret made this signature over these bytes.
    SignatureMismatch,
    /// The header `webhook-id` is absent or empty.
    MissingMessageId,
    /// The header `webhook-id` was sent more than once, or holds a dot or another character that ids do not have.
    MalformedMessageId,
    /// The header `webhook-timestamp` is absent or empty.
    MissingTimestamp,
    /// The header `webhook-timestamp` is not a number of seconds since 1970.
    MalformedTimestamp,
    /// The message was signed longer ago than the tolerance allows.
    TimestampTooOld,
    /// The message was signed further in the future than the tolerance allows.
    TimestampTooNew,
    /// The connection ended before the body did, or its chunks are malformed.
    IncompleteBody,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The body is longer than the limit.
    PayloadTooLarge,
    /// The signed body is not UTF-8.
    InvalidUtf8,
    /// The signed body is not JSON (RFC 8259).
    InvalidJson,
    /// The signed body nests deeper than [`MAX_DEPTH`](crate::event::MAX_DEPTH).
    TooDeep,
    /// The signed JSON is not a Vtryon event: a field is missing or has the wrong type.
    InvalidEvent,
    /// A field that decides the outcome occurs twice in one object.
    DuplicateKey,
    /// No secret is configured.
    SecretMissing,
    /// A configured secret is empty.
    SecretEmpty,
    /// A configured secret begins or ends with whitespace.
    SecretWhitespace,
    /// A configured secret has quotes around it.
    SecretQuoted,
    /// A configured secret holds a character that can't be seen.
    SecretInvisible,
    /// A configured secret is a placeholder, such as `undefined` or `${NAME}`.
    SecretPlaceholder,
    /// The credentials of an administrator are absent or wrong.
    Unauthorized,
    /// The path does not support the method.
    MethodNotAllowed,
    /// Nothing is stored under this name.
    NotFound,
    /// A parameter of the request can't be read; the message names it.
    InvalidRequest,
    /// The request may not be made from its origin.
    Forbidden,
    /// The request contradicts what is stored.
    Conflict,
    /// Too many attempts have failed.
    RateLimited,
    /// Storage did not confirm, or the service is not configured.
    Unavailable,
    /// A program passed a parsed body or another value instead of the raw bytes.
    PayloadNotRaw,
    /// Something read the body before the receiver and did not keep the raw bytes.
    BodyAlreadyParsed,
    /// A program passed an invalid option; the message names it.
    InvalidOption,
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 35] = [
        Self::MissingSignature,
        Self::MalformedSignature,
        Self::MultipleSignatures,
        Self::SignatureMismatch,
        Self::MissingMessageId,
        Self::MalformedMessageId,
        Self::MissingTimestamp,
        Self::MalformedTimestamp,
        Self::TimestampTooOld,
        Self::TimestampTooNew,
        Self::IncompleteBody,
        Self::BodyTimeout,
        Self::PayloadTooLarge,
        Self::InvalidUtf8,
        Self::InvalidJson,
        Self::TooDeep,
        Self::InvalidEvent,
        Self::DuplicateKey,
        Self::SecretMissing,
        Self::SecretEmpty,
        Self::SecretWhitespace,
        Self::SecretQuoted,
        Self::SecretInvisible,
        Self::SecretPlaceholder,
        Self::Unauthorized,
        Self::MethodNotAllowed,
        Self::NotFound,
        Self::InvalidRequest,
        Self::Forbidden,
        Self::Conflict,
        Self::RateLimited,
        Self::Unavailable,
        Self::PayloadNotRaw,
        Self::BodyAlreadyParsed,
        Self::InvalidOption,
    ];

    /// Returns the stable spelling, in `snake_case`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingSignature => "missing_signature",
            Self::MalformedSignature => "malformed_signature",
            Self::MultipleSignatures => "multiple_signatures",
            Self::SignatureMismatch => "signature_mismatch",
            Self::MissingMessageId => "missing_message_id",
            Self::MalformedMessageId => "malformed_message_id",
            Self::MissingTimestamp => "missing_timestamp",
            Self::MalformedTimestamp => "malformed_timestamp",
            Self::TimestampTooOld => "timestamp_too_old",
            Self::TimestampTooNew => "timestamp_too_new",
            Self::IncompleteBody => "incomplete_body",
            Self::BodyTimeout => "body_timeout",
            Self::PayloadTooLarge => "payload_too_large",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidJson => "invalid_json",
            Self::TooDeep => "too_deep",
            Self::InvalidEvent => "invalid_event",
            Self::DuplicateKey => "duplicate_key",
            Self::SecretMissing => "secret_missing",
            Self::SecretEmpty => "secret_empty",
            Self::SecretWhitespace => "secret_whitespace",
            Self::SecretQuoted => "secret_quoted",
            Self::SecretInvisible => "secret_invisible",
            Self::SecretPlaceholder => "secret_placeholder",
            Self::Unauthorized => "unauthorized",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::InvalidRequest => "invalid_request",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::PayloadNotRaw => "payload_not_raw",
            Self::BodyAlreadyParsed => "body_already_parsed",
            Self::InvalidOption => "invalid_option",
        }
    }

    /// Returns the HTTP status (RFC 9110) of the answer.
    ///
    /// The 400 for a signed but unreadable body is for receivers without a quarantine. The gateway quarantines such a
    /// body and answers 200, because Vtryon retries 4xx too and then drops the event.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::MissingSignature
            | Self::MalformedSignature
            | Self::MultipleSignatures
            | Self::SignatureMismatch
            | Self::MissingMessageId
            | Self::MalformedMessageId
            | Self::MissingTimestamp
            | Self::MalformedTimestamp
            | Self::TimestampTooOld
            | Self::TimestampTooNew
            | Self::Unauthorized => 401,
            Self::BodyTimeout => 408,
            Self::PayloadTooLarge => 413,
            Self::InvalidUtf8
            | Self::InvalidJson
            | Self::TooDeep
            | Self::InvalidEvent
            | Self::DuplicateKey
            | Self::IncompleteBody
            | Self::InvalidRequest => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::RateLimited => 429,
            Self::SecretMissing
            | Self::SecretEmpty
            | Self::SecretWhitespace
            | Self::SecretQuoted
            | Self::SecretInvisible
            | Self::SecretPlaceholder
            | Self::Unavailable => 503,
            Self::PayloadNotRaw | Self::BodyAlreadyParsed | Self::InvalidOption => 500,
        }
    }

    /// Returns the code that an unauthenticated sender may see: [`Code::Unauthorized`] for every fault of a signature and
    /// [`Code::Unavailable`] for every fault of the configuration. The exact code is for the log.
    #[must_use]
    pub const fn public(self) -> Self {
        match self {
            Self::MissingSignature
            | Self::MalformedSignature
            | Self::MultipleSignatures
            | Self::SignatureMismatch
            | Self::MissingMessageId
            | Self::MalformedMessageId
            | Self::MissingTimestamp
            | Self::MalformedTimestamp
            | Self::TimestampTooOld
            | Self::TimestampTooNew => Self::Unauthorized,
            Self::SecretMissing
            | Self::SecretEmpty
            | Self::SecretWhitespace
            | Self::SecretQuoted
            | Self::SecretInvisible
            | Self::SecretPlaceholder => Self::Unavailable,
            Self::IncompleteBody
            | Self::BodyTimeout
            | Self::PayloadTooLarge
            | Self::InvalidUtf8
            | Self::InvalidJson
            | Self::TooDeep
            | Self::InvalidEvent
            | Self::DuplicateKey
            | Self::Unauthorized
            | Self::MethodNotAllowed
            | Self::NotFound
            | Self::InvalidRequest
            | Self::Forbidden
            | Self::Conflict
            | Self::RateLimited
            | Self::Unavailable
            | Self::PayloadNotRaw
            | Self::BodyAlreadyParsed
            | Self::InvalidOption => self,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
