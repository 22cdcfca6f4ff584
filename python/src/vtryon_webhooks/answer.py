"""What a request is answered: the same bytes in every adapter of every language."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from vtryon_webhooks.codes import TABLE, Code

# When to come again, in seconds (RFC 9110, 10.2.3).
_RETRY_AFTER = 10


@dataclass(frozen=True)
class Answer:
    """A status, its headers, and a body of JSON."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def acknowledged() -> Answer:
    """The answer to an event that was taken."""
    return _answer(200, {"received": True})


def refused(code: Code) -> Answer:
    """Tells a stranger of a refusal what a stranger may be told."""
    shown = TABLE[code].public
    status, _, summary, hint = TABLE[shown]
    # A fault of the receiver's own program: whoever sees it has to mend it.
    message = f"{summary}: {hint}" if status == 500 else summary
    return _answer(status, {"error": shown, "message": message}, _needed(status))


def _needed(status: int) -> dict[str, str]:
    """The headers that a status asks for (RFC 9110, 10.2.1 and 10.2.3)."""
    if status == 405:
        return {"allow": "POST"}
    if status == 503:
        return {"retry-after": str(_RETRY_AFTER)}
    return {}


def _answer(status: int, value: object, headers: dict[str, str] | None = None) -> Answer:
    body = json.dumps(value, separators=(",", ":")).encode()
    return Answer(status, body, {**(headers or {}), "content-type": "application/json"})
