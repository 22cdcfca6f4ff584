"""The reading of signed JSON, held to the verdict of the Rust core.

The standard library parses; what it takes beyond RFC 8259 is refused here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, NoReturn, Union

from vtryon_webhooks.errors import WebhookError

#: Any JSON value.
Json = Union[None, bool, int, float, str, "list[Json]", "dict[str, Json]"]

# A string, closed or not, or a single bracket.
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_QUOTE = ord('"')
_OPENING = b"[{"

# An escape of RFC 8259, 7. Scanners written in Python take int()'s idea of four hex digits.
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|[^u])")

# Up to this many digits int() has no limit that an environment could lower, and takes no time.
_MAX_DIGITS = 640


class Repeating(dict[str, Any]):
    """An object in which a name stands twice: it has the last value, and remembers the name."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        """Takes the members in their order."""
        super().__init__(pairs)
        counts = Counter(name for name, _ in pairs)
        self.names = frozenset(name for name in counts if counts[name] > 1)


def read(body: bytes, max_depth: int) -> Json:
    """Reads a body; raises `invalid_utf8`, `too_deep` or `invalid_json`, in this order."""
    text = _text(body)
    _check_depth(body, max_depth)
    return _value(text)


def repeats(members: dict[str, Json], name: str) -> bool:
    """Tells whether a name stands twice in an object."""
    return isinstance(members, Repeating) and name in members.names


def is_text(value: str) -> bool:
    """Tells whether a string names characters only, and no half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        offset = error.start
    # Raised out here, since the codec's error holds the body.
    raise WebhookError("invalid_utf8", offset=offset)


def _value(text: str) -> Json:
    try:
        value: Json = _DECODER.decode(text)
        if "\\" not in text or "\\" not in _ESCAPE.sub("", text):
            return value
    except ValueError:
        pass
    # Raised out here, since the decoder's error holds the text. It has no offset, since this parser
    # stops at other bytes than the core's.
    raise WebhookError("invalid_json")


def _check_depth(body: bytes, limit: int) -> None:
    """Refuses a text in which brackets and braces stand more than `limit` deep.

    It counts lexically, outside of strings, before any parser runs: so the verdict is the same for
    every language.
    """
    if body.count(b"[") + body.count(b"{") <= limit:
        return
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(body):
        first = body[token.start()]
        if first == _QUOTE:
            continue
        if first in _OPENING:
            depth += 1
            if depth > limit:
                raise WebhookError("too_deep", offset=token.start())
        elif depth:
            depth -= 1


def _integer(digits: str) -> int | float:
    """Reads an integer; one past any range is infinite, as the fractions beyond theirs are."""
    _check_digits(digits)
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


def _decimal(digits: str) -> float:
    _check_digits(digits)
    return float(digits)


def _check_digits(digits: str) -> None:
    # Scanners written in Python take the digits of every script.
    if not digits.isascii():
        raise ValueError


def _no_constant(_name: str) -> NoReturn:
    """Refuses NaN, Infinity and -Infinity."""
    raise ValueError


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else Repeating(pairs)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_integer,
    parse_float=_decimal,
    parse_constant=_no_constant,
)
