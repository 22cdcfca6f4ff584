"""The verifier: the raw bytes of a body and a signature in, a proof or a refusal out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable, Union

from vtryon_webhooks.errors import WebhookError
from vtryon_webhooks.event import VtryonEvent, parse
from vtryon_webhooks.keys import Secret, keys_of
from vtryon_webhooks.options import DEFAULT_MAX_BODY_BYTES, UNSET, Options, Scheme, Unset
from vtryon_webhooks.plain import bytearray_of, bytes_of
from vtryon_webhooks.signature import SIGNATURE_HEADER, Claim, SignatureHeader
from vtryon_webhooks.standard_webhooks import (
    AllHeaders,
    GetHeader,
    Message,
    decode_secret,
    header_getter,
    is_list_of_pairs,
)
from vtryon_webhooks.verified import Verified

#: The raw body of a request, as it came. A `str` is refused: its original bytes are not known.
Payload = Union[bytes, bytearray, memoryview]

#: One secret, or several while they are rotated, the current one first.
Secrets = Union[Secret, Sequence[Secret]]


class Webhooks:
    """Verifies with secrets that are prepared once. It can be shared between threads.

    Whatever it is given, it raises `WebhookError` and nothing else.
    """

    __slots__ = ("_keys", "_options", "max_body_bytes")

    def __init__(
        self,
        secrets: Secrets | Unset = UNSET,
        *,
        max_body_bytes: int = DEFAULT_MAX_BODY_BYTES,
        scheme: Scheme = "vtryon",
        tolerance_seconds: int | None = None,
        now: Callable[[], float] | None = None,
    ) -> None:
        """Takes the secrets, and the limit of a body in bytes.

        Only if no secrets are passed, they are those of the environment: None is a missing secret.
        The variables are `VTRYON_WEBHOOK_SECRET` and, while it is rotated,
        `VTRYON_WEBHOOK_SECRET_PREVIOUS`. With the scheme `standard-webhooks` they are those of the
        gateway's endpoint, `tolerance_seconds` says how far `webhook-timestamp` may be from the
        clock, 300 by default, and `now` is that clock, in seconds since 1970.

        Raises `secret_missing`, `secret_empty`, `secret_whitespace`, `secret_quoted`,
        `secret_invisible` or `secret_placeholder`, and `invalid_option` for another option.
        """
        self._options = Options(max_body_bytes, scheme, tolerance_seconds, now)
        self._keys = keys_of(secrets, bytes if scheme == "vtryon" else decode_secret)
        self.max_body_bytes = max_body_bytes

    def verify(self, payload: Payload, signature: SignatureHeader | AllHeaders) -> Verified:
        """Verifies the raw body of a request against the values of its signature's header.

        It also takes all headers of the request, which the scheme `standard-webhooks` needs. Every
        secret is tried, without an early exit, and compared in constant time.
        """
        return self.verify_request(payload, self._header(signature))

    def construct_event(
        self, payload: Payload, signature: SignatureHeader | AllHeaders
    ) -> VtryonEvent:
        """Verifies the raw body and returns its event.

        Beside the refusals of `verify` it raises, for a body that is signed but can't be read,
        `invalid_utf8`, `too_deep`, `invalid_json`, `invalid_event` or `duplicate_key`.
        """
        return parse(self.verify(payload, signature))

    def verify_request(self, payload: Payload, header: GetHeader) -> Verified:
        """Verifies the raw body of a request whose headers are asked for by name."""
        body = snapshot(payload)
        claim = self._claim(header)
        self._check_length(len(body))
        matches = [claim.is_signed_by(key, body) for key in self._keys]
        if True not in matches:
            raise claim.mismatch(body)
        index = matches.index(True)
        return Verified(body, index, self._keys[index].fingerprint, claim.webhook_id)

    def admit(self, header: GetHeader, declared_length: int) -> None:
        """Refuses by the headers and the declared length, before a body is read."""
        self._claim(header)
        self._check_length(declared_length)

    def _header(self, signature: object) -> GetHeader:
        if self._options.scheme == "vtryon" and not _is_headers(signature):
            return lambda _: signature  # type: ignore[return-value]
        return header_getter(signature)

    def _claim(self, header: GetHeader) -> Claim | Message:
        options = self._options
        if options.scheme == "vtryon":
            return Claim(header(SIGNATURE_HEADER))
        return Message(header, options.tolerance_seconds, options.now)

    def _check_length(self, length: int) -> None:
        if length > self.max_body_bytes:
            raise WebhookError("payload_too_large")

    def __repr__(self) -> str:
        """Shows the fingerprints of the secrets, and the limit."""
        fingerprints = ", ".join(key.fingerprint for key in self._keys)
        return f"Webhooks([{fingerprints}], max_body_bytes={self.max_body_bytes})"


def _is_headers(signature: object) -> bool:
    """Returns whether these are all headers of a request, not the values of one."""
    try:
        return hasattr(signature, "items") or is_list_of_pairs(signature)
    except Exception:  # an object of the caller may raise anything
        return False


def snapshot(payload: object) -> bytes:
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
