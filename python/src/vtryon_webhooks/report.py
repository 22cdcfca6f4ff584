"""Reports to the operator why a request was not answered with 200."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from functools import partial
from typing import Callable, Literal

from vtryon_webhooks.callbacks import OnError, not_run_reason
from vtryon_webhooks.errors import WebhookError

#: Levels: refused and incomplete requests are INFO. A wrong signature, which may be due to a wrong
#: secret here, and an interrupted handling are WARNING. Missing secrets, signed bodies that are
#: unreadable, and exceptions of the receiver's program are ERROR.
logger = logging.getLogger("vtryon_webhooks")

#: How far the processing of a request has come. `unverified`: anyone may have sent it.
#: `unreadable`: the signature is right, but the body is not an event that can be read. `verified`:
#: an event of Vtryon is being handled.
Stage = Literal["unverified", "unreadable", "verified"]

#: An error that anyone can cause is logged once in this time, in seconds.
THROTTLE_SECONDS = 10.0


class Report:
    """Passes errors to the callback `on_error`, or logs them if there is none."""

    def __init__(
        self, on_error: OnError | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Takes the callback, and the clock of the throttle."""
        self._on_error = on_error
        self._throttle = Throttle(clock)

    def refused(self, error: WebhookError, stage: Stage) -> None:
        """Reports a request that was refused."""
        # The operator has to act: on the configuration, the program or an unreadable event.
        if stage != "unverified" or error.status >= 500:
            level = logging.ERROR
        else:
            level = logging.WARNING if error.code == "signature_mismatch" else logging.INFO
        words = f"{error.code}: {error}; {error.hint}"
        self._emit(error, partial(self._log, level, words, error.code, stage))

    def stopped(self, error: WebhookError) -> None:
        """Reports that the handling of an event was interrupted."""
        words = f"{error.code}: {error}; {error.hint}"
        self._emit(error, partial(self._log, logging.WARNING, words, error.code, "verified"))

    def failed(self, fault: Exception, stage: Stage) -> None:
        """Reports an exception that a callback or this package raised."""
        self._emit(fault, partial(self._log_fault, fault, stage))

    def _emit(self, fault: Exception, log: Callable[[], None]) -> None:
        """Calls `on_error` or the log; an exception in them does not change the answer."""
        try:
            if self._on_error is None:
                log()
            elif what := not_run_reason(self._on_error(fault)):
                logger.error("invalid_option: `on_error` returned %s", what)
        except Exception:
            logger.error("on_error raised an exception")

    def _log_fault(self, fault: Exception, stage: Stage) -> None:
        """Logs the type and traceback of an exception; its message may quote the event."""
        name = type(fault).__name__
        frames = "".join(traceback.format_tb(fault.__traceback__)).rstrip()
        words = f"unavailable: {name} was raised\n{frames}"
        self._log(logging.ERROR, words, name, stage)

    def _log(self, level: int, words: str, key: str, stage: Stage) -> None:
        """Logs a line.

        Errors that anyone can cause are throttled; their repeats are logged with level DEBUG.
        """
        if stage == "unverified":
            repeats = self._throttle.admit(key)
            if repeats is None:
                level = logging.DEBUG
            elif repeats:
                words = f"{words} (and {repeats} times since it was last logged)"
        logger.log(level, "%s", words)


class Throttle:
    """Admits one error of each kind per `THROTTLE_SECONDS`, and counts the others."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Takes the clock, in seconds."""
        self._clock = clock
        self._lock = threading.Lock()
        # For each kind: the time until which it is suppressed, and how many were suppressed.
        self._kinds: dict[str, tuple[float, int]] = {}

    def admit(self, kind: str) -> int | None:
        """Returns how many were suppressed since the last admitted one; None suppresses it."""
        with self._lock:
            now = self._clock()
            until, count = self._kinds.get(kind, (now, 0))
            if now < until:
                self._kinds[kind] = (until, count + 1)
                return None
            self._kinds[kind] = (now + THROTTLE_SECONDS, 0)
            return count
