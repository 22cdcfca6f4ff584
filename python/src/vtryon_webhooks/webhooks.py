"""The verifier: the raw bytes of a body and a signature in, a proof or a refusal out."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Union

from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.event import VtryonEvent, parse
from vtryon_webhooks.keys import Secret, keys_of
from vtryon_webhooks.plain import bytearray_of, bytes_of
from vtryon_webhooks.signature import SignatureHeader, claimed_by
from vtryon_webhooks.verified import Verified

#: How long a body may be, in bytes, where nothing else is said: 256 KiB.
DEFAULT_MAX_BODY_BYTES = 256 * 1024

#: The highest limit that can be configured: 1 MiB.
HIGHEST_MAX_BODY_BYTES = 1024 * 1024

#: The raw body of a request, as it came. Text is none: what it was decoded from is not known.
Payload = Union[bytes, bytearray, memoryview]

#: One secret, or several while they are rotated, the current one first.
Secrets = Union[Secret, Sequence[Secret]]


class Webhooks:
    """Verifies with secrets that are prepared once. It can be shared between threads.

    Whatever it is given, it raises `WebhookError` and nothing else.
    """

    __slots__ = ("_keys", "max_body_bytes")

    def __init__(
        self,
        secrets: Secrets | None = None,
        *,
        max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
    ) -> None:
        """Takes the secrets, by default from the environment, and the limit of a body in bytes.

        The variables are `VTRYON_WEBHOOK_SECRET` and, while it is rotated,
        `VTRYON_WEBHOOK_SECRET_PREVIOUS`. Raises `secret_missing`, `secret_empty`,
        `secret_whitespace`, `secret_quoted`, `secret_invisible` or `secret_placeholder`, and
        `invalid_option` for a limit that is not from 1 to 1048576.
        """
        self._keys = keys_of(secrets)
        check_limit(max_body_bytes)
        self.max_body_bytes = max_body_bytes

    def verify(self, payload: Payload, signature: SignatureHeader) -> Verified:
        """Verifies the raw body of a request against the values of its signature's header.

        Every secret is tried, without an early exit, and compared in constant time.
        """
        body = _snapshot(payload)
        claimed = claimed_by(signature)
        self._check_length(len(body))
        matches = [hmac.compare_digest(key.mac(body), claimed) for key in self._keys]
        if True not in matches:
            raise mismatch(body)
        index = matches.index(True)
        return Verified(body, index, self._keys[index].fingerprint)

    def construct_event(self, payload: Payload, signature: SignatureHeader) -> VtryonEvent:
        """Verifies the raw body and returns its event.

        Beside the refusals of `verify` it raises, for a body that is signed but can't be read,
        `invalid_utf8`, `too_deep`, `invalid_json`, `invalid_event` or `duplicate_key`.
        """
        return parse(self.verify(payload, signature))

    def admit(self, signature: SignatureHeader, declared_length: int) -> None:
        """Refuses by the header and the declared length, before a body is read."""
        claimed_by(signature)
        self._check_length(declared_length)

    def _check_length(self, length: int) -> None:
        if length > self.max_body_bytes:
            raise WebhookError("payload_too_large")

    def __repr__(self) -> str:
        """Shows the fingerprints of the secrets, and the limit."""
        fingerprints = ", ".join(key.fingerprint for key in self._keys)
        return f"Webhooks([{fingerprints}], max_body_bytes={self.max_body_bytes})"


def check_limit(max_body_bytes: object) -> None:
    """Refuses what is no limit of a body."""
    if type(max_body_bytes) is not int or not 1 <= max_body_bytes <= HIGHEST_MAX_BODY_BYTES:
        raise WebhookError("invalid_option", "`max_body_bytes` is not from 1 to 1048576")


def mismatch(body: bytes) -> WebhookError:
    """Makes the error of a signature that no key made over `body`."""
    if body:
        return WebhookError("signature_mismatch")
    return WebhookError(
        "signature_mismatch",
        "the body is empty, and it was not signed empty",
        hint="the body never arrived: something read it before it was verified, or a proxy "
        "dropped it; pass the raw body, before any parser",
    )


def _snapshot(payload: object) -> bytes:
    """Returns bytes that nobody writes to while they are verified and read."""
    body = bytes_of(payload)
    if body is None:
        body = bytearray_of(payload)
    if body is None and type(payload) is memoryview:
        body = _contents(payload)
    if body is None:
        raise WebhookError("payload_not_raw")
    return body


def _contents(view: memoryview) -> bytes | None:
    try:
        return view.tobytes()
    except ValueError:  # it was released
        return None
