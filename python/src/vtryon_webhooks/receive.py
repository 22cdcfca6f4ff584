"""The one flow that all adapters share: from a request to its answer, which never raises."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Awaitable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Optional

from vtryon_webhooks.answer import Answer, acknowledged, refused
from vtryon_webhooks.errors import Code, WebhookError
from vtryon_webhooks.event import VtryonEvent, parse
from vtryon_webhooks.report import Report
from vtryon_webhooks.webhooks import DEFAULT_MAX_BODY_BYTES, Secrets, Webhooks

#: Takes the event. The answer is 200 after it has returned, and 503 when it raises.
OnEvent = Callable[[VtryonEvent], object]
#: Takes a signed body that can't be read, and why; without it the answer is 400.
OnQuarantine = Callable[[bytes, WebhookError], object]
#: Is told why a request was not answered with 200, instead of the log.
OnError = Callable[[Exception], object]

#: How long reading and handling may take together, in seconds, where they can be stopped.
DEFAULT_DEADLINE = 10.0

# What the flow asks to be done: called where the adapter blocks, and awaited where it does not.
_Work = Callable[[], Any]
_Outcome = tuple[Any, Optional[Exception]]


@dataclass(frozen=True)
class Delivery:
    """One request, as an adapter hands it over."""

    method: str | None
    #: All values of the signature's header.
    signature: Sequence[str | bytes]
    #: The value of `content-length`, where there is one.
    declared_length: str | None
    #: Reads the raw body, at most so many bytes and one: then it is `payload_too_large`.
    body: Callable[[int], bytes | Awaitable[bytes]]


class Receiver:
    """Receives deliveries, either blocking or as coroutines."""

    def __init__(
        self,
        on_event: OnEvent,
        *,
        secrets: Secrets | None = None,
        max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
        on_quarantine: OnQuarantine | None = None,
        on_error: OnError | None = None,
        deadline: float = DEFAULT_DEADLINE,
    ) -> None:
        """Checks the options and prepares the secrets, so that what is wrong shows at start-up."""
        for name, value in (("on_quarantine", on_quarantine), ("on_error", on_error)):
            if value is not None and not callable(value):
                raise WebhookError("invalid_option", f"`{name}` can't be called")
        if not callable(on_event):
            raise WebhookError("invalid_option", "`on_event` can't be called")
        if not _is_duration(deadline):
            message = "`deadline` is not a positive number of seconds"
            raise WebhookError("invalid_option", message)
        self._webhooks = Webhooks(secrets, max_body_bytes=max_body_bytes)
        self._on_event = on_event
        self._on_quarantine = on_quarantine
        self._deadline = deadline
        self._report = Report(on_error)

    def check_blocking(self) -> None:
        """Refuses callbacks that are coroutines, where nothing could await them."""
        callbacks = {"on_event": self._on_event, "on_quarantine": self._on_quarantine}
        for name, callback in callbacks.items():
            if is_async(callback):
                raise WebhookError("invalid_option", f"`{name}` is async, and its server is not")

    def receive(self, delivery: Delivery) -> Answer:
        """Answers a delivery, and blocks until that is done."""
        flow = self._flow(delivery)
        try:
            work = next(flow)
            while True:
                result, fault = _called(work)
                work = flow.send(result) if fault is None else flow.throw(fault)
        except StopIteration as end:
            answer: Answer = end.value
            return answer

    async def receive_async(self, delivery: Delivery) -> Answer:
        """Answers a delivery within the deadline; what takes longer is cancelled."""
        task = asyncio.ensure_future(self._awaited(delivery))
        try:
            await asyncio.wait({task}, timeout=self._deadline)
            if task.done() and not task.cancelled():
                return task.result()
        finally:
            task.cancel()
        what = "a callback was cancelled" if task.done() else "the deadline has passed"
        return self._refuse("unavailable", WebhookError("unavailable", what))

    async def _awaited(self, delivery: Delivery) -> Answer:
        flow = self._flow(delivery)
        try:
            work = next(flow)
            while True:
                result, fault = await _waited(work)
                work = flow.send(result) if fault is None else flow.throw(fault)
        except StopIteration as end:
            answer: Answer = end.value
            return answer

    def _flow(self, delivery: Delivery) -> Generator[_Work, Any, Answer]:
        """Yields what is to be done, and is sent its result or thrown its exception."""
        try:
            handle = yield from self._open(delivery)
        except WebhookError as error:
            return self._refuse(error.code, error)
        except Exception as fault:
            return self._refuse("unavailable", fault)
        try:
            yield handle
        except Exception as fault:
            return self._refuse("unavailable", fault, of_callback=True)
        return acknowledged()

    def _open(self, delivery: Delivery) -> Generator[_Work, Any, _Work]:
        """Reads, verifies and parses; returns which callback is owed what."""
        if delivery.method != "POST":
            raise WebhookError("method_not_allowed")
        self._webhooks.admit(delivery.signature, length_of(delivery.declared_length))
        body = yield partial(delivery.body, self._webhooks.max_body_bytes)
        verified = self._webhooks.verify(body, delivery.signature)
        try:
            return partial(self._on_event, parse(verified))
        except WebhookError as error:
            if self._on_quarantine is None:
                raise
            return partial(self._on_quarantine, verified.payload, error)

    def _refuse(self, code: Code, fault: Exception, *, of_callback: bool = False) -> Answer:
        self._report(fault, of_callback=of_callback)
        return refused(code)


def length_of(declared: str | None) -> int:
    """Reads a `content-length`; what is no number was the server's to refuse, and counts as 0."""
    if declared is None or not (declared.isascii() and declared.isdigit()):
        return 0
    # 20 digits are past every limit, and int() refuses thousands of them.
    return int(declared[:20])


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


def is_async(callback: Any) -> bool:
    """Tells whether a call returns a coroutine, as far as that shows before it is made."""
    call = getattr(type(callback), "__call__", None)  # noqa: B004, of an object that is a function
    return inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(call)


def _attempted(work: _Work) -> _Outcome:
    """Catches what is raised: a `StopIteration` could leave neither a thread nor a generator."""
    try:
        return work(), None
    except Exception as fault:
        return None, fault


def _called(work: _Work) -> _Outcome:
    result, fault = _attempted(work)
    if inspect.iscoroutine(result):
        result.close()
    if inspect.isawaitable(result):
        return None, TypeError("a callback returned an awaitable, and its server is not async")
    return result, fault


async def _waited(work: _Work) -> _Outcome:
    """Awaits work; what blocks is done in a thread, so that the server goes on meanwhile."""
    function = work.func if isinstance(work, partial) else work
    here = is_async(function)
    result, fault = _attempted(work) if here else await asyncio.to_thread(_attempted, work)
    if not inspect.isawaitable(result):
        return result, fault
    try:
        return await result, None
    except Exception as raised:
        return None, raised


def _is_duration(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value > 0  # type: ignore[arg-type, operator]
