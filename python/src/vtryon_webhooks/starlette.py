"""Receives events in Starlette and FastAPI."""

from __future__ import annotations

from typing import Any, Callable, overload

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from vtryon_webhooks.callbacks import OnError, OnEvent, OnQuarantine
from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.options import DEFAULT_MAX_BODY_BYTES, UNSET, Scheme, Unset
from vtryon_webhooks.receive import DEFAULT_DEADLINE, IncomingRequest, Receiver, length_of
from vtryon_webhooks.secret_source import SecretSource

__all__ = ["WebhookEndpoint", "receiver"]


class WebhookEndpoint:
    """The endpoint of a route; it can also be called with a request, as a view."""

    def __init__(self, core: Receiver) -> None:
        """Takes the receiver that answers the requests."""
        self._core = core

    @overload
    async def __call__(self, scope: Request) -> Response: ...

    @overload
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    async def __call__(
        self, scope: Any, receive: Receive | None = None, send: Send | None = None
    ) -> Response | None:
        """Answers a request, as a view or as an ASGI application.

        A route calls an object as an ASGI application.
        """
        if receive is None or send is None:
            return await self.respond(scope)
        if scope["type"] == "websocket":
            # Handshakes come to a mounted application too. Closed before it is accepted: a 403.
            await WebSocketClose()(scope, receive, send)
            return None
        response = await self.respond(Request(scope, receive))
        await response(scope, receive, send)
        return None

    async def respond(self, request: Request) -> Response:
        """Answers a request.

        Use this method with `add_api_route`, which reads the annotations of a view.
        """
        declared = request.headers.get("content-length")

        async def body(limit: int) -> bytes:
            return await _read(request, limit, length_of(declared))

        incoming = IncomingRequest(
            method=request.method,
            header=request.headers.getlist,
            declared_length=declared,
            body=body,
        )
        answer = await self._core.receive_async(incoming)
        return Response(answer.body, answer.status, answer.headers)


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
    deadline: float = DEFAULT_DEADLINE,
) -> WebhookEndpoint:
    """Makes an endpoint.

        app.add_route("/webhooks/vtryon", receiver(on_event))

    It needs asyncio. Reading and handling may take `deadline` seconds together; then the answer is
    503, and a coroutine is cancelled. Other callbacks run in a thread, which continues, so set
    timeouts on what they wait for. Raises `WebhookError` for invalid options.
    """
    return WebhookEndpoint(
        Receiver(
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
    )


async def _read(request: Request, limit: int, declared: int) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise WebhookError("payload_too_large")
    except ClientDisconnect:
        raise WebhookError("incomplete_body") from None
    except RuntimeError:
        # Starlette raises it if a form parser or another reader has consumed the stream.
        raise WebhookError("body_already_parsed") from None
    # A body that was cut off raises `ClientDisconnect`, so something else has read what is missing:
    # `BaseHTTPMiddleware` passes on what it has left of a stream.
    if len(body) < declared:
        raise WebhookError("body_already_parsed")
    return bytes(body)
