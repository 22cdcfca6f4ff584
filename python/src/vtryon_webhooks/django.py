"""Receives events in Django 4.2 or newer."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from functools import partial
from typing import Any, Callable, overload

from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse, RawPostDataException

from vtryon_webhooks.answer import Answer
from vtryon_webhooks.callbacks import OnError, OnEvent, OnQuarantine, is_async
from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.event import VtryonEvent
from vtryon_webhooks.options import DEFAULT_MAX_BODY_BYTES, Scheme
from vtryon_webhooks.receive import DEFAULT_DEADLINE, Delivery, Receiver, length_of
from vtryon_webhooks.secret_source import SecretSource
from vtryon_webhooks.wsgi import check_handed_on, cut_off, drained

__all__ = ["receiver"]

View = Callable[[HttpRequest], HttpResponse]
AsyncView = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]


# The first is the narrower one, and its view another: that is what there are two for.
@overload
def receiver(  # type: ignore[overload-overlap]
    on_event: Callable[[VtryonEvent], Awaitable[object]],
    *,
    secrets: SecretSource | None = None,
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
    scheme: Scheme = "vtryon",
    tolerance_seconds: int | None = None,
    now: Callable[[], float] | None = None,
    on_quarantine: OnQuarantine | None = None,
    on_error: OnError | None = None,
    deadline: float = DEFAULT_DEADLINE,
) -> AsyncView: ...


@overload
def receiver(
    on_event: OnEvent,
    *,
    secrets: SecretSource | None = None,
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
    scheme: Scheme = "vtryon",
    tolerance_seconds: int | None = None,
    now: Callable[[], float] | None = None,
    on_quarantine: OnQuarantine | None = None,
    on_error: OnError | None = None,
    deadline: float = DEFAULT_DEADLINE,
) -> View: ...


def receiver(
    on_event: OnEvent,
    *,
    secrets: SecretSource | None = None,
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
    scheme: Scheme = "vtryon",
    tolerance_seconds: int | None = None,
    now: Callable[[], float] | None = None,
    on_quarantine: OnQuarantine | None = None,
    on_error: OnError | None = None,
    deadline: float = DEFAULT_DEADLINE,
) -> View | AsyncView:
    """Makes a view, exempt from the check for CSRF: it is the signature that tells who sends.

        urlpatterns = [path("webhooks/vtryon", receiver(on_event))]

    Where `on_event` is a coroutine the view is async: then after `deadline` seconds the answer is
    503, and the coroutine is cancelled; a plain `on_quarantine` runs in a thread, which goes on.
    Reading is not cut short by it: under ASGI Django has read the body before it calls a view, and
    its clock starts after that; under WSGI a read counts, but ends when the server ends it. A
    blocking view knows no deadline. Raises `WebhookError` for options that can't be used.
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
        deadline=deadline,
    )
    view: View | AsyncView = _async_view(core) if is_async(on_event) else _view(core)
    # An attribute, for the decorator of older versions makes an async view a blocking one.
    view.csrf_exempt = True  # type: ignore[union-attr]
    return view


def _view(core: Receiver) -> View:
    core.check_blocking()

    def vtryon_webhooks(request: HttpRequest) -> HttpResponse:
        return _response(core.receive(_delivery(request, partial(_read, request))))

    return vtryon_webhooks


def _async_view(core: Receiver) -> AsyncView:
    async def vtryon_webhooks(request: HttpRequest) -> HttpResponse:
        async def body(limit: int) -> bytes:
            # Not in a thread: under ASGI the body is here, and under WSGI the event loop is this
            # request's own. A thread could go on reading the connection after the answer.
            return _read(request, limit)

        return _response(await core.receive_async(_delivery(request, body)))

    return vtryon_webhooks


def _delivery(request: HttpRequest, body: Callable[[int], bytes | Awaitable[bytes]]) -> Delivery:
    def header(name: str) -> list[str]:
        # A server joins repeated headers with a comma, which the verifier sees.
        value = request.headers.get(name)
        return [] if value is None else [value]

    return Delivery(
        method=request.method,
        header=header,
        declared_length=request.headers.get("content-length"),
        body=body,
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
    except OSError as fault:
        raise cut_off(fault) from None
    check_handed_on(_environ(request), body)
    if len(body) < declared:
        raise WebhookError("incomplete_body")
    return body


def _stream(request: HttpRequest) -> Callable[[int], bytes]:
    """Returns what reads a body without a declared length: under WSGI Django takes it for empty."""
    environ = _environ(request)
    # Set by servers that end the stream where the body ends; of others nothing can be read.
    source = environ["wsgi.input"] if environ.get("wsgi.input_terminated") else request
    read: Callable[[int], bytes] = source.read
    return read


def _environ(request: HttpRequest) -> dict[str, Any]:
    """Returns what a WSGI server has said of a request; of ASGI nothing."""
    return request.environ if isinstance(request, WSGIRequest) else {}


def _response(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, headers=answer.headers)
    # Django would log each refusal by itself, and anyone can cause one; the receiver reports them.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
