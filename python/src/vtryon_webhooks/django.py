"""Receives events in Django 4.2 or newer."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from contextlib import ExitStack
from functools import partial
from typing import Any, Callable, overload

from django.core.exceptions import RequestDataTooBig
from django.core.handlers.wsgi import WSGIRequest
from django.db import close_old_connections, connections
from django.db.transaction import atomic, set_rollback
from django.http import HttpRequest, HttpResponse, RawPostDataException

from vtryon_webhooks.answer import Answer
from vtryon_webhooks.callbacks import (
    OnError,
    OnEvent,
    OnQuarantine,
    Result,
    Work,
    attempted,
    is_async,
)
from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.event import VtryonEvent
from vtryon_webhooks.options import DEFAULT_MAX_BODY_BYTES, UNSET, Scheme, Unset
from vtryon_webhooks.receive import DEFAULT_DEADLINE, IncomingRequest, Receiver, length_of
from vtryon_webhooks.secret_source import SecretSource
from vtryon_webhooks.wsgi import check_forwarded, incomplete_body, read_all, read_error

__all__ = ["receiver"]

View = Callable[[HttpRequest], HttpResponse]
AsyncView = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]


# Two overloads: with a coroutine as `on_event` the view is async, otherwise it blocks.
@overload
def receiver(  # type: ignore[overload-overlap]
    on_event: Callable[[VtryonEvent], Awaitable[object]],
    *,
    secrets: SecretSource | Unset | None = UNSET,
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
    secrets: SecretSource | Unset | None = UNSET,
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
    scheme: Scheme = "vtryon",
    tolerance_seconds: int | None = None,
    now: Callable[[], float] | None = None,
    on_quarantine: OnQuarantine | None = None,
    on_error: OnError | None = None,
) -> View: ...


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
    deadline: float | Unset = UNSET,
) -> View | AsyncView:
    """Makes a view. It is exempt from the CSRF check and from `LoginRequiredMiddleware`.

    The signature proves the sender.

        urlpatterns = [path("webhooks/vtryon", receiver(on_event))]

    With `ATOMIC_REQUESTS`, what a blocking view has written is rolled back if it answers 503.

    If `on_event` is a coroutine function, the view is async and has no such transaction. It then
    answers 503 after `deadline` seconds and cancels the coroutine; a plain `on_quarantine` runs in
    a thread, which continues. The deadline does not interrupt the reading of the body. Under ASGI,
    Django reads the body before it calls the view, and the deadline starts after that. Under WSGI,
    the time for reading counts, but only the server can end a read. A blocking view has no
    deadline. Raises `WebhookError` for invalid options.
    """
    if deadline is UNSET:
        deadline = DEFAULT_DEADLINE
    elif not is_async(on_event):
        what = "`deadline` is for coroutine functions: nothing else can be interrupted"
        raise WebhookError("invalid_option", what)
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
        in_thread=_attempted,
    )
    view: View | AsyncView = _async_view(core) if is_async(on_event) else _view(core)
    # Set the attribute: in older versions the decorator turns an async view into a blocking one.
    view.csrf_exempt = True  # type: ignore[union-attr]
    # For `LoginRequiredMiddleware`, which would redirect every event to the login page.
    view.login_required = False  # type: ignore[union-attr]
    return view


def _view(core: Receiver) -> View:
    core.check_blocking()

    def vtryon_webhooks(request: HttpRequest) -> HttpResponse:
        aliases = [
            connection.alias
            for connection in connections.all(initialized_only=True)
            if connection.settings_dict["ATOMIC_REQUESTS"] and connection.in_atomic_block
        ]
        with ExitStack() as stack:
            # Savepoints, since the transactions may be the caller's: a test case of Django has one,
            # which it needs afterwards.
            for alias in aliases:
                stack.enter_context(atomic(using=alias))
            answer = core.receive(_incoming(request, partial(_read, request)))
            if answer.status == 503:
                # Django rolls back for an exception only, and one of a callback does not leave the
                # receiver.
                for alias in aliases:
                    set_rollback(True, using=alias)
        return _response(answer)

    return vtryon_webhooks


class _AllDatabases(set[str]):
    """Contains every alias, also of a database that is added later."""

    def __contains__(self, _: object) -> bool:
        return True


def _async_view(core: Receiver) -> AsyncView:
    async def vtryon_webhooks(request: HttpRequest) -> HttpResponse:
        async def body(limit: int) -> bytes:
            # Do not read in a thread: it could still read the connection after the answer. Under
            # ASGI the body is already in memory, and under WSGI the event loop serves this request
            # only.
            return _read(request, limit)

        return _response(await core.receive_async(_incoming(request, body)))

    # With `ATOMIC_REQUESTS` Django raises an error in place of calling an async view. Django's
    # decorator `non_atomic_requests` sets this attribute for one alias, but the aliases are in
    # settings that may not be configured yet.
    vtryon_webhooks._non_atomic_requests = _AllDatabases()  # type: ignore[attr-defined]
    return vtryon_webhooks


def _attempted(work: Work) -> Result:
    """Does work in a thread of the receiver, with database connections that can be used.

    Django replaces those that are broken or too old only around a request, in the request's thread.
    """
    close_old_connections()
    try:
        return attempted(work)
    finally:
        close_old_connections()


def _incoming(
    request: HttpRequest, body: Callable[[int], bytes | Awaitable[bytes]]
) -> IncomingRequest:
    def header(name: str) -> list[str]:
        # The server joins repeated headers with a comma; the verifier refuses the comma.
        value = request.headers.get(name)
        return [] if value is None else [value]

    return IncomingRequest(
        method=request.method,
        header=header,
        declared_length=request.headers.get("content-length"),
        body=body,
    )


def _read(request: HttpRequest, limit: int) -> bytes:
    declared = length_of(request.headers.get("content-length"))
    error = None
    try:
        # `body` is at most as long as declared, Django keeps it for later readers, and it raises an
        # error if something else has read the stream before.
        begun = getattr(request, "_read_started", False)
        body = request.body if begun or declared else read_all(_stream(request), limit + 1)
    except RawPostDataException:
        error = WebhookError("body_already_parsed")
    except RequestDataTooBig:
        # The Django project's own limit, DATA_UPLOAD_MAX_MEMORY_SIZE.
        error = WebhookError("payload_too_large")
    except Exception as fault:
        # For malformed chunks, servers raise exceptions of their own.
        error = read_error(fault)
    if error is not None:
        # Raised outside of `except`, so that the server's exception, which may quote the request,
        # is not its context.
        raise error
    check_forwarded(_environ(request), body)
    if len(body) < declared:
        raise incomplete_body()
    return body


def _stream(request: HttpRequest) -> Callable[[int], bytes]:
    """Returns the function that reads a body without a declared length.

    Under WSGI, Django itself treats such a body as empty.
    """
    environ = _environ(request)
    # Servers set this flag if their stream ends with the body; other streams can't be read.
    source = environ["wsgi.input"] if environ.get("wsgi.input_terminated") else request
    read: Callable[[int], bytes] = source.read
    return read


def _environ(request: HttpRequest) -> dict[str, Any]:
    """Returns the WSGI environment of a request; it is empty under ASGI."""
    return request.environ if isinstance(request, WSGIRequest) else {}


def _response(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, headers=answer.headers)
    # The receiver reports refusals. Without this flag Django logs each one too, and anyone can
    # cause them.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
