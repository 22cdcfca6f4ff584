"""The hostile requests, in the order in which they are to be sent."""

from __future__ import annotations

from typing import Callable

from vtryon_webhooks.keys import Key, Secret
from vtryon_webhooks.options import DEFAULT_MAX_BODY_BYTES, HIGHEST_MAX_BODY_BYTES
from vtryon_webhooks.testing.bodies import FORGED, UNREADABLE, UNUSUAL
from vtryon_webhooks.testing.case import (
    ACCEPTED,
    ACCEPTED_OR_TOO_LONG,
    OPTIONS,
    OTHER_METHOD,
    REFUSED,
    REFUSED_OR_TOO_LONG,
    TOO_LONG,
    Case,
    Change,
    HostileRequest,
    ValidRequest,
    build_request,
)
from vtryon_webhooks.testing.signatures import FORMS, WRONG

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data; boundary=x"


def _content_type(name: str, content_type: str | None) -> Case:
    why = "the signature covers the body, whatever its content type"
    return Case(name, why, ACCEPTED, lambda valid: Change(content_type=content_type))


def _unsigned(
    name: str, why: str, content_type: str, body: Callable[[ValidRequest], bytes]
) -> Case:
    def change(valid: ValidRequest) -> Change:
        return Change(content_type=content_type, signatures=(WRONG,), body=body(valid))

    return Case(name, why, REFUSED, change)


def _other_method(method: str, statuses: tuple[int, ...] = OTHER_METHOD) -> Case:
    change = Change(method=method)
    return Case(method.lower(), "events come by POST", statuses, lambda valid: change)


def _failed(valid: ValidRequest) -> bytes:
    return valid.body.replace(b"queued", b"failed")


def _padded(valid: ValidRequest, limit: int) -> bytes:
    """Makes a valid event that is longer than a limit."""
    return valid.body[:-1] + b',"padding":"' + b"x" * limit + b'"}'


_TRANSPORT = (
    _content_type("type-text", "text/plain"),
    _content_type("type-form", _FORM),
    _content_type("type-multipart", _MULTIPART),
    _content_type("type-no-boundary", "multipart/form-data"),
    _content_type("type-octets", "application/octet-stream"),
    _content_type("type-charset", "application/json; charset=utf-16"),
    _content_type("type-absent", None),
    _content_type("type-invalid", ';;="'),
    _unsigned(
        "type-form-unsigned",
        "a form is verified too",
        _FORM,
        lambda valid: b"task_id=x&status=failed",
    ),
    _unsigned(
        "type-multipart-unsigned",
        "a body on which parsers of forms fail",
        _MULTIPART,
        lambda valid: b"--x\r\n\0",
    ),
    _unsigned(
        "type-text-unsigned",
        "text is verified too",
        "text/plain",
        lambda valid: valid.body,
    ),
    _unsigned(
        "other-event-unsigned",
        "events that a receiver ignores are verified too",
        _JSON,
        lambda valid: valid.body.replace(b"status_changed", b"archived"),
    ),
    _unsigned(
        "other-status-unsigned",
        "events that a receiver ignores are verified too",
        _JSON,
        lambda valid: valid.body.replace(b"queued", b"paused"),
    ),
    Case(
        "coding-gzip",
        "the body is not gzip: a verified body is not decompressed",
        (*ACCEPTED, 400, 415),
        lambda valid: Change(headers=(("content-encoding", "gzip"),)),
    ),
    _other_method("GET"),
    _other_method("HEAD"),
    _other_method("PUT"),
    _other_method("PATCH"),
    _other_method("DELETE"),
    _other_method("OPTIONS", OPTIONS),
    Case(
        "long-body",
        "longer than 256 KiB",
        ACCEPTED_OR_TOO_LONG,
        lambda valid: Change(body=_padded(valid, DEFAULT_MAX_BODY_BYTES)),
    ),
    Case(
        "long-body-unsigned",
        "longer than 256 KiB, and forged",
        REFUSED_OR_TOO_LONG,
        lambda valid: Change(body=_padded(valid, DEFAULT_MAX_BODY_BYTES), signatures=(WRONG,)),
    ),
    Case(
        "too-long",
        "longer than 1 MiB",
        TOO_LONG,
        lambda valid: Change(body=_padded(valid, HIGHEST_MAX_BODY_BYTES)),
    ),
)

_GOOD = Case("good", "a valid event is accepted", ACCEPTED, lambda valid: Change())

# Cases with a task and a signature that the receiver has accepted before.
_REPEATS = (
    Case("duplicate", "events may arrive twice", ACCEPTED, _GOOD.change, task=_GOOD.name),
    Case(
        "repeat-forged",
        "a duplicate is verified too",
        REFUSED,
        lambda valid: Change(signatures=(WRONG,)),
        task=_GOOD.name,
    ),
    Case(
        "signature-reused",
        "a signature is valid for one body only",
        REFUSED,
        lambda valid: Change(body=_failed(valid), signatures=(valid.signature,)),
        task=_GOOD.name,
    ),
)

_CASES = (
    _GOOD,
    *_REPEATS,
    *FORMS,
    *FORGED,
    *UNUSUAL,
    *UNREADABLE,
    *_TRANSPORT,
    Case("good-at-last", "the receiver still works", ACCEPTED, lambda valid: Change()),
)


def hostile_requests(secret: Secret, *, task_id: str = "task_hostile") -> list[HostileRequest]:
    """Makes the requests, signed with `secret`; the ids of their tasks begin with `task_id`.

    Send them in order. The first and the last one are valid, so they show whether the receiver was
    running at the start and still is at the end. Raises `WebhookError` for an invalid secret.
    """
    Key(secret)
    return [build_request(case, secret, task_id) for case in _CASES]
