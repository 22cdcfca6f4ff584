"""The testing kit: it passes receivers that are right, and catches those that are known to fail."""

from __future__ import annotations

import hmac
import json
import re
import time
from typing import Any, Callable

import pytest

from vtryon_webhooks import SIGNATURE_HEADER, WebhookError, Webhooks
from vtryon_webhooks.testing import (
    HostileRequest,
    event_body,
    hostile_requests,
    payload_of,
    sign,
    signed_headers,
)

SECRET = "whsec_kit"
ENDPOINT_SECRET = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="

# What tells whether a receiver takes a body with the values of its signature.
Takes = Callable[[HostileRequest, list[str]], bool]


def taken(body: bytes, values: list[str]) -> bool:
    try:
        Webhooks(SECRET, max_body_bytes=1048576).verify(body, values)
    except WebhookError:
        return False
    return True


def rows_failed(takes: Takes, status: int = 200) -> list[str]:
    failed = []
    for sent in hostile_requests(SECRET):
        values = [value for name, value in sent.headers if name.lower() == SIGNATURE_HEADER]
        if sent.method != "POST":
            answer = 405
        elif len(sent.body) > 1048576:
            answer = 413
        else:
            answer = status if takes(sent, values) else 401
        if answer not in sent.statuses:
            failed.append(sent.name)
    return failed


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_signing_takes_what_verifying_takes(kind: Callable[[bytes], Any]) -> None:
    payload, secret = payload_of(event_body("try-on", "completed")), ENDPOINT_SECRET
    assert sign(kind(payload), secret) == sign(payload, secret)
    headers = signed_headers(kind(payload), secret, scheme="standard-webhooks", now=lambda: 0)
    webhooks = Webhooks(secret, scheme="standard-webhooks", now=lambda: 0)
    assert webhooks.verify(payload, headers).payload == payload


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_receiver_that_is_right(status: int) -> None:
    assert rows_failed(lambda sent, values: taken(sent.body, values), status) == []


def decoded(form: str) -> Takes:
    """Takes the digits that match, and drops the rest, as decoders of hex do."""

    def takes(sent: HostileRequest, values: list[str]) -> bool:
        found = [re.match(form, value) for value in values]
        return taken(sent.body, [match[0] for match in found if match])

    return takes


def configured(text: str) -> Takes:
    """Takes what a careless secret has signed too, as a receiver that checks no secret does."""

    def takes(sent: HostileRequest, values: list[str]) -> bool:
        careless = hmac.new(text.encode(), sent.body, "sha256").hexdigest()
        return taken(sent.body, values) or values == [careless]

    return takes


def verified_where(condition: Callable[[HostileRequest], bool]) -> Takes:
    return lambda sent, values: taken(sent.body, values) if condition(sent) else True


def is_typed_json(sent: HostileRequest) -> bool:
    return ("content-type", "text/plain") not in sent.headers


def is_known(part: bytes) -> Callable[[HostileRequest], bool]:
    return lambda sent: part not in sent.body


def normalised(old: bytes, new: bytes) -> Takes:
    return lambda sent, values: taken(sent.body.replace(old, new), values)


def remembered(key: Callable[[HostileRequest, list[str]], str]) -> Takes:
    """Takes whatever has the key of what was good."""
    known: set[str] = set()

    def takes(sent: HostileRequest, values: list[str]) -> bool:
        name = key(sent, values)
        if taken(sent.body, values):
            known.add(name)
        return name in known

    return takes


def task_of(sent: HostileRequest, _: list[str]) -> str:
    try:
        body = json.loads(sent.body)
        return f"{body['task_id']} {body['status']}"
    except Exception:
        return ""


WRONG: list[tuple[str, Takes]] = [
    ("digit-added", decoded(r"(?:[0-9A-Fa-f]{2})*")),
    ("junk-added", decoded(r"[0-9A-Fa-f]*")),
    ("secret-none", configured("None")),
    ("secret-null", configured("null")),
    ("secret-undefined", configured("undefined")),
    ("type-text-unsigned", verified_where(is_typed_json)),
    ("other-event-unsigned", verified_where(is_known(b"archived"))),
    ("other-status-unsigned", verified_where(is_known(b"paused"))),
    ("crlf-added", normalised(b"\r\n", b"\n")),
    ("crlf-dropped", normalised(b"\n", b"\r\n")),
    ("repeat-forged", remembered(task_of)),
    ("signature-reused", remembered(lambda _, values: values[0] if values else "")),
]


@pytest.mark.parametrize(("row", "takes"), WRONG, ids=[row for row, _ in WRONG])
def test_a_receiver_that_is_wrong(row: str, takes: Takes) -> None:
    assert row in rows_failed(takes)


def test_names_and_tasks() -> None:
    requests = hostile_requests(SECRET, task_id="mine")
    assert len({request.name for request in requests}) == len(requests)
    tasks = {request.body for request in requests if b'"mine_' in request.body}
    assert len(tasks) > 50
    assert (requests[0].name, requests[-1].name) == ("good", "good-at-last")


@pytest.mark.parametrize(
    ("offset", "options", "code"),
    [
        (0, {}, "ok"),
        (-290, {}, "ok"),
        (-310, {}, "timestamp_too_old"),
        (310, {}, "timestamp_too_new"),
        (0, {"webhook_id": "msg.1"}, "malformed_message_id"),
        (0, {"webhook_id": "a\n"}, "invalid_option"),
        (0, {"webhook_id": "a", "scheme": "vtryon"}, "invalid_option"),
        (0, {"webhook_id": ""}, "invalid_option"),
        (0, {"webhook_id": "\ud800"}, "invalid_option"),
        (0, {"webhook_id": 7}, "invalid_option"),
        (0, {"now": lambda: float("nan")}, "invalid_option"),
        (0, {"secret": "whsec_no-base64!"}, "invalid_option"),
        (0, {"scheme": "stripe"}, "invalid_option"),
    ],
)
def test_headers_of_a_gateway(offset: int, options: dict[str, Any], code: str) -> None:
    payload = payload_of(event_body("try-on", "queued"))
    arguments: dict[str, Any] = {
        "secret": ENDPOINT_SECRET,
        "scheme": "standard-webhooks",
        "now": lambda: time.time() + offset,
        **options,
    }

    def verdict() -> str:
        try:
            headers = signed_headers(payload, **arguments)
            assert Webhooks(ENDPOINT_SECRET).verify(payload, headers).webhook_id is None
            webhooks = Webhooks(ENDPOINT_SECRET, scheme="standard-webhooks")
            assert webhooks.construct_event(payload, headers).webhook_id == "msg_test"
        except WebhookError as error:
            return error.code
        return "ok"

    assert verdict() == code
