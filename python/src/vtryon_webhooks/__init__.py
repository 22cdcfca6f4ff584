"""Verifies and reads Vtryon webhooks: the same verdict on the same bytes as the gateway.

    webhooks = Webhooks()  # secrets from VTRYON_WEBHOOK_SECRET and _PREVIOUS
    event = webhooks.construct_event(raw_body, signature_header)

Adapters for Flask, FastAPI, Starlette and Django are in the modules by these names.
"""

from vtryon_webhooks.codes import Code
from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.event import STATUS_CHANGED, Status, VtryonEvent
from vtryon_webhooks.lifecycle import Outcome, Step, lifecycle_step
from vtryon_webhooks.options import DEFAULT_MAX_BODY_BYTES, Scheme
from vtryon_webhooks.secret_source import SecretSource
from vtryon_webhooks.signature import SIGNATURE_HEADER, SignatureHeader
from vtryon_webhooks.standard_webhooks import RequestHeaders
from vtryon_webhooks.strict_json import Json
from vtryon_webhooks.verified import Verified
from vtryon_webhooks.webhooks import Payload, Secrets, Webhooks

__all__ = [
    "DEFAULT_MAX_BODY_BYTES",
    "SIGNATURE_HEADER",
    "STATUS_CHANGED",
    "Code",
    "Json",
    "Outcome",
    "Payload",
    "RequestHeaders",
    "Scheme",
    "SecretSource",
    "Secrets",
    "SignatureHeader",
    "Status",
    "Step",
    "Verified",
    "VtryonEvent",
    "WebhookError",
    "Webhooks",
    "lifecycle_step",
]

__version__ = "0.1.0"
