"""Tells the operator why a request was not answered with 200."""

from __future__ import annotations

import logging
import traceback
from functools import partial
from typing import Callable

from vtryon_webhooks.callbacks import OnError, is_unawaited
from vtryon_webhooks.errors import WebhookError

#: Refusals of requests, and requests that were cut off, are logged as information, what was stopped
#: half-way as warnings; signed bodies that can't be read, and faults of the receiver's own program,
#: as errors.
logger = logging.getLogger("vtryon_webhooks")


class Report:
    """Hands faults to a callback, or logs them where there is none."""

    def __init__(self, on_error: OnError | None) -> None:
        """Takes the callback."""
        self._on_error = on_error

    def refused(self, error: WebhookError) -> None:
        """Reports a request that was not taken."""
        # A stranger can cause any but 500 and 400, which is what Vtryon has signed and nobody can
        # read.
        level = logging.ERROR if error.status in (400, 500) else logging.INFO
        self._tell(error, partial(_log_refusal, error, level))

    def stopped(self, error: WebhookError) -> None:
        """Reports what was ended before it was done."""
        self._tell(error, partial(_log_refusal, error, logging.WARNING))

    def failed(self, fault: Exception) -> None:
        """Reports what a callback has raised, or the package."""
        self._tell(fault, partial(_log_fault, fault))

    def _tell(self, fault: Exception, log: Callable[[], None]) -> None:
        """A report that fails changes nothing about the answer."""
        try:
            if self._on_error is None:
                log()
            elif is_unawaited(self._on_error(fault)):
                logger.error("invalid_option: `on_error` returned an awaitable; nothing awaits it")
        except Exception:
            logger.error("on_error raised an exception")


def _log_refusal(error: WebhookError, level: int) -> None:
    logger.log(level, "%s: %s; %s", error.code, error, error.hint)


def _log_fault(fault: Exception) -> None:
    """Logs an exception by its type and place: its message may quote the event."""
    frames = "".join(traceback.format_tb(fault.__traceback__)).rstrip()
    logger.error("unavailable: %s was raised\n%s", type(fault).__name__, frames)
