"""Receivers behind the gateway: every adapter takes Standard Webhooks, and refuses replays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from apps import APPS, sender
from exchange import request
from test_standard_webhooks import BODY, NOW, OTHER, SECRET, signed

from vtryon_webhooks import VtryonEvent, WebhookError
from vtryon_webhooks.options import UNSET
from vtryon_webhooks.testing import HostileRequest

every_app = pytest.mark.parametrize("app", APPS)


def delivery(headers: dict[str, str], body: bytes = BODY) -> HostileRequest:
    """As the gateway sends it: with Vtryon's own signature too."""
    sent = request(body, SECRET)
    return replace(sent, headers=(*sent.headers, *headers.items()))


def taken_at(app: str, at: float, sent: HostileRequest, **options: Any) -> tuple[int, Any, Any]:
    """The status, the events, and the code that is reported."""
    events: list[VtryonEvent] = []
    faults: list[Any] = []
    options = {"secrets": [OTHER, SECRET], "scheme": "standard-webhooks", **options}
    send = sender(app, events.append, now=lambda: at, on_error=faults.append, **options)
    status = send(sent).status
    return status, [event.webhook_id for event in events], [fault.code for fault in faults]


@every_app
@pytest.mark.parametrize(
    ("at", "tolerance", "code"),
    [
        (NOW, None, None),
        (NOW + 300, None, None),
        (NOW + 301, None, "timestamp_too_old"),
        (NOW - 301, None, "timestamp_too_new"),
        (NOW + 11, 10, "timestamp_too_old"),
        (NOW + 3600, 86400, None),
    ],
)
def test_a_delivery(app: str, at: float, tolerance: int | None, code: str | None) -> None:
    answer = taken_at(app, at, delivery(signed()), tolerance_seconds=tolerance)
    assert answer == ((200, ["msg_1"], []) if code is None else (401, [], [code]))


@every_app
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_message_id"),
        ({"webhook-id": "msg_2"}, "signature_mismatch"),
        ({"webhook-id": "a.b"}, "malformed_message_id"),
        ({"webhook-timestamp": str(NOW + 1)}, "signature_mismatch"),
        ({"webhook-timestamp": f"{NOW}.5"}, "malformed_timestamp"),
        ({"webhook-signature": ""}, "missing_signature"),
        ({"webhook-signature": "v1,no"}, "malformed_signature"),
    ],
)
def test_a_request_that_is_none_of_the_gateways(
    app: str, headers: dict[str, str], code: str
) -> None:
    changed = {**signed(), **headers} if headers else {}
    assert taken_at(app, NOW, delivery(changed)) == (401, [], [code])


@every_app
def test_a_body_that_was_not_signed(app: str) -> None:
    sent = delivery(signed(), BODY.replace(b"completed", b"failed"))
    assert taken_at(app, NOW, sent) == (401, [], ["signature_mismatch"])


@every_app
def test_secrets_of_the_environment(app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET", SECRET)
    assert taken_at(app, NOW, delivery(signed()), secrets=UNSET)[0] == 200
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET", "whsec_no-base64!")
    assert taken_at(app, NOW, delivery(signed()), secrets=UNSET) == (503, [], ["invalid_option"])


@every_app
@pytest.mark.parametrize(
    "options",
    [
        {"scheme": "stripe"},
        {"tolerance_seconds": 300},
        {"scheme": "standard-webhooks", "now": 7},
        {"scheme": "standard-webhooks", "secrets": "whsec_no-base64!"},
    ],
)
def test_options(app: str, options: dict[str, Any]) -> None:
    """They are checked when the receiver is made, though the secret may come later."""
    with pytest.raises(WebhookError) as raised:
        sender(app, print, **{"secrets": None, **options})
    assert raised.value.code == "invalid_option"
