"""Callbacks of the wrong kind are refused at start-up if possible, and reported otherwise."""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

import pytest
from apps import APPS, sender
from exchange import Answer, request

from vtryon_webhooks import WebhookError
from vtryon_webhooks.receive import IncomingRequest, Receiver
from vtryon_webhooks.testing import event_body, payload_of

SECRET = "whsec_callbacks"
BODY = payload_of(event_body("try-on", "completed"))
BLOCKING = ["flask", "django-wsgi"]


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    records = [record for record in caplog.records if record.name == "vtryon_webhooks"]
    return [(record.levelno, record.getMessage()) for record in records]


async def coroutine(*_: object) -> None:
    pass


def generator(*_: object) -> Iterator[None]:
    yield


async def async_generator(*_: object) -> AsyncIterator[None]:
    yield


class AsyncCall:
    async def __call__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("on_error", [coroutine, AsyncCall(), generator, async_generator])
def test_an_on_error_that_nothing_would_await(app: str, on_error: Any) -> None:
    with pytest.raises(WebhookError, match="`on_error`") as raised:
        sender(app, print, secrets=SECRET, on_error=on_error)
    assert raised.value.code == "invalid_option"


@pytest.mark.parametrize("name", ["on_event", "on_quarantine", "on_error", "secrets"])
def test_a_class_in_place_of_its_instance(name: str) -> None:
    """The call would make an instance of the event, and drop it."""
    options: dict[str, Any] = {"on_event": print, "secrets": SECRET, name: AsyncCall}
    with pytest.raises(WebhookError, match=f"`{name}` is a class") as raised:
        Receiver(**options)
    assert raised.value.code == "invalid_option"


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize("name", ["on_event", "on_quarantine"])
@pytest.mark.parametrize("callback", [generator, async_generator])
def test_a_callback_that_a_call_would_not_run(app: str, name: str, callback: Any) -> None:
    with pytest.raises(WebhookError, match=f"`{name}` yields") as raised:
        sender(app, **{"on_event": print, "secrets": SECRET, name: callback})
    assert raised.value.code == "invalid_option"


@pytest.mark.parametrize(
    ("returned", "what"),
    [
        (coroutine, "an awaitable, and nothing awaits"),
        (generator, "a generator, and nothing iterates"),
    ],
)
def test_an_on_error_whose_result_has_not_run(
    returned: Any, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver(print, secrets=SECRET, on_error=lambda _: returned())
    assert receiver.receive(IncomingRequest("GET", lambda _: [], None, lambda _: b"")).status == 405
    [(level, message)] = logged(caplog)
    assert level == logging.ERROR
    assert message.startswith(f"invalid_option: `on_error` returned {what}")


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize(("name", "body"), [("on_event", BODY), ("on_quarantine", b"{")])
def test_an_awaitable_that_nothing_awaits(
    app: str, name: str, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """A coroutine where the server blocks, a coroutine's coroutine where it does not."""

    def callback(*_: object) -> Awaitable[Any]:
        async def nested() -> Awaitable[None]:
            return coroutine()

        return coroutine() if app in BLOCKING else nested()

    options = {"on_event": print, "secrets": SECRET, name: callback}
    answer: Answer = sender(app, **options)(request(body, SECRET))
    assert (answer.status, answer.headers["retry-after"]) == (503, "10")
    [(level, message)] = logged(caplog)
    assert level == logging.ERROR
    assert message.startswith(f"invalid_option: `{name}` returned an awaitable, and nothing awaits")


def wraps_async_generator(*_: object) -> AsyncIterator[None]:
    return async_generator()


@functools.wraps(generator)
def decorated(*_: object) -> Iterator[None]:
    return generator()


@pytest.mark.parametrize("app", APPS)
@pytest.mark.parametrize(("name", "body"), [("on_event", BODY), ("on_quarantine", b"{")])
@pytest.mark.parametrize("callback", [decorated, wraps_async_generator])
def test_a_generator_that_nothing_iterates_over(
    app: str, name: str, body: bytes, callback: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """A decorator hides that a function is a generator function."""
    options = {"on_event": print, "secrets": SECRET, name: callback}
    answer: Answer = sender(app, **options)(request(body, SECRET))
    assert (answer.status, answer.headers["retry-after"]) == (503, "10")
    [(level, message)] = logged(caplog)
    assert level == logging.ERROR
    assert message.startswith(
        f"invalid_option: `{name}` returned a generator, and nothing iterates"
    )
