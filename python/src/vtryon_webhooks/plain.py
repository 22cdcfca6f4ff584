"""Gets the built-in value of an instance of a subclass, whose methods may be overridden.

A subclass of `bytes` may even answer for its buffer (PEP 688, Python 3.12), so the methods of the
built-in types are called themselves.
"""

from __future__ import annotations

from typing import cast


def bytes_of(value: object) -> bytes | None:
    """Returns the bytes of a `bytes`; None for any other value."""
    if not issubclass(type(value), bytes):
        return None
    return bytes.__getitem__(cast(bytes, value), slice(None))


def bytearray_of(value: object) -> bytes | None:
    """Copies the bytes of a `bytearray`; None for any other value."""
    if not issubclass(type(value), bytearray):
        return None
    return bytes(bytearray.__getitem__(cast(bytearray, value), slice(None)))


def text_of(value: object) -> str | None:
    """Returns the text of a `str`; None for any other value."""
    return str.__str__(cast(str, value)) if issubclass(type(value), str) else None
