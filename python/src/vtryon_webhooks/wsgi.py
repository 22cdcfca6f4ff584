"""Reads the bodies of requests that come through a WSGI server (PEP 3333)."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, Callable

from vtryon_webhooks.codes import TABLE
from vtryon_webhooks.errors import WebhookError

# A body that a middleware has read can't be told from one that was cut off.
_INCOMPLETE_BODY_HINT = f"{TABLE['incomplete_body'].hint}, or a middleware has read the body"


def read_all(read: Callable[[int], bytes], size: int) -> bytes:
    """Reads a stream to its end, but at most so many bytes."""
    body = bytearray()
    while len(body) < size:
        # A read may return fewer bytes than requested.
        chunk = read(size - len(body))
        if not chunk:
            break
        body += chunk
    return bytes(body)


def check_forwarded(environ: Mapping[str, Any], body: bytes) -> None:
    """Raises `unavailable` if the server did not forward a chunked body.

    WSGI does not define bodies without a declared length. Servers that decode chunks set
    `wsgi.input_terminated`; from the others the application reads an empty body. Its signature
    would not match, and the answer would wrongly blame the secret.
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


def read_error(fault: Exception) -> WebhookError:
    """Makes the error for a body that could not be read to its end."""
    found: BaseException | None = fault
    while found is not None:
        # Before Python 3.10 these are two classes.
        if isinstance(found, (TimeoutError, socket.timeout)):
            return WebhookError("body_timeout")
        # Django and Werkzeug wrap the original error in errors of their own.
        found = found.__cause__ or found.__context__
    return incomplete_body()


def incomplete_body() -> WebhookError:
    """Makes the error for a body that is shorter than declared."""
    return WebhookError("incomplete_body", hint=_INCOMPLETE_BODY_HINT)
