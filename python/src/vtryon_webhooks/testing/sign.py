"""Signs payloads as Vtryon does, and as a gateway does."""

from __future__ import annotations

import base64
import json
import re
from typing import Callable

from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.keys import Key, Secret
from vtryon_webhooks.options import Options, Scheme
from vtryon_webhooks.signature import SIGNATURE_HEADER
from vtryon_webhooks.standard_webhooks import decode_secret, seconds_of
from vtryon_webhooks.webhooks import Payload, snapshot

#: Receivers take fewer ids: a test may send one that they refuse, but none that HTTP refuses.
_VISIBLE = re.compile(r"[!-~]+")


def sign(payload: Payload, secret: Secret) -> str:
    """Returns the value of `x-vtryon-signature` for a payload: 64 lower-case hex digits.

    Raises `payload_not_raw`, and the errors of an invalid secret.
    """
    return Key(secret).mac(snapshot(payload)).hex()


def signed_headers(
    payload: Payload,
    secret: Secret,
    *,
    scheme: Scheme = "vtryon",
    webhook_id: str | None = None,
    now: Callable[[], float] | None = None,
) -> dict[str, str]:
    """Makes the headers that Vtryon sends with a payload.

    With the scheme `standard-webhooks` they are those of a gateway, which signs both ways, by the
    secret of its endpoint: `webhook_id` is the id of the message, by default `msg_test`, and `now`
    the clock, in seconds since 1970.

    Raises `invalid_option`, `payload_not_raw`, and the errors of an invalid secret.
    """
    Options(scheme=scheme, now=now)
    octets = snapshot(payload)
    headers = {"content-type": "application/json", SIGNATURE_HEADER: sign(octets, secret)}
    if scheme == "vtryon":
        # Refused, because whoever sets it expects the headers of a gateway.
        if webhook_id is not None:
            what = '`webhook_id` is of the scheme "standard-webhooks": Vtryon sends no id'
            raise WebhookError("invalid_option", what)
        return headers
    if webhook_id is None:
        webhook_id = "msg_test"
    if not isinstance(webhook_id, str) or not _VISIBLE.fullmatch(webhook_id):
        what = "`webhook_id` is not a text of visible ASCII characters"
        raise WebhookError("invalid_option", what)
    timestamp = int(seconds_of(now))
    mac = Key(secret, decode_secret).mac(f"{webhook_id}.{timestamp}.".encode() + octets)
    return {
        **headers,
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def payload_of(body: object) -> bytes:
    """Serialises the body of an event as Vtryon does: JSON without blanks, in UTF-8."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
