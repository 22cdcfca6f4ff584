//! The summary and the hint of each code.

use super::Code;

impl Code {
    /// Returns one sentence that says what the code means. Errors use it when nothing more exact is known.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::MissingSignature => "the signature header is missing or empty",
            Self::MalformedSignature => "the signature header is not 64 hex digits",
            Self::MultipleSignatures => "the signature header holds more than one value",
            Self::SignatureMismatch => "no configured secret made this signature over these bytes",
            Self::MissingMessageId => "the header webhook-id is missing or empty",
            Self::MalformedMessageId => "the header webhook-id is not an id",
            Self::MissingTimestamp => "the header webhook-timestamp is missing or empty",
            Self::MalformedTimestamp => "the header webhook-timestamp is not a number of seconds since 1970",
            Self::TimestampTooOld => "the message was signed too long ago",
            Self::TimestampTooNew => "the message was signed at a time that lies in the future",
            Self::IncompleteBody => "the connection ended before the body did",
            Self::BodyTimeout => "the body did not arrive in time",
            Self::PayloadTooLarge => "the body is longer than the limit",
            Self::InvalidUtf8 => "the body is not UTF-8",
            Self::InvalidJson => "the body is not JSON",
            Self::TooDeep => "the JSON nests too deep",
            Self::InvalidEvent => "the body is not a Vtryon event",
            Self::DuplicateKey => "a field of the event occurs twice",
            Self::SecretMissing => "no secret is configured",
            Self::SecretEmpty => "the secret is empty",
            Self::SecretWhitespace => "the secret begins or ends with whitespace",
            Self::SecretQuoted => "the secret has quotes around it",
            Self::SecretInvisible => "the secret holds a character that can't be seen",
            Self::SecretPlaceholder => "the secret is a placeholder and not its value",
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

    /// Returns what to do about it, in words that fit every language of the packages.
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
            Self::MissingMessageId | Self::MissingTimestamp => {
                "pass the values of webhook-id, webhook-timestamp and webhook-signature; if they are not there, the request is not the gateway's, or a proxy drops them"
            }
            Self::MalformedMessageId => {
                "pass the one value of the header as it came: visible ASCII without dots, at most 256 characters"
            }
            Self::MalformedTimestamp => {
                "pass the header's value as it came: decimal digits, with no sign, blank or leading zero"
            }
            Self::TimestampTooOld => {
                "a request that was sent before comes again, or a clock is wrong: set the clock of this machine by NTP, or raise the tolerance"
            }
            Self::TimestampTooNew => {
                "a clock is wrong, or the timestamp is in milliseconds: set the clock of this machine by NTP, and sign the time in seconds"
            }
            Self::IncompleteBody => {
                "send as many bytes as content-length says, or all chunks and the last one; see whether a proxy cuts the request off"
            }
            Self::BodyTimeout => "send the whole body at once; see whether a proxy holds it back",
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
            Self::SecretQuoted => {
                "remove the quotes around the value: shells strip them, but dashboards, YAML and docker --env-file may keep them"
            }
            Self::SecretInvisible => {
                "type the value again or paste it as plain text: a byte order mark, a no-break space, a zero-width or a control character came with it"
            }
            Self::SecretPlaceholder => {
                "set the variable to the secret itself: a program wrote undefined or null for a value it did not have, or a template was not filled in"
            }
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
}
