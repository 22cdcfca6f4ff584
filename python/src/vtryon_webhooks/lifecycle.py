"""Decides what an event means for its task, from the set of statuses the task has received."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast

from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.event import STATUSES, Status
from vtryon_webhooks.plain import text_of
from vtryon_webhooks.strict_json import is_text

#: The maximum number of unknown statuses stored per task.
MAX_UNKNOWN = 16

#: What an event means for its task. Every outcome is acknowledged.
Outcome = Literal["applied", "duplicate", "late", "conflict", "unknown", "capped"]

# The outcome by a task's current status and a status that it has not received yet. Equal statuses
# do not occur: duplicates are handled before.
_TABLE: dict[Status | None, dict[Status, Outcome]] = {
    None: {
        "queued": "applied",
        "processing": "applied",
        "completed": "applied",
        "failed": "applied",
    },
    "queued": {"processing": "applied", "completed": "applied", "failed": "applied"},
    "processing": {"queued": "late", "completed": "applied", "failed": "applied"},
    "completed": {"queued": "late", "processing": "late", "failed": "conflict"},
    "failed": {"queued": "late", "processing": "late", "completed": "conflict"},
}


@dataclass(frozen=True)
class Step:
    """The decision on one event."""

    #: What the event means for the task.
    outcome: Outcome
    #: The current status; None if only unknown statuses were received.
    status: Status | None


def lifecycle_step(seen: Iterable[str], status: str) -> Step:
    """Decides on `status` for a task that has received the statuses `seen`, in this order.

    Repeats in `seen` change nothing, so it can be a whole history as well as the statuses stored.
    Raises `invalid_option` for a status that is no text, as the None of an event by another name,
    and for a `seen` that is a single text.
    """
    current: Status | None = None
    stored: set[str] = set()
    unknown = 0
    outcome: Outcome = "duplicate"
    for received in (*_texts_of(seen), _text(status, "`status`")):
        if received in stored:
            outcome = "duplicate"
        elif received in STATUSES:
            outcome = _TABLE[current][cast(Status, received)]
        else:
            outcome = "unknown" if unknown < MAX_UNKNOWN else "capped"
            unknown += 1
        if outcome == "applied":
            current = cast(Status, received)
        if outcome != "capped":
            stored.add(received)
    return Step(outcome, current)


def _texts_of(seen: object) -> list[str]:
    if text_of(seen) is not None:
        raise WebhookError("invalid_option", "`seen` is one status, not a sequence of them")
    try:
        listed = list(cast(Iterable[object], seen))
    except Exception as fault:
        # A query that is iterated over may fail, and whoever made it has to see why.
        raise WebhookError("invalid_option", "`seen` can't be iterated over") from fault
    return [_text(status, "a status in `seen`") for status in listed]


def _text(status: object, what: str) -> str:
    text = text_of(status)
    if text is None or not is_text(text):
        raise WebhookError("invalid_option", f"{what} is not a text")
    return text
