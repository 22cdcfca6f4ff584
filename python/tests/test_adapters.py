"""Every adapter, through its real framework: the same request, the same answer."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from apps import APPS, sender
from exchange import PATH, Answer, request
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

import vtryon_webhooks.starlette
from vtryon_webhooks import VtryonEvent, WebhookError
from vtryon_webhooks.testing import event_body, hostile_requests, lifecycle, payload_of

SECRET = "whsec_adapters"
BODY = payload_of(event_body("try-on", "completed", "task_private"))

# Where every method is the adapter's own to answer.
WHOLE = [name for name in APPS if name != "fastapi-view"]
ASYNC = [name for name in APPS if name not in ("flask", "django-wsgi")]

RECEIVED = b'{"received":true}'
UNAUTHORIZED = (
    b'{"error":"unauthorized","message":"the credentials of this request are missing or wrong"}'
)
TOO_LARGE = b'{"error":"payload_too_large","message":"the body is longer than the limit"}'
OTHER_METHOD = b'{"error":"method_not_allowed","message":"this path does not answer this method"}'
NOT_JSON = b'{"error":"invalid_json","message":"the body is not JSON"}'
LATER = b'{"error":"unavailable","message":"this can\'t be answered now: try again later"}'

every_app = pytest.mark.parametrize("app", APPS)


def raising(fault: BaseException) -> Any:
    def on_event(*_: object) -> None:
        raise fault

    return on_event


async def coroutine_raising(_: VtryonEvent) -> None:
    raise ValueError("task_private")


async def cancelled(_: VtryonEvent) -> None:
    raise asyncio.CancelledError


def levels(caplog: pytest.LogCaptureFixture) -> list[int]:
    return [record.levelno for record in caplog.records if record.name == "vtryon_webhooks"]


def later(answer: Answer) -> bool:
    return (answer.status, answer.body, answer.headers.get("retry-after")) == (503, LATER, "10")


@every_app
@pytest.mark.parametrize("quarantine", [False, True])
def test_hostile_requests(app: str, quarantine: bool) -> None:
    events: list[bytes] = []
    quarantined: list[bytes] = []
    options = (
        {"on_quarantine": lambda payload, error: quarantined.append(payload)} if quarantine else {}
    )
    send = sender(
        app, lambda event: events.append(event.verified.payload), secrets=SECRET, **options
    )
    for hostile in hostile_requests(SECRET):
        before = len(events), len(quarantined)
        answer = send(hostile)
        assert answer.status in hostile.statuses, f"{hostile.name} ({hostile.why})"
        taken = [*events[before[0] :], *quarantined[before[1] :]]
        expected = [hostile.body] if answer.status == 200 else []
        assert taken == expected, f"{hostile.name} ({hostile.why})"
    assert bool(quarantined) == quarantine


@every_app
def test_a_lifecycle(app: str) -> None:
    events: list[VtryonEvent] = []
    send = sender(app, events.append, secrets=["whsec_new", SECRET])
    for body in lifecycle("recolor", ends="failed"):
        assert send(request(payload_of(body), SECRET)).body == RECEIVED
    assert [event.status for event in events] == ["queued", "processing", "failed"]
    assert {event.verified.secret_index for event in events} == {1}
    assert events[-1].error_message == "no garment was found in the photo"


@every_app
def test_answers(app: str) -> None:
    send = sender(app, lambda event: None, secrets=SECRET, max_body_bytes=len(BODY))
    forged = request(BODY, "whsec_stranger")
    for sent, status, body in (
        (request(BODY, SECRET), 200, RECEIVED),
        (forged, 401, UNAUTHORIZED),
        (request(BODY, SECRET, headers=(("x-vtryon-signature", "x"),)), 401, UNAUTHORIZED),
        (request(BODY + b" ", SECRET), 413, TOO_LARGE),
        (request(BODY + b" ", "whsec_stranger"), 413, TOO_LARGE),
        (request(b"{", SECRET), 400, NOT_JSON),
    ):
        answer = send(sent)
        assert (answer.status, answer.body) == (status, body)
        assert answer.headers["content-type"] == "application/json"


def test_a_mounted_receiver() -> None:
    """It gets WebSocket handshakes too, and a path without a slash at its end is redirected."""
    endpoint = vtryon_webhooks.starlette.receiver(lambda event: None, secrets=SECRET)
    client = TestClient(Starlette(routes=[Mount(PATH, endpoint)]), follow_redirects=False)
    headers = dict(request(BODY, SECRET).headers)
    for path, status in ((f"{PATH}/", 200), (PATH, 307)):
        assert client.post(path, content=BODY, headers=headers).status_code == status
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(f"{PATH}/"):
        pass


@pytest.mark.parametrize("app", WHOLE)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods(app: str, method: str) -> None:
    answer = sender(app, raising(AssertionError()), secrets=SECRET)(request(BODY, SECRET, method))
    assert (answer.status, answer.body) == (405, OTHER_METHOD)
    assert answer.headers["allow"] == "POST"


@every_app
@pytest.mark.parametrize(
    "fault",
    [
        ValueError("task_private"),
        StopIteration(),
        WebhookError("signature_mismatch"),
        KeyError(BODY),
    ],
    ids=repr,
)
def test_a_callback_that_raises(
    app: str, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    assert later(sender(app, raising(fault), secrets=SECRET)(request(BODY, SECRET)))
    record = next(record for record in caplog.records if record.name == "vtryon_webhooks")
    assert record.levelno == logging.ERROR
    assert type(fault).__name__ in record.getMessage()
    assert "raise fault" in record.getMessage()
    assert "task_private" not in caplog.text
    send = sender(app, lambda _: None, secrets=SECRET, on_quarantine=raising(fault))
    assert later(send(request(b"{", SECRET)))


@pytest.mark.parametrize("app", ASYNC)
@pytest.mark.parametrize("on_event", [coroutine_raising, cancelled])
def test_a_coroutine_that_raises(app: str, on_event: Any) -> None:
    assert later(sender(app, on_event, secrets=SECRET)(request(BODY, SECRET)))


@pytest.mark.parametrize("app", ASYNC)
def test_a_deadline(app: str, caplog: pytest.LogCaptureFixture) -> None:
    ends: list[str] = []

    async def on_event(_: VtryonEvent) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    assert later(sender(app, on_event, secrets=SECRET, deadline=0.5)(request(BODY, SECRET)))
    assert ends == ["cancelled"]
    assert levels(caplog) == [logging.WARNING]


@pytest.mark.parametrize("app", ["flask", "django-wsgi"])
def test_a_coroutine_where_nothing_awaits_it(app: str) -> None:
    with pytest.raises(WebhookError, match="`on_quarantine` is async"):
        sender(app, lambda _: None, secrets=SECRET, on_quarantine=coroutine_raising)
    # What does not show beforehand is not acknowledged either.
    send = sender(app, lambda event: coroutine_raising(event), secrets=SECRET)
    assert later(send(request(BODY, SECRET)))


@every_app
def test_reports(app: str, caplog: pytest.LogCaptureFixture) -> None:
    faults: list[Exception] = []
    fault = ValueError("mine")
    send = sender(app, raising(fault), secrets=SECRET, on_error=faults.append)
    send(request(BODY, SECRET))
    send(request(BODY, "whsec_stranger"))
    assert faults[0] is fault
    assert isinstance(faults[1], WebhookError)
    assert faults[1].code == "signature_mismatch"
    broken = sender(app, raising(fault), secrets=SECRET, on_error=raising(fault))
    assert later(broken(request(BODY, SECRET)))
    caplog.clear()
    with caplog.at_level(logging.INFO, "vtryon_webhooks"):
        sender(app, raising(fault), secrets=SECRET)(request(BODY, "whsec_stranger"))
    [record] = [record for record in caplog.records if record.name == "vtryon_webhooks"]
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("signature_mismatch: no configured secret made")


@every_app
@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 65, b'{"event":"x","event":"y"}'])
def test_a_signed_body_that_cannot_be_read(
    app: str, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Vtryon would drop the event, so it has to be seen."""
    with caplog.at_level(logging.INFO, "vtryon_webhooks"):
        answer = sender(app, print, secrets=SECRET)(request(body, SECRET))
    assert answer.status == 400
    assert levels(caplog) == [logging.ERROR]


@every_app
@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"on_event": None}, "invalid_option"),
        ({"on_quarantine": 1}, "invalid_option"),
        ({"on_error": 1}, "invalid_option"),
        ({"max_body_bytes": 0}, "invalid_option"),
        ({"secrets": ""}, "secret_empty"),
        ({"secrets": [SECRET, " x"]}, "secret_whitespace"),
        ({"secrets": f'"{SECRET}"'}, "secret_quoted"),
        ({"secrets": f"\ufeff{SECRET}"}, "secret_invisible"),
        ({"secrets": "${VTRYON_WEBHOOK_SECRET}"}, "secret_placeholder"),
    ],
)
def test_options(app: str, options: dict[str, Any], code: str) -> None:
    with pytest.raises(WebhookError) as raised:
        sender(app, **{"on_event": print, "secrets": SECRET, **options})
    assert raised.value.code == code


@pytest.mark.parametrize("app", ASYNC)
@pytest.mark.parametrize(
    "deadline",
    [0, -1, float("inf"), float("nan"), pytest.param(10**400, id="10**400"), True, "1", None],
)
def test_deadlines(app: str, deadline: Any) -> None:
    with pytest.raises(WebhookError, match="`deadline` is not a positive number"):
        sender(app, coroutine_raising, secrets=SECRET, deadline=deadline)
