"""Every error code with its status, its summary and its hint."""

from __future__ import annotations

from typing import Literal, NamedTuple

Code = Literal[
    "missing_signature",
    "malformed_signature",
    "multiple_signatures",
    "signature_mismatch",
    "missing_message_id",
    "malformed_message_id",
    "missing_timestamp",
    "malformed_timestamp",
    "timestamp_too_old",
    "timestamp_too_new",
    "incomplete_body",
    "body_timeout",
    "payload_too_large",
    "invalid_utf8",
    "invalid_json",
    "too_deep",
    "invalid_event",
    "duplicate_key",
    "secret_missing",
    "secret_empty",
    "secret_whitespace",
    "secret_quoted",
    "secret_invisible",
    "secret_placeholder",
    "unauthorized",
    "method_not_allowed",
    "not_found",
    "invalid_request",
    "forbidden",
    "conflict",
    "rate_limited",
    "unavailable",
    "payload_not_raw",
    "body_already_parsed",
    "invalid_option",
]


class Row(NamedTuple):
    """A code's HTTP status, the code that an unauthenticated sender sees, and its texts."""

    status: int
    public: Code
    summary: str
    hint: str


_SIGNED = "the signature is good, so Vtryon sent this: keep the body and report it"
_STANDARD_HEADERS = (
    "pass the values of webhook-id, webhook-timestamp and webhook-signature; if they "
    "are not there, the request is not the gateway's, or a proxy drops them"
)

# Held to the table of the Rust core (`core/src/error/`) by a test.
TABLE: dict[Code, Row] = {
    "missing_signature": Row(
        401,
        "unauthorized",
        "the signature header is missing or empty",
        "pass the value of the header x-vtryon-signature; "
        "if it is not there, the request is not Vtryon's, or a proxy drops it",
    ),
    "malformed_signature": Row(
        401,
        "unauthorized",
        "the signature header is not 64 hex digits",
        "pass the header's value as it came: 64 hex digits, with no prefix such as sha256=",
    ),
    "multiple_signatures": Row(
        401,
        "unauthorized",
        "the signature header holds more than one value",
        "Vtryon sends the header once; see whether a proxy repeats or joins it",
    ),
    "signature_mismatch": Row(
        401,
        "unauthorized",
        "no configured secret made this signature over these bytes",
        "verify the raw body, before anything parses it, with the secret that Vtryon shows "
        "for this URL; while it is rotated, configure both",
    ),
    "missing_message_id": Row(
        401,
        "unauthorized",
        "the header webhook-id is missing or empty",
        _STANDARD_HEADERS,
    ),
    "malformed_message_id": Row(
        401,
        "unauthorized",
        "the header webhook-id is not an id",
        "pass the one value of the header as it came: visible ASCII without dots, "
        "at most 256 characters",
    ),
    "missing_timestamp": Row(
        401,
        "unauthorized",
        "the header webhook-timestamp is missing or empty",
        _STANDARD_HEADERS,
    ),
    "malformed_timestamp": Row(
        401,
        "unauthorized",
        "the header webhook-timestamp is not a number of seconds since 1970",
        "pass the header's value as it came: decimal digits, with no sign, blank or leading zero",
    ),
    "timestamp_too_old": Row(
        401,
        "unauthorized",
        "the message was signed too long ago",
        "a request that was sent before comes again, or a clock is wrong: set the clock "
        "of this machine by NTP, or raise the tolerance",
    ),
    "timestamp_too_new": Row(
        401,
        "unauthorized",
        "the message was signed at a time that lies in the future",
        "a clock is wrong, or the timestamp is in milliseconds: set the clock of this "
        "machine by NTP, and sign the time in seconds",
    ),
    "incomplete_body": Row(
        400,
        "incomplete_body",
        "the connection ended before the body did",
        "send as many bytes as content-length says, or all chunks and the last one; see "
        "whether a proxy cuts the request off",
    ),
    "body_timeout": Row(
        408,
        "body_timeout",
        "the body did not arrive in time",
        "send the whole body at once; see whether a proxy holds it back",
    ),
    "payload_too_large": Row(
        413,
        "payload_too_large",
        "the body is longer than the limit",
        "raise the limit, at most to 1 MiB, if Vtryon sends you such long events",
    ),
    "invalid_utf8": Row(400, "invalid_utf8", "the body is not UTF-8", _SIGNED),
    "invalid_json": Row(400, "invalid_json", "the body is not JSON", _SIGNED),
    "too_deep": Row(400, "too_deep", "the JSON nests too deep", _SIGNED),
    "invalid_event": Row(400, "invalid_event", "the body is not a Vtryon event", _SIGNED),
    "duplicate_key": Row(400, "duplicate_key", "a field of the event occurs twice", _SIGNED),
    "secret_missing": Row(
        503,
        "unavailable",
        "no secret is configured",
        "set VTRYON_WEBHOOK_SECRET to the secret that Vtryon shows when the URL is registered",
    ),
    "secret_empty": Row(
        503,
        "unavailable",
        "the secret is empty",
        "anyone can sign with an empty secret; leave out one that is not set",
    ),
    "secret_whitespace": Row(
        503,
        "unavailable",
        "the secret begins or ends with whitespace",
        "paste the secret anew, without blanks or line breaks around it",
    ),
    "secret_quoted": Row(
        503,
        "unavailable",
        "the secret has quotes around it",
        "remove the quotes around the value: shells strip them, but dashboards, YAML and "
        "docker --env-file may keep them",
    ),
    "secret_invisible": Row(
        503,
        "unavailable",
        "the secret holds a character that can't be seen",
        "type the value again or paste it as plain text: a byte order mark, a no-break "
        "space, a zero-width or a control character came with it",
    ),
    "secret_placeholder": Row(
        503,
        "unavailable",
        "the secret is a placeholder and not its value",
        "set the variable to the secret itself: a program wrote undefined or null for a "
        "value it did not have, or a template was not filled in",
    ),
    "unauthorized": Row(
        401,
        "unauthorized",
        "the credentials of this request are missing or wrong",
        "send the credentials that this service is configured with",
    ),
    "method_not_allowed": Row(
        405,
        "method_not_allowed",
        "this path does not answer this method",
        "use a method that the header allow names",
    ),
    "not_found": Row(
        404,
        "not_found",
        "there is nothing under this name",
        "see whether the path and the name are spelled as they were stored",
    ),
    "invalid_request": Row(
        400,
        "invalid_request",
        "a parameter of the request can't be read",
        "the message names the parameter",
    ),
    "forbidden": Row(
        403,
        "forbidden",
        "this request may not be made from here",
        "what changes something must carry the header that the API asks for, "
        "which no form of another page can send",
    ),
    "conflict": Row(
        409,
        "conflict",
        "this contradicts what is stored",
        "read what is stored now, then decide anew",
    ),
    "rate_limited": Row(
        429,
        "rate_limited",
        "too many failed attempts: wait before the next one",
        "the header retry-after says how long to wait",
    ),
    "unavailable": Row(
        503,
        "unavailable",
        "this can't be answered now: try again later",
        "Vtryon comes again, up to 5 times over 24 hours",
    ),
    "payload_not_raw": Row(
        500,
        "payload_not_raw",
        "the payload is not the raw body of the request",
        "pass the bytes of the request as they came; "
        "parsed and written again, they are not what was signed",
    ),
    "body_already_parsed": Row(
        500,
        "body_already_parsed",
        "the body was read before it could be verified",
        "register the receiver before anything that parses bodies, or let that keep the raw bytes",
    ),
    "invalid_option": Row(
        500,
        "invalid_option",
        "an option can't be used",
        "the message names the option",
    ),
}
