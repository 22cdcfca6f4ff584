"""Receives events in Flask 2.2 or newer."""

from __future__ import annotations

from itertools import count
from typing import Callable

from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from vtryon_webhooks.callbacks import OnError, OnEvent, OnQuarantine
from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.options import DEFAULT_MAX_BODY_BYTES, UNSET, Scheme, Unset
from vtryon_webhooks.receive import IncomingRequest, Receiver, length_of
from vtryon_webhooks.secret_source import SecretSource
from vtryon_webhooks.wsgi import check_forwarded, incomplete_body, read_all, read_error

__all__ = ["receiver"]

# Every method that Flask would otherwise answer itself; the view answers them all.
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")

_numbers = count(1)


def receiver(
    on_event: OnEvent,
    *,
    secrets: SecretSource | Unset | None = UNSET,
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
    scheme: Scheme = "vtryon",
    tolerance_seconds: int | None = None,
    now: Callable[[], float] | None = None,
    on_quarantine: OnQuarantine | None = None,
    on_error: OnError | None = None,
) -> Callable[[], Response]:
    """Makes a view of an application or a blueprint.

        app.add_url_rule("/webhooks/vtryon", view_func=receiver(on_event))

    Flask uses the view's name as its endpoint: `vtryon_webhooks` for the first receiver of the
    process, `vtryon_webhooks_2` for the next. Raises `WebhookError` for invalid options.
    """
    core = Receiver(
        on_event,
        secrets=secrets,
        max_body_bytes=max_body_bytes,
        scheme=scheme,
        tolerance_seconds=tolerance_seconds,
        now=now,
        on_quarantine=on_quarantine,
        on_error=on_error,
    )
    core.check_blocking()

    def vtryon_webhooks() -> Response:
        incoming = IncomingRequest(
            method=request.method,
            header=request.headers.getlist,
            declared_length=request.headers.get("content-length"),
            body=_read,
        )
        answer = core.receive(incoming)
        return Response(answer.body, answer.status, answer.headers)

    # Flask and Flask-WTF identify a view by its name, so each receiver needs a unique one.
    number = next(_numbers)
    vtryon_webhooks.__name__ += "" if number == 1 else f"_{number}"
    # Flask reads these attributes of a view.
    vtryon_webhooks.methods = _METHODS  # type: ignore[attr-defined]
    vtryon_webhooks.provide_automatic_options = False  # type: ignore[attr-defined]
    return vtryon_webhooks


def _read(limit: int) -> bytes:
    """Reads the stream; if it is already consumed, returns the copy that Flask has cached."""
    declared = length_of(request.headers.get("content-length"))
    # Werkzeug stores the stream in the request when something uses it for the first time.
    begun = "stream" in vars(request)
    error = None
    try:
        # At MAX_CONTENT_LENGTH Werkzeug raises an error for the read that would find the end, so
        # nothing is read after the declared length.
        body = read_all(request.stream.read, declared or limit + 1)
        if not body:
            body = request.get_data()
            # The copy is all that has arrived.
            begun = begun and not body
    except RequestEntityTooLarge:
        # The application's own limit, MAX_CONTENT_LENGTH.
        error = WebhookError("payload_too_large")
    except Exception as fault:
        # For malformed chunks, servers raise exceptions of their own.
        error = read_error(fault)
    if error is not None:
        # Raised outside of `except`, so that the server's exception, which may quote the request,
        # is not its context.
        raise error
    check_forwarded(request.environ, body)
    if len(body) < declared:
        # From a server that sets `wsgi.input_terminated`, a body that was cut off just ends.
        raise WebhookError("body_already_parsed") if begun else incomplete_body()
    return body
