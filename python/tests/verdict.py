"""Answers the questions of the oracle (`tests/src/bin/verdict.rs`), line by line."""

from __future__ import annotations

import json
import sys
from typing import Any

from vtryon_webhooks import WebhookError, Webhooks, lifecycle_step
from vtryon_webhooks.event import parse


def judge(question: dict[str, Any]) -> dict[str, Any]:
    """Gives the verdict on one question; `code` is `ok` where nothing is refused."""
    if "statuses" in question:
        return decide(question["statuses"])
    answer: dict[str, Any] = {}
    try:
        webhooks, proof = prepare(question)
        verified = webhooks.verify(bytes.fromhex(question["body"]), proof)
        answer.update(secret_index=verified.secret_index, fingerprint=verified.fingerprint)
        if verified.webhook_id is not None:
            answer.update(message_id=verified.webhook_id)
        event = parse(verified)
    except WebhookError as error:
        words = {"message": str(error), "hint": error.hint}
        place = {"field": error.field, "offset": error.offset}
        return {**answer, "code": error.code, **place, **words}
    names = ("event", "task_id", "status", "result_url", "error_message", "idempotency_key")
    fields = {name: getattr(event, name) for name in names}
    values = {name: text(getattr(event, name)) for name in ("data", "error")}
    return {**answer, "code": "ok", "event": {**fields, **values}}


def prepare(question: dict[str, Any]) -> tuple[Webhooks, Any]:
    """Makes a verifier, and what it takes beside the body."""
    secrets = [bytes.fromhex(secret) for secret in question["secrets"]]
    limit = question.get("limit") or 262144
    if "id" not in question:
        return Webhooks(secrets, max_body_bytes=limit), question["signatures"]
    webhooks = Webhooks(
        secrets,
        max_body_bytes=limit,
        scheme="standard-webhooks",
        tolerance_seconds=question.get("tolerance") or 300,
        now=lambda: float(question["now"]) / 1000,
    )
    names = ("id", "timestamp", "signature")
    return webhooks, {f"webhook-{name}": question[name] for name in names}


def text(value: Any) -> str:
    """Writes a value as JSON; what no JSON number can say is null, as in JavaScript."""
    plain = json.loads(json.dumps(value), parse_constant=lambda _: None)
    return json.dumps(plain)


def decide(statuses: list[str]) -> dict[str, Any]:
    """Returns the outcome of each status, and the final status of the task."""
    steps = [lifecycle_step(statuses[:at], status) for at, status in enumerate(statuses)]
    return {
        "outcomes": [step.outcome for step in steps],
        "status": steps[-1].status if steps else None,
    }


def main() -> None:
    """Reads questions until there are no more; each is answered before the next is read."""
    for line in sys.stdin:
        print(json.dumps(judge(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
