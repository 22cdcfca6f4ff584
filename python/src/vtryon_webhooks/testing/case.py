"""The type of a hostile request, and how a case of the table becomes one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, NamedTuple

from vtryon_webhooks.keys import Secret, octets_of
from vtryon_webhooks.signature import SIGNATURE_HEADER
from vtryon_webhooks.testing.events import event_body
from vtryon_webhooks.testing.sign import payload_of, sign

# A request with the right signature: the receiver accepts it with one of these statuses.
ACCEPTED = (200, 201, 202, 204)
# A request without it: 401 by the table of errors; other receivers answer 400 or 403.
REFUSED = (401, 400, 403)
# Signed, but unreadable: the receiver quarantines and acknowledges it, or refuses it.
READ_OR_REFUSED = (*ACCEPTED, 400, 422)
# The same for a body that a receiver may also refuse by its size.
READ_OR_TOO_LONG = (*READ_OR_REFUSED, 413)
# Longer than the default limit, but not than the highest one; with and without a signature.
ACCEPTED_OR_TOO_LONG = (*ACCEPTED, 413)
REFUSED_OR_TOO_LONG = (*REFUSED, 413)
# Longer than the highest limit.
TOO_LONG = (413,)
# A method other than POST.
OTHER_METHOD = (405, 404, 401, 400, 501)
# Frameworks may answer OPTIONS themselves, with the allowed methods (RFC 9110, 9.3.7).
OPTIONS = (*OTHER_METHOD, 200, 204)

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class HostileRequest:
    """One request, and the statuses that pass. `repr` shows only the name."""

    #: A short and stable name without blanks.
    name: str
    #: Why a receiver with another answer is wrong.
    why: str = field(repr=False)
    method: str = field(repr=False)
    #: A name may be repeated: each pair is one line. A value has one character per byte.
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    statuses: tuple[int, ...] = field(repr=False)


class ValidRequest(NamedTuple):
    """The valid request that a case modifies."""

    secret: bytes
    task_id: str
    body: bytes
    signature: str


class Change(NamedTuple):
    """The parts of the valid request that a case replaces; the defaults keep them."""

    method: str = "POST"
    body: bytes | None = None
    #: The lines of the signature's header; None is one line with the right signature of the body.
    signatures: tuple[str, ...] | None = None
    content_type: str | None = "application/json"
    headers: Headers = ()


class Case(NamedTuple):
    """A case of a table: its name, the reason for it, the statuses that pass, and its changes."""

    name: str
    why: str
    statuses: tuple[int, ...]
    change: Callable[[ValidRequest], Change]
    #: The name of the case whose task it uses; None is a task of its own.
    task: str | None = None


def build_request(case: Case, secret: Secret, prefix: str) -> HostileRequest:
    """Makes the request of a case; the ids of tasks begin with `prefix`."""
    octets = octets_of(secret)
    task_id = f"{prefix}_{case.task or case.name}"
    body = payload_of(event_body("try-on", "queued", task_id))
    change = case.change(ValidRequest(octets, task_id, body, sign(body, octets)))
    sent = body if change.body is None else change.body
    signatures = (sign(sent, octets),) if change.signatures is None else change.signatures
    content_type = () if change.content_type is None else (("content-type", change.content_type),)
    signed = tuple((SIGNATURE_HEADER, value) for value in signatures)
    headers = (*content_type, *signed, *change.headers)
    return HostileRequest(case.name, case.why, change.method, headers, sent, case.statuses)
