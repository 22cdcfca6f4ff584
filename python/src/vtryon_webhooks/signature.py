"""The one form of the signature's header."""

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

#: All values of the header, or its one value.
SignatureHeader = Union[str, bytes, Sequence[Union[str, bytes]], None]

#: Stands for a value that is no text at all: malformed like any other.
NO_TEXT = b"\xff"


class Claim:
    """The signature that a request claims, of the right form, and not verified."""

    __slots__ = ("_signature",)

    #: Vtryon's own scheme has no id.
    webhook_id = None

    def __init__(self, header: object) -> None:
        """Reads the values of the header."""
        self._signature = claimed_by(header)

    def is_signed_by(self, key: Key, body: bytes) -> bool:
        """Compares in constant time."""
        return hmac.compare_digest(key.mac(body), self._signature)


def claimed_by(header: object) -> bytes:
    """Reads the signature that a request claims: 64 hex digits of either case, no other form.

    Raises `missing_signature` when there is none or it is empty, `multiple_signatures` when there
    are two, equal or not, or a list (HTTP joins repeated headers with a comma, RFC 9110, 5.3), else
    `malformed_signature`.
    """
    values = _values(header)
    if not values:
        raise WebhookError("missing_signature")
    if len(values) > 1:
        raise WebhookError("multiple_signatures")
    value = octets_of_value(values[0])
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
    """Lists the first two values: what matters is whether there is exactly one."""
    if header is None:
        return []
    try:
        if isinstance(header, (str, bytes)) or not isinstance(header, Sequence):
            return [header]
        return list(islice(header, 2))
    except Exception:  # an object may raise anything when it is asked what it is
        return [NO_TEXT]


def octets_of_value(value: object) -> bytes:
    """Returns the bytes of a header's value."""
    text = text_of(value)
    if text is not None:
        return text.encode("utf-8", "surrogatepass")
    octets = bytes_of(value)
    return NO_TEXT if octets is None else octets
