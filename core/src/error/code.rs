use core::fmt;

/// Every refusal of Vtryon Webhooks, spelled once for Rust, JavaScript, Python, HTTP answers and logs.
///
/// The spelling is [`Code::as_str`]; it is stable, the message beside it is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The signature header is absent or empty.
    MissingSignature,
    /// The signature header is not exactly 64 hex digits.
    MalformedSignature,
    /// The signature header came more than once, or holds a list.
    MultipleSignatures,
    /// No configured secret made this signature over these bytes.
    SignatureMismatch,
    /// The header `webhook-id` is absent or empty.
    MissingMessageId,
    /// The header `webhook-id` came more than once, or holds a dot or a character that no id has.
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
    /// A field that the verdict rests on stands twice in one object.
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
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// Nothing is stored under this name.
    NotFound,
    /// A parameter of the request can't be read; the message names it.
    InvalidRequest,
    /// The request may not be made from where it comes.
    Forbidden,
    /// The request contradicts what is stored.
    Conflict,
    /// Too many attempts have failed.
    RateLimited,
    /// Storage did not confirm, or the service is not configured.
    Unavailable,
    /// A program passed a parsed body, or something else than bytes, where the raw bytes are needed.
    PayloadNotRaw,
    /// Something before the receiver has read the body of the request and kept no raw bytes.
    BodyAlreadyParsed,
    /// A program passed an option that can't be used; the message names it.
    InvalidOption,
}

impl Code {
    /// All of them.
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

    /// Returns the one spelling, in `snake_case`.
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

    /// Returns the HTTP status (RFC 9110) that answers it.
    ///
    /// The gateway answers a signed body that it can't read with 200 and quarantines it, because
    /// Vtryon retries 4xx too and then drops the event; 400 is for receivers without a quarantine.
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

    /// Returns what a stranger may be told of it: one plain "no" for every fault of a signature, and
    /// "later" for every fault of the configuration. The code itself is for the log.
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
