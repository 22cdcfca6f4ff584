"""Prepares secrets once, for all the payloads that they verify or sign."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from functools import partial
from typing import Callable, TypeVar, Union

from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.options import UNSET
from vtryon_webhooks.plain import bytes_of, text_of
from vtryon_webhooks.secret_checks import check_secret

Secret = Union[str, bytes]
T = TypeVar("T")

_CURRENT = "VTRYON_WEBHOOK_SECRET"
_PREVIOUS = "VTRYON_WEBHOOK_SECRET_PREVIOUS"

_MISSING_HINT = (
    "pass the secret that Vtryon shows when the URL is registered, or leave `secrets` out to read "
    "VTRYON_WEBHOOK_SECRET"
)

# The prefix that is hashed with a secret to make its fingerprint, so that it equals no other hash.
_FINGERPRINT_LABEL = b"vtryon-webhooks fingerprint\0"


class Key:
    """A prepared HMAC-SHA256 key (RFC 2104), which is copied for each message.

    The secret itself is not stored. An HMAC can't be pickled, so a key never leaves its process.
    """

    __slots__ = ("_hmac", "fingerprint")

    def __init__(self, secret: object, decode: Callable[[bytes], bytes] = bytes) -> None:
        """Prepares a secret; raises a code of `octets_of`, `check_secret` or `decode`."""
        octets = _checked(secret)
        self._hmac = hmac.new(decode(octets), digestmod="sha256")
        #: Names the secret without revealing it: 8 hex digits, equal to the core's.
        self.fingerprint = hashlib.sha256(_FINGERPRINT_LABEL + octets).hexdigest()[:8]

    def mac(self, message: bytes) -> bytes:
        """Computes HMAC-SHA256 of `message`, 32 bytes."""
        mac = self._hmac.copy()
        mac.update(message)
        return mac.digest()

    def __repr__(self) -> str:
        """Shows only the fingerprint."""
        return f"Key({self.fingerprint})"


def keys_of(secrets: object, decode: Callable[[bytes], bytes] = bytes) -> list[Key]:
    """Prepares one secret or several, the current one first; `UNSET` is those of the environment.

    `decode` makes the key out of a secret, which is the key as it is by default. All secrets are
    checked before the first is decoded.
    """
    named = _from_environment() if secrets is UNSET else _named(secrets)
    checked = [(name, _each(name, _checked, secret)) for name, secret in named]
    return [_each(name, partial(Key, decode=decode), octets) for name, octets in checked]


def _named(secrets: object) -> list[tuple[str | None, object]]:
    """Lists secrets, each with its position where there are several.

    None, an empty list and a list of nothing but None are missing secrets: variables that are not
    set. The environment does not replace them.
    """
    listed = [None] if secrets is None else _listed(secrets)
    if listed is None:
        what = "`secrets` is neither one secret nor a sequence of them, such as a list"
        raise WebhookError("invalid_option", what)
    if all(secret is None for secret in listed):
        raise WebhookError("secret_missing", hint=_MISSING_HINT)
    if len(listed) == 1:
        return [(None, listed[0])]
    for position, secret in enumerate(listed):
        if secret is None:
            hint = "leave out a secret that is not set"
            raise WebhookError("invalid_option", f"`secrets[{position}]` is None", hint=hint)
    return [(f"`secrets[{position}]`", secret) for position, secret in enumerate(listed)]


def _each(name: str | None, work: Callable[[object], T], secret: object) -> T:
    """Works on one of several secrets; an error names it."""
    try:
        return work(secret)
    except WebhookError as error:
        if name is None:
            raise
        # The message of an error that is about a secret has neither field nor offset.
        code, what, hint = error.code, f"{name}: {error}", error.hint
    raise WebhookError(code, what, hint=hint)


def _checked(secret: object) -> bytes:
    octets = octets_of(secret)
    check_secret(octets)
    return octets


def _listed(secrets: object) -> list[object] | None:
    """Lists one secret or a sequence. A set is refused: it has no order, so no current secret."""
    try:
        if isinstance(secrets, (str, bytes)):
            return [secrets]
        return list(secrets) if isinstance(secrets, Sequence) else None
    except Exception:  # an object may raise anything when it is asked what it is
        return None


def _from_environment() -> list[tuple[str | None, object]]:
    """Reads the variables; each secret has the name of its own."""
    if _CURRENT not in os.environ:
        raise WebhookError("secret_missing")
    # Templates leave an empty line for the previous secret while there is none.
    names = [_CURRENT, _PREVIOUS] if os.environ.get(_PREVIOUS) else [_CURRENT]
    # The environment holds bytes; this gets back exactly those that are there.
    return [(name, os.fsencode(os.environ[name])) for name in names]


def octets_of(secret: object) -> bytes:
    """Returns the bytes of a secret; raises `secret_missing` for None, else `invalid_option`."""
    octets = bytes_of(secret)
    if octets is not None:
        return octets
    text = text_of(secret)
    if text is None and secret is None:
        raise WebhookError("secret_missing")
    if text is None:
        raise WebhookError("invalid_option", "a secret is neither str nor bytes")
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass
    # Raised outside of the handler, because the codec's error holds the secret.
    raise WebhookError("invalid_option", "`secrets` holds half of a surrogate pair")
