"""The form of a hostile request, and what each begins with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, NamedTuple

from vtryon_webhooks.keys import Secret, octets_of
from vtryon_webhooks.signature import SIGNATURE_HEADER
from vtryon_webhooks.testing.events import event_body
from vtryon_webhooks.testing.sign import payload_of, sign

# What Vtryon's signature covers is taken: any 2xx that says so.
TAKEN = (200, 201, 202, 204)
# What it does not cover is not: 401 by the table of errors, 400 and 403 where others chose so.
REFUSED = (401, 400, 403)
# Signed, but not an event that can be read: kept and acknowledged, or refused, but no fault.
READ_OR_REFUSED = (*TAKEN, 400, 422)
# The same of what is long, beside.
READ_OR_TOO_LONG = (*READ_OR_REFUSED, 413)
# Past the default limit, but not past the highest; and not signed.
TAKEN_OR_TOO_LONG = (*TAKEN, 413)
REFUSED_OR_TOO_LONG = (*REFUSED, 413)
# Past the highest limit.
TOO_LONG = (413,)
# A method that no event comes by.
OTHER_METHOD = (405, 404, 401, 400, 501)
# What frameworks answer by themselves: the methods that there are (RFC 9110, 9.3.7).
OPTIONS = (*OTHER_METHOD, 200, 204)

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class HostileRequest:
    """One request, and the statuses that pass. `repr` shows the name alone."""

    #: Short, stable, without blanks.
    name: str
    #: What would be wrong with a receiver that answers otherwise.
    why: str = field(repr=False)
    method: str = field(repr=False)
    #: A name that stands twice is sent twice; a value has a character for each of its bytes.
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    statuses: tuple[int, ...] = field(repr=False)


class Good(NamedTuple):
    """The good request that a case starts from."""

    secret: bytes
    task_id: str
    body: bytes
    signature: str


class Change(NamedTuple):
    """What a case changes; whatever it does not name stays as it is."""

    method: str = "POST"
    body: bytes | None = None
    #: The values of the signature's header, a line each. By default the right one for the body.
    signatures: tuple[str, ...] | None = None
    content_type: str | None = "application/json"
    headers: Headers = ()


class Row(NamedTuple):
    """A case of a table: its name, why it is there, what passes, and what it changes."""

    name: str
    why: str
    statuses: tuple[int, ...]
    change: Callable[[Good], Change]
    #: The row whose task it is about, where that is not its own.
    task: str | None = None


def request_of(row: Row, secret: Secret, prefix: str) -> HostileRequest:
    """Makes the request of a row, about a task of its own unless the row names another's."""
    octets = octets_of(secret)
    task_id = f"{prefix}_{row.task or row.name}"
    body = payload_of(event_body("try-on", "queued", task_id))
    change = row.change(Good(octets, task_id, body, sign(body, octets)))
    sent = body if change.body is None else change.body
    signatures = (sign(sent, octets),) if change.signatures is None else change.signatures
    typed = () if change.content_type is None else (("content-type", change.content_type),)
    signed = tuple((SIGNATURE_HEADER, value) for value in signatures)
    headers = (*typed, *signed, *change.headers)
    return HostileRequest(row.name, row.why, change.method, headers, sent, row.statuses)
