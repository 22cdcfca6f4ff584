"""The options of a verifier; of its secrets, only that they were not passed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Callable, Final, Literal

from vtryon_webhooks.errors import WebhookError

#: The default maximum length of a body: 256 KiB, in bytes.
DEFAULT_MAX_BODY_BYTES = 256 * 1024

#: The highest limit that can be configured: 1 MiB, in bytes.
HIGHEST_MAX_BODY_BYTES = 1024 * 1024

#: How requests are signed: by Vtryon's scheme, or by Standard Webhooks, which the gateway adds.
Scheme = Literal["vtryon", "standard-webhooks"]

#: The default tolerance: how far a timestamp may differ from the clock, in seconds.
DEFAULT_TOLERANCE_SECONDS = 300

#: The highest tolerance that can be configured: a day, in seconds.
HIGHEST_TOLERANCE_SECONDS = 86_400


class Unset(Enum):
    """The type of an argument that was not passed. None is one: a variable that is not set."""

    UNSET = "not passed"

    def __repr__(self) -> str:
        """Shows the name, as the default of a parameter."""
        return self.name


#: The default of `secrets`, for which those of the environment are read.
UNSET: Final = Unset.UNSET


@dataclass(frozen=True)
class Options:
    """Checks its values when it is made; raises `invalid_option`."""

    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    scheme: Scheme = "vtryon"
    tolerance_seconds: int | None = None
    #: The clock, in seconds since 1970.
    now: Callable[[], float] | None = None

    def __post_init__(self) -> None:
        """Refuses invalid values."""
        if not _is_from_1_to(HIGHEST_MAX_BODY_BYTES, self.max_body_bytes):
            raise WebhookError("invalid_option", "`max_body_bytes` is not from 1 to 1048576")
        if type(self.scheme) is not str or self.scheme not in ("vtryon", "standard-webhooks"):
            what = '`scheme` is neither "vtryon" nor "standard-webhooks"'
            raise WebhookError("invalid_option", what)
        if self.tolerance_seconds is not None:
            self._check_tolerance()
        if self.now is not None and not callable(self.now):
            raise WebhookError("invalid_option", "`now` can't be called")

    def _check_tolerance(self) -> None:
        # Refused, because whoever sets it expects that the time is checked.
        if self.scheme == "vtryon":
            what = '`tolerance_seconds` is of the scheme "standard-webhooks": Vtryon signs no time'
            raise WebhookError("invalid_option", what)
        if not _is_from_1_to(HIGHEST_TOLERANCE_SECONDS, self.tolerance_seconds):
            raise WebhookError("invalid_option", "`tolerance_seconds` is not from 1 to 86400")


def is_finite(value: object) -> bool:
    """Returns whether a value is a number that a `float` can hold."""
    try:
        return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
    except OverflowError:  # of an `int` beyond the range of `float`
        return False


def _is_from_1_to(highest: int, value: object) -> bool:
    return type(value) is int and 1 <= value <= highest
