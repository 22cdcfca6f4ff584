"""Makes HTTP answers, with the same bytes in every adapter of every language."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from vtryon_webhooks.codes import TABLE, Code

# The value of `retry-after`, in seconds (RFC 9110, 10.2.3).
_RETRY_AFTER = 10


@dataclass(frozen=True)
class Answer:
    """A status, headers and a JSON body."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def acknowledged() -> Answer:
    """Makes the answer to an event that was accepted."""
    return _answer(200, {"received": True})


def refused(code: Code) -> Answer:
    """Makes the answer to a refused request, with only what an unauthenticated sender may see."""
    shown = TABLE[code].public
    status, _, summary, hint = TABLE[shown]
    # A fault of the receiver's own program, which its developer has to see.
    message = f"{summary}: {hint}" if status == 500 else summary
    return _answer(status, {"error": shown, "message": message}, _needed(status))


def _needed(status: int) -> dict[str, str]:
    """Returns the headers that a status requires (RFC 9110, 10.2.1 and 10.2.3)."""
    if status == 405:
        return {"allow": "POST"}
    if status == 503:
        return {"retry-after": str(_RETRY_AFTER)}
    return {}


def _answer(status: int, value: object, headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps(value, separators=(",", ":")).encode()
    return Answer(status, body, {**(headers or {}), "content-type": "application/json"})
