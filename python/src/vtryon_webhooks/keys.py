"""Secrets, made ready once for all the payloads that they will verify or sign."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Union

from vtryon_webhooks.careless import check_secret
from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.plain import bytes_of, text_of

Secret = Union[str, bytes]

# The block length of SHA-256 in bytes (FIPS 180-4), to which RFC 2104 fits a key.
_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))

# What is hashed before the secret to make a fingerprint, so that it equals no other digest of it.
_FINGERPRINT_LABEL = b"vtryon-webhooks fingerprint\0"


class Key:
    """The SHA-256 states after the inner and the outer key block of HMAC (RFC 2104).

    The secret itself is not kept. Hash states can't be pickled, so a key never leaves its process.
    """

    __slots__ = ("_inner", "_outer", "fingerprint")

    def __init__(self, secret: object) -> None:
        """Takes a secret; raises `secret_missing`, or a code of `check_secret`."""
        octets = octets_of(secret)
        check_secret(octets)
        # A key longer than a block is hashed first, a shorter one is padded with zeros.
        block = hashlib.sha256(octets).digest() if len(octets) > _BLOCK else octets
        block = block.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))
        #: Names the secret without telling it: 8 hex digits, equal to the core's.
        self.fingerprint = hashlib.sha256(_FINGERPRINT_LABEL + octets).hexdigest()[:8]

    def mac(self, message: bytes) -> bytes:
        """Computes HMAC-SHA256 of `message`, 32 bytes."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()

    def __repr__(self) -> str:
        """Shows the fingerprint alone."""
        return f"Key({self.fingerprint})"


def keys_of(secrets: object) -> list[Key]:
    """Prepares one secret or several, the current one first; None are those of the environment."""
    if secrets is None:
        return [Key(secret) for secret in _from_environment()]
    listed = _listed(secrets)
    if listed is None:
        what = "`secrets` is neither one secret nor a sequence of them, such as a list"
        raise WebhookError("secret_missing", what)
    if not listed:
        raise WebhookError("secret_missing")
    if len(listed) == 1:
        return [Key(listed[0])]
    return [_key_at(position, secret) for position, secret in enumerate(listed)]


def _key_at(position: int, secret: object) -> Key:
    """Prepares one of several secrets; an error names its position."""
    try:
        return Key(secret)
    except WebhookError as error:
        # The message of an error that is about a secret has neither field nor offset.
        what = f"`secrets[{position}]`: {error}"
        code, hint = error.code, error.hint
    raise WebhookError(code, what, hint=hint)


def _listed(secrets: object) -> list[object] | None:
    """Lists one secret or a sequence of them: of what has no order, none is the current one."""
    try:
        if isinstance(secrets, (str, bytes)):
            return [secrets]
        return list(secrets) if isinstance(secrets, Sequence) else None
    except Exception:  # an object may raise anything when it is asked what it is
        return None


def _from_environment() -> list[bytes]:
    current = os.environ.get("VTRYON_WEBHOOK_SECRET")
    previous = os.environ.get("VTRYON_WEBHOOK_SECRET_PREVIOUS")
    if current is None:
        raise WebhookError("secret_missing")
    # The environment holds bytes; this gets back exactly those that are there.
    return [os.fsencode(secret) for secret in (current, previous) if secret is not None]


def octets_of(secret: object) -> bytes:
    """Returns the bytes of a secret, which are the key as they are."""
    octets = bytes_of(secret)
    if octets is not None:
        return octets
    text = text_of(secret)
    if text is None:
        raise WebhookError("secret_missing", "a secret is neither str nor bytes")
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass
    # Raised out here, since the codec's error holds the secret.
    raise WebhookError("invalid_option", "`secrets` holds half of a surrogate pair")
