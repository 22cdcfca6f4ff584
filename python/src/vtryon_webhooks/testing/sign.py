"""Signs payloads as Vtryon does."""

from __future__ import annotations

import json

from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.keys import Key, Secret
from vtryon_webhooks.plain import bytes_of
from vtryon_webhooks.signature import SIGNATURE_HEADER


def sign(payload: bytes, secret: Secret) -> str:
    """Returns the value of `x-vtryon-signature` for a payload: 64 lower-case hex digits.

    Raises `payload_not_raw`, and the errors of an invalid secret.
    """
    octets = bytes_of(payload)
    if octets is None:
        raise WebhookError("payload_not_raw")
    return Key(secret).mac(octets).hex()


def signed_headers(payload: bytes, secret: Secret) -> dict[str, str]:
    """Makes the headers that Vtryon sends with a payload."""
    return {"content-type": "application/json", SIGNATURE_HEADER: sign(payload, secret)}


def payload_of(body: object) -> bytes:
    """Serialises the body of an event as Vtryon does: JSON without blanks, in UTF-8."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
