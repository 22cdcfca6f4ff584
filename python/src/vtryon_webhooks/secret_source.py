"""Where a receiver's secrets come from, and when they are asked for."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable
from typing import Any, Callable, Union

from vtryon_webhooks.callbacks import Threads, check_callable, check_plain, is_async, not_run_reason
from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.options import UNSET, Unset
from vtryon_webhooks.webhooks import Secrets, Webhooks

#: One secret or several, or a function that gets them, which may be async where the server awaits.
#: It may return None, such as a variable that is not set: a missing secret.
SecretSource = Union[
    Secrets, Callable[[], Union[Secrets, None]], Callable[[], Awaitable[Union[Secrets, None]]]
]

# What to do where a function gives no secret.
_FUNCTION_HINT = "let it return the secret that Vtryon shows when the URL is registered"

# What to do where a function hangs and the server blocks: it is not called a second time.
_HANGING_HINT = (
    "give the function a timeout; until it returns or the process is restarted, every request is "
    "answered 503"
)

#: How long a function that has failed is not called again, in seconds.
PAUSE = 1.0


class PreparedSecrets:
    """The verifier of a receiver, made when it is first needed.

    Frameworks load their routes in commands that have no secret: `manage.py migrate`, a build of an
    image. So the function is called, or the environment read, at the first request, again while
    there is no secret, and never after that.
    """

    def __init__(
        self,
        source: SecretSource | Unset | None,
        make: Callable[[Any], Webhooks],
        threads: Threads,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepares a value at once; raises for an invalid secret, but not for a missing one.

        A request waits for another one's call until `patience` seconds after the call began.
        """
        self._source = source
        self._make = make
        self._threads = threads
        self._patience = min(patience, threading.TIMEOUT_MAX)
        self._clock = clock
        self._lock = threading.Lock()
        self._pending: asyncio.Future[Webhooks] | None = None
        self._paused_until = float("-inf")
        #: When the current call of the function began, by the clock.
        self._called_at: float | None = None
        #: The verifier, once there is one.
        self.webhooks: Webhooks | None = None
        if callable(source):
            check_callable("secrets", source)
        elif source is not UNSET:
            self._prepare_value(source)

    def check_blocking(self) -> None:
        """Refuses a function that is async, where the server does not await."""
        check_plain("secrets", self._source)

    def get(self) -> Webhooks:
        """Returns the verifier where the server blocks; one thread at a time calls the function."""
        if not callable(self._source):
            return self._prepare(self._source)
        # One call that hangs must not keep every thread of the server.
        if not self._lock.acquire(timeout=self._remaining()):
            what = "the function `secrets` did not return in time"
            raise WebhookError("unavailable", what, hint=_HANGING_HINT)
        try:
            if self.webhooks is not None:
                return self.webhooks
            self._check_pause()
            self._called_at = self._clock()
            try:
                return self._prepare_returned(_called(self._source))
            except Exception:
                self._pause()
                raise
        finally:
            self._called_at = None
            self._lock.release()

    def _remaining(self) -> float:
        """Returns how many seconds a request waits for the call of another one."""
        called_at = self._called_at
        if called_at is None:
            return self._patience
        return max(0.0, min(self._patience, called_at + self._patience - self._clock()))

    async def get_async(self) -> Webhooks:
        """Returns the verifier; requests that arrive during a call wait for its result.

        A call that has taken `patience` seconds is given up for all of them, and one of them calls
        again: a function that hangs once must not close the receiver.
        """
        if not callable(self._source):
            return self._prepare(self._source)
        while self.webhooks is None:
            pending = self._current_call(self._source)
            # Requests that are cancelled leave the call to the others.
            await asyncio.wait({pending}, timeout=self._remaining())
            if pending.done():
                return pending.result()
        return self.webhooks

    def _current_call(self, source: Callable[[], Any]) -> asyncio.Future[Webhooks]:
        """Returns the call that is in progress and not given up; begins one where there is none."""
        pending = self._pending
        if (
            pending is None
            or pending.done()
            or pending.get_loop() is not asyncio.get_running_loop()
            or self._remaining() == 0
        ):
            self._check_pause()
            pending = self._pending = asyncio.ensure_future(self._call(source))
            self._called_at = self._clock()
            # Retrieves the exception, so that asyncio logs nothing when nobody awaits it any more.
            pending.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return pending

    async def _call(self, source: Callable[[], Any]) -> Webhooks:
        try:
            return self._prepare_returned(await self._awaited(source))
        except Exception:
            self._pause()
            raise

    async def _awaited(self, source: Callable[[], Any]) -> Any:
        if is_async(source):
            return await source()
        secrets, fault = await self._threads.attempted(source)
        if fault is not None:
            raise fault
        return await secrets if inspect.isawaitable(secrets) else secrets

    def _prepare_value(self, source: Secrets | None) -> None:
        try:
            self._prepare(source)
        except WebhookError as error:
            if error.code != "secret_missing":
                raise

    def _prepare_returned(self, secrets: Any) -> Webhooks:
        if secrets is None:
            what = "the function `secrets` returned None"
            raise WebhookError("secret_missing", what, hint=_FUNCTION_HINT)
        return self._prepare(secrets)

    def _prepare(self, secrets: Any) -> Webhooks:
        self.webhooks = self._make(secrets)
        return self.webhooks

    def _pause(self) -> None:
        self._paused_until = self._clock() + PAUSE

    def _check_pause(self) -> None:
        """Refuses a call shortly after a failed one: every request would repeat it otherwise."""
        if self._clock() < self._paused_until:
            what = "the function `secrets` failed a moment ago"
            raise WebhookError("secret_missing", what, hint=_FUNCTION_HINT)


def _called(source: Callable[[], Any]) -> Any:
    secrets = source()
    if what := not_run_reason(secrets):
        raise WebhookError("invalid_option", f"`secrets` returned {what}")
    return secrets
