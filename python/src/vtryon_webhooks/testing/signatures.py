"""Cases with wrong signatures, and with unusual forms of the right one."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Callable

from vtryon_webhooks.testing.case import ACCEPTED, REFUSED, Case, Change, ValidRequest
from vtryon_webhooks.testing.sign import sign

# A well-formed signature that no key makes for these bodies.
WRONG = "0" * 64

_NOT_SET = "the key is the text of an unset variable"


def _header_lines(name: str, why: str, lines: Callable[[str], tuple[str, ...]]) -> Case:
    """Makes a case whose header lines are derived from the right signature."""
    return Case(name, why, REFUSED, lambda valid: Change(signatures=lines(valid.signature)))


def _modified(name: str, why: str, change: Callable[[str], str]) -> Case:
    return _header_lines(name, why, lambda right: (change(right),))


def _signed_otherwise(name: str, why: str, claim: Callable[[ValidRequest], str]) -> Case:
    """Makes a case whose signature comes from another key or algorithm."""
    return Case(name, why, REFUSED, lambda valid: Change(signatures=(claim(valid),)))


def _hmac_by(valid: ValidRequest, algorithm: str) -> str:
    return hmac.new(valid.secret, valid.body, algorithm).hexdigest()


def _hmac_with_key(valid: ValidRequest, key: bytes) -> str:
    """Signs with a key that `sign` does not accept."""
    return hmac.new(key, valid.body, "sha256").hexdigest()


def _base64(digits: str) -> str:
    return base64.b64encode(bytes.fromhex(digits)).decode()


def _other_digit(digit: str) -> str:
    return "1" if digit == "0" else "0"


def _fullwidth(digits: str) -> str:
    """Converts digits to the fullwidth forms of Unicode, in UTF-8, with one character per byte."""
    return "".join(chr(ord(digit) + 0xFEE0) for digit in digits).encode().decode("latin-1")


def _in_other_headers(valid: ValidRequest) -> Change:
    bearer = ("authorization", f"Bearer {valid.signature}")
    hub = ("x-hub-signature-256", f"sha256={valid.signature}")
    return Change(signatures=(), headers=(hub, bearer))


FORMS = (
    _header_lines("no-signature", "without a signature anyone could send events", lambda right: ()),
    _header_lines("empty-signature", "an empty header is not a signature", lambda right: ("",)),
    _modified("zeros", "64 hex digits that are not the signature", lambda right: WRONG),
    _modified("not-hex", "64 characters that are not hex digits", lambda right: "g" * 64),
    _modified(
        "one-digit", "a comparison must not stop at the shorter value", lambda right: right[:1]
    ),
    _modified("half", "a comparison must cover all digits", lambda right: right[:32]),
    _modified(
        "short", "some comparisons raise an error if lengths differ", lambda right: right[2:]
    ),
    _modified("odd", "an odd number of digits is not bytes", lambda right: right[1:]),
    _modified("long", "digits after the right ones count", lambda right: right + "00"),
    _modified("digit-added", "some decoders drop half a byte", lambda right: right + "0"),
    _modified("junk-added", "some decoders stop at unknown characters", lambda right: right + "zz"),
    _modified("twice-as-long", "the right digits, but twice", lambda right: right * 2),
    _modified(
        "last-digit", "the last digit counts", lambda right: right[:-1] + _other_digit(right[-1])
    ),
    _modified(
        "first-digit", "the first digit counts", lambda right: _other_digit(right[0]) + right[1:]
    ),
    _modified("sha256-prefix", "other services use this form", lambda right: f"sha256={right}"),
    _modified("version-prefix", "other services use this form", lambda right: f"v1={right}"),
    _modified("0x-prefix", "a prefix of hexadecimal numbers", lambda right: f"0x{right}"),
    _modified("quoted", "quotes are not hex digits", lambda right: f'"{right}"'),
    _modified("base64", "the right bytes, but not in hex", _base64),
    _modified(
        "blank-between", "some decoders skip blanks", lambda right: f"{right[:32]} {right[32:]}"
    ),
    _modified(
        "not-ascii", "some comparisons raise an error for such text", lambda right: "\u00e9" * 64
    ),
    _modified("wide-digits", "digits of another script", _fullwidth),
    _modified("list", "proxies join repeated headers", lambda right: f"{right}, {right}"),
    _modified("bad-list", "only one of two is right", lambda right: f"{WRONG}, {right}"),
    _header_lines(
        "two-lines", "some frameworks silently drop one of two lines", lambda right: (right, right)
    ),
    _header_lines(
        "bad-then-good", "some frameworks use the last of two lines", lambda right: (WRONG, right)
    ),
    _header_lines(
        "good-then-bad", "some frameworks use the first of two lines", lambda right: (right, WRONG)
    ),
    Case("other-header", "the right signature, in other headers", REFUSED, _in_other_headers),
    Case(
        "upper-case",
        "hex digits are case-insensitive",
        ACCEPTED,
        lambda valid: Change(signatures=(valid.signature.upper(),)),
    ),
    Case(
        "header-case",
        "names of headers are case-insensitive",
        ACCEPTED,
        lambda valid: Change(signatures=(), headers=(("X-Vtryon-Signature", valid.signature),)),
    ),
    _signed_otherwise(
        "other-secret",
        "signed with another secret",
        lambda valid: sign(valid.body, valid.secret + b"x"),
    ),
    _signed_otherwise(
        "empty-secret",
        "with an empty secret anyone can sign",
        lambda valid: _hmac_with_key(valid, b""),
    ),
    _signed_otherwise("secret-none", _NOT_SET, lambda valid: _hmac_with_key(valid, b"None")),
    _signed_otherwise("secret-null", _NOT_SET, lambda valid: _hmac_with_key(valid, b"null")),
    _signed_otherwise(
        "secret-undefined", _NOT_SET, lambda valid: _hmac_with_key(valid, b"undefined")
    ),
    _signed_otherwise("sha1", "another hash, 40 digits", lambda valid: _hmac_by(valid, "sha1")),
    _signed_otherwise(
        "sha512", "another hash, 128 digits", lambda valid: _hmac_by(valid, "sha512")
    ),
    _signed_otherwise(
        "sha512-cut", "another hash, cut to length", lambda valid: _hmac_by(valid, "sha512")[:64]
    ),
    _signed_otherwise(
        "plain-hash",
        "a hash without a key",
        lambda valid: hashlib.sha256(valid.body).hexdigest(),
    ),
)
