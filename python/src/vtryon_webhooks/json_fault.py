"""Finds the byte at which a text stops being JSON, where the core finds it.

The standard library's parser stops at other bytes. So a text that it has refused is read once more
here, by the grammar of RFC 8259, and stops where `serde_json` does.
"""

from __future__ import annotations

import re
from typing import NoReturn

_BLANKS = re.compile(rb"[ \t\n\r]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_DIGITS = re.compile(rb"[0-9]*")
_HEX = re.compile(rb"[0-9A-Fa-f]{4}")
_WORDS = {b"n": b"null", b"t": b"true", b"f": b"false"}
_CLOSING = {b"[": b"]", b"{": b"}"}


class _StoppedError(Exception):
    """The text is not JSON: so many bytes were read when that showed."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count


def find_fault(body: bytes) -> int | None:
    """Returns the offset of the fault in a text; `None` where there is none."""
    try:
        _Reader(body).read()
    except _StoppedError as stopped:
        count = stopped.count
    else:
        return None
    # The byte read last; after a line feed, the beginning of the new line.
    return count if body[:count].endswith(b"\n") else max(count - 1, 0)


class _Reader:
    """A text, and how much of it was read."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def read(self) -> None:
        """Reads the text, without recursion: a text that is too deep never comes here."""
        open_brackets: list[bytes] = []
        while True:
            token = self._token()
            has_value = token not in _CLOSING
            if has_value:
                self._scalar(token)
            else:
                self._at += 1
                open_brackets.append(token)
            self._end_values(open_brackets, has_value)
            if not open_brackets:
                break
            if open_brackets[-1] == b"{":
                self._name()
        if self._token():
            self._stop_at_next()

    def _end_values(self, open_brackets: list[bytes], has_value: bool) -> None:
        """Reads what follows a value or an opening bracket, up to the next value or name."""
        while open_brackets:
            token = self._token()
            if token == _CLOSING[open_brackets[-1]]:
                open_brackets.pop()
                has_value = True
            elif has_value and token == b",":
                self._at += 1
                return
            elif has_value or not token:
                self._stop_at_next()
            else:
                return
            self._at += 1

    def _name(self) -> None:
        if self._token() != b'"':
            self._stop_at_next()
        self._string()
        if self._token() != b":":
            self._stop_at_next()
        self._at += 1

    def _scalar(self, token: bytes) -> None:
        if token in _WORDS:
            for expected in _WORDS[token]:
                if self._next() != bytes((expected,)):
                    self._stop()
        elif token == b'"':
            self._string()
        elif token and token in b"-0123456789":
            self._at += token == b"-"
            self._number()
        else:
            self._stop_at_next()

    def _string(self) -> None:
        self._at += 1
        while True:
            self._skip(_PLAIN)
            token = self._peek()
            if token == b'"':
                self._at += 1
                return
            if token != b"\\":
                self._stop()
            self._at += 1
            self._escape()

    def _escape(self) -> None:
        token = self._next()
        if token == b"u":
            digits = _HEX.match(self._body, self._at)
            self._at = min(self._at + 4, len(self._body))
            if digits is None:
                self._stop()
        elif not token or token not in b'"\\/bfnrt':
            self._stop()

    def _number(self) -> None:
        first = self._next()
        if not first.isdigit():
            self._stop()
        if first == b"0":
            if self._peek().isdigit():
                self._stop_at_next()
        else:
            self._skip(_DIGITS)
        if self._peek() == b".":
            self._at += 1
            if not self._peek().isdigit():
                self._stop_at_next()
            self._skip(_DIGITS)
        if self._peek() in (b"e", b"E"):
            self._at += 1
            self._at += self._peek() in (b"+", b"-")
            if not self._next().isdigit():
                self._stop()
            self._skip(_DIGITS)

    def _token(self) -> bytes:
        """Returns the first byte that is no blank, without reading it; nothing at the end."""
        self._skip(_BLANKS)
        return self._peek()

    def _peek(self) -> bytes:
        return self._body[self._at : self._at + 1]

    def _next(self) -> bytes:
        byte = self._peek()
        self._at += len(byte)
        return byte

    def _skip(self, pattern: re.Pattern[bytes]) -> None:
        found = pattern.match(self._body, self._at)
        self._at = found.end() if found else self._at

    def _stop(self) -> NoReturn:
        raise _StoppedError(self._at)

    def _stop_at_next(self) -> NoReturn:
        raise _StoppedError(min(self._at + 1, len(self._body)))
