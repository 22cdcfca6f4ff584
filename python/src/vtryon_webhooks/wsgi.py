"""What a server of WSGI (PEP 3333) hands on of a request's body, and what it does not."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, Callable

from vtryon_webhooks.errors import WebhookError


def drained(read: Callable[[int], bytes], limit: int) -> bytes:
    """Reads a stream to its end, but no further than one byte past the limit."""
    body = bytearray()
    while len(body) <= limit:
        # It may return less than it is asked for.
        chunk = read(limit + 1 - len(body))
        if not chunk:
            break
        body += chunk
    return bytes(body)


def check_handed_on(environ: Mapping[str, Any], body: bytes) -> None:
    """Refuses to judge a chunked body that never reached the application.

    WSGI has no place for a body without a declared length. Servers that decode chunks say so by
    `wsgi.input_terminated`; of the others nothing can be read, and an empty body would be taken
    for one that a wrong secret has signed.
    """
    is_chunked = environ.get("HTTP_TRANSFER_ENCODING") and not environ.get("CONTENT_LENGTH")
    if body or not is_chunked or environ.get("wsgi.input_terminated"):
        return
    raise WebhookError(
        "unavailable",
        "the body was sent in chunks, which the WSGI server does not hand on",
        hint="let the proxy in front buffer requests, as nginx does by default, so that they carry "
        "content-length; or serve with Gunicorn or waitress, which decode chunks",
    )


def cut_off(fault: Exception) -> WebhookError:
    """Makes the error of a body that can't be read to its end."""
    found: BaseException | None = fault
    while found is not None:
        # These are two classes until Python 3.10.
        if isinstance(found, (TimeoutError, socket.timeout)):
            return WebhookError("body_timeout")
        # Django and Werkzeug raise errors of their own while they handle it.
        found = found.__cause__ or found.__context__
    return WebhookError("incomplete_body")
