"""The requests that receivers are known to fail on, in the order in which they are sent."""

from __future__ import annotations

from typing import Callable

from vtryon_webhooks.keys import Key, Secret
from vtryon_webhooks.options import DEFAULT_MAX_BODY_BYTES, HIGHEST_MAX_BODY_BYTES
from vtryon_webhooks.testing.bodies import FORGED, UNREADABLE, UNUSUAL
from vtryon_webhooks.testing.case import (
    OPTIONS,
    OTHER_METHOD,
    REFUSED,
    REFUSED_OR_TOO_LONG,
    TAKEN,
    TAKEN_OR_TOO_LONG,
    TOO_LONG,
    Change,
    Good,
    HostileRequest,
    Row,
    request_of,
)
from vtryon_webhooks.testing.signatures import FORMS, WRONG

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data; boundary=x"


def _typed(name: str, content_type: str | None) -> Row:
    why = "the signature covers the body, whatever its type"
    return Row(name, why, TAKEN, lambda good: Change(content_type=content_type))


def _unsigned(name: str, why: str, content_type: str, body: Callable[[Good], bytes]) -> Row:
    def change(good: Good) -> Change:
        return Change(content_type=content_type, signatures=(WRONG,), body=body(good))

    return Row(name, why, REFUSED, change)


def _other_method(method: str, statuses: tuple[int, ...] = OTHER_METHOD) -> Row:
    change = Change(method=method)
    return Row(method.lower(), "events are posted", statuses, lambda good: change)


def _failed(good: Good) -> bytes:
    return good.body.replace(b"queued", b"failed")


def _padded(good: Good, limit: int) -> bytes:
    """A good event that is just longer than a limit."""
    return good.body[:-1] + b',"padding":"' + b"x" * limit + b'"}'


_TRANSPORT = (
    _typed("type-text", "text/plain"),
    _typed("type-form", _FORM),
    _typed("type-multipart", _MULTIPART),
    _typed("type-no-boundary", "multipart/form-data"),
    _typed("type-octets", "application/octet-stream"),
    _typed("type-charset", "application/json; charset=utf-16"),
    _typed("type-absent", None),
    _typed("type-invalid", ';;="'),
    _unsigned(
        "type-form-unsigned",
        "a form is verified too",
        _FORM,
        lambda good: b"task_id=x&status=failed",
    ),
    _unsigned(
        "type-multipart-unsigned",
        "what parsers choke on",
        _MULTIPART,
        lambda good: b"--x\r\n\0",
    ),
    _unsigned(
        "type-text-unsigned",
        "text is verified like everything else",
        "text/plain",
        lambda good: good.body,
    ),
    _unsigned(
        "other-event-unsigned",
        "what is not looked for is verified too",
        _JSON,
        lambda good: good.body.replace(b"status_changed", b"archived"),
    ),
    _unsigned(
        "other-status-unsigned",
        "what is not looked for is verified too",
        _JSON,
        lambda good: good.body.replace(b"queued", b"paused"),
    ),
    Row(
        "coding-gzip",
        "it says gzip and is none: what is verified is not unpacked",
        (*TAKEN, 400, 415),
        lambda good: Change(headers=(("content-encoding", "gzip"),)),
    ),
    _other_method("GET"),
    _other_method("HEAD"),
    _other_method("PUT"),
    _other_method("PATCH"),
    _other_method("DELETE"),
    _other_method("OPTIONS", OPTIONS),
    Row(
        "long-body",
        "memory is finite: over 256 KiB",
        TAKEN_OR_TOO_LONG,
        lambda good: Change(body=_padded(good, DEFAULT_MAX_BODY_BYTES)),
    ),
    Row(
        "long-body-unsigned",
        "memory is finite: over 256 KiB, forged",
        REFUSED_OR_TOO_LONG,
        lambda good: Change(body=_padded(good, DEFAULT_MAX_BODY_BYTES), signatures=(WRONG,)),
    ),
    Row(
        "too-long",
        "memory is finite: over 1 MiB",
        TOO_LONG,
        lambda good: Change(body=_padded(good, HIGHEST_MAX_BODY_BYTES)),
    ),
)

_GOOD = Row("good", "a plain event must be taken", TAKEN, lambda good: Change())

# About a task, and with a signature, that the receiver has taken before.
_REPEATS = (
    Row("duplicate", "networks repeat events", TAKEN, _GOOD.change, task=_GOOD.name),
    Row(
        "repeat-forged",
        "a repeat is verified before it is known",
        REFUSED,
        lambda good: Change(signatures=(WRONG,)),
        task=_GOOD.name,
    ),
    Row(
        "signature-reused",
        "a good signature is good for one body",
        REFUSED,
        lambda good: Change(body=_failed(good), signatures=(good.signature,)),
        task=_GOOD.name,
    ),
)

_ROWS = (
    _GOOD,
    *_REPEATS,
    *FORMS,
    *FORGED,
    *UNUSUAL,
    *UNREADABLE,
    *_TRANSPORT,
    Row("good-at-last", "after all this it still works", TAKEN, lambda good: Change()),
)


def hostile_requests(secret: Secret, *, task_id: str = "task_hostile") -> list[HostileRequest]:
    """Makes the requests, signed with `secret` where they are signed; ids begin with `task_id`.

    They are in order: the first and the last one are good, so that a receiver that was not there,
    and one that is there no more, can be told. Raises the codes of a secret that can't be one.
    """
    Key(secret)
    return [request_of(row, secret, task_id) for row in _ROWS]
