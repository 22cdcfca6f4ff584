"""Serves an application on loopback until its standard input ends; prints the port."""

from __future__ import annotations

import sys

from apps import APPS
from exchange import asgi
from servers import asgi_server, runserver, werkzeug

SECRET = "whsec_test"


def main(name: str) -> None:
    """Serves the application with this name; events are taken and forgotten."""
    make, call = APPS[name]
    app = make(lambda _event: None, secrets=SECRET, on_error=lambda _error: None)
    server = asgi_server if call is asgi else werkzeug if name == "flask" else runserver
    with server(app) as port:
        print(port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1])
