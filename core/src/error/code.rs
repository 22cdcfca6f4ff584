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
    pub const ALL: [Self; 24] = [
        Self::MissingSignature,
        Self::MalformedSignature,
        Self::MultipleSignatures,
        Self::SignatureMismatch,
        Self::PayloadTooLarge,
        Self::InvalidUtf8,
        Self::InvalidJson,
        Self::TooDeep,
        Self::InvalidEvent,
        Self::DuplicateKey,
        Self::SecretMissing,
        Self::SecretEmpty,
        Self::SecretWhitespace,
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
            Self::PayloadTooLarge => "payload_too_large",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidJson => "invalid_json",
            Self::TooDeep => "too_deep",
            Self::InvalidEvent => "invalid_event",
            Self::DuplicateKey => "duplicate_key",
            Self::SecretMissing => "secret_missing",
            Self::SecretEmpty => "secret_empty",
            Self::SecretWhitespace => "secret_whitespace",
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
            | Self::Unauthorized => 401,
            Self::PayloadTooLarge => 413,
            Self::InvalidUtf8
            | Self::InvalidJson
            | Self::TooDeep
            | Self::InvalidEvent
            | Self::DuplicateKey
            | Self::InvalidRequest => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::RateLimited => 429,
            Self::SecretMissing | Self::SecretEmpty | Self::SecretWhitespace | Self::Unavailable => 503,
            Self::PayloadNotRaw | Self::BodyAlreadyParsed | Self::InvalidOption => 500,
        }
    }
}

impl Code {
    /// Says in one sentence what it means, where nothing more exact is known.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::MissingSignature => "the signature header is missing or empty",
            Self::MalformedSignature => "the signature header is not 64 hex digits",
            Self::MultipleSignatures => "the signature header holds more than one value",
            Self::SignatureMismatch => "no configured secret made this signature over these bytes",
            Self::PayloadTooLarge => "the body is longer than the limit",
            Self::InvalidUtf8 => "the body is not UTF-8",
            Self::InvalidJson => "the body is not JSON",
            Self::TooDeep => "the JSON nests too deep",
            Self::InvalidEvent => "the body is not a Vtryon event",
            Self::DuplicateKey => "a field of the event stands twice",
            Self::SecretMissing => "no secret is configured",
            Self::SecretEmpty => "the secret is empty",
            Self::SecretWhitespace => "the secret begins or ends with whitespace",
            Self::Unauthorized => "the credentials of this request are missing or wrong",
            Self::MethodNotAllowed => "this path does not answer this method",
            Self::NotFound => "there is nothing under this name",
            Self::InvalidRequest => "a parameter of the request can't be read",
            Self::Forbidden => "this request may not be made from here",
            Self::Conflict => "this contradicts what is stored",
            Self::RateLimited => "too many failed attempts: wait before the next one",
            Self::Unavailable => "this can't be answered now: try again later",
            Self::PayloadNotRaw => "the payload is not the raw body of the request",
            Self::BodyAlreadyParsed => "the body was read before it could be verified",
            Self::InvalidOption => "an option can't be used",
        }
    }

    /// Says what its reader can do about it, in every language that the verifier is used in.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::MissingSignature => {
                "pass the value of the header x-vtryon-signature; if it is not there, the request is not Vtryon's, or a proxy drops it"
            }
            Self::MalformedSignature => {
                "pass the header's value as it came: 64 hex digits, with no prefix such as sha256="
            }
            Self::MultipleSignatures => {
                "Vtryon sends the header once; see whether a proxy repeats or joins it"
            }
            Self::SignatureMismatch => {
                "verify the raw body, before anything parses it, with the secret that Vtryon shows for this URL; while it is rotated, configure both"
            }
            Self::PayloadTooLarge => {
                "raise the limit, at most to 1 MiB, if Vtryon sends you such long events"
            }
            Self::InvalidUtf8
            | Self::InvalidJson
            | Self::TooDeep
            | Self::InvalidEvent
            | Self::DuplicateKey => "the signature is good, so Vtryon sent this: keep the body and report it",
            Self::SecretMissing => {
                "set VTRYON_WEBHOOK_SECRET to the secret that Vtryon shows when the URL is registered"
            }
            Self::SecretEmpty => "anyone can sign with an empty secret; leave out one that is not set",
            Self::SecretWhitespace => "paste the secret anew, without blanks or line breaks around it",
            Self::Unauthorized => "send the credentials that this service is configured with",
            Self::MethodNotAllowed => "use a method that the header allow names",
            Self::NotFound => "see whether the path and the name are spelled as they were stored",
            Self::InvalidRequest => "the message names the parameter",
            Self::Forbidden => {
                "what changes something must carry the header that the API asks for, which no form of another page can send"
            }
            Self::Conflict => "read what is stored now, then decide anew",
            Self::RateLimited => "the header retry-after says how long to wait",
            Self::Unavailable => "Vtryon comes again, up to 5 times over 24 hours",
            Self::PayloadNotRaw => {
                "pass the bytes of the request as they came; parsed and written again, they are not what was signed"
            }
            Self::BodyAlreadyParsed => {
                "register the receiver before anything that parses bodies, or let that keep the raw bytes"
            }
            Self::InvalidOption => "the message names the option",
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
            | Self::SignatureMismatch => Self::Unauthorized,
            Self::SecretMissing | Self::SecretEmpty | Self::SecretWhitespace => Self::Unavailable,
            Self::PayloadTooLarge
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
