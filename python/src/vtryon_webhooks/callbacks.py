"""How callbacks are called: here, awaited, or in a thread of the receiver's own."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Callable, Optional

from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.event import VtryonEvent

#: Takes the event. The answer is 200 after it has returned, and 503 when it raises.
OnEvent = Callable[[VtryonEvent], object]
#: Takes a signed body that can't be read, and why; without it the answer is 400.
OnQuarantine = Callable[[bytes, WebhookError], object]
#: Is told why a request was not answered with 200, instead of the log; no coroutine.
OnError = Callable[[Exception], object]

#: What is to be done, and what came of it: a result, or what was raised.
Work = Callable[[], Any]
Outcome = tuple[Any, Optional[Exception]]

# How many plain functions of one receiver run at once. What hangs in all of them stops this
# receiver alone.
MAX_THREADS = 32


def is_async(callback: Any) -> bool:
    """Tells whether a call returns a coroutine, as far as that shows before it is made."""
    return _is_of(inspect.iscoroutinefunction, callback)


def check_callable(name: str, callback: object) -> None:
    """Refuses what can't be called, and what a call would run nothing of."""
    if not callable(callback):
        raise WebhookError("invalid_option", f"`{name}` can't be called")
    if _is_of(inspect.isgeneratorfunction, callback) or _is_of(
        inspect.isasyncgenfunction, callback
    ):
        raise WebhookError("invalid_option", f"`{name}` yields, and nothing iterates over it")


def check_plain(name: str, callback: object) -> None:
    """Refuses a callback that is async where nothing could await it."""
    if is_async(callback):
        raise WebhookError("invalid_option", f"`{name}` is async, and nothing awaits it here")


def is_unawaited(result: object) -> bool:
    """Tells whether a call has returned what should have been awaited, and ends it."""
    if inspect.iscoroutine(result):
        result.close()
    return inspect.isawaitable(result)


def attempted(work: Work) -> Outcome:
    """Catches what is raised: a `StopIteration` could leave neither a thread nor a generator."""
    try:
        return work(), None
    except Exception as fault:
        return None, fault


class Threads:
    """Runs what blocks, so that the server goes on meanwhile.

    The threads are the receiver's own, for those of the event loop resolve names, and run what else
    the application has. They start when they are needed; at its exit the interpreter waits for what
    still runs in them, and for nothing else.
    """

    def __init__(self, on_late: Callable[[Exception], None]) -> None:
        """Takes what is told, in the thread, of an exception that nobody waits for any more."""
        self._pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="vtryon-webhooks")
        self._on_late = on_late

    async def attempted(self, work: Work) -> Outcome:
        """Does work in a thread, in the context of the caller."""
        job = self._pool.submit(contextvars.copy_context().run, attempted, work)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            # A thread can't be stopped. What has not begun never does.
            if not job.cancel():
                job.add_done_callback(self._ended_late)
            raise

    def _ended_late(self, job: Future[Outcome]) -> None:
        if job.exception() is not None:
            return
        result, fault = job.result()
        is_unawaited(result)
        if fault is not None:
            self._on_late(fault)


def _is_of(kind: Callable[[Any], bool], callback: Any) -> bool:
    call = getattr(type(callback), "__call__", None)  # noqa: B004, of an object that is a function
    return kind(callback) or kind(call)
