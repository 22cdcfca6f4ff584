"""Values that fail or lie when they are asked what they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any


class Raising(Sequence[Any]):
    """A sequence that fails at everything."""

    def __len__(self) -> int:
        raise RuntimeError

    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError

    def __getitem__(self, index: Any) -> Any:
        raise RuntimeError

    def __bool__(self) -> bool:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __hash__ = None  # type: ignore[assignment]


class Lying:
    """Claims to be what it is not, or fails when it is asked."""

    def __init__(self, claim: type | None) -> None:
        self.claim = claim

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        if self.claim is None:
            raise RuntimeError
        return self.claim


class RaisingItems:
    """Looks like all headers of a request, and fails when it is asked for them."""

    @property
    def items(self) -> Any:
        raise RuntimeError


class LoudStr(str):
    def encode(self, *arguments: Any, **options: Any) -> bytes:
        raise RuntimeError

    def __contains__(self, part: object) -> bool:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


class LoudBytes(bytes):
    def __getitem__(self, index: Any) -> Any:
        raise RuntimeError

    def __iter__(self) -> Iterator[int]:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError

    def __bytes__(self) -> bytes:
        raise RuntimeError

    def __contains__(self, part: object) -> bool:
        raise RuntimeError


class LyingBytes(bytes):
    def __getitem__(self, index: Any) -> Any:
        return b"other"

    def __bytes__(self) -> bytes:
        return b"other"


class LoudBytearray(bytearray):
    def __getitem__(self, index: Any) -> Any:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError
