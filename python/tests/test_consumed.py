"""A body that something else has read is refused, unless its raw bytes are cached."""

from __future__ import annotations

import io
import logging
from typing import Any

import django.http
import pytest
from apps import django_asgi, django_wsgi, fastapi_app, flask_app, starlette_app
from django.conf import settings
from exchange import PATH, Answer, asgi, request, wsgi
from fastapi import Depends, FastAPI
from flask import request as flask_request
from servers import PATIENCE
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vtryon_webhooks.fastapi import receiver
from vtryon_webhooks.testing import HostileRequest, event_body, payload_of, sign

SECRET = "whsec_consumed"
BODY = payload_of(event_body("poses", "queued"))
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"

PARSED = (
    b'{"error":"body_already_parsed","message":"the body was read before it could be verified: '
    b"register the receiver before anything that parses bodies, "
    b'or let that keep the raw bytes"}'
)


def sent(content_type: str) -> HostileRequest:
    headers = (("content-type", content_type), ("x-vtryon-signature", sign(BODY, SECRET)))
    return HostileRequest("consumed", "", "POST", headers, BODY, ())


def check(answer: Answer, cached: bool) -> None:
    assert (answer.status, answer.body) == (
        (200, b'{"received":true}') if cached else (500, PARSED)
    )


@pytest.mark.parametrize(
    ("read", "content_type", "cached"),
    [
        (lambda: flask_request.get_data(), FORM, True),
        (lambda: flask_request.get_json(), JSON, True),
        (lambda: flask_request.form, JSON, True),
        (lambda: flask_request.form, FORM, False),
        (lambda: flask_request.values, MULTIPART, False),
        (lambda: flask_request.get_data(parse_form_data=True), FORM, False),
        (lambda: flask_request.stream.read(), JSON, False),
        (lambda: flask_request.stream.read(5), JSON, False),
    ],
)
@pytest.mark.parametrize("terminated", [False, True])
def test_flask(read: Any, content_type: str, cached: bool, terminated: bool) -> None:
    app = flask_app(lambda event: None, secrets=SECRET)

    @app.before_request
    def before() -> None:
        read()

    check(wsgi(app, sent(content_type), terminated=terminated), cached)


class WsgiReader:
    """A middleware of WSGI that reads the body, and puts no new stream in its place."""

    def __init__(self, app: Any, size: int) -> None:
        self.app = app
        self.size = size

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["wsgi.input"].read(self.size)
        return self.app(environ, start_response)


@pytest.mark.parametrize("make", [flask_app, django_wsgi])
@pytest.mark.parametrize("size", [-1, 5])
@pytest.mark.parametrize("terminated", [False, True])
def test_wsgi_middleware(
    make: Any, size: int, terminated: bool, caplog: pytest.LogCaptureFixture
) -> None:
    app = WsgiReader(make(lambda event: None, secrets=SECRET), size)
    with caplog.at_level(logging.INFO, "vtryon_webhooks"):
        assert wsgi(app, sent(JSON), terminated=terminated).status == 400
    assert "or a middleware has read the body" in caplog.text


def test_flask_with_a_copy_of_a_body_that_was_cut_off() -> None:
    app = flask_app(lambda event: None, secrets=SECRET)

    @app.before_request
    def before() -> None:
        flask_request.get_data()

    answer = wsgi(app, sent(JSON), io.BytesIO(BODY[:10]), terminated=True)
    assert (answer.status, b'"error":"incomplete_body"' in answer.body) == (400, True)


async def read_stream(request: Request) -> None:
    async for _ in request.stream():
        pass


async def read_chunk(request: Request) -> None:
    async for _ in request.stream():
        break


async def read_body(request: Request) -> None:
    await request.body()


async def read_json(request: Request) -> None:
    await request.json()


async def read_form(request: Request) -> None:
    await request.form()


READERS = [
    (read_body, JSON, True),
    (read_json, JSON, True),
    (read_form, JSON, True),
    (read_form, FORM, False),
    (read_stream, JSON, False),
    (read_chunk, JSON, False),
]


@pytest.mark.parametrize(("read", "content_type", "cached"), READERS)
@pytest.mark.parametrize("make", [starlette_app, fastapi_app])
def test_middleware(make: Any, read: Any, content_type: str, cached: bool) -> None:
    async def dispatch(request: Request, call_next: Any) -> Any:
        await read(request)
        return await call_next(request)

    app = make(lambda event: None, secrets=SECRET)
    app.add_middleware(BaseHTTPMiddleware, dispatch=dispatch)
    check(asgi(app, sent(content_type)), cached)


@pytest.mark.parametrize(("read", "content_type", "cached"), READERS)
def test_dependency(read: Any, content_type: str, cached: bool) -> None:
    app = FastAPI()
    endpoint = receiver(lambda event: None, secrets=SECRET)

    @app.post(PATH, dependencies=[Depends(read)])
    async def vtryon(request: Request) -> Response:
        return await endpoint.respond(request)

    check(asgi(app, sent(content_type)), cached)


class ReadsFirst:
    """A plain ASGI middleware, which has to pass on a `receive` that gives the body again."""

    def __init__(self, app: ASGIApp, *, again: bool) -> None:
        self.app = app
        self.again = again

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()

        async def receive_again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, receive_again if self.again else receive, send)


@pytest.mark.parametrize(("again", "status"), [(True, 200), (False, 408)])
def test_asgi_middleware(again: bool, status: int, caplog: pytest.LogCaptureFixture) -> None:
    # Without the body, the receiver waits until its deadline.
    deadline = PATIENCE if again else 0.2
    app = starlette_app(lambda event: None, secrets=SECRET, deadline=deadline)
    app.add_middleware(ReadsFirst, again=again)
    with caplog.at_level(logging.INFO, "vtryon_webhooks"):
        assert asgi(app, sent(JSON)).status == status
    assert ("or a middleware has read it and passed on" in caplog.text) == (status == 408)


class Reader:
    """A middleware of Django that reads, blocking or not."""

    async_capable = False

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: django.http.HttpRequest) -> Any:
        self.read(request)
        return self.get_response(request)

    def read(self, request: django.http.HttpRequest) -> object:
        raise NotImplementedError


class ReadsBody(Reader):
    def read(self, request: django.http.HttpRequest) -> object:
        return request.body


class ReadsPost(Reader):
    def read(self, request: django.http.HttpRequest) -> object:
        return request.POST


class ReadsStream(Reader):
    def read(self, request: django.http.HttpRequest) -> object:
        return request.read(5)


@pytest.mark.parametrize(("make", "call"), [(django_wsgi, wsgi), (django_asgi, asgi)])
@pytest.mark.parametrize(
    ("reader", "content_type", "cached"),
    [
        (ReadsBody, JSON, True),
        (ReadsPost, JSON, True),
        (ReadsPost, FORM, True),
        (ReadsPost, MULTIPART, False),
        (ReadsStream, JSON, False),
    ],
)
def test_django(
    make: Any,
    call: Any,
    reader: type[Reader],
    content_type: str,
    cached: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "MIDDLEWARE", [f"{__name__}.{reader.__name__}"])
    check(call(make(lambda event: None, secrets=SECRET), sent(content_type)), cached)


def test_django_without_a_length(monkeypatch: pytest.MonkeyPatch) -> None:
    app = django_asgi(lambda event: None, secrets=SECRET)
    check(asgi(app, sent(JSON), declared=False), cached=True)
    monkeypatch.setattr(settings, "MIDDLEWARE", [f"{__name__}.ReadsStream"])
    check(asgi(django_asgi(lambda event: None, secrets=SECRET), sent(JSON), declared=False), False)


@pytest.mark.parametrize("terminated", [False, True])
@pytest.mark.parametrize(("limit", "status"), [(len(BODY) - 1, 413), (len(BODY), 200)])
def test_a_lower_limit_of_the_framework(
    limit: int, status: int, terminated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    flask = flask_app(lambda event: None, secrets=SECRET)
    flask.config["MAX_CONTENT_LENGTH"] = limit
    monkeypatch.setattr(settings, "DATA_UPLOAD_MAX_MEMORY_SIZE", limit)
    for app in (flask, django_wsgi(lambda event: None, secrets=SECRET)):
        assert wsgi(app, request(BODY, SECRET), terminated=terminated).status == status
