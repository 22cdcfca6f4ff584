"""The proof that bytes were signed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Verified:
    """Bytes that a configured secret has signed. `repr` shows the fingerprint of that secret."""

    #: The bytes, exactly as they were signed.
    payload: bytes = field(repr=False)
    #: The position of the secret that matched, among those configured.
    secret_index: int
    #: The short name by which that secret is shown.
    fingerprint: str
    #: With the scheme `standard-webhooks`: the value of `webhook-id`, the same for each attempt and
    #: replay.
    webhook_id: str | None = field(default=None, repr=False)
