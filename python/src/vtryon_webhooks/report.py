"""Tells the operator why a request was not answered with 200."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from functools import partial
from typing import Callable, Literal

from vtryon_webhooks.callbacks import OnError, is_unawaited
from vtryon_webhooks.errors import WebhookError

#: Refusals of requests, and requests that were cut off, are logged as information, what was stopped
#: half-way as warnings; secrets that are missing, signed bodies that can't be read, and faults of
#: the receiver's own program, as errors.
logger = logging.getLogger("vtryon_webhooks")

#: How far a request had come: its signature was not verified yet, so anyone may have sent it; it
#: was, and the body can't be read; or an event of Vtryon's is being handled.
Stage = Literal["unverified", "unreadable", "verified"]

#: For how long a fault that anyone can cause is not logged again, in seconds.
QUIET = 10.0


class Report:
    """Hands faults to a callback, or logs them where there is none."""

    def __init__(
        self, on_error: OnError | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Takes the callback, and the clock by which repeats are counted."""
        self._on_error = on_error
        self._throttle = Throttle(clock)

    def refused(self, error: WebhookError, stage: Stage) -> None:
        """Reports a request that was not taken."""
        # What is the operator's to mend: the configuration, the program, what nobody can read.
        is_fault = stage != "unverified" or error.status >= 500
        level = logging.ERROR if is_fault else logging.INFO
        words = f"{error.code}: {error}; {error.hint}"
        self._tell(error, partial(self._log, level, words, error.code, stage))

    def stopped(self, error: WebhookError) -> None:
        """Reports the handling of an event that was ended before it was done."""
        words = f"{error.code}: {error}; {error.hint}"
        self._tell(error, partial(self._log, logging.WARNING, words, error.code, "verified"))

    def failed(self, fault: Exception, stage: Stage) -> None:
        """Reports what a callback has raised, or the package."""
        self._tell(fault, partial(self._log_fault, fault, stage))

    def _tell(self, fault: Exception, log: Callable[[], None]) -> None:
        """A report that fails changes nothing about the answer."""
        try:
            if self._on_error is None:
                log()
            elif is_unawaited(self._on_error(fault)):
                logger.error("invalid_option: `on_error` returned an awaitable; nothing awaits it")
        except Exception:
            logger.error("on_error raised an exception")

    def _log_fault(self, fault: Exception, stage: Stage) -> None:
        """Logs an exception by its type and place: its message may quote the event."""
        name = type(fault).__name__
        frames = "".join(traceback.format_tb(fault.__traceback__)).rstrip()
        words = f"unavailable: {name} was raised\n{frames}"
        self._log(logging.ERROR, words, name, stage)

    def _log(self, level: int, words: str, key: str, stage: Stage) -> None:
        """Logs; what anyone can cause at most once in a while, and repeats for who debugs."""
        if stage == "unverified":
            repeats = self._throttle.admit(key)
            if repeats is None:
                level = logging.DEBUG
            elif repeats:
                words = f"{words} (and {repeats} times since it was last logged)"
        logger.log(level, "%s", words)


class Throttle:
    """Lets the first of its kind pass in each `QUIET` seconds, and counts the others."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Takes the clock, in seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        # Until when a kind does not pass, and how often it came since.
        self._kinds: dict[str, tuple[float, int]] = {}

    def admit(self, kind: str) -> int | None:
        """Returns how many were held back since the last one that passed; None holds this back."""
        with self._lock:
            now = self._clock()
            until, count = self._kinds.get(kind, (now, 0))
            if now < until:
                self._kinds[kind] = (until, count + 1)
                return None
            self._kinds[kind] = (now + QUIET, 0)
            return count
