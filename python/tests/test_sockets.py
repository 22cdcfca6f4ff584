"""The adapters behind real servers, and what only a socket can say."""

from __future__ import annotations

import asyncio
import io
import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from apps import django_asgi, django_wsgi, fastapi_app, flask_app
from exchange import PATH, request, wsgi
from servers import PATIENCE, asgi_server, runserver, spoken, status_of, werkzeug
from starlette.requests import Request
from wsgi_servers import process

from vtryon_webhooks import VtryonEvent
from vtryon_webhooks.starlette import receiver as starlette_receiver
from vtryon_webhooks.testing import event_body, payload_of, sign

SECRET = "whsec_sockets"
LIMIT = 1024
BODY = payload_of(event_body("ai-model", "queued"))

SERVERS = {
    "flask": (flask_app, werkzeug),
    "fastapi": (fastapi_app, asgi_server),
    "django-wsgi": (django_wsgi, runserver),
    "django-werkzeug": (django_wsgi, werkzeug),
    "django-asgi": (django_asgi, asgi_server),
}


@dataclass
class Receiver:
    name: str
    port: int
    events: list[VtryonEvent]


@pytest.fixture(scope="module", params=SERVERS)
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    make, serve = SERVERS[request.param]
    events: list[VtryonEvent] = []
    app = make(events.append, secrets=SECRET, max_body_bytes=LIMIT)
    with serve(app) as port:
        yield Receiver(request.param, port, events)


@pytest.fixture(autouse=True)
def _still_works(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a case has said, a good request is taken after it."""
    if "receiver" not in request.fixturenames:
        yield
        return
    receiver: Receiver = request.getfixturevalue("receiver")
    receiver.events.clear()
    yield
    receiver.events.clear()
    assert status_of(spoken(receiver.port, head(), BODY)) == 200
    assert len(receiver.events) == 1


def head(
    *lines: str, method: str = "POST", length: int | None = len(BODY), body: bytes = BODY
) -> bytes:
    """The head of a request that is signed; a length of None is not declared."""
    declared = () if length is None else (f"content-length: {length}",)
    signed = f"x-vtryon-signature: {sign(body, SECRET)}"
    all_lines = (f"{method} {PATH} HTTP/1.1", "host: localhost", *declared, signed, *lines)
    return "".join(f"{line}\r\n" for line in (*all_lines, "connection: close", "")).encode()


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def no_fault(caplog: pytest.LogCaptureFixture) -> bool:
    """Whether all log lines are INFO: an unsigned request must not raise an alarm."""
    logged = [record for record in caplog.records if record.name == "vtryon_webhooks"]
    return all(record.levelno <= logging.INFO for record in logged)


def test_good(receiver: Receiver) -> None:
    response = spoken(receiver.port, head(), BODY[:10], BODY[10:])
    assert status_of(response) == 200
    assert response.endswith(b'{"received":true}')
    assert receiver.events[-1].verified.payload == BODY


@pytest.mark.parametrize("value", [sign(BODY, SECRET), "0" * 64, ""])
def test_a_header_that_stands_twice(receiver: Receiver, value: str) -> None:
    response = spoken(receiver.port, head(f"X-Vtryon-Signature: {value}"), BODY)
    assert status_of(response) == 401
    assert receiver.events == []


def test_bytes_in_a_header(receiver: Receiver) -> None:
    request = head().replace(sign(BODY, SECRET).encode(), b"\xe9" * 64)
    assert status_of(spoken(receiver.port, request, BODY)) in (400, 401)
    assert receiver.events == []


def test_chunks(receiver: Receiver) -> None:
    request = head("transfer-encoding: chunked", length=None)
    response = spoken(receiver.port, request, chunked(BODY[:10], BODY[10:]))
    # WSGI has no place for a body without a length, if the server does not say that it ends it.
    assert status_of(response) == (503 if receiver.name == "django-wsgi" else 200)


def test_chunks_that_are_none(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    request = head("transfer-encoding: chunked", length=None)
    response = spoken(receiver.port, request, b"zz\r\n" + BODY + b"\r\n0\r\n\r\n", ends=True)
    # The server of Django's `runserver` hands on no chunks at all, which is the operator's to mend.
    assert status_of(response) in ((503,) if receiver.name == "django-wsgi" else (None, 400))
    assert no_fault(caplog) or receiver.name == "django-wsgi"


def test_too_long_as_declared(receiver: Receiver) -> None:
    """Answered by the head alone: the body is never sent."""
    if receiver.name == "django-asgi":
        pytest.skip("Django reads the whole body before a view is called")
    assert status_of(spoken(receiver.port, head(length=LIMIT + 1))) == 413
    assert status_of(spoken(receiver.port, head(length=10**30))) in (400, 413)


def test_too_long_as_counted(receiver: Receiver) -> None:
    body = BODY[:-1] + b" " * LIMIT + b"}"
    request = head("transfer-encoding: chunked", length=None, body=body)
    expected = 503 if receiver.name == "django-wsgi" else 413
    assert status_of(spoken(receiver.port, request, chunked(body))) == expected
    assert receiver.events == []


def test_too_slow() -> None:
    """Where the receiver reads; of other servers reading is up to them."""
    with asgi_server(fastapi_app(print, secrets=SECRET, deadline=0.5)) as port:
        response = spoken(port, head(), BODY[:10])
    assert status_of(response) == 408
    assert response.endswith(
        b'{"error":"body_timeout","message":"the body did not arrive in time"}'
    )


def answered_if_cut_off(receiver: Receiver) -> set[int | None]:
    """Servers of ASGI close a connection that has ended before the body; those of WSGI answer."""
    return {None} if SERVERS[receiver.name][1] is asgi_server else {400}


def test_half_closed(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """The sender stops sending before the body is whole, and listens; it wakes no operator."""
    status = status_of(spoken(receiver.port, head(), BODY[:10], ends=True))
    assert status in answered_if_cut_off(receiver)
    assert receiver.events == []
    assert no_fault(caplog)


def test_cut_off(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """What was signed has come, but less than what was declared."""
    response = spoken(receiver.port, head(length=len(BODY) + 10), BODY, ends=True)
    assert status_of(response) in answered_if_cut_off(receiver)
    assert receiver.events == []
    assert no_fault(caplog)


@pytest.mark.parametrize("app", ["flask", "django-wsgi"])
def test_cut_off_behind_gunicorn(app: str, tmp_path: Path) -> None:
    """Its stream ends where the connection did, without an error."""
    with process("gunicorn", app, SECRET, tmp_path) as (port, log):
        for first, body in ((head(), BODY[:10]), (head(length=len(BODY) + 10), BODY)):
            response = spoken(port, first, body, ends=True)
            assert status_of(response) == 400
            assert b'"error":"incomplete_body"' in response
        assert status_of(spoken(port, head(), BODY)) == 200
        # Without a configuration, Python logs warnings and errors.
        for code in ("incomplete_body", "body_already_parsed"):
            assert code not in log.read_text()


def test_cut_off_often(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """Anyone can do it without a secret, so it fills no log, whatever the level."""
    with caplog.at_level(logging.INFO):
        responses = [spoken(receiver.port, head(), BODY[:10], ends=True) for _ in range(20)]
    for answer in responses:
        assert status_of(answer) in answered_if_cut_off(receiver)
        assert not answer or b'"error":"incomplete_body"' in answer
    lines = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    assert len([line for line in lines if line.startswith("incomplete_body")]) <= 1
    assert len(lines) <= 1


def test_a_stall(caplog: pytest.LogCaptureFixture) -> None:
    """The server's own timeout ends the read of a view that blocks."""

    class Impatient(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _: object) -> int:
            raise socket.timeout

    for make in (flask_app, django_wsgi):
        caplog.clear()
        app = make(lambda _: None, secrets=SECRET)
        sent = request(BODY, SECRET)
        with caplog.at_level(logging.INFO):
            answers = [wsgi(app, sent, io.BufferedReader(Impatient())) for _ in range(5)]
        assert [answer.status for answer in answers] == [408] * 5
        assert answers[0].body.startswith(b'{"error":"body_timeout"')
        [record] = caplog.records
        assert record.getMessage().startswith("body_timeout: the body did not arrive in time")


def test_gone(receiver: Receiver) -> None:
    with socket.create_connection(("127.0.0.1", receiver.port), PATIENCE) as connection:
        connection.sendall(head() + BODY[:10])
    assert receiver.events == []


@pytest.mark.parametrize("length", ["abc", "-1", "1e3", "0x10"])
def test_a_length_that_is_none(receiver: Receiver, length: str) -> None:
    request = head(f"content-length: {length}", length=None)
    assert status_of(spoken(receiver.port, request, BODY, ends=True)) in (None, 400, 401)
    assert receiver.events == []


def test_other_methods(receiver: Receiver) -> None:
    for method in ("GET", "HEAD", "DELETE", "OPTIONS", "BREW"):
        response = spoken(receiver.port, head(method=method, length=0))
        assert status_of(response) in (405, 501)
    assert receiver.events == []


def test_a_deadline_ends_a_coroutine() -> None:
    ended = threading.Event()

    async def on_event(_: VtryonEvent) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with asgi_server(fastapi_app(on_event, secrets=SECRET, deadline=0.5)) as port:
        assert status_of(spoken(port, head(), BODY)) == 503
        assert ended.wait(PATIENCE)


def test_a_stream_without_an_end() -> None:
    """No more is read than the limit and one chunk."""
    read = 0

    async def receive() -> dict[str, Any]:
        nonlocal read
        read += 100
        assert read <= LIMIT + 100
        return {"type": "http.request", "body": b" " * 100, "more_body": True}

    async def answer() -> int:
        headers = [(b"x-vtryon-signature", b"0" * 64)]
        scope = {"type": "http", "method": "POST", "headers": headers}
        endpoint = starlette_receiver(print, secrets=SECRET, max_body_bytes=LIMIT)
        return (await endpoint(Request(scope, receive))).status_code

    assert asyncio.run(answer()) == 413
