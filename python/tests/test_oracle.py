"""The same bytes, the same verdict as the core's: over oddities and over mutated bodies."""

from __future__ import annotations

import json
import json.scanner
import random
from typing import Any

import pytest
from oddities import all_bodies
from tables import core
from verdict import judge

import vtryon_webhooks.strict_json
from vtryon_webhooks.keys import Key
from vtryon_webhooks.testing import sign

SECRETS = (b"whsec_current", b"whsec_previous", b"\xff\x00 bytes \xfe")
SEED = 20260701
MUTANTS = 20_000

STARTS = (
    b'{"event":"generation.status_changed","task_id":"task_1","status":"completed",'
    b'"data":{"result_url":"https://cdn.example/4k.png","n":-1.5e3},"error":null}',
    b'{"event":"generation.status_changed","task_id":"t\\u00e9\\ud83d\\ude00","status":"failed",'
    b'"error":{"message":"no \\"person\\"\\n"},"x":[1,{"a":[true,false,null]}]}',
    '{\n "event":"é.x",\r\n "task_id":"ü😀",\n "data":[ 1 , 2.50 ,"x" ]\n}\n'.encode(),
)
PIECES = (
    *(
        b'"',
        b"\\",
        b"\\u",
        b"\\ud800",
        b"\\udc00",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b"NaN",
        b"-",
    ),
    *(
        b"+",
        b".",
        b"e",
        b"E5",
        b"0",
        b"00",
        b"1",
        b"\n",
        b"\t",
        b" ",
        b"\r",
        b"\0",
        b"\xff",
        b"\xc3",
    ),
    *(
        b"\xef\xbb\xbf",
        b"null",
        b"tru",
        b'"event":"x"',
        b'"data":{}',
        b"\x0b",
        b"\xc2\xa0",
        b"/",
        b"'",
    ),
    *(
        b"\xd9\xa3",
        b"\xe2\x80\xa8",
        b"\x7f",
        b"\xc2\x85",
        b'"status":"queued"',
        b"[" * 64,
        b"9" * 700,
    ),
)


def mutant(dice: random.Random) -> bytes:
    body = dice.choice(STARTS)
    for _ in range(dice.randint(1, 3)):
        at, other = dice.randrange(len(body) + 1), dice.randrange(len(body) + 1)
        first, last = min(at, other), max(at, other)
        body = dice.choice(
            (
                body[:at] + dice.choice(PIECES) + body[at:],
                body[:at] + body[at + dice.randint(1, 4) :],
                body[:at] + bytes([dice.randrange(256)]) + body[at + 1 :],
                body[:at] + body[first:last] + body[at:],
                body[:last],
            )
        )
    return body


def question(body: bytes, dice: random.Random) -> dict[str, Any]:
    secrets = dice.sample(SECRETS, dice.randint(1, len(SECRETS)))
    signature = sign(body, dice.choice(secrets))
    return {
        "secrets": [secret.hex() for secret in secrets],
        "signatures": [signature],
        "body": body.hex(),
    }


def compare(questions: list[dict[str, Any]]) -> None:
    """Compares everything."""
    for asked, should in zip(questions, core(questions=questions)):
        verdict = judge(asked)
        why = bytes.fromhex(asked["body"])
        assert verdict.pop("code") == should.pop("code", "ok"), why
        for event in (verdict.get("event"), should.get("event")):
            if event is not None:
                event.update(data=plain(event["data"]), error=plain(event["error"]))
        assert verdict == should, why


def plain(text: str | None) -> Any:
    """What a text of JSON says, where every number is a double and one past them is null."""
    value = json.loads(text or "null", parse_int=float)
    return json.loads(json.dumps(value), parse_constant=lambda _: None)


def test_oddities() -> None:
    dice = random.Random(SEED)
    compare([question(body, dice) for body in all_bodies()])


def test_mutants() -> None:
    dice = random.Random(SEED)
    compare([question(mutant(dice), dice) for _ in range(MUTANTS)])


def test_oddities_without_the_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `json` is not accelerated by C, it takes more than RFC 8259 allows."""
    decoder = vtryon_webhooks.strict_json._DECODER
    monkeypatch.setattr(decoder, "parse_string", json.decoder.py_scanstring)  # type: ignore[attr-defined]
    scan_once = json.scanner.py_make_scanner(decoder)  # type: ignore[attr-defined]
    monkeypatch.setattr(decoder, "scan_once", scan_once)
    monkeypatch.setattr(decoder, "parse_object", json.decoder.JSONObject)  # type: ignore[attr-defined]
    dice = random.Random(SEED)
    compare([question(body, dice) for body in all_bodies()])


def test_signatures() -> None:
    """Headers of every form, over one body, with one to three secrets."""
    dice = random.Random(SEED)
    body = STARTS[0]
    right = Key(SECRETS[0]).mac(body).hex()
    forms = [
        "",
        right,
        right.upper(),
        right[:-1],
        right + "0",
        f"{right} ",
        f" {right}",
        f"{right}\n",
    ]
    forms += [
        f"{right},",
        ",",
        f"{right}, {right}",
        f"sha256={right}",
        "é" * 32,
        "٣" * 64,
        "\0" * 64,
    ]
    forms += [right[:63] + "\u0660", right[:32] + "\n" + right[33:], "0" * 64, f"{right}\0"]
    questions = []
    for count in range(3):
        for _ in range(200):
            asked = question(body, dice)
            asked["signatures"] = [dice.choice(forms) for _ in range(count)]
            asked["limit"] = dice.choice((None, len(body), len(body) - 1, 1048576))
            questions.append(asked)
    compare(questions)
