"""Parses signed JSON, and accepts exactly what the Rust core accepts.

The standard library's `json` parses. This module refuses what `json` accepts beyond RFC 8259.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any, NoReturn, Union

from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.json_fault import find_fault

#: Any JSON value.
Json = Union[None, bool, int, float, str, "list[Json]", "dict[str, Json]"]

# A string, terminated or not, or a single bracket or brace.
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_QUOTE = ord('"')
_OPENING = b"[{"

# An escape of RFC 8259, 7. Interpreters without the C scanner parse the four hex digits with int(),
# which also accepts other forms.
_ESCAPE = re.compile(r"\\(?:u[0-9A-Fa-f]{4}|[^u])")

# int() is fast up to this many digits, and `PYTHONINTMAXSTRDIGITS` can't be set lower.
_MAX_DIGITS = 640


class ObjectWithDuplicates(dict[str, Any]):
    """An object with duplicate names: it has their last values, and remembers the names."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        """Takes the members in the order of the text."""
        super().__init__(pairs)
        counts = Counter(name for name, _ in pairs)
        self.names = frozenset(name for name in counts if counts[name] > 1)


def parse_json(body: bytes, max_depth: int) -> Json:
    """Parses a body; checks for `invalid_utf8`, `too_deep` and `invalid_json`, in this order."""
    text = _decode_utf8(body)
    _check_depth(body, max_depth)
    return _parse(text, body)


def has_duplicate(members: dict[str, Json], name: str) -> bool:
    """Returns whether an object has more than one member of this name."""
    return isinstance(members, ObjectWithDuplicates) and name in members.names


def is_text(value: str) -> bool:
    """Returns whether a string is valid Unicode, without lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _decode_utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        offset = error.start
    # Raised outside of `except`, because the codec's error contains the body.
    raise WebhookError("invalid_utf8", offset=offset)


def _parse(text: str, body: bytes) -> Json:
    try:
        value: Json = _DECODER.decode(text)
        if "\\" not in text or "\\" not in _ESCAPE.sub("", text):
            return value
    except ValueError:
        pass
    # Raised outside of `except`, because the decoder's error contains the text.
    raise WebhookError("invalid_json", offset=find_fault(body))


def _check_depth(body: bytes, limit: int) -> None:
    """Raises `too_deep` if brackets and braces are nested more than `limit` deep.

    It counts the tokens outside of strings, before the parser runs. So the result does not depend
    on the parser, and is the same in every language.
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
    """Parses an integer; a very long one becomes infinite, as `float` does with large numbers."""
    _check_digits(digits)
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


def _decimal(digits: str) -> float:
    _check_digits(digits)
    return float(digits)


def _check_digits(digits: str) -> None:
    # Interpreters without the C scanner accept the digits of every script.
    if not digits.isascii():
        raise ValueError


def _refuse_constant(_name: str) -> NoReturn:
    """Refuses NaN, Infinity and -Infinity."""
    raise ValueError


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else ObjectWithDuplicates(pairs)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_integer,
    parse_float=_decimal,
    parse_constant=_refuse_constant,
)
