"""The package against the tables in `tests/vectors`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tables import bytes_of, core, vectors

from vtryon_webhooks import WebhookError, Webhooks, lifecycle_step
from vtryon_webhooks.codes import TABLE
from vtryon_webhooks.event import parse
from vtryon_webhooks.keys import Key
from vtryon_webhooks.testing import sign


def named(name: str) -> pytest.MarkDecorator:
    rows = vectors(name)
    return pytest.mark.parametrize(
        "row", rows, ids=[f"{row['name']} ({row['why']})" for row in rows]
    )


@named("signature")
def test_signature(row: dict[str, Any]) -> None:
    try:
        webhooks = Webhooks(
            [bytes_of(secret) for secret in row["secrets"]],
            max_body_bytes=row.get("limit", 262144),
        )
        verdict: dict[str, Any] = {
            "secret_index": webhooks.verify(bytes_of(row["body"]), row["signatures"]).secret_index
        }
    except WebhookError as error:
        verdict = {"code": error.code, **words(error, row["expect"])}
    assert verdict == row["expect"]


def words(error: WebhookError, expect: dict[str, Any]) -> dict[str, str]:
    """What an error says, where the vector has it too."""
    said = {"message": str(error), "hint": error.hint}
    return {name: text for name, text in said.items() if name in expect}


@named("secret")
def test_secret(row: dict[str, Any]) -> None:
    try:
        verdict = {"fingerprint": Key(bytes_of(row["secret"])).fingerprint}
    except WebhookError as error:
        verdict = {"code": error.code, **words(error, row["expect"])}
    assert verdict == row["expect"]


@named("event")
def test_event(row: dict[str, Any]) -> None:
    body = bytes_of(row["body"])
    webhooks = Webhooks("whsec_test", max_body_bytes=1048576)
    verified = webhooks.verify(body, sign(body, "whsec_test"))
    expect: dict[str, Any] = row["expect"]
    if "code" in expect:
        with pytest.raises(WebhookError) as raised:
            parse(verified)
        assert (raised.value.code, raised.value.field) == (expect["code"], expect.get("field"))
        assert expect.get("offset") in (None, raised.value.offset)
        return
    event = parse(verified)
    for field in ("event", "task_id", "status", "result_url", "error_message", "idempotency_key"):
        assert getattr(event, field) == expect.get(field), field
    for field in ("data", "error"):
        assert getattr(event, field) == json.loads(expect.get(field, "null")), field


@named("lifecycle")
def test_lifecycle(row: dict[str, Any]) -> None:
    statuses = row["statuses"]
    steps = [lifecycle_step(statuses[:at], status) for at, status in enumerate(statuses)]
    assert [step.outcome for step in steps] == row["outcomes"]
    assert steps[-1].status == row["status"]


def test_wycheproof() -> None:
    for group in vectors("wycheproof_hmac_sha256")["testGroups"]:
        for row in group["tests"]:
            key, message = bytes.fromhex(row["key"]), bytes.fromhex(row["msg"])
            mac = Key(key).mac(message)[: group["tagSize"] // 8]
            assert (mac.hex() == row["tag"]) == (row["result"] == "valid"), row["tcId"]


def test_sign() -> None:
    signature = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign(b"what do ya want for nothing?", "Jefe") == signature, "RFC 4231, 4.3"
    with pytest.raises(WebhookError, match="not the raw body"):
        sign("text", "Jefe")  # type: ignore[arg-type]


def test_codes() -> None:
    table = [{"code": code, **row._asdict()} for code, row in TABLE.items()]
    assert table == core("--codes")
