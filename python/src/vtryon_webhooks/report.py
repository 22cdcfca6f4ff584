"""Tells the operator why a request was not answered with 200."""

from __future__ import annotations

import logging
import traceback
from typing import Callable

from vtryon_webhooks.errors import WebhookError

#: Refusals of requests are logged as information, what stopped half-way as warnings; signed bodies
#: that can't be read, and faults of the receiver's own program, as errors.
logger = logging.getLogger("vtryon_webhooks")


class Report:
    """Hands faults to a callback, or logs them where there is none."""

    def __init__(self, on_error: Callable[[Exception], object] | None) -> None:
        """Takes the callback."""
        self._on_error = on_error

    def __call__(self, fault: Exception, *, of_callback: bool) -> None:
        """Reports one; a report that fails changes nothing about the answer."""
        try:
            if self._on_error is not None:
                self._on_error(fault)
            elif of_callback or not isinstance(fault, WebhookError):
                _log_foreign(fault)
            else:
                _log_refusal(fault)
        except Exception:
            logger.error("on_error raised an exception")


def _log_refusal(error: WebhookError) -> None:
    # A stranger can cause any but 500 and 400, which is what Vtryon has signed and nobody can read.
    levels = {400: logging.ERROR, 500: logging.ERROR, 503: logging.WARNING}
    level = levels.get(error.status, logging.INFO)
    logger.log(level, "%s: %s; %s", error.code, error, error.hint)


def _log_foreign(fault: Exception) -> None:
    """Logs an exception by its type and place: its message may quote the event."""
    frames = "".join(traceback.format_tb(fault.__traceback__)).rstrip()
    logger.error("unavailable: %s was raised\n%s", type(fault).__name__, frames)
