"""What an event means for its task: a pure decision over the set of statuses the task has seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, cast

from vtryon_webhooks.event import STATUSES, Status

#: How many statuses that the guide does not name a task keeps.
MAX_UNKNOWN = 16

#: What an event is to its task. Each of them is acknowledged.
Outcome = Literal["applied", "duplicate", "late", "conflict", "unknown", "capped"]

# Where a task stands, and a status that it has not seen yet. What stands on the diagonal can't come
# up, since where a task stands it has been.
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

    #: What the event is.
    outcome: Outcome
    #: Where the task stands now; None as long as only unknown statuses were seen.
    status: Status | None


def lifecycle_step(seen: Iterable[str], status: str) -> Step:
    """Decides on `status` for a task that has received the statuses `seen`, in this order.

    Repeats in `seen` change nothing, so it can be a whole history as well as the statuses kept.
    """
    stands: Status | None = None
    kept: set[str] = set()
    unknown = 0
    outcome: Outcome = "duplicate"
    for told in (*seen, status):
        if told in kept:
            outcome = "duplicate"
        elif told in STATUSES:
            outcome = _TABLE[stands][cast(Status, told)]
        else:
            outcome = "unknown" if unknown < MAX_UNKNOWN else "capped"
            unknown += 1
        if outcome == "applied":
            stands = cast(Status, told)
        if outcome != "capped":
            kept.add(told)
    return Step(outcome, stands)
