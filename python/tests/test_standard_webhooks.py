"""Standard Webhooks: against the vectors, the core, and PyPI's `standardwebhooks`, both ways."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest
import standardwebhooks
import starlette.datastructures
from django.http.request import HttpHeaders
from strange import Raising
from tables import bytes_of, core, vectors
from verdict import judge
from werkzeug.datastructures import Headers

from vtryon_webhooks import WebhookError, Webhooks
from vtryon_webhooks.options import UNSET
from vtryon_webhooks.testing import event_body, payload_of

SECRET = f"whsec_{base64.b64encode(bytes(range(32))).decode()}"
OTHER = f"whsec_{base64.b64encode(bytes(range(32, 64))).decode()}"
BODY = payload_of(event_body("try-on", "completed"))
NOW = 1_780_000_000
VECTORS = vectors("standard_webhooks")


def signed(at: float = NOW, secret: str = SECRET, body: bytes = BODY) -> dict[str, str]:
    """Signs with the public library."""
    date = datetime.fromtimestamp(at, timezone.utc)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at)),
        "webhook-signature": standardwebhooks.Webhook(secret).sign("msg_1", date, body.decode()),
    }


def verifier(secrets: Any = SECRET, now: Any = lambda: NOW, **options: Any) -> Webhooks:
    return Webhooks(secrets, scheme="standard-webhooks", now=now, **options)


def code_of(headers: Any, webhooks: Webhooks | None = None, body: bytes = BODY) -> str:
    try:
        (webhooks or verifier()).verify(body, headers)
    except WebhookError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize("row", VECTORS, ids=[f"{row['name']} ({row['why']})" for row in VECTORS])
def test_vectors(row: dict[str, Any]) -> None:
    expect = dict(row["expect"])
    expect.pop("timestamp", None)
    headers = {f"webhook-{name}": row[name] for name in ("id", "timestamp", "signature")}
    try:
        verified = verifier(
            [bytes_of(secret) for secret in row["secrets"]],
            now=lambda: row["now"] / 1000,
            max_body_bytes=row.get("limit", 262144),
            tolerance_seconds=row.get("tolerance", 300),
        ).verify(bytes_of(row["body"]), headers)
        verdict: dict[str, Any] = {"secret_index": verified.secret_index, "id": verified.webhook_id}
    except WebhookError as error:
        said = {"message": str(error), "hint": error.hint}
        verdict = {"code": error.code, **{name: said[name] for name in said if name in expect}}
    assert verdict == expect


def mutants(dice: random.Random) -> Iterator[dict[str, Any]]:
    """Headers that are close to good ones, at times close to the tolerance."""
    secrets = (SECRET, OTHER, "whsec_no", f"{SECRET}\n", f'"{SECRET}"', "whsec_")
    pieces = ("", " ", ",", ".", "v1,", "v1a,", "=", "0", "\x00", "\u00e9", "\n", "A" * 44, "-")
    ages = (-301, -300, -299, 0, 299, 300, 301, NOW)
    for _ in range(4000):
        headers = signed(secret=dice.choice((SECRET, OTHER)))
        if dice.random() < 0.2:
            more = signed(secret=OTHER)["webhook-signature"]
            headers["webhook-signature"] += f" {more}" * dice.choice((1, 15, 16, 90))
        values = {name[8:]: [value] for name, value in headers.items()}
        if dice.random() < 0.7:
            name = dice.choice(tuple(values))
            value = values[name][0]
            at = dice.randrange(len(value) + 1)
            changed = value[:at] + dice.choice(pieces) + value[at + dice.randrange(3) :]
            values[name] = dice.choice(([], [""], [value, value], [changed], [value[:at]]))
        yield {
            **values,
            "secrets": [
                secret.encode().hex()
                for secret in dice.sample(secrets, dice.choice((1, 1, 2)))
                if secret
            ],
            "body": dice.choice((BODY, BODY, b"", BODY + b" ")).hex(),
            "now": (NOW + dice.choice(ages)) * 1000 + dice.choice((-1, 0, 0, 1)),
            "tolerance": dice.choice((None, 1, 300, 86400)),
            "limit": dice.choice((None, len(BODY), len(BODY) - 1)),
        }


def test_mutants_have_the_verdict_of_the_core() -> None:
    questions = list(mutants(random.Random(20260701)))
    seen = set()
    for question, should in zip(questions, core(questions=questions)):
        verdict = judge(question)
        should.pop("timestamp", None)
        for answer in (verdict, should):
            answer.pop("event", None)
        assert verdict.pop("code") == should.pop("code", "ok"), question
        assert verdict == should, question
        seen.add(should.get("message"))
    assert len(seen) > 15


def test_what_the_public_library_signs_is_verified() -> None:
    now = datetime.now(timezone.utc).timestamp()
    webhooks = Webhooks([OTHER, SECRET], scheme="standard-webhooks")
    event = webhooks.construct_event(BODY, signed(now))
    assert (event.webhook_id, event.task_id) == ("msg_1", "task_try_on")
    assert event.verified.secret_index == 1
    assert "msg_1" not in repr(event.verified)


def test_what_the_vectors_sign_is_verified_by_the_public_library() -> None:
    """The vectors are made by Node and verified by the core; this closes the circle."""
    count = 0
    for row in VECTORS:
        if "code" in row["expect"] or len(row["secrets"]) > 1 or "hex" in row["body"]:
            continue
        webhook = standardwebhooks.Webhook(bytes_of(row["secrets"][0]).decode())
        date = datetime.fromtimestamp(int(row["timestamp"][0]), timezone.utc)
        signature = webhook.sign(row["id"][0], date, bytes_of(row["body"]).decode())
        assert signature in row["signature"][0], row["name"]
        count += 1
    assert count > 10


FORMS: list[tuple[str, Any]] = [
    ("upper case", {name.upper(): value for name, value in signed().items()}),
    ("lists", {name: [value] for name, value in signed().items()}),
    ("bytes", {name.encode(): value.encode() for name, value in signed().items()}),
    ("ASGI", [(name.encode(), value.encode()) for name, value in signed().items()]),
    ("ASGI, by lists", [[name.encode(), value.encode()] for name, value in signed().items()]),
    ("pairs of text", tuple(signed().items())),
    ("Werkzeug", Headers(signed())),
    ("Starlette", starlette.datastructures.Headers(signed())),
    ("Django", HttpHeaders({f"HTTP_{name.upper()}": value for name, value in signed().items()})),
]


@pytest.mark.parametrize("headers", [form for _, form in FORMS], ids=[name for name, _ in FORMS])
def test_forms_of_headers(headers: Any) -> None:
    assert code_of(headers) == "ok"


def test_a_header_that_came_twice() -> None:
    for name, code in (
        ("webhook-id", "malformed_message_id"),
        ("webhook-timestamp", "malformed_timestamp"),
        ("webhook-signature", "multiple_signatures"),
    ):
        headers = Headers(signed())
        headers.add(name, headers[name])
        assert code_of(headers) == code
        both_cases = {**signed(), name.upper(): signed()[name]}
        assert code_of(both_cases) == code


class Hostile:
    def items(self) -> Any:
        raise RuntimeError


NO_HEADERS: list[tuple[Any, str]] = [
    (None, "missing_message_id"),
    ("v1,AAAA", "missing_message_id"),
    (b"v1,AAAA", "missing_message_id"),
    ({}, "missing_message_id"),
    ([], "missing_message_id"),
    (7, "missing_message_id"),
    ({"webhook-id": None}, "missing_message_id"),
    ({"webhook-id": 7}, "malformed_message_id"),
    ({"webhook-id": Raising()}, "malformed_message_id"),
    ({7: "x", Raising: "y"}, "missing_message_id"),
    (Hostile(), "malformed_message_id"),
]


@pytest.mark.parametrize(("headers", "code"), NO_HEADERS)
def test_what_is_no_headers(headers: Any, code: str) -> None:
    assert code_of(headers) == code


def raising() -> float:
    raise RuntimeError


CLOCKS: list[tuple[Any, str]] = [
    (raising, "invalid_option"),
    (lambda: "now", "invalid_option"),
    (lambda: None, "invalid_option"),
    (lambda: True, "invalid_option"),
    (lambda: float("nan"), "invalid_option"),
    (lambda: float("inf"), "invalid_option"),
    (lambda: 10**400, "invalid_option"),
    (lambda: 0, "timestamp_too_new"),
    (lambda: 10**30, "timestamp_too_old"),
    (lambda: NOW + 300, "ok"),
    (lambda: NOW + 300.001, "timestamp_too_old"),
    (lambda: NOW - 300, "ok"),
    (lambda: NOW - 300.001, "timestamp_too_new"),
]


@pytest.mark.parametrize("index", range(len(CLOCKS)))
def test_clocks(index: int) -> None:
    clock, code = CLOCKS[index]
    assert code_of(signed(), verifier(now=clock)) == code


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"scheme": "stripe"}, "`scheme` is neither"),
    ({"scheme": None}, "`scheme` is neither"),
    ({"scheme": ["vtryon"]}, "`scheme` is neither"),
    ({"tolerance_seconds": 60}, "Vtryon signs no time"),
    ({"scheme": "standard-webhooks", "tolerance_seconds": 0}, "is not from 1 to 86400"),
    ({"scheme": "standard-webhooks", "tolerance_seconds": 86401}, "is not from 1 to 86400"),
    ({"scheme": "standard-webhooks", "tolerance_seconds": True}, "is not from 1 to 86400"),
    ({"scheme": "standard-webhooks", "tolerance_seconds": 60.0}, "is not from 1 to 86400"),
    ({"scheme": "standard-webhooks", "now": 7}, "`now` can't be called"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS)
def test_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(WebhookError, match=message) as raised:
        Webhooks(SECRET, **options)
    assert raised.value.code == "invalid_option"


def test_one_scheme_takes_nothing_of_the_other() -> None:
    own = {"x-vtryon-signature": "0" * 64}
    assert code_of(own) == "missing_message_id"
    assert code_of(signed(), Webhooks(SECRET)) == "missing_signature"


def test_a_secret_in_a_list_is_named() -> None:
    with pytest.raises(WebhookError, match=r"^`secrets\[1\]`: the secret is not whsec_ and base64"):
        verifier([SECRET, "whsec_no-base64!"])


def test_a_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET_PREVIOUS", "whsec_no-base64!")
    with pytest.raises(WebhookError, match=r"^VTRYON_WEBHOOK_SECRET_PREVIOUS: the secret is not"):
        verifier(UNSET)
