"""Bodies that are not what was signed, and signed bodies that are no plain event."""

from __future__ import annotations

import json
from typing import Callable

from vtryon_webhooks.testing.case import (
    READ_OR_REFUSED,
    READ_OR_TOO_LONG,
    REFUSED,
    TAKEN,
    Change,
    Good,
    Row,
)
from vtryon_webhooks.testing.sign import sign

_BOM = b"\xef\xbb\xbf"


def _forged(name: str, why: str, bodies: Callable[[Good], tuple[bytes, bytes]]) -> Row:
    """A row that is sent with the signature of another body: the signed one and the one sent."""

    def change(good: Good) -> Change:
        signed, sent = bodies(good)
        return Change(body=sent, signatures=(sign(signed, good.secret),))

    return Row(name, why, REFUSED, change)


def _signed(name: str, why: str, statuses: tuple[int, ...], body: Callable[[Good], bytes]) -> Row:
    return Row(name, why, statuses, lambda good: Change(body=body(good)))


def _taken(name: str, why: str, body: Callable[[Good], bytes]) -> Row:
    return _signed(name, why, TAKEN, body)


def _unread(name: str, why: str, body: Callable[[Good], bytes]) -> Row:
    return _signed(name, f"signed, but {why}", READ_OR_REFUSED, body)


def _with(field: bytes) -> Callable[[Good], bytes]:
    """Adds a member at the end."""
    return lambda good: good.body[:-1] + b"," + field + b"}"


def _for(old: bytes, new: bytes) -> Callable[[Good], bytes]:
    return lambda good: good.body.replace(old, new)


def _task(value: bytes) -> Callable[[Good], bytes]:
    """Puts another value, quotes included, in the place of the task."""
    return lambda good: good.body.replace(json.dumps(good.task_id).encode(), value)


def _spaced(good: Good) -> bytes:
    return json.dumps(json.loads(good.body), indent=2).encode()


def _crlf(good: Good) -> bytes:
    return _spaced(good).replace(b"\n", b"\r\n")


def _lossy(body: bytes) -> bytes:
    """What decoders make of bytes that are no UTF-8, when they are not told to be strict."""
    return body.decode(errors="replace").encode()


_not_utf8 = _with(b'"note":"\xff"')

FORGED = (
    _forged("changed", "a word of it", lambda good: (good.body, _for(b"queued", b"failed")(good))),
    _forged("cut-short", "the last byte is missing", lambda good: (good.body, good.body[:-1])),
    _forged("newline-added", "editors do", lambda good: (good.body, good.body + b"\n")),
    _forged("newline-dropped", "trimming does", lambda good: (good.body + b"\n", good.body)),
    _forged("crlf-added", "normalising drops it", lambda good: (_spaced(good), _crlf(good))),
    _forged("crlf-dropped", "normalising drops it", lambda good: (_crlf(good), _spaced(good))),
    _forged("nul-added", "texts of C end there", lambda good: (good.body, good.body + b"\0")),
    _forged("bom-added", "decoders drop it", lambda good: (good.body, _BOM + good.body)),
    _forged("bom-dropped", "decoders drop it", lambda good: (_BOM + good.body, good.body)),
    _forged("re-serialised", "written anew", lambda good: (good.body, _spaced(good))),
    _forged("re-serialised-compact", "written anew", lambda good: (_spaced(good), good.body)),
    _forged(
        "escaped",
        "the same letter, written in another way",
        lambda good: (good.body, _for(b"queued", b"\\u0071ueued")(good)),
    ),
    _forged(
        "lossy-utf8",
        "two bodies under one signature",
        lambda good: (_lossy(_not_utf8(good)), _not_utf8(good)),
    ),
    _forged(
        "lossy-utf8-reversed",
        "two bodies under one signature",
        lambda good: (_not_utf8(good), _lossy(_not_utf8(good))),
    ),
    _forged("empty-for-signed", "the signature of another body", lambda good: (good.body, b"")),
)

UNUSUAL = (
    _taken("spaced", "blanks mean nothing", _spaced),
    _taken("more-fields", "Vtryon may add some", _with(b'"api":{"v":[2]}')),
    _taken("not-latin", "text is UTF-8", _with('"note":"été 試着 🧥"'.encode())),
    _taken("other-status", "Vtryon may add one", _for(b"queued", b"paused")),
    _taken("other-event", "Vtryon may add one", _for(b"status_changed", b"archived")),
)

UNREADABLE = (
    _unread("empty", "nothing", lambda good: b""),
    _unread("not-json", "a form", lambda good: b"event=generation.status_changed"),
    _unread("half-json", "cut before it was signed", lambda good: good.body[:40]),
    _unread("two-values", "one JSON text, then another", lambda good: good.body * 2),
    _unread("null", "no object", lambda good: b"null"),
    _unread("number", "no object", lambda good: b"7"),
    _unread("array", "no object", lambda good: b"[" + good.body + b"]"),
    _unread("bom", "JSON must not begin with it", lambda good: _BOM + good.body),
    _unread("nul", "a control character in a string", _with(b'"note":"\0"')),
    _unread("nan", "no number of JSON", _with(b'"n":NaN')),
    _unread("not-utf8", "not text", _not_utf8),
    _unread("lone-surrogate", "half a character", _with(b'"note":"\\ud800"')),
    _unread("huge-number", "past what a double holds", _with(b'"n":1e999')),
    _unread("long-number", "past what int() takes", _with(b'"n":' + b"9" * 5000)),
    _unread("no-status", "a field is missing", _for(b'"status"', b'"state"')),
    _unread("task-number", "of the wrong type", _task(b"7")),
    _unread("task-null", "of the wrong type", _task(b"null")),
    _unread("task-empty", "it names no task", _task(b'""')),
    _unread("task-long", "10,000 letters", _task(b'"' + b"t" * 10_000 + b'"')),
    _unread("task-control", "a line break", _task(b'"a\\nb"')),
    _unread("task-path", "a path", _task(b'"../.."')),
    _unread("task-surrogate", "half a character", _task(b'"\\ud800"')),
    _unread("status-object", "of the wrong type", _for(b'"queued"', b"{}")),
    _unread("data-string", "of the wrong type", _with(b'"data":"x"')),
    _unread("error-array", "of the wrong type", _with(b'"error":[]')),
    _unread("url-number", "of the wrong type", _with(b'"data":{"result_url":7}')),
    _unread("twice-task", "parsers differ in which one they take", _with(b'"task_id":"other"')),
    _unread("twice-status", "parsers differ in which one they take", _with(b'"status":"failed"')),
    _signed("deep", "100,000 brackets", READ_OR_TOO_LONG, lambda good: b"[" * 100_000),
    _signed(
        "deep-field",
        "50,000 brackets in a field",
        READ_OR_TOO_LONG,
        _with(b'"data":' + b"[" * 50_000 + b"]" * 50_000),
    ),
)
