"""Callbacks that block, hang, fail late or will not be cancelled."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
import logging
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from apps import sender
from django.db import connections
from exchange import request
from servers import PATIENCE

import vtryon_webhooks.django
from vtryon_webhooks import VtryonEvent, WebhookError
from vtryon_webhooks.callbacks import MAX_THREADS
from vtryon_webhooks.receive import IncomingRequest, Receiver
from vtryon_webhooks.testing import event_body, payload_of, sign

SECRET = "whsec_threads"
BODY = payload_of(event_body("try-on", "completed", "task_private"))
LATER = 503


async def answered(receiver: Receiver) -> int:
    async def body(_: int) -> bytes:
        return BODY

    incoming = IncomingRequest("POST", lambda _: [sign(BODY, SECRET)], str(len(BODY)), body)
    return (await receiver.receive_async(incoming)).status


async def until(condition: Any) -> None:
    """Waits for what another thread or task will do."""

    async def met() -> None:
        while not condition():
            await asyncio.sleep(0.001)

    try:
        await asyncio.wait_for(met(), PATIENCE)
    except asyncio.TimeoutError:
        what = inspect.getsource(condition).strip()
        raise AssertionError(f"waited {PATIENCE} s for {what}") from None


async def cancelled(*tasks: asyncio.Future[int]) -> None:
    """Cancels requests, as a server does whose client has gone."""
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(end) for end in ends} == {asyncio.CancelledError}


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    records = [record for record in caplog.records if record.name == "vtryon_webhooks"]
    return [(record.levelno, record.getMessage()) for record in records]


def test_what_hangs_takes_no_thread_of_the_loop() -> None:
    release = threading.Event()
    receiver = Receiver(lambda _: release.wait(), secrets=SECRET, deadline=0.5)

    async def main() -> str:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        try:
            assert await answered(receiver) == LATER
            return await asyncio.wait_for(asyncio.to_thread(lambda: "free"), PATIENCE)
        finally:
            release.set()

    assert asyncio.run(main()) == "free"


def test_threads_are_bounded() -> None:
    """Past the bound work waits, and what waits in vain is never done."""
    release = threading.Event()
    begun: list[str] = []

    def on_event(event: VtryonEvent) -> None:
        begun.append(event.task_id)
        release.wait(PATIENCE)

    receiver = Receiver(on_event, secrets=SECRET, deadline=PATIENCE)

    async def main() -> None:
        try:
            hung = [asyncio.ensure_future(answered(receiver)) for _ in range(MAX_THREADS + 8)]
            await until(lambda: len(begun) == MAX_THREADS)
            await cancelled(*hung)
        finally:
            release.set()
        assert await answered(receiver) == 200
        assert len(begun) == MAX_THREADS + 1

    asyncio.run(main())


def test_a_thread_has_the_context() -> None:
    variable = contextvars.ContextVar("variable", default="none")
    found: list[str] = []
    receiver = Receiver(lambda _: found.append(variable.get()), secrets=SECRET)

    async def main() -> None:
        variable.set("the request's")
        assert await answered(receiver) == 200

    asyncio.run(main())
    assert found == ["the request's"]


EXIT = """
import asyncio, threading, time
from concurrent.futures import thread as pool
from test_threads import SECRET, answered, cancelled, until
from vtryon_webhooks.receive import Receiver

begun, ending = threading.Event(), threading.Event()

def on_event(_):
    begun.set()
    ending.wait()
    while not pool._shutdown:  # set when the interpreter begins to exit
        time.sleep(0.001)
    print("done", flush=True)

async def main():
    task = asyncio.ensure_future(answered(Receiver(on_event, secrets=SECRET)))
    await until(begun.is_set)
    await cancelled(task)

asyncio.run(main())
print("ends", flush=True)
ending.set()
"""


def test_the_interpreter_ends_with_the_work() -> None:
    paths = f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n"
    done = subprocess.run(
        [sys.executable, "-B", "-c", paths + EXIT], stdout=subprocess.PIPE, timeout=PATIENCE
    )
    assert (done.returncode, done.stdout.split()) == (0, [b"ends", b"done"])


def test_a_thread_that_fails_late(caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()

    def on_event(event: VtryonEvent) -> None:
        release.wait(PATIENCE)
        raise ValueError(event.task_id)

    async def main() -> None:
        assert await answered(Receiver(on_event, secrets=SECRET, deadline=0.5)) == LATER
        release.set()
        await until(lambda: len(logged(caplog)) > 1)

    asyncio.run(main())
    (level, deadline), (late_level, late) = logged(caplog)
    assert (level, late_level) == (logging.WARNING, logging.ERROR)
    assert "the deadline has passed" in deadline
    assert "ValueError" in late
    assert "task_private" not in caplog.text


def test_a_thread_that_fails_after_the_loop_has_closed() -> None:
    begun, release, reported = threading.Event(), threading.Event(), threading.Event()
    faults: list[Exception] = []

    def on_event(_: VtryonEvent) -> None:
        begun.set()
        release.wait(PATIENCE)
        raise ValueError

    def on_error(fault: Exception) -> None:
        faults.append(fault)
        reported.set()

    async def main() -> None:
        task = asyncio.ensure_future(
            answered(Receiver(on_event, secrets=SECRET, on_error=on_error))
        )
        await until(begun.is_set)
        await cancelled(task)

    asyncio.run(main())
    release.set()
    assert reported.wait(PATIENCE)
    assert [type(fault) for fault in faults] == [ValueError]


def test_a_coroutine_that_will_not_be_cancelled() -> None:
    """It runs to its end, though nothing else refers to it, and its exception is reported."""
    gates: list[weakref.ref[asyncio.Event]] = []
    faults: list[Exception] = []

    async def on_event(_: VtryonEvent) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            gate = asyncio.Event()
            gates.append(weakref.ref(gate))
            await gate.wait()
            raise ValueError from None

    receiver = Receiver(on_event, secrets=SECRET, deadline=0.5, on_error=faults.append)

    async def main() -> None:
        assert await answered(receiver) == LATER
        await until(lambda: gates)
        gc.collect()
        gate = gates[0]()
        assert gate is not None
        gate.set()
        await until(lambda: len(faults) > 1)

    asyncio.run(main())
    assert [type(fault) for fault in faults] == [WebhookError, ValueError]


def test_django_under_wsgi(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hanging thread does not delay the answer; the body is not read in such a thread."""
    release = threading.Event()
    ends: list[bool] = []
    threads: list[int] = []
    read = vtryon_webhooks.django._read

    def noted_read(*arguments: Any) -> bytes:
        threads.append(threading.get_ident())
        return read(*arguments)

    async def on_event(_: VtryonEvent) -> None:
        threads.append(threading.get_ident())

    def on_quarantine(*_: object) -> None:
        ends.append(release.wait(PATIENCE))

    monkeypatch.setattr(vtryon_webhooks.django, "_read", noted_read)
    options = {"secrets": SECRET, "on_quarantine": on_quarantine, "deadline": 0.5}
    send = sender("django-wsgi", on_event, **options)
    assert send(request(BODY, SECRET)).status == 200
    assert threads[0] == threads[1]
    assert send(request(b"{", SECRET)).status == LATER
    assert ends == []
    release.set()


def test_django_replaces_a_broken_database_connection(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Django does that around requests, in their threads, and not in those of the receiver."""
    sqlite = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "shop.db")}
    shop = {**connections.settings["default"], **sqlite}
    monkeypatch.setitem(connections.settings, "default", shop)

    async def on_event(_: VtryonEvent) -> None: ...

    def on_quarantine(*_: object) -> None:
        connection = connections["default"]
        connection.cursor().execute("SELECT 1")
        # As when the server of the database is restarted.
        connection.connection.close()

    send = sender("django-asgi", on_event, secrets=SECRET, on_quarantine=on_quarantine)
    unreadable = request(b"{", SECRET)
    assert [send(unreadable).status for _ in range(3)] == [200] * 3
