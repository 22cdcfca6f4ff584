//! The mistakes that a diagnosis can find, and how each was recognised.

/// What a sender, a proxy or a configuration most likely gets wrong. A later version may know further mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mistake {
    /// A configured secret made the signature.
    VerifiesNow,
    /// A former secret of Vtryon's, which is no longer configured, made it.
    RetiredSecret,
    /// The secret of one of the gateway's endpoints made it.
    EndpointSecret,
    /// It is valid except for a prefix such as `sha256=`.
    Prefixed,
    /// It is valid but written in base64.
    Base64Signature,
    /// It is the SHA-256 of the body, made without a secret.
    PlainHash,
    /// The sender's secret ends with a space or a line break.
    SecretWithWhitespace,
    /// The sender's secret has quotes around it.
    SecretQuoted,
    /// The sender's secret begins with a byte order mark.
    SecretWithBom,
    /// The sender leaves out `whsec_` at the beginning of the secret.
    SecretPrefixStripped,
    /// The sender's secret begins with `whsec_`, the configured one does not.
    SecretPrefixMissing,
    /// The sender decodes the secret from base64 or hex before using it.
    SecretDecoded,
    /// The same JSON was signed with other whitespace between its tokens.
    BodyReserialised,
    /// The body was signed without the line break at its end.
    NewlineAdded,
    /// The body was signed with a line break at its end.
    NewlineTrimmed,
    /// The body was signed with other line ends.
    LineEndsChanged,
    /// There is no signature.
    EmptyHeader,
    /// The signature has less than 64 hex digits.
    TruncatedHeader,
    /// The header holds more than one signature.
    RepeatedHeader,
    /// The header has the form of Standard Webhooks.
    StandardWebhooks,
    /// The header has the form of Stripe.
    StripeForm,
    /// The signature is as long as those of another algorithm.
    OtherAlgorithm,
    /// The header has a form that is not known here.
    OtherForm,
    /// The body is empty, but another body was signed.
    BodyEmpty,
    /// The header has the right form, but only the beginning of the body was stored.
    BodyIncomplete,
    /// No variant makes the signature valid.
    Unknown,
}

/// How a mistake was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// Nothing was recognised.
    None,
    /// By the form of the request, which anyone can send.
    Form,
    /// By a signature that only the holder of a known secret can make.
    Secret,
}

impl Mistake {
    /// Returns how it was recognised. Samples with stronger evidence are worth keeping over unauthenticated ones.
    pub const fn evidence(self) -> Evidence {
        match self {
            Self::VerifiesNow
            | Self::RetiredSecret
            | Self::EndpointSecret
            | Self::Prefixed
            | Self::Base64Signature
            | Self::SecretWithWhitespace
            | Self::SecretQuoted
            | Self::SecretWithBom
            | Self::SecretPrefixStripped
            | Self::SecretPrefixMissing
            | Self::SecretDecoded
            | Self::BodyReserialised
            | Self::NewlineAdded
            | Self::NewlineTrimmed
            | Self::LineEndsChanged => Evidence::Secret,
            Self::PlainHash
            | Self::BodyEmpty
            | Self::EmptyHeader
            | Self::TruncatedHeader
            | Self::RepeatedHeader
            | Self::StandardWebhooks
            | Self::StripeForm
            | Self::OtherAlgorithm
            | Self::OtherForm => Evidence::Form,
            Self::BodyIncomplete | Self::Unknown => Evidence::None,
        }
    }

    /// All mistakes.
    pub const ALL: [Self; 26] = [
        Self::VerifiesNow,
        Self::RetiredSecret,
        Self::EndpointSecret,
        Self::Prefixed,
        Self::Base64Signature,
        Self::PlainHash,
        Self::SecretWithWhitespace,
        Self::SecretQuoted,
        Self::SecretWithBom,
        Self::SecretPrefixStripped,
        Self::SecretPrefixMissing,
        Self::SecretDecoded,
        Self::BodyReserialised,
        Self::NewlineAdded,
        Self::NewlineTrimmed,
        Self::LineEndsChanged,
        Self::EmptyHeader,
        Self::TruncatedHeader,
        Self::RepeatedHeader,
        Self::StandardWebhooks,
        Self::StripeForm,
        Self::OtherAlgorithm,
        Self::OtherForm,
        Self::BodyEmpty,
        Self::BodyIncomplete,
        Self::Unknown,
    ];

    /// Returns the name, in `snake_case`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifiesNow => "verifies_now",
            Self::RetiredSecret => "retired_secret",
            Self::EndpointSecret => "endpoint_secret",
            Self::Prefixed => "prefixed",
            Self::Base64Signature => "base64_signature",
            Self::PlainHash => "plain_hash",
            Self::SecretWithWhitespace => "secret_with_whitespace",
            Self::SecretQuoted => "secret_quoted",
            Self::SecretWithBom => "secret_with_bom",
            Self::SecretPrefixStripped => "secret_prefix_stripped",
            Self::SecretPrefixMissing => "secret_prefix_missing",
            Self::SecretDecoded => "secret_decoded",
            Self::BodyReserialised => "body_reserialised",
            Self::NewlineAdded => "newline_added",
            Self::NewlineTrimmed => "newline_trimmed",
            Self::LineEndsChanged => "line_ends_changed",
            Self::EmptyHeader => "empty_header",
            Self::TruncatedHeader => "truncated_header",
            Self::RepeatedHeader => "repeated_header",
            Self::StandardWebhooks => "standard_webhooks",
            Self::StripeForm => "stripe_form",
            Self::OtherAlgorithm => "other_algorithm",
            Self::OtherForm => "other_form",
            Self::BodyEmpty => "body_empty",
            Self::BodyIncomplete => "body_incomplete",
            Self::Unknown => "unknown",
        }
    }

    /// Returns one sentence that says what is likely wrong and what to do about it.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::VerifiesNow => {
                "a configured secret made this signature, so the request would be accepted now: the secret was configured after it came"
            }
            Self::RetiredSecret => {
                "a secret that is no longer configured made this signature: give the sender the current one, or configure the old one as the previous one until it is replaced"
            }
            Self::EndpointSecret => {
                "the secret of one of this gateway's own endpoints made this signature: a delivery was sent back to the gateway, or the sender is configured with the wrong secret"
            }
            Self::Prefixed => {
                "the signature is good but has a prefix such as sha256=: send the 64 hex digits alone"
            }
            Self::Base64Signature => "the signature is good but written in base64: send it as 64 hex digits",
            Self::PlainHash => {
                "this is the SHA-256 of the body without any secret: compute HMAC-SHA256 with the secret as its key"
            }
            Self::SecretWithWhitespace => {
                "the sender's secret ends with a blank or a line break: paste it there again, without them"
            }
            Self::SecretQuoted => {
                "the sender's secret has quotes around it: remove them there, for they are no part of the key"
            }
            Self::SecretWithBom => {
                "the sender's secret begins with a byte order mark: its file was saved with one, so save it as UTF-8 without"
            }
            Self::SecretPrefixStripped => {
                "the sender keys on what comes after whsec_: use the whole text of the secret as the key"
            }
            Self::SecretPrefixMissing => {
                "the sender's secret begins with whsec_ and the one configured here does not: configure its whole text"
            }
            Self::SecretDecoded => {
                "the sender decodes the secret before it keys on it: use the text of the secret as the key, as it stands"
            }
            Self::BodyReserialised => {
                "the body was signed with other blanks between its JSON tokens: sign and send the same bytes, and let nothing on the way parse the body and write it again"
            }
            Self::NewlineAdded => {
                "whitespace was added at the end of the body after it was signed: sign and send the same bytes, and look for what appends a line break"
            }
            Self::NewlineTrimmed => {
                "a line break at the end of the body was lost after it was signed: sign and send the same bytes, and look for what trims the body"
            }
            Self::LineEndsChanged => {
                "the line ends of the body were changed after it was signed: let nothing on the way treat it as text"
            }
            Self::EmptyHeader => {
                "the request carries no signature: it is not Vtryon's, or a proxy drops the header x-vtryon-signature"
            }
            Self::TruncatedHeader => {
                "the signature has less than 64 hex digits: see what cuts it off, a column or a field of a form for example"
            }
            Self::RepeatedHeader => {
                "the header holds more than one signature: see whether a proxy repeats or joins it"
            }
            Self::StandardWebhooks => {
                "the header has the form of Standard Webhooks, v1 and base64: the sender signs for another kind of receiver"
            }
            Self::StripeForm => {
                "the header has the form of Stripe, t= and v1=: the sender signs for another kind of receiver"
            }
            Self::OtherAlgorithm => {
                "the signature is as long as one of MD5, SHA-1, SHA-384 or SHA-512: compute HMAC-SHA256"
            }
            Self::OtherForm => {
                "the header is not 64 hex digits, and nothing that was tried on it fits: send HMAC-SHA256 of the raw body as 64 hex digits"
            }
            Self::BodyEmpty => {
                "the body never arrived: the sender signed one and sent none, or something on the way dropped it, a redirect from http to https for example"
            }
            Self::BodyIncomplete => {
                "only the beginning of the body was kept, so nothing could be tried on it: compare the sender's secret with the one configured here"
            }
            Self::Unknown => {
                "no secret that is known here made this signature: the sender's secret is another one, or the body was changed on its way"
            }
        }
    }
}
