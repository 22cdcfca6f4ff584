"""Whatever it is given, it raises `WebhookError` and nothing else."""

from __future__ import annotations

import copy
import hmac
import pickle
from array import array
from typing import Any

import pytest
import starlette.datastructures
import werkzeug.datastructures
from django.http.request import HttpHeaders
from strange import LoudBytearray, LoudBytes, LoudStr, Lying, LyingBytes, Raising, RaisingItems

from vtryon_webhooks import VtryonEvent, WebhookError, Webhooks
from vtryon_webhooks.keys import Key
from vtryon_webhooks.testing import sign

SECRET = "whsec_argument"
BODY = (
    b'{"event":"generation.status_changed","task_id":"task_secret","status":"completed",'
    b'"data":{"result_url":"https://cdn.example/4k.png"}}'
)
RIGHT = sign(BODY, SECRET)
HEADER = "x-vtryon-signature"
NO_SEQUENCE = "`secrets` is neither one secret nor a sequence of them, such as a list"


def is_secret(value: Any) -> bool:
    """A secret, or a list of what is not set."""
    return type(value) is bytes or (type(value) is list and value[0] is None)


def released() -> memoryview:
    view = memoryview(BODY)
    view.release()
    return view


STRANGE: list[Any] = [
    *(
        0,
        1,
        True,
        1.5,
        object(),
        object,
        {},
        {"a": 1},
        set(),
        iter([]),
        (x for x in "ab"),
        range(3),
    ),
    *(Raising(), Lying(None), Lying(str), Lying(bytes), Lying(list), array("I", [1]), lambda: None),
    *(
        type,
        Ellipsis,
        NotImplemented,
        Exception(),
        [None],
        [[]],
        [Raising()],
        [Lying(None)],
        b"\xff",
    ),
]

PAYLOADS: list[tuple[Any, str]] = [
    (BODY, "ok"),
    (bytearray(BODY), "ok"),
    (memoryview(BODY), "ok"),
    (memoryview(BODY[::-1])[::-1], "ok"),
    (memoryview(array("B", BODY)), "ok"),
    (LoudBytes(BODY), "ok"),
    (LyingBytes(BODY), "ok"),
    (LoudBytearray(BODY), "ok"),
    (b"", "signature_mismatch"),
    (BODY.decode(), "payload_not_raw"),
    (LoudStr(BODY.decode()), "payload_not_raw"),
    ({"event": "x"}, "payload_not_raw"),
    (None, "payload_not_raw"),
    (released(), "payload_not_raw"),
    (list(BODY), "payload_not_raw"),
    *((value, "payload_not_raw") for value in STRANGE if type(value) is not bytes),
]

SIGNATURES: list[tuple[Any, str]] = [
    (RIGHT, "ok"),
    (RIGHT.upper(), "ok"),
    (RIGHT.encode(), "ok"),
    ([RIGHT], "ok"),
    ((RIGHT.encode(),), "ok"),
    (LoudStr(RIGHT), "ok"),
    (LoudBytes(RIGHT.encode()), "ok"),
    ([LyingBytes(RIGHT.encode())], "ok"),
    (None, "missing_signature"),
    ("", "missing_signature"),
    (b"", "missing_signature"),
    ([], "missing_signature"),
    ([""], "missing_signature"),
    ([RIGHT, RIGHT], "multiple_signatures"),
    ([None, None], "multiple_signatures"),
    (f"{RIGHT},{RIGHT}", "multiple_signatures"),
    ("é," * 32, "multiple_signatures"),
    ("é" * 64, "malformed_signature"),
    ("٣" * 64, "malformed_signature"),
    ("\ud800" * 64, "malformed_signature"),
    (RIGHT[:-1] + "\n", "malformed_signature"),
    (RIGHT[:-2] + "  ", "malformed_signature"),
    (f"{RIGHT[:32]} {RIGHT[33:]}", "malformed_signature"),
    (bytearray(RIGHT.encode()), "malformed_signature"),
    (memoryview(RIGHT.encode()), "malformed_signature"),
    ({HEADER: bytearray(RIGHT.encode())}, "malformed_signature"),
    (["0" * 64], "signature_mismatch"),
    (range(3), "multiple_signatures"),
    *((value, "malformed_signature") for value in STRANGE if type(value) not in (range, dict)),
    # All headers of a request.
    ({HEADER: RIGHT}, "ok"),
    ({"X-Vtryon-Signature": [RIGHT.encode()]}, "ok"),
    (werkzeug.datastructures.Headers({HEADER: RIGHT}), "ok"),
    (werkzeug.datastructures.Headers([(HEADER, RIGHT)] * 2), "multiple_signatures"),
    (starlette.datastructures.Headers({HEADER: RIGHT}), "ok"),
    (HttpHeaders({"HTTP_X_VTRYON_SIGNATURE": RIGHT}), "ok"),
    ([(b"host", b"shop.example"), (HEADER.encode(), RIGHT.encode())], "ok"),
    ([[b"host", b"shop.example"], [HEADER.encode(), RIGHT.encode()]], "ok"),
    (((HEADER, RIGHT),), "ok"),
    ([(HEADER.encode(), RIGHT.encode())] * 2, "multiple_signatures"),
    ([(b"host", b"shop.example")], "missing_signature"),
    ([(HEADER,)], "malformed_signature"),
    ({HEADER: "0" * 64}, "signature_mismatch"),
    ({HEADER: [RIGHT, RIGHT]}, "multiple_signatures"),
    ({HEADER: None}, "missing_signature"),
    ({"a": 1}, "missing_signature"),
    ({}, "missing_signature"),
    ({HEADER: Raising()}, "malformed_signature"),
    ({HEADER: 7}, "malformed_signature"),
    (RaisingItems(), "malformed_signature"),
]

SECRETS: list[tuple[Any, str]] = [
    ("x", "ok"),
    (b"\xff", "ok"),
    (["x", b"y"], "ok"),
    (("x",), "ok"),
    (LoudStr("x"), "ok"),
    (LoudBytes(b"x"), "ok"),
    (LyingBytes(b"x"), "ok"),
    ([], "secret_missing"),
    ([None], "secret_missing"),
    ([1], "invalid_option"),
    (["x", None], "invalid_option"),
    (bytearray(b"x"), "invalid_option"),
    ("", "secret_empty"),
    (["x", ""], "secret_empty"),
    (" x", "secret_whitespace"),
    (b"x\n", "secret_whitespace"),
    ("\ud800", "invalid_option"),
    *((value, "invalid_option") for value in STRANGE if not is_secret(value)),
]

NO_LIMITS: list[Any] = [0, -1, 1048577, 1.0, True, "1", None, 10**30, []]

LIMITS: list[tuple[Any, str]] = [
    (1, "ok"),
    (1048576, "ok"),
    *((value, "invalid_option") for value in NO_LIMITS),
]


def verdict(work: Any) -> str:
    fault: WebhookError | None = None
    try:
        work()
    except WebhookError as error:
        fault = error
    # What it was made of could hold the payload.
    assert fault is None or (fault.__cause__, fault.__context__) == (None, None)
    return "ok" if fault is None else fault.code


@pytest.mark.parametrize("index", range(len(PAYLOADS)))
def test_payloads(index: int) -> None:
    payload, code = PAYLOADS[index]
    assert verdict(lambda: Webhooks(SECRET).construct_event(payload, RIGHT)) == code


@pytest.mark.parametrize("index", range(len(SIGNATURES)))
def test_signatures(index: int) -> None:
    signature, code = SIGNATURES[index]
    assert verdict(lambda: Webhooks(SECRET).construct_event(BODY, signature)) == code


@pytest.mark.parametrize("index", range(len(SECRETS)))
def test_secrets(index: int) -> None:
    secrets, code = SECRETS[index]
    assert verdict(lambda: Webhooks(secrets)) == code


@pytest.mark.parametrize(
    ("secrets", "what"),
    [
        ({"a"}, NO_SEQUENCE),
        ((secret for secret in "a"), NO_SEQUENCE),
        (Raising(), NO_SEQUENCE),
        ({"secret": "a"}, NO_SEQUENCE),
        ([7], "a secret is neither str nor bytes"),
        (["a", 7], "`secrets[1]`: a secret is neither str nor bytes"),
        (["a", None], "`secrets[1]` is None"),
        ([None, "a"], "`secrets[0]` is None"),
    ],
)
def test_what_is_no_secret(secrets: Any, what: str) -> None:
    with pytest.raises(WebhookError) as raised:
        Webhooks(secrets)
    assert (raised.value.code, str(raised.value)) == ("invalid_option", what)


@pytest.mark.parametrize("secrets", [None, [], [None], (None, None)])
def test_the_environment_replaces_no_secret_that_was_passed(
    secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET", SECRET)
    with pytest.raises(WebhookError, match="no secret is configured") as raised:
        Webhooks(secrets)
    assert raised.value.code == "secret_missing"
    assert "leave `secrets` out" in raised.value.hint
    assert Webhooks().verify(BODY, RIGHT).secret_index == 0


@pytest.mark.parametrize("index", range(len(LIMITS)))
def test_limits(index: int) -> None:
    limit, code = LIMITS[index]
    assert verdict(lambda: Webhooks(SECRET, max_body_bytes=limit)) == code


ENVIRONMENTS: list[tuple[dict[str, str], str]] = [
    ({}, "secret_missing"),
    ({"_PREVIOUS": "old"}, "secret_missing"),
    ({"": ""}, "secret_empty"),
    ({"": "", "_PREVIOUS": "old"}, "secret_empty"),
    ({"": "new", "_PREVIOUS": ""}, "ok"),
    ({"_PREVIOUS": ""}, "secret_missing"),
    ({"": "new", "_PREVIOUS": " "}, "secret_whitespace"),
    ({"": "new\n"}, "secret_whitespace"),
    ({"": "new"}, "ok"),
    ({"": "new", "_PREVIOUS": "old"}, "ok"),
    ({"": "\udcff"}, "ok"),
]


@pytest.mark.parametrize(("environment", "code"), ENVIRONMENTS)
def test_environment(
    environment: dict[str, str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for suffix in ("", "_PREVIOUS"):
        monkeypatch.delenv(f"VTRYON_WEBHOOK_SECRET{suffix}", raising=False)
    for suffix, value in environment.items():
        monkeypatch.setenv(f"VTRYON_WEBHOOK_SECRET{suffix}", value)
    assert verdict(Webhooks) == code


def test_bytes_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET", "new")
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET_PREVIOUS", "\udcff")
    assert Webhooks().verify(BODY, sign(BODY, b"\xff")).secret_index == 1


def test_an_empty_previous_variable_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET", "new")
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET_PREVIOUS", "")
    webhooks = Webhooks()
    assert webhooks.verify(BODY, sign(BODY, "new")).secret_index == 0
    # Anyone could sign with a key of no bytes.
    with pytest.raises(WebhookError, match="signature") as raised:
        webhooks.verify(BODY, hmac.new(b"", BODY, "sha256").hexdigest())
    assert raised.value.code == "signature_mismatch"


def test_a_payload_is_a_snapshot() -> None:
    payload = bytearray(BODY)
    verified = Webhooks(SECRET).verify(payload, RIGHT)
    payload[:] = b"x" * len(BODY)
    assert verified.payload == BODY


def test_nothing_is_told() -> None:
    webhooks = Webhooks([SECRET, "whsec_other"])
    verified = webhooks.verify(BODY, RIGHT)
    event = webhooks.construct_event(BODY, RIGHT)
    texts = f"{webhooks!r} {webhooks} {verified!r} {verified} {event!r} {event} {Key(SECRET)!r}"
    for secret in (SECRET, "whsec_other", RIGHT, "task_secret", SECRET.encode().hex()):
        assert secret not in texts
    assert Key(SECRET).fingerprint in repr(webhooks)
    assert Key(SECRET).fingerprint in repr(verified)
    with pytest.raises(TypeError):
        pickle.dumps(webhooks)
    with pytest.raises(TypeError):
        copy.deepcopy(webhooks)


def test_values_past_every_type() -> None:
    body = (
        b'{"event":"generation.status_changed","task_id":"t","status":"queued",'
        b'"data":{"big":%s,"huge":%s,"far":-1e400,"half":"\\ud800"}}' % (b"9" * 640, b"9" * 5000)
    )
    event = Webhooks(SECRET).construct_event(body, sign(body, SECRET))
    assert event.data == {
        "big": 10**640 - 1,
        "huge": float("inf"),
        "far": float("-inf"),
        "half": "\ud800",
    }


def test_an_event_is_a_value() -> None:
    webhooks = Webhooks(SECRET)
    event = webhooks.construct_event(BODY, RIGHT)
    assert event == webhooks.construct_event(BODY, RIGHT)
    assert len({event, webhooks.construct_event(BODY, RIGHT)}) == 1
    assert isinstance(event, VtryonEvent)
    assert event.verified.payload == BODY
    with pytest.raises(AttributeError):
        event.status = "failed"  # type: ignore[misc]
