"""Parses and compares the header `x-vtryon-signature`."""

from __future__ import annotations

import binascii
import hmac
from collections.abc import Sequence
from itertools import islice
from typing import Union

from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.keys import Key
from vtryon_webhooks.plain import bytes_of, text_of

#: The request header that carries the signature, in lower case.
SIGNATURE_HEADER = "x-vtryon-signature"

#: The value of the header, or a sequence of all its values.
SignatureHeader = Union[str, bytes, Sequence[Union[str, bytes]], None]

#: Replaces a value that is not text; as a header it is malformed.
NOT_TEXT = b"\xff"


class Claim:
    """The well-formed signature of a request, not verified yet."""

    __slots__ = ("_signature",)

    #: Vtryon's own scheme has no message id.
    webhook_id = None

    def __init__(self, header: object) -> None:
        """Parses the values of the header."""
        self._signature = parse_signature(header)

    @staticmethod
    def mismatch(body: bytes) -> WebhookError:
        """Makes the error of a body that no key signed."""
        return WebhookError("signature_mismatch") if body else empty_body()

    def is_signed_by(self, key: Key, body: bytes) -> bool:
        """Returns whether the key signs the body with this signature; compares in constant time."""
        return hmac.compare_digest(key.mac(body), self._signature)


def empty_body() -> WebhookError:
    """Makes the error of a body that is empty and was not signed empty."""
    return WebhookError(
        "signature_mismatch",
        "the body is empty, and it was not signed empty",
        hint="the body never arrived: something read it before it was verified, or a proxy "
        "dropped it; pass the raw body, before any parser",
    )


def parse_signature(header: object) -> bytes:
    """Parses a signature: 64 hex digits of either case, and no other form.

    Raises `missing_signature` if there is no value or an empty one, and `multiple_signatures` if
    there are two, even equal ones, or a comma (HTTP joins repeated headers with a comma, RFC 9110,
    5.3). Raises `malformed_signature` for everything else.
    """
    values = _values(header)
    if not values:
        raise WebhookError("missing_signature")
    if len(values) > 1:
        raise WebhookError("multiple_signatures")
    value = value_bytes(values[0])
    if not value:
        raise WebhookError("missing_signature")
    if b"," in value:
        raise WebhookError("multiple_signatures")
    if len(value) == 64:
        try:
            return binascii.unhexlify(value)
        except ValueError:
            pass
    raise WebhookError("malformed_signature")


def _values(header: object) -> list[object]:
    if header is None:
        return []
    try:
        return at_most_two(header)
    except Exception:  # an object of the caller may raise anything
        return [NOT_TEXT]


def at_most_two(value: object) -> list[object]:
    """Lists one value, or the first two of a sequence, because two are already an error."""
    # A buffer is one value, and not a sequence of numbers.
    if isinstance(value, (str, bytes, bytearray, memoryview)) or not isinstance(value, Sequence):
        return [value]
    return list(islice(value, 2))


def value_bytes(value: object) -> bytes:
    """Returns a header's value as bytes."""
    text = text_of(value)
    if text is not None:
        return text.encode("utf-8", "surrogatepass")
    octets = bytes_of(value)
    return NOT_TEXT if octets is None else octets
