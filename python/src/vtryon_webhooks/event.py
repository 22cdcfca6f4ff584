"""Parses a verified body into an event."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Literal

from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.strict_json import Json, has_duplicate, is_text, parse_json
from vtryon_webhooks.verified import Verified

#: The event that Vtryon sends for every change of a task.
STATUS_CHANGED = "generation.status_changed"

#: The statuses that Vtryon's guide names.
Status = Literal["queued", "processing", "completed", "failed"]
STATUSES: tuple[Status, ...] = ("queued", "processing", "completed", "failed")

# The limits of the core (`core/src/event.rs`): lengths are in bytes of UTF-8, and the outermost
# object is 1 deep.
MAX_TASK_ID = 256
MAX_EVENT_NAME = 128
MAX_STATUS = 64
MAX_DEPTH = 64

# The control characters of Unicode (category Cc).
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

_READ = ("event", "task_id", "status", "data", "error")


@dataclass(frozen=True)
class VtryonEvent:
    """One event. Fields are named as in the body that Vtryon sends; `repr` shows the status."""

    #: The event's name: `generation.status_changed`, or one that the guide does not name.
    event: str
    #: The id of the task.
    task_id: str
    #: The task's new status, which may be one that the guide does not name. An event with another
    #: name has none.
    status: Status | str | None
    #: `data.result_url`, the address of the finished image. It is not checked to be a URL.
    result_url: str | None
    #: `error.message`, the reason why the task failed.
    error_message: str | None
    #: `data` as sent, parsed. Of a repeated name the last value counts.
    data: Json = field(hash=False)
    #: `error` as sent, parsed.
    error: Json = field(hash=False)
    #: The idempotency key: equal for repeats of an event, and only for them.
    idempotency_key: str
    #: The bytes of the event and the secret that signed them.
    verified: Verified = field(compare=False)

    @property
    def webhook_id(self) -> str | None:
        """With the scheme `standard-webhooks`: the id, equal for all attempts and replays."""
        return self.verified.webhook_id

    def __repr__(self) -> str:
        """Shows the status and sizes, no other content."""
        status = self.status if self.status is None or self.status in STATUSES else "other"
        return f"VtryonEvent(status={status!r})"


def parse(verified: Verified) -> VtryonEvent:
    """Parses a verified body; what is wrong is found in the order of the core's `Event::parse`.

    For event names other than `STATUS_CHANGED`, it parses only `event` and `task_id`, so that new
    kinds of event are still passed on.
    """
    root = parse_json(verified.payload, MAX_DEPTH)
    if not isinstance(root, dict):
        raise WebhookError("invalid_event", "the body is not an object")
    _check_text(*root)
    if any(has_duplicate(root, name) for name in _READ):
        raise WebhookError("duplicate_key")
    name = _required(root, "event", MAX_EVENT_NAME)
    task_id = _required(root, "task_id", MAX_TASK_ID)
    # URL parsers remove dot segments (RFC 3986, 5.2.4), so no request could name such a task.
    if task_id in (".", ".."):
        raise WebhookError("invalid_event", "is a dot segment", field="task_id")
    status = result_url = error_message = None
    if name == STATUS_CHANGED:
        status = _required(root, "status", MAX_STATUS)
        result_url = _member(root.get("data"), "data", "result_url")
        error_message = _member(root.get("error"), "error", "message")
    return VtryonEvent(
        event=name,
        task_id=task_id,
        status=status,
        result_url=result_url,
        error_message=error_message,
        data=root.get("data"),
        error=root.get("error"),
        idempotency_key=_idempotency_key(verified, name, task_id, status),
        verified=verified,
    )


def _required(root: dict[str, Json], name: str, limit: int) -> str:
    """Parses a required name, within the limits that storage, paths and logs rely on."""
    if name not in root:
        raise WebhookError("invalid_event", "is missing", field=name)
    value = root[name]
    if not isinstance(value, str):
        raise WebhookError("invalid_event", "is not a string", field=name)
    _check_text(value)
    if not value:
        raise WebhookError("invalid_event", "is empty", field=name)
    if len(value.encode()) > limit:
        raise WebhookError("invalid_event", "is too long", field=name)
    if _CONTROL.search(value):
        raise WebhookError("invalid_event", "holds a control character", field=name)
    return value


def _member(value: Json, outer: str, inner: str) -> str | None:
    """Parses the one known string of an optional object. A null counts as absent, in both."""
    path = f"{outer}.{inner}"
    if value is None:
        return None
    if not isinstance(value, dict):
        raise WebhookError("invalid_event", "is not in an object", field=path)
    _check_text(*value)
    if has_duplicate(value, inner):
        raise WebhookError("duplicate_key", "occurs twice", field=path)
    found = value.get(inner)
    if found is None:
        return None
    if not isinstance(found, str):
        raise WebhookError("invalid_event", "is not a string", field=path)
    _check_text(found)
    return found


def _check_text(*values: str) -> None:
    # RFC 8259, 8.2: the grammar allows half of a surrogate pair, which is no character.
    if not all(map(is_text, values)):
        raise WebhookError("invalid_json", "a string holds half of a surrogate pair")


def _idempotency_key(verified: Verified, name: str, task_id: str, status: str | None) -> str:
    """Makes the idempotency key, which two events share exactly if one repeats the other.

    A repeat of a status may be spelled with other bytes, and a task has each status once; an event
    by another name is known by the digest of its body. A part is escaped, so that it can't be taken
    for two.
    """
    if status is not None:
        return f"status:{_escaped(status)}:{task_id}"
    return f"event:{_escaped(name)}:{hashlib.sha256(verified.payload).hexdigest()}:{task_id}"


def _escaped(part: str) -> str:
    return part.replace("%", "%25").replace(":", "%3A")
