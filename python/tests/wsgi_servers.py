"""Servers of WSGI, each in a process or thread of its own, on a free port of loopback."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable
from wsgiref.simple_server import WSGIRequestHandler, make_server

import a2wsgi
from servers import PATIENCE, asgi_server

TESTS = Path(__file__).parent

# What the processes serve; events are taken and forgotten.
APPLICATION = """
import sys
sys.path[:0] = [{tests!r}, {source!r}]
from apps import APPS
application = APPS[{app!r}][0](lambda event: None, secrets={secret!r})
"""


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, as in the base class
        pass


@contextmanager
def wsgiref(app: Any) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join(PATIENCE)
        server.server_close()


@contextmanager
def over_asgi(app: Any) -> Iterator[int]:
    with asgi_server(a2wsgi.WSGIMiddleware(app)) as port:
        yield port


def _gunicorn(port: int) -> list[str]:
    return ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "application"]


def _waitress(port: int) -> list[str]:
    return ["-m", "waitress", f"--listen=127.0.0.1:{port}", "application:application"]


def _uwsgi(port: int) -> list[str]:
    arguments = ["--http-socket", f"127.0.0.1:{port}", "--wsgi-file", "application.py"]
    main = f"import pyuwsgi; pyuwsgi.run({[*arguments, '--need-app', '--die-on-term']!r})"
    return ["-c", main]


PROCESSES: dict[str, Callable[[int], list[str]]] = {
    "gunicorn": _gunicorn,
    "waitress": _waitress,
    "uwsgi": _uwsgi,
}


@contextmanager
def process(name: str, app: str, secret: str, folder: Path) -> Iterator[tuple[int, Path]]:
    """Serves an application in another process; yields the port and the file of its log."""
    source = str(TESTS.parent / "src")
    text = APPLICATION.format(tests=str(TESTS), source=source, app=app, secret=secret)
    (folder / "application.py").write_text(text)
    log = folder / "log"
    port = _free_port()
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, *PROCESSES[name](port)],
            cwd=folder,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_served(server, port, log)
        yield port, log
    finally:
        server.terminate()
        server.wait(PATIENCE)


def _free_port() -> int:
    """Finds a free port below those that the system chooses from: it stays free."""
    while True:
        port = random.randrange(20_000, 30_000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


def _wait_until_served(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        assert server.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"waited for the server to listen: {log.read_text()}")
