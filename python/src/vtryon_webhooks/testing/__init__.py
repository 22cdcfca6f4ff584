"""A testing kit: signed events, and hostile requests that receivers often handle wrongly."""

from vtryon_webhooks.testing.case import HostileRequest
from vtryon_webhooks.testing.events import KINDS, Kind, event_body, lifecycle
from vtryon_webhooks.testing.hostile import hostile_requests
from vtryon_webhooks.testing.sign import payload_of, sign, signed_headers

__all__ = [
    "KINDS",
    "HostileRequest",
    "Kind",
    "event_body",
    "hostile_requests",
    "lifecycle",
    "payload_of",
    "sign",
    "signed_headers",
]
