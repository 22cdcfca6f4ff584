"""A receiver is made without a secret, asks for it at the first request, and refuses until then."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from typing import Any

import pytest
from apps import APPS, sender
from exchange import request
from servers import PATIENCE

from vtryon_webhooks import WebhookError, Webhooks
from vtryon_webhooks.callbacks import Threads
from vtryon_webhooks.receive import IncomingRequest, Receiver
from vtryon_webhooks.secret_source import PreparedSecrets
from vtryon_webhooks.testing import event_body, payload_of, sign

SECRET = "whsec_later"
BODY = payload_of(event_body("try-on", "completed"))
GOOD = request(BODY, SECRET)
BLOCKING = ["flask", "django-wsgi"]

every_app = pytest.mark.parametrize("app", APPS)


@pytest.fixture(autouse=True)
def _no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VTRYON_WEBHOOK_SECRET", raising=False)
    monkeypatch.delenv("VTRYON_WEBHOOK_SECRET_PREVIOUS", raising=False)
    # No test depends on how fast this machine is.
    monkeypatch.setattr("vtryon_webhooks.secret_source.PAUSE", 3600.0)
    monkeypatch.setattr("vtryon_webhooks.report.THROTTLE_SECONDS", 3600.0)


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    """What was logged by anyone: Django would log refusals by itself."""
    return [(record.levelno, record.getMessage()) for record in caplog.records]


def refuse(_: object) -> None:
    raise AssertionError("an event was taken without a secret")


def failing() -> str:
    raise ValueError(SECRET)


def answers(*values: Any) -> Callable[[], Any]:
    """A function that returns the next of these each time it is called."""
    rest = list(values)
    return lambda: rest.pop(0)


@every_app
def test_the_environment_is_read_at_the_first_request(
    app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = sender(app, lambda _: None)
    for _ in range(2):
        answer = send(GOOD)
        assert (answer.status, answer.headers["retry-after"]) == (503, "10")
        assert answer.body.startswith(b'{"error":"unavailable"')
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET", SECRET)
    assert send(GOOD).status == 200
    monkeypatch.delenv("VTRYON_WEBHOOK_SECRET")
    assert send(GOOD).status == 200


@every_app
def test_a_missing_secret_is_an_error_that_fills_no_log(
    app: str, caplog: pytest.LogCaptureFixture
) -> None:
    send = sender(app, refuse)
    with caplog.at_level(logging.INFO):
        for sent in (GOOD, request(BODY, "whsec_stranger")) * 20:
            assert send(sent).status == 503
    [(level, message)] = [line for line in logged(caplog) if line[0] > logging.INFO]
    assert level == logging.ERROR
    assert message.startswith("secret_missing: no secret is configured; set VTRYON_WEBHOOK_SECRET")


@every_app
@pytest.mark.parametrize(
    ("value", "code"), [("undefined", "secret_placeholder"), ("null", "secret_placeholder")]
)
def test_a_careless_variable_is_told_at_the_first_request(
    app: str, value: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET_PREVIOUS", value)
    faults: list[Any] = []
    assert sender(app, refuse, on_error=faults.append)(GOOD).status == 503
    assert [fault.code for fault in faults] == [code]
    assert str(faults[0]).startswith("VTRYON_WEBHOOK_SECRET_PREVIOUS: the secret is ")


@every_app
def test_an_empty_previous_variable_is_none(app: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET_PREVIOUS", "")
    assert sender(app, lambda _: None)(GOOD).status == 200


@every_app
@pytest.mark.parametrize("secrets", [[], [None], [None, None], None])
def test_a_missing_value_is_told_at_the_first_request(
    app: str, secrets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The secret of another account, which does not replace it.
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET", SECRET)
    faults: list[Any] = []
    send = sender(app, refuse, secrets=secrets, on_error=faults.append)
    assert send(GOOD).status == 503
    assert [fault.code for fault in faults] == ["secret_missing"]
    with pytest.raises(WebhookError):
        Webhooks(secrets)


@every_app
@pytest.mark.parametrize("secrets", [{"secret": SECRET}, 7, {SECRET}, [SECRET, None], "\ud800"])
def test_what_can_be_no_secret_is_refused_when_the_receiver_is_made(app: str, secrets: Any) -> None:
    with pytest.raises(WebhookError) as raised:
        sender(app, refuse, secrets=secrets)
    assert raised.value.code == "invalid_option"


@every_app
def test_a_function_is_called_at_the_first_request_and_never_again(app: str) -> None:
    calls: list[str] = []

    def secrets() -> list[str]:
        calls.append("called")
        return ["whsec_new", SECRET]

    send = sender(app, lambda _: None, secrets=secrets)
    assert calls == []
    assert [send(GOOD).status for _ in range(3)] == [200, 200, 200]
    assert calls == ["called"]


@pytest.mark.parametrize(
    "app", [name for name in APPS if name not in BLOCKING and "django" not in name]
)
@pytest.mark.parametrize("is_wrapped", [False, True])
def test_an_async_function(app: str, is_wrapped: bool) -> None:
    async def secrets() -> str:
        await asyncio.sleep(0)
        return SECRET

    source = (lambda: secrets()) if is_wrapped else secrets
    assert sender(app, lambda _: None, secrets=source)(GOOD).status == 200


def test_an_async_function_in_an_async_view_of_django() -> None:
    async def secrets() -> str:
        return SECRET

    async def on_event(_: object) -> None:
        pass

    for app in ("django-asgi", "django-wsgi"):
        assert sender(app, on_event, secrets=secrets)(GOOD).status == 200


@pytest.mark.parametrize("app", [*BLOCKING, "django-asgi"])
def test_an_async_function_where_nothing_awaits_it(app: str) -> None:
    async def secrets() -> str:
        return SECRET

    with pytest.raises(WebhookError, match="`secrets` is async, and nothing awaits it") as raised:
        sender(app, lambda _: None, secrets=secrets)
    assert raised.value.code == "invalid_option"
    faults: list[Any] = []
    send = sender(app, refuse, secrets=lambda: secrets(), on_error=faults.append)
    assert send(GOOD).status == 503
    assert "`secrets` returned an awaitable" in str(faults[0])


@every_app
@pytest.mark.parametrize(
    ("source", "code"),
    [
        (lambda: None, "secret_missing"),
        (lambda: [], "secret_missing"),
        (lambda: "", "secret_empty"),
        (lambda: f"{SECRET}\n", "secret_whitespace"),
        (lambda: f"'{SECRET}'", "secret_quoted"),
        (lambda: "undefined", "secret_placeholder"),
        (lambda: 7, "invalid_option"),
        (lambda: [SECRET, None], "invalid_option"),
        (lambda: "\ud800", "invalid_option"),
        (lambda: lambda: SECRET, "invalid_option"),
    ],
)
def test_a_function_that_returns_no_secret(app: str, source: Any, code: str) -> None:
    faults: list[Any] = []
    answer = sender(app, refuse, secrets=source, on_error=faults.append)(GOOD)
    assert (answer.status, answer.headers["retry-after"]) == (503, "10")
    assert [fault.code for fault in faults] == [code]


@every_app
def test_a_function_that_raises(app: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is not called again for a while; its message may hold a secret and is not logged."""
    calls: list[str] = []

    def secrets() -> str:
        calls.append("called")
        return failing()

    send = sender(app, refuse, secrets=secrets)
    assert [send(GOOD).status for _ in range(20)] == [503] * 20
    assert calls == ["called"]
    lines = [message for level, message in logged(caplog) if level > logging.INFO]
    assert [line.partition(":")[0] for line in lines] == ["unavailable", "secret_missing"]
    assert "ValueError was raised" in lines[0]
    assert SECRET not in caplog.text


def test_what_yields_is_no_source() -> None:
    def generator() -> Any:
        yield SECRET

    with pytest.raises(WebhookError, match="`secrets` yields"):
        sender("flask", refuse, secrets=generator)


def prepared(
    source: Any, clock: Callable[[], float], patience: float = PATIENCE
) -> PreparedSecrets:
    return PreparedSecrets(source, Webhooks, Threads(on_late=lambda _: None), patience, clock)


def test_a_function_that_failed_is_called_again_after_a_pause() -> None:
    now = 100.0
    source = prepared(answers(None, SECRET), lambda: now)
    for at, why in ((100.0, "returned None"), (3699.0, "failed a moment ago")):
        now = at
        with pytest.raises(WebhookError, match=why):
            source.get()
    now = 3700.0
    assert isinstance(source.get(), Webhooks)


def test_concurrent_threads_share_a_call() -> None:
    calls, gate = [], threading.Event()

    def secrets() -> str:
        calls.append("called")
        assert gate.wait(PATIENCE), "waited for the gate to open"
        return SECRET

    source = prepared(secrets, lambda: 0.0)
    threads = [threading.Thread(target=source.get) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert calls == ["called"]


class Hanging:
    """A function that returns when the test says so."""

    def __init__(self) -> None:
        self.calls = 0
        self.entered = threading.Event()
        self.gate = threading.Event()

    def __call__(self) -> str:
        self.calls += 1
        self.entered.set()
        assert self.gate.wait(PATIENCE), "waited for the gate to open"
        return SECRET


def test_threads_wait_for_a_call_until_the_deadline(caplog: pytest.LogCaptureFixture) -> None:
    secrets = Hanging()
    receiver = Receiver(lambda _: None, secrets=secrets, deadline=0.2)
    blocking = IncomingRequest(
        "POST", lambda _: [sign(BODY, SECRET)], str(len(BODY)), lambda _: BODY
    )
    with ThreadPoolExecutor(9) as pool:
        stuck = pool.submit(receiver.receive, blocking)
        assert secrets.entered.wait(PATIENCE), "waited for the call"
        others = [pool.submit(receiver.receive, blocking) for _ in range(8)]
        wait(others, PATIENCE / 2)
        secrets.gate.set()
        assert [other.result(PATIENCE).status for other in others] == [503] * 8
        assert stuck.result(PATIENCE).status == 200
    assert receiver.receive(blocking).status == 200
    assert secrets.calls == 1
    [(level, message)] = [line for line in logged(caplog) if line[0] > logging.INFO]
    assert level == logging.ERROR
    assert message.startswith("unavailable: the function `secrets` did not return in time")
    assert "until it returns or the process is restarted, every request" in message


def test_threads_do_not_wait_for_a_call_that_is_late_already() -> None:
    now = 100.0
    secrets = Hanging()
    # They would wait for an hour by the real clock.
    source = prepared(secrets, lambda: now, patience=3600.0)
    with ThreadPoolExecutor(2) as pool:
        stuck = pool.submit(source.get)
        assert secrets.entered.wait(PATIENCE), "waited for the call"
        now = 3700.0
        other = pool.submit(source.get)
        wait([other], PATIENCE / 2)
        secrets.gate.set()
        fault = other.exception(PATIENCE)
        assert isinstance(fault, WebhookError)
        assert fault.code == "unavailable"
        assert isinstance(stuck.result(PATIENCE), Webhooks)


def test_a_deadline_longer_than_locks_can_wait() -> None:
    source = prepared(lambda: SECRET, lambda: 0.0, patience=1e300)
    assert isinstance(source.get(), Webhooks)


def test_concurrent_requests_share_a_call() -> None:
    async def main() -> None:
        calls, gate = [], asyncio.Event()

        async def secrets() -> str:
            calls.append("called")
            await gate.wait()
            return SECRET

        receiver = Receiver(lambda _: None, secrets=secrets)
        requests = [asyncio.ensure_future(receiver.receive_async(incoming())) for _ in range(8)]
        await asyncio.sleep(0)
        gate.set()
        assert [answer.status for answer in await asyncio.gather(*requests)] == [200] * 8
        assert calls == ["called"]

    asyncio.run(main())


def test_requests_that_are_cancelled_start_no_further_call() -> None:
    async def main() -> None:
        calls, gate = [], asyncio.Event()

        async def secrets() -> str:
            calls.append("called")
            await gate.wait()
            return SECRET

        receiver = Receiver(lambda _: None, secrets=secrets, deadline=PATIENCE)
        for _ in range(8):
            waiting = asyncio.ensure_future(receiver.receive_async(incoming()))
            while receiver._secrets._pending is None:
                await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait({waiting})
        gate.set()
        assert (await receiver.receive_async(incoming())).status == 200
        assert calls == ["called"]

    asyncio.run(main())


def test_a_call_that_is_late_is_repeated_once_for_all_requests() -> None:
    async def main() -> None:
        now, calls = 100.0, []

        async def secrets() -> str:
            calls.append(now)
            await asyncio.Event().wait()
            return SECRET

        source = prepared(secrets, lambda: now)
        requests = []
        for passed in (0, PATIENCE - 1, PATIENCE, PATIENCE + 1):
            now = 100.0 + passed
            requests.append(asyncio.ensure_future(source.get_async()))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert calls == [100.0, 100.0 + PATIENCE]
        for waiting in requests:
            waiting.cancel()

    asyncio.run(main())


def test_a_function_that_hangs_keeps_a_request_until_the_deadline(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The next request calls it again, so that one call that hangs does not close the receiver."""

    async def main() -> None:
        calls: list[str] = []

        async def secrets() -> str:
            calls.append("called")
            if len(calls) == 1:
                await asyncio.Event().wait()
            return SECRET

        receiver = Receiver(lambda _: None, secrets=secrets, deadline=0.5)
        assert (await receiver.receive_async(incoming())).status == 503
        # The next one is answered however busy this machine is.
        receiver._deadline = PATIENCE
        assert (await receiver.receive_async(incoming())).status == 200
        assert len(calls) == 2

    asyncio.run(main())
    [(level, message)] = [line for line in logged(caplog) if line[0] > logging.INFO]
    assert level == logging.ERROR
    assert message.startswith("unavailable: the function `secrets` did not return in time")


async def body(_: int) -> bytes:
    return BODY


incoming = partial(IncomingRequest, "POST", lambda _: [sign(BODY, SECRET)], str(len(BODY)), body)
