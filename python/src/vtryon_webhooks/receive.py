"""Receives requests for all adapters: from a request to its answer, without raising."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable, Literal

from vtryon_webhooks.answer import Answer, acknowledged, refused
from vtryon_webhooks.callbacks import (
    OnError,
    OnEvent,
    OnQuarantine,
    Result,
    Threads,
    Work,
    attempted,
    check_callable,
    check_plain,
    is_async,
    not_run_reason,
)
from vtryon_webhooks.codes import TABLE
from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.event import parse
from vtryon_webhooks.options import (
    DEFAULT_MAX_BODY_BYTES,
    UNSET,
    Options,
    Scheme,
    Unset,
    is_finite,
)
from vtryon_webhooks.report import Report, Stage
from vtryon_webhooks.secret_source import PreparedSecrets, SecretSource
from vtryon_webhooks.standard_webhooks import GetHeader
from vtryon_webhooks.webhooks import Webhooks

#: The default deadline for reading and handling together, in seconds. Blocking servers
#: can't enforce it.
DEFAULT_DEADLINE = 10.0

# Under ASGI, `receive` waits for the end of the connection after it has passed on the body.
_BODY_TIMEOUT_HINT = (
    f"{TABLE['body_timeout'].hint}, or a middleware has read it and passed on the same `receive`"
)


@dataclass(frozen=True)
class IncomingRequest:
    """One request, as an adapter passes it on."""

    method: str | None
    #: Returns all values of a header, by its name in lower case.
    header: GetHeader
    #: The value of `content-length`, if there is one.
    declared_length: str | None
    #: Reads the raw body, at most so many bytes and one: then it is `payload_too_large`.
    body: Callable[[int], bytes | Awaitable[bytes]]


@dataclass
class Progress:
    """The progress of a request."""

    stage: Stage = "unverified"
    #: What it waits for before it is verified.
    awaits: Literal["nothing", "secrets", "body"] = "nothing"


class Receiver:
    """Receives requests, either blocking or as coroutines."""

    def __init__(
        self,
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
        in_thread: Callable[[Work], Result] = attempted,
    ) -> None:
        """Checks the options, so that what is wrong shows at start-up, but for a missing secret.

        `in_thread` does the work of a thread of the receiver.
        """
        check_callable("on_event", on_event)
        for name, callback in (("on_quarantine", on_quarantine), ("on_error", on_error)):
            if callback is not None:
                check_callable(name, callback)
        check_plain("on_error", on_error)
        if not _is_duration(deadline):
            message = "`deadline` is not a positive number of seconds"
            raise WebhookError("invalid_option", message)
        self._on_event = on_event
        self._on_quarantine = on_quarantine
        self._deadline = deadline
        self._report = Report(on_error)
        on_late = partial(self._report.failed, stage="verified")
        self._threads = Threads(on_late, in_thread)
        # Checked here, since the verifier may be made later.
        options = Options(max_body_bytes, scheme, tolerance_seconds, now)
        make = partial(Webhooks, **vars(options))
        self._secrets = PreparedSecrets(secrets, make, self._threads, deadline)
        # Cancelled tasks that have not ended: the event loop holds only weak references to them.
        self._ending: set[asyncio.Future[Answer]] = set()

    def check_blocking(self) -> None:
        """Refuses callbacks that are coroutines, where the server does not await."""
        check_plain("on_event", self._on_event)
        check_plain("on_quarantine", self._on_quarantine)
        self._secrets.check_blocking()

    def receive(self, request: IncomingRequest) -> Answer:
        """Answers a request, and blocks until that is done."""
        flow = self._flow(request, Progress(), self._secrets.get)
        try:
            work = next(flow)
            while True:
                result, fault = attempted(work)
                work = flow.send(result) if fault is None else flow.throw(fault)
        except StopIteration as end:
            answer: Answer = end.value
            return answer

    async def receive_async(self, request: IncomingRequest) -> Answer:
        """Answers a request within the deadline; what takes longer is cancelled.

        What fails after that is reported all the same.
        """
        progress = Progress()
        task = asyncio.ensure_future(self._awaited(request, progress))
        try:
            await asyncio.wait({task}, timeout=self._deadline)
            if task.done() and not task.cancelled():
                return task.result()
        finally:
            task.cancel()
            if not task.done():
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)
        what = "a callback was cancelled" if task.done() else "the deadline has passed"
        return self._stopped(progress, what)

    def _stopped(self, progress: Progress, what: str) -> Answer:
        if progress.stage != "unverified":
            self._report.stopped(WebhookError("unavailable", what))
            return refused("unavailable")
        if progress.awaits == "body":
            error = WebhookError("body_timeout", hint=_BODY_TIMEOUT_HINT)
        else:
            error = WebhookError("unavailable", "the function `secrets` did not return in time")
        self._report.refused(error, progress.stage)
        return refused(error.code)

    async def _awaited(self, request: IncomingRequest, progress: Progress) -> Answer:
        flow = self._flow(request, progress, self._secrets.get_async)
        try:
            work = next(flow)
            while True:
                result, fault = await self._waited(work)
                work = flow.send(result) if fault is None else flow.throw(fault)
        except StopIteration as end:
            answer: Answer = end.value
            return answer

    async def _waited(self, work: Work) -> Result:
        """Does work: a coroutine here, and what blocks in a thread."""
        function = work.func if isinstance(work, partial) else work
        try:
            outcome = attempted(work) if is_async(function) else await self._threads.attempted(work)
            result, _ = outcome
            return (await result, None) if inspect.isawaitable(result) else outcome
        except Exception as fault:
            return None, fault

    def _flow(
        self, request: IncomingRequest, progress: Progress, get_secrets: Work
    ) -> Generator[Work, Any, Answer]:
        """Yields what is to be done, and is sent its result or thrown its exception."""
        try:
            name, handle = yield from self._open(request, progress, get_secrets)
        except WebhookError as error:
            self._report.refused(error, progress.stage)
            return refused("unavailable" if progress.awaits == "secrets" else error.code)
        except Exception as fault:
            self._report.failed(fault, progress.stage)
            return refused("unavailable")
        try:
            result = yield handle
            what = not_run_reason(result)
        except Exception as fault:
            self._report.failed(fault, "verified")
            return refused("unavailable")
        if what:
            refusal = WebhookError("invalid_option", f"`{name}` returned {what}")
            self._report.refused(refusal, "verified")
            # Nothing has taken the event, so it has to come again.
            return refused("unavailable")
        return acknowledged()

    def _open(
        self, request: IncomingRequest, progress: Progress, get_secrets: Work
    ) -> Generator[Work, Any, tuple[str, Work]]:
        """Reads, verifies and parses; returns which callback is called with what."""
        if request.method != "POST":
            raise WebhookError("method_not_allowed")
        progress.awaits = "secrets"
        webhooks: Webhooks = self._secrets.webhooks or (yield get_secrets)
        progress.awaits = "body"
        webhooks.admit(request.header, length_of(request.declared_length))
        body = yield partial(request.body, webhooks.max_body_bytes)
        verified = webhooks.verify_request(body, request.header)
        progress.stage = "unreadable"
        try:
            handle = "on_event", partial(self._on_event, parse(verified))
        except WebhookError as error:
            if self._on_quarantine is None:
                raise
            handle = "on_quarantine", partial(self._on_quarantine, verified.payload, error)
        progress.stage = "verified"
        return handle


def length_of(declared: str | None) -> int:
    """Reads a `content-length`; what is no number was the server's to refuse, and counts as 0."""
    if declared is None or not (declared.isascii() and declared.isdigit()):
        return 0
    # 20 digits are past every limit, and int() refuses thousands of them.
    return int(declared[:20])


def _is_duration(value: object) -> bool:
    return is_finite(value) and value > 0  # type: ignore[operator]
