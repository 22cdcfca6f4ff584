"""A chunked body that the WSGI server does not hand on is reported as that, on real servers."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from apps import django_wsgi, flask_app
from exchange import PATH, request, wsgi
from servers import runserver, spoken, status_of, werkzeug
from wsgi_servers import over_asgi, process, wsgiref

from vtryon_webhooks import WebhookError
from vtryon_webhooks.testing import event_body, payload_of, sign

SECRET = "whsec_chunked"
BODY = payload_of(event_body("try-on", "queued"))

APPS = {"flask": flask_app, "django-wsgi": django_wsgi}
every_app = pytest.mark.parametrize("app", APPS)

WHAT = "unavailable: the body was sent in chunks, which the WSGI server does not hand on; "
REMEDY = "let the proxy in front buffer requests"


def chunks(body: bytes = BODY) -> tuple[bytes, bytes]:
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n"
        f"x-vtryon-signature: {sign(BODY, SECRET)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode(), b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


def declared(body: bytes = BODY) -> tuple[bytes, bytes]:
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
        f"x-vtryon-signature: {sign(BODY, SECRET)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode(), body


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    records = [record for record in caplog.records if record.levelno >= logging.ERROR]
    return [record.getMessage() for record in records]


@contextmanager
def served(serve: Any, app: str) -> Iterator[int]:
    with serve(APPS[app](lambda _: None, secrets=SECRET)) as port:
        yield port


@every_app
@pytest.mark.parametrize("serve", [wsgiref, over_asgi, runserver])
def test_servers_that_do_not_hand_chunks_on(
    serve: Any, app: str, caplog: pytest.LogCaptureFixture
) -> None:
    with served(serve, app) as port:
        responses = [spoken(port, *chunks()) for _ in range(5)]
        assert [status_of(answer) for answer in responses] == [503] * 5
        assert status_of(spoken(port, *declared())) == 200
    [message] = errors(caplog)
    assert message.startswith(WHAT)
    assert REMEDY in message


@every_app
def test_uwsgi_does_not_hand_chunks_on(app: str, tmp_path: Path) -> None:
    with process("uwsgi", app, SECRET, tmp_path) as (port, log):
        assert [status_of(spoken(port, *chunks())) for _ in range(5)] == [503] * 5
        assert status_of(spoken(port, *declared())) == 200
        assert log.read_text().count(WHAT) == 1
        assert REMEDY in log.read_text()


@every_app
@pytest.mark.parametrize("name", ["gunicorn", "waitress"])
def test_servers_that_hand_chunks_on(name: str, app: str, tmp_path: Path) -> None:
    with process(name, app, SECRET, tmp_path) as (port, log):
        assert status_of(spoken(port, *chunks())) == 200
        assert status_of(spoken(port, *declared())) == 200
        assert status_of(spoken(port, *chunks(BODY + b" "))) == 401
        # Chunks without a body in them are a body that never arrived, which the server has said.
        head, _ = chunks()
        assert status_of(spoken(port, head, b"0\r\n\r\n")) == 401
        assert "WSGI server does not hand on" not in log.read_text()


# What a stranger sends in place of chunks: none of it is signed, and none of it may be logged.
MALFORMED = {
    "a size that is no number": b"zz_private\r\n",
    "a size below zero": b"-1\r\nprivate\r\n",
    "a chunk longer than its size": b"1\r\nprivate\r\n0\r\n\r\n",
    "an end in the middle of a chunk": b"20\r\nprivate",
    "an end before the last chunk": b"7\r\nprivate\r\n",
}


@every_app
@pytest.mark.parametrize("name", ["gunicorn", "waitress"])
def test_malformed_chunks_are_the_senders_fault(name: str, app: str, tmp_path: Path) -> None:
    head, _ = chunks()
    with process(name, app, SECRET, tmp_path) as (port, log):
        for why, body in MALFORMED.items():
            response = spoken(port, head, body, ends=True)
            # waitress refuses some of them itself, or closes the connection without an answer.
            statuses: list[int | None] = [400] if name == "gunicorn" else [400, None]
            assert status_of(response) in statuses, why
            if name == "gunicorn":
                assert b'"error":"incomplete_body"' in response, why
        assert status_of(spoken(port, *chunks())) == 200
        for word in ("ERROR", "Traceback", "unavailable", "private"):
            assert word not in log.read_text()


class InvalidChunkError(Exception):
    """What a server raises for malformed chunks, with the bytes that it could not read."""


class Malformed(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise InvalidChunkError(b"zz_private")


@every_app
@pytest.mark.parametrize("length", ["", "7"])
def test_an_error_holds_no_exception_of_the_server(app: str, length: str) -> None:
    faults: list[Exception] = []
    application: Any = APPS[app](lambda _: None, secrets=SECRET, on_error=faults.append)

    def read_by_a_server(environ: dict[str, Any], start: Any) -> Any:
        more = {"CONTENT_LENGTH": length, "wsgi.input_terminated": True}
        return application({**environ, **more}, start)

    answer = wsgi(read_by_a_server, request(BODY, SECRET), Malformed())
    assert (answer.status, b"incomplete_body" in answer.body) == (400, True)
    [fault] = faults
    assert isinstance(fault, WebhookError)
    assert (fault.code, fault.__cause__, fault.__context__) == ("incomplete_body", None, None)


@every_app
def test_no_body_at_all_is_no_chunked_one(app: str, caplog: pytest.LogCaptureFixture) -> None:
    serve = werkzeug if app == "flask" else runserver
    with caplog.at_level(logging.INFO, "vtryon_webhooks"), served(serve, app) as port:
        assert status_of(spoken(port, *declared(b""))) == 401
    words = [
        record.getMessage()
        for record in caplog.records
        if "body never arrived" in record.msg % record.args
    ]
    assert len(words) == 1
    assert errors(caplog) == []
