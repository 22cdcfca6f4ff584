"""Verifies requests by the Standard Webhooks specification, for receivers behind the gateway.

Vtryon's own signature covers only the body. This one also covers the id and the time of the
message, so a request that somebody sends again later is refused.
"""

from __future__ import annotations

import base64
import hmac
import math
import re
import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, Callable, Protocol, Union

from vtryon_webhooks.codes import TABLE
from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.keys import Key
from vtryon_webhooks.options import DEFAULT_TOLERANCE_SECONDS, is_finite
from vtryon_webhooks.secret_checks import check_key
from vtryon_webhooks.signature import NOT_TEXT, at_most_two, empty_body, value_bytes

#: Returns all values of a header, by its name in lower case.
GetHeader = Callable[[str], Sequence[object]]

_ID_HEADER = "webhook-id"
_TIMESTAMP_HEADER = "webhook-timestamp"
_SIGNATURE_HEADER = "webhook-signature"

# The prefix of a secret's text.
_PREFIX = b"whsec_"

# The limits of the core (`core/src/standard_webhooks/headers.rs`). An id contains no dot: with one,
# the same signature would also match another id with another body. A timestamp has no leading zero.
_ID = re.compile(rb"[\x21-\x2d\x2f-\x7e]{1,256}")
_TIMESTAMP = re.compile(rb"0|[1-9][0-9]{0,14}")
_MAX_SIGNATURES = 16
_MAX_SIGNATURE_BYTES = 4096


class RequestHeaders(Protocol):
    """The headers of a request: a `dict`, or the type of a framework."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """Lists names and values; a value may be a list of them."""


#: All headers of a request: an object with `items`, or the list of pairs that ASGI has.
AllHeaders = Union[RequestHeaders, Sequence[tuple[bytes, bytes]]]


class Message:
    """The values of the three headers, well-formed and within the tolerance, not verified yet."""

    __slots__ = ("_signatures", "_signed", "webhook_id")

    def __init__(
        self, header: GetHeader, tolerance_seconds: int | None, now: Callable[[], float] | None
    ) -> None:
        """Parses the headers, then checks the time; raises the first error."""
        webhook_id = _read_id(header(_ID_HEADER))
        timestamp = _read_timestamp(header(_TIMESTAMP_HEADER))
        self._signatures = _read_signatures(header(_SIGNATURE_HEADER))
        _check_time(timestamp, tolerance_seconds or DEFAULT_TOLERANCE_SECONDS, seconds_of(now))
        #: The value of `webhook-id`, which is the same for every attempt and replay of the message.
        self.webhook_id = webhook_id.decode()
        self._signed = b"%s.%d." % (webhook_id, timestamp)

    @staticmethod
    def mismatch(body: bytes) -> WebhookError:
        """Makes the error of a message with this body that no key signed."""
        if not body:
            return empty_body()
        return WebhookError(
            "signature_mismatch",
            hint="verify the raw body, before anything parses it, with the secret that the gateway "
            "shows for this endpoint; while it is rotated, configure both",
        )

    def is_signed_by(self, key: Key, body: bytes) -> bool:
        """Compares each signature in constant time, without an early exit."""
        mac = key.mac(self._signed + body)
        return True in [hmac.compare_digest(mac, claimed) for claimed in self._signatures]


def decode_secret(secret: bytes) -> bytes:
    """Returns the key of a secret, whose text is `whsec_` and the key in base64."""
    key = _strict_base64(secret[len(_PREFIX) :]) if secret.startswith(_PREFIX) else None
    if key is None:
        raise WebhookError(
            "invalid_option",
            "the secret is not whsec_ and base64",
            hint="configure the secret that the gateway shows for this endpoint, whsec_ included",
        )
    check_key(key)
    return key


def is_list_of_pairs(headers: object) -> bool:
    """Returns whether these are headers as ASGI has them: a list of names and values.

    Servers pass tuples, adapters such as Mangum lists.
    """
    return (
        isinstance(headers, (list, tuple))
        and len(headers) > 0
        and isinstance(headers[0], (tuple, list))
    )


def _pairs(headers: Any) -> Iterable[tuple[Any, Any]]:
    if is_list_of_pairs(headers):
        pairs: Iterable[tuple[Any, Any]] = headers
        return pairs
    items = getattr(headers, "items", None)
    return () if items is None else items()


def header_getter(headers: object) -> GetHeader:
    """Returns a function that gets the values of a header by its name in lower case.

    The names in `headers` may have any case.
    """

    def header(name: str) -> Sequence[object]:
        try:
            # Frameworks with `getlist` join repeated headers in `items`, or drop all but one.
            getlist = getattr(headers, "getlist", None)
            if getlist is not None:
                return list(islice(getlist(name), 2))
            return [
                found
                for key, value in _pairs(headers)
                if _is_named(key, name)
                for found in _as_values(value)
            ]
        except Exception:  # an object of the caller may raise anything
            return [NOT_TEXT]

    return header


def _is_named(key: object, name: str) -> bool:
    return value_bytes(key).lower() == name.encode()


def _as_values(value: object) -> Sequence[object]:
    return () if value is None else at_most_two(value)


def _multiple_signatures() -> WebhookError:
    return WebhookError(
        "multiple_signatures",
        "the header webhook-signature holds more than one value",
        hint="the gateway sends the header once, with blanks between several signatures; see "
        "whether a proxy repeats or joins it",
    )


def _single_value(values: Sequence[object]) -> bytes | None:
    """Returns the value of a header, an empty one if it is absent, and None if it is repeated."""
    if len(values) > 1:
        return None
    return value_bytes(values[0]) if values else b""


def _read_id(values: Sequence[object]) -> bytes:
    value = _single_value(values)
    if value == b"":
        raise WebhookError("missing_message_id")
    if value is None or not _ID.fullmatch(value):
        raise WebhookError("malformed_message_id")
    return value


def _read_timestamp(values: Sequence[object]) -> int:
    value = _single_value(values)
    if value == b"":
        raise WebhookError("missing_timestamp")
    if value is None or not _TIMESTAMP.fullmatch(value):
        raise WebhookError("malformed_timestamp")
    return int(value)


def _read_signatures(values: Sequence[object]) -> list[bytes]:
    """Parses the signatures of version 1, each 32 bytes in base64; skips other versions."""
    value = _single_value(values)
    if value is None:
        raise _multiple_signatures()
    if not value:
        raise WebhookError(
            "missing_signature",
            "the header webhook-signature is missing or empty",
            hint=TABLE["missing_message_id"].hint,
        )
    # Do not split a header that is too long.
    is_short = len(value) <= _MAX_SIGNATURE_BYTES
    parts = [part for part in value.split(b" ") if part] if is_short else []
    if any(part.count(b",") > 1 for part in parts):
        raise _multiple_signatures()
    if not is_short or len(parts) > _MAX_SIGNATURES:
        raise WebhookError(
            "malformed_signature",
            "the header webhook-signature holds too many signatures",
            hint="it may hold 16 signatures and 4096 bytes",
        )
    found = [_strict_base64(part[3:]) for part in parts if part.startswith(b"v1,")]
    signatures = [signature for signature in found if signature and len(signature) == 32]
    if not signatures:
        raise WebhookError(
            "malformed_signature",
            "the header webhook-signature holds no signature of version 1",
            hint="pass the header's value as it came: v1, and 44 characters of base64, or several "
            "such with blanks between them",
        )
    return signatures


def _strict_base64(digits: bytes) -> bytes | None:
    """Decodes canonical base64 (RFC 4648, 4): with padding, and with unused bits 0."""
    try:
        octets = base64.b64decode(digits, validate=True)
    except ValueError:
        return None
    return octets if base64.b64encode(octets) == digits else None


def seconds_of(now: Callable[[], float] | None) -> float:
    """Reads a clock, by default the system's; raises `invalid_option`."""
    if now is None:
        return time.time()
    try:
        seconds = now()
    except Exception:
        seconds = math.nan
    # Raised outside of `except`, so that the clock's exception is not its context.
    if not is_finite(seconds):
        raise WebhookError("invalid_option", "`now` did not return a number of seconds")
    return seconds


def _check_time(timestamp: int, tolerance: int, now: float) -> None:
    if timestamp + tolerance < now:
        raise WebhookError("timestamp_too_old")
    if timestamp > now + tolerance:
        raise WebhookError("timestamp_too_new")
