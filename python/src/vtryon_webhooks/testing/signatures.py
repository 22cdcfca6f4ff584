"""Signatures that are none, and one that is."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Callable

from vtryon_webhooks.testing.case import REFUSED, TAKEN, Change, Good, Row
from vtryon_webhooks.testing.sign import sign

# 64 hex digits that sign nothing.
WRONG = "0" * 64

_NOT_SET = "a variable that is not set, as text"


def _lines(name: str, why: str, lines: Callable[[str], tuple[str, ...]]) -> Row:
    """A row whose lines of the header are made of the right signature."""
    return Row(name, why, REFUSED, lambda good: Change(signatures=lines(good.signature)))


def _only(name: str, why: str, change: Callable[[str], str]) -> Row:
    return _lines(name, why, lambda right: (change(right),))


def _by(name: str, why: str, claim: Callable[[Good], str]) -> Row:
    """A row whose signature has the right form, and was made by something else."""
    return Row(name, why, REFUSED, lambda good: Change(signatures=(claim(good),)))


def _hashed(good: Good, algorithm: str) -> str:
    return hmac.new(good.secret, good.body, algorithm).hexdigest()


def _keyed(good: Good, key: bytes) -> str:
    """Signs with a key that `sign` refuses."""
    return hmac.new(key, good.body, "sha256").hexdigest()


def _base64(digits: str) -> str:
    return base64.b64encode(bytes.fromhex(digits)).decode()


def _other(digit: str) -> str:
    return "1" if digit == "0" else "0"


def _wide(digits: str) -> str:
    """The fullwidth forms of Unicode, as UTF-8, a character for each byte."""
    return "".join(chr(ord(digit) + 0xFEE0) for digit in digits).encode().decode("latin-1")


def _elsewhere(good: Good) -> Change:
    bearer = ("authorization", f"Bearer {good.signature}")
    hub = ("x-hub-signature-256", f"sha256={good.signature}")
    return Change(signatures=(), headers=(hub, bearer))


FORMS = (
    _lines("no-signature", "anyone could post", lambda right: ()),
    _lines("empty-signature", "an empty header is none", lambda right: ("",)),
    _only("zeros", "64 hex digits that sign nothing", lambda right: WRONG),
    _only("not-hex", "64 characters that are no digits", lambda right: "g" * 64),
    _only("one-digit", "a comparison that stops at the shorter one", lambda right: right[:1]),
    _only("half", "comparing the first digits is not comparing", lambda right: right[:32]),
    _only("short", "comparisons that raise when lengths differ", lambda right: right[2:]),
    _only("odd", "half a byte is no byte", lambda right: right[1:]),
    _only("long", "what follows the right digits counts", lambda right: right + "00"),
    _only("digit-added", "decoders that drop half a byte", lambda right: right + "0"),
    _only("junk-added", "decoders that stop at what they do not know", lambda right: right + "zz"),
    _only("twice-as-long", "the right digits twice are too long", lambda right: right * 2),
    _only("last-digit", "the last digit counts", lambda right: right[:-1] + _other(right[-1])),
    _only("first-digit", "the first digit counts", lambda right: _other(right[0]) + right[1:]),
    _only("sha256-prefix", "the form of another service", lambda right: f"sha256={right}"),
    _only("version-prefix", "the form of another service", lambda right: f"v1={right}"),
    _only("0x-prefix", "a prefix of numbers", lambda right: f"0x{right}"),
    _only("quoted", "quotes are no digits", lambda right: f'"{right}"'),
    _only("base64", "the right bytes in another alphabet", _base64),
    _only("blank-between", "decoders that skip blanks", lambda right: f"{right[:32]} {right[32:]}"),
    _only("not-ascii", "comparisons that raise on such text", lambda right: "\u00e9" * 64),
    _only("wide-digits", "digits of another alphabet", _wide),
    _only("list", "proxies join repeated headers", lambda right: f"{right}, {right}"),
    _only("bad-list", "only one of them is right", lambda right: f"{WRONG}, {right}"),
    _lines("two-lines", "one of two is silently dropped", lambda right: (right, right)),
    _lines("bad-then-good", "the last of two is taken", lambda right: (WRONG, right)),
    _lines("good-then-bad", "the first of two is taken", lambda right: (right, WRONG)),
    Row("other-header", "the right signature under another name", REFUSED, _elsewhere),
    Row(
        "upper-case",
        "hex digits have no case",
        TAKEN,
        lambda good: Change(signatures=(good.signature.upper(),)),
    ),
    Row(
        "header-case",
        "names of headers have no case",
        TAKEN,
        lambda good: Change(signatures=(), headers=(("X-Vtryon-Signature", good.signature),)),
    ),
    _by("other-secret", "signed by a stranger", lambda good: sign(good.body, good.secret + b"x")),
    _by("empty-secret", "no secret takes anyone's", lambda good: _keyed(good, b"")),
    _by("secret-none", _NOT_SET, lambda good: _keyed(good, b"None")),
    _by("secret-null", _NOT_SET, lambda good: _keyed(good, b"null")),
    _by("secret-undefined", _NOT_SET, lambda good: _keyed(good, b"undefined")),
    _by("sha1", "another hash, 40 digits", lambda good: _hashed(good, "sha1")),
    _by("sha512", "another hash, 128 digits", lambda good: _hashed(good, "sha512")),
    _by("sha512-cut", "another hash, cut to length", lambda good: _hashed(good, "sha512")[:64]),
    _by(
        "plain-hash",
        "a hash without a key",
        lambda good: hashlib.sha256(good.body).hexdigest(),
    ),
)
