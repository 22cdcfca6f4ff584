"""Receives events in Django 4.2 or newer."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Callable, Union

from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, RawPostDataException

from vtryon_webhooks.answer import Answer
from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.receive import (
    DEFAULT_DEADLINE,
    Delivery,
    OnError,
    OnEvent,
    OnQuarantine,
    Receiver,
    drained,
    is_async,
    length_of,
)
from vtryon_webhooks.signature import SIGNATURE_HEADER
from vtryon_webhooks.webhooks import DEFAULT_MAX_BODY_BYTES, Secrets

__all__ = ["receiver"]

View = Callable[[HttpRequest], Union[HttpResponse, Awaitable[HttpResponse]]]


def receiver(
    on_event: OnEvent,
    *,
    secrets: Secrets | None = None,
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
    on_quarantine: OnQuarantine | None = None,
    on_error: OnError | None = None,
    deadline: float = DEFAULT_DEADLINE,
) -> View:
    """Makes a view, exempt from the check for CSRF: it is the signature that tells who sends.

        urlpatterns = [path("webhooks/vtryon", receiver(on_event))]

    Where `on_event` is a coroutine the view is async: then callbacks that are not run in a thread,
    and after `deadline` seconds the answer is 503. Raises `WebhookError` for options that can't be
    used.
    """
    core = Receiver(
        on_event,
        secrets=secrets,
        max_body_bytes=max_body_bytes,
        on_quarantine=on_quarantine,
        on_error=on_error,
        deadline=deadline,
    )
    view = _async_view(core) if is_async(on_event) else _view(core)
    # An attribute, for the decorator of older versions makes an async view a blocking one.
    view.csrf_exempt = True  # type: ignore[attr-defined]
    return view


def _view(core: Receiver) -> View:
    core.check_blocking()

    def vtryon_webhooks(request: HttpRequest) -> HttpResponse:
        return _response(core.receive(_delivery(request)))

    return vtryon_webhooks


def _async_view(core: Receiver) -> View:
    async def vtryon_webhooks(request: HttpRequest) -> HttpResponse:
        return _response(await core.receive_async(_delivery(request)))

    return vtryon_webhooks


def _delivery(request: HttpRequest) -> Delivery:
    # A server joins repeated headers with a comma, which the verifier sees.
    signature = request.headers.get(SIGNATURE_HEADER)
    return Delivery(
        method=request.method,
        signature=[] if signature is None else [signature],
        declared_length=request.headers.get("content-length"),
        body=lambda limit: _read(request, limit),
    )


def _read(request: HttpRequest, limit: int) -> bytes:
    declared = length_of(request.headers.get("content-length"))
    try:
        # `body` is no longer than what is declared, it is kept for whoever asks later, and it fails
        # where another reader was first.
        begun = getattr(request, "_read_started", False)
        body = request.body if begun or declared else drained(_stream(request), limit)
    except RawPostDataException:
        raise WebhookError("body_already_parsed") from None
    except RequestDataTooBig:
        # The project has a limit of its own, DATA_UPLOAD_MAX_MEMORY_SIZE.
        raise WebhookError("payload_too_large") from None
    except OSError:
        raise WebhookError("unavailable", "the body did not come whole") from None
    if len(body) < declared:
        raise WebhookError("unavailable", "the body did not come whole")
    return body


def _stream(request: HttpRequest) -> Callable[[int], bytes]:
    """Returns what reads a body without a declared length: under WSGI Django takes it for empty."""
    environ = request.environ if isinstance(request, WSGIRequest) else {}
    # Set by servers that end the stream where the body ends; of others nothing can be read.
    source = environ["wsgi.input"] if environ.get("wsgi.input_terminated") else request
    read: Callable[[int], bytes] = source.read
    return read


def _response(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=answer.headers)
