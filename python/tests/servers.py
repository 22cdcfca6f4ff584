"""Real servers on loopback, and a connection that says what no client would."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.serving import make_server

# A test that hangs fails; that is all the time limit is for.
PATIENCE = 120


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, as in the base class
        pass


@contextmanager
def _served(server: Any) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join(PATIENCE)
        server.server_close()


@contextmanager
def werkzeug(app: Any) -> Iterator[int]:
    with _served(make_server("127.0.0.1", 0, app, threaded=True)) as port:
        yield port


@contextmanager
def runserver(app: Any) -> Iterator[int]:
    """The server of Django's `runserver`."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(app)
    with _served(server) as port:
        yield port


@contextmanager
def asgi_server(app: Any) -> Iterator[int]:
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off")
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()


def spoken(port: int, *parts: bytes, ends: bool = False) -> bytes:
    """Says something to a server, and returns what it says until it closes or has answered."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        response = b""
        # A server may answer and close while this still speaks: what it has said can be read.
        with suppress(OSError):
            for part in parts:
                connection.sendall(part)
            if ends:
                connection.shutdown(socket.SHUT_WR)
        try:
            while not _is_whole(response):
                chunk = connection.recv(65536)
                if not chunk:
                    break
                response += chunk
        except OSError:
            # Closed by the server.
            pass
        return response


def _is_whole(response: bytes) -> bool:
    head, found, body = response.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.lower().split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            return len(body) >= int(value)
    return False


def status_of(response: bytes) -> int | None:
    """The status of an answer; None where the connection was closed without one."""
    return int(response.split(b" ", 2)[1]) if response.startswith(b"HTTP/") else None
