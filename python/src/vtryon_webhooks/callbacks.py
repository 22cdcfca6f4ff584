"""Calls callbacks: directly, as coroutines, or in a thread of the receiver."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, Optional

from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.event import VtryonEvent

#: Handles the event. The answer is 200 when it returns and 503 when it raises.
OnEvent = Callable[[VtryonEvent], object]
#: Handles a signed but unreadable body and the error; without it the answer is 400.
OnQuarantine = Callable[[bytes, WebhookError], object]
#: Receives the reason for every answer but 200, instead of the log. It must not be a coroutine.
OnError = Callable[[Exception], object]

#: Work to do, and what came of it: a value or an exception.
Work = Callable[[], Any]
Result = tuple[Any, Optional[Exception]]

# How many blocking functions of one receiver run at once. If all of them hang, only this receiver
# stops.
MAX_THREADS = 32


def is_async(callback: Any) -> bool:
    """Returns whether a callback is known to return a coroutine, without calling it."""
    return _is_of(inspect.iscoroutinefunction, callback)


def check_callable(name: str, callback: object) -> None:
    """Refuses what is not callable, and classes and generator functions: a call runs nothing."""
    if not callable(callback):
        raise WebhookError("invalid_option", f"`{name}` can't be called")
    if isinstance(callback, type):
        what = f"`{name}` is a class: pass an instance that can be called, or a method"
        raise WebhookError("invalid_option", what)
    if _is_of(inspect.isgeneratorfunction, callback) or _is_of(
        inspect.isasyncgenfunction, callback
    ):
        raise WebhookError("invalid_option", f"`{name}` yields, and nothing iterates over it")


def check_plain(name: str, callback: object) -> None:
    """Refuses an async callback where nothing awaits it."""
    if is_async(callback):
        raise WebhookError("invalid_option", f"`{name}` is async, and nothing awaits it here")


def not_run_reason(result: object) -> str | None:
    """Returns why the code of a call has not run, by its result; None if it has.

    It is an awaitable that nothing awaits, or a generator. A coroutine is closed.
    """
    if inspect.iscoroutine(result):
        result.close()
    if inspect.isawaitable(result):
        return "an awaitable, and nothing awaits it here"
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        return "a generator, and nothing iterates over it"
    return None


def attempted(work: Work) -> Result:
    """Catches exceptions, because a `StopIteration` can't leave a thread or a generator."""
    try:
        return work(), None
    except Exception as fault:
        return None, fault


class Threads:
    """Runs blocking functions in threads, so that the server can continue.

    The threads are the receiver's own, for those of the event loop resolve names, and run what else
    the application has. They start when they are needed; at its exit the interpreter waits for what
    still runs in them, and for nothing else.
    """

    def __init__(
        self,
        on_late: Callable[[Exception], None],
        in_thread: Callable[[Work], Result] = attempted,
    ) -> None:
        """`on_late` receives exceptions that nobody waits for any more; it runs in the thread.

        `in_thread` does the work, for frameworks that have to prepare a thread for it.
        """
        self._pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="vtryon-webhooks")
        self._on_late = on_late
        self._in_thread = in_thread

    async def attempted(self, work: Work) -> Result:
        """Runs work in a thread, in the context of the caller."""
        job = self._pool.submit(contextvars.copy_context().run, self._in_thread, work)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            # A running thread can't be stopped; work that has not begun is cancelled.
            if not job.cancel():
                job.add_done_callback(self._ended_late)
            raise

    def _ended_late(self, job: Future[Result]) -> None:
        if job.exception() is not None:
            return
        result, fault = job.result()
        not_run_reason(result)
        if fault is not None:
            self._on_late(fault)


def _is_of(kind: Callable[[Any], bool], callback: Any) -> bool:
    call = getattr(type(callback), "__call__", None)  # noqa: B004, of an object that is a function
    return kind(callback) or kind(call)
