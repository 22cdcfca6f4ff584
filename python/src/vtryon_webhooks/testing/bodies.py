"""Cases with a body that differs from the signed one, and with signed but unusual bodies."""

from __future__ import annotations

import json
from typing import Callable

from vtryon_webhooks.testing.case import (
    ACCEPTED,
    READ_OR_REFUSED,
    READ_OR_TOO_LONG,
    REFUSED,
    Case,
    Change,
    ValidRequest,
)
from vtryon_webhooks.testing.sign import sign

_BOM = b"\xef\xbb\xbf"


def _forged(name: str, why: str, bodies: Callable[[ValidRequest], tuple[bytes, bytes]]) -> Case:
    """Makes a case with the signature of another body; `bodies` returns the signed and the sent."""

    def change(valid: ValidRequest) -> Change:
        signed, sent = bodies(valid)
        return Change(body=sent, signatures=(sign(signed, valid.secret),))

    return Case(name, why, REFUSED, change)


def _signed(
    name: str, why: str, statuses: tuple[int, ...], body: Callable[[ValidRequest], bytes]
) -> Case:
    return Case(name, why, statuses, lambda valid: Change(body=body(valid)))


def _accepted(name: str, why: str, body: Callable[[ValidRequest], bytes]) -> Case:
    return _signed(name, why, ACCEPTED, body)


def _unreadable(name: str, why: str, body: Callable[[ValidRequest], bytes]) -> Case:
    return _signed(name, f"signed, but {why}", READ_OR_REFUSED, body)


def _add_member(field: bytes) -> Callable[[ValidRequest], bytes]:
    """Adds a member at the end of the event."""
    return lambda valid: valid.body[:-1] + b"," + field + b"}"


def _replace(old: bytes, new: bytes) -> Callable[[ValidRequest], bytes]:
    return lambda valid: valid.body.replace(old, new)


def _replace_task_id(value: bytes) -> Callable[[ValidRequest], bytes]:
    """Replaces the JSON value of `task_id`."""
    return lambda valid: valid.body.replace(json.dumps(valid.task_id).encode(), value)


def _spaced(valid: ValidRequest) -> bytes:
    return json.dumps(json.loads(valid.body), indent=2).encode()


def _crlf(valid: ValidRequest) -> bytes:
    return _spaced(valid).replace(b"\n", b"\r\n")


def _lossy(body: bytes) -> bytes:
    """Replaces invalid UTF-8 as lenient decoders do."""
    return body.decode(errors="replace").encode()


_not_utf8 = _add_member(b'"note":"\xff"')

FORGED = (
    _forged(
        "changed",
        "one word was changed",
        lambda valid: (valid.body, _replace(b"queued", b"failed")(valid)),
    ),
    _forged("cut-short", "the last byte is missing", lambda valid: (valid.body, valid.body[:-1])),
    _forged("newline-added", "editors add one", lambda valid: (valid.body, valid.body + b"\n")),
    _forged(
        "newline-dropped", "trimming removes it", lambda valid: (valid.body + b"\n", valid.body)
    ),
    _forged(
        "crlf-added", "normalising line ends hides it", lambda valid: (_spaced(valid), _crlf(valid))
    ),
    _forged(
        "crlf-dropped",
        "normalising line ends hides it",
        lambda valid: (_crlf(valid), _spaced(valid)),
    ),
    _forged("nul-added", "strings in C end at NUL", lambda valid: (valid.body, valid.body + b"\0")),
    _forged("bom-added", "decoders remove it", lambda valid: (valid.body, _BOM + valid.body)),
    _forged("bom-dropped", "decoders remove it", lambda valid: (_BOM + valid.body, valid.body)),
    _forged(
        "re-serialised",
        "serialised again, with other blanks",
        lambda valid: (valid.body, _spaced(valid)),
    ),
    _forged(
        "re-serialised-compact",
        "serialised again, with other blanks",
        lambda valid: (_spaced(valid), valid.body),
    ),
    _forged(
        "escaped",
        "the same letter, as an escape",
        lambda valid: (valid.body, _replace(b"queued", b"\\u0071ueued")(valid)),
    ),
    _forged(
        "lossy-utf8",
        "a lenient decoder makes two bodies equal",
        lambda valid: (_lossy(_not_utf8(valid)), _not_utf8(valid)),
    ),
    _forged(
        "lossy-utf8-reversed",
        "a lenient decoder makes two bodies equal",
        lambda valid: (_not_utf8(valid), _lossy(_not_utf8(valid))),
    ),
    _forged("empty-for-signed", "the signature of another body", lambda valid: (valid.body, b"")),
)

UNUSUAL = (
    _accepted("spaced", "blanks mean nothing", _spaced),
    _accepted("more-fields", "Vtryon may add fields", _add_member(b'"api":{"v":[2]}')),
    _accepted("not-latin", "text is UTF-8", _add_member('"note":"été 試着 🧥"'.encode())),
    _accepted("other-status", "Vtryon may add one", _replace(b"queued", b"paused")),
    _accepted("other-event", "Vtryon may add one", _replace(b"status_changed", b"archived")),
)

UNREADABLE = (
    _unreadable("empty", "the body is empty", lambda valid: b""),
    _unreadable("not-json", "the body is a form", lambda valid: b"event=generation.status_changed"),
    _unreadable("half-json", "it was cut before it was signed", lambda valid: valid.body[:40]),
    _unreadable("two-values", "one JSON text follows another", lambda valid: valid.body * 2),
    _unreadable("null", "it is not an object", lambda valid: b"null"),
    _unreadable("number", "it is not an object", lambda valid: b"7"),
    _unreadable("array", "it is not an object", lambda valid: b"[" + valid.body + b"]"),
    _unreadable(
        "bom", "JSON must not begin with a byte order mark", lambda valid: _BOM + valid.body
    ),
    _unreadable("nul", "a string contains a control character", _add_member(b'"note":"\0"')),
    _unreadable("nan", "NaN is not JSON", _add_member(b'"n":NaN')),
    _unreadable("not-utf8", "it is not UTF-8", _not_utf8),
    _unreadable(
        "lone-surrogate", "it contains half a surrogate pair", _add_member(b'"note":"\\ud800"')
    ),
    _unreadable("huge-number", "a number exceeds a double", _add_member(b'"n":1e999')),
    _unreadable(
        "long-number", "a number exceeds the limit of int()", _add_member(b'"n":' + b"9" * 5000)
    ),
    _unreadable("no-status", "a field is missing", _replace(b'"status"', b'"state"')),
    _unreadable("task-number", "a field has the wrong type", _replace_task_id(b"7")),
    _unreadable("task-null", "a field has the wrong type", _replace_task_id(b"null")),
    _unreadable("task-empty", "the task id is empty", _replace_task_id(b'""')),
    _unreadable(
        "task-long", "the task id has 10,000 letters", _replace_task_id(b'"' + b"t" * 10_000 + b'"')
    ),
    _unreadable("task-control", "the task id contains a line break", _replace_task_id(b'"a\\nb"')),
    _unreadable("task-path", "the task id is a path", _replace_task_id(b'"../.."')),
    _unreadable(
        "task-surrogate", "it contains half a surrogate pair", _replace_task_id(b'"\\ud800"')
    ),
    _unreadable("status-object", "a field has the wrong type", _replace(b'"queued"', b"{}")),
    _unreadable("data-string", "a field has the wrong type", _add_member(b'"data":"x"')),
    _unreadable("error-array", "a field has the wrong type", _add_member(b'"error":[]')),
    _unreadable(
        "url-number", "a field has the wrong type", _add_member(b'"data":{"result_url":7}')
    ),
    _unreadable(
        "twice-task", "parsers disagree about duplicate names", _add_member(b'"task_id":"other"')
    ),
    _unreadable(
        "twice-status", "parsers disagree about duplicate names", _add_member(b'"status":"failed"')
    ),
    _signed("deep", "100,000 brackets", READ_OR_TOO_LONG, lambda valid: b"[" * 100_000),
    _signed(
        "deep-field",
        "50,000 brackets in a field",
        READ_OR_TOO_LONG,
        _add_member(b'"data":' + b"[" * 50_000 + b"]" * 50_000),
    ),
)
