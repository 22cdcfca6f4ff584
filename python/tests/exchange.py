"""One request to an application, as a WSGI or ASGI server hands it over, and its answer."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Any, Callable

from vtryon_webhooks.testing import HostileRequest, signed_headers

PATH = "/webhooks/vtryon"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


Send = Callable[[HostileRequest], Answer]


def request(
    body: bytes,
    secret: str,
    method: str = "POST",
    headers: tuple[tuple[str, str], ...] = (),
) -> HostileRequest:
    """A signed request, with further headers."""
    signed = tuple(signed_headers(body, secret).items())
    return HostileRequest("request", "", method, (*signed, *headers), body, ())


def wsgi(
    app: Callable[[dict[str, Any], Any], Iterable[bytes]],
    sent: HostileRequest,
    stream: IO[bytes] | None = None,
    *,
    terminated: bool = False,
) -> Answer:
    """Calls an application of WSGI (PEP 3333); repeated headers are joined, as servers do.

    A server whose stream ends with the body sets `wsgi.input_terminated`, as Gunicorn does.
    """
    environ: dict[str, Any] = {
        "REQUEST_METHOD": sent.method,
        "PATH_INFO": PATH,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(sent.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(sent.body) if stream is None else stream,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if terminated:
        environ["wsgi.input_terminated"] = True
    for name, value in sent.headers:
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    started: list[Any] = []
    chunks = app(environ, lambda status, headers, *_: started.extend((status, headers)))
    body = b"".join(chunks)
    if hasattr(chunks, "close"):
        chunks.close()
    status, headers = started
    return Answer(int(status[:3]), {name.lower(): value for name, value in headers}, body)


def asgi(app: Any, sent: HostileRequest, *, declared: bool = True) -> Answer:
    """Calls an application of ASGI; the body comes in two parts, its length declared or not."""
    return asyncio.run(_asgi(app, sent, declared))


async def _asgi(app: Any, sent: HostileRequest, declared: bool) -> Answer:
    half = len(sent.body) // 2
    parts: list[dict[str, Any]] = [
        {"type": "http.request", "body": sent.body[:half], "more_body": True},
        {"type": "http.request", "body": sent.body[half:], "more_body": False},
    ]
    answered = asyncio.Event()
    messages: list[Any] = []

    async def receive() -> dict[str, Any]:
        if parts:
            return parts.pop(0)
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    length = [(b"content-length", b"%d" % len(sent.body))] if declared else []
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in sent.headers]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": sent.method,
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"localhost"), *length, *raw],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }
    await app(scope, receive, send)
    start, *rest = messages
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], headers, b"".join(part.get("body", b"") for part in rest))
