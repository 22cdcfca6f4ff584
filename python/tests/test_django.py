"""A Django project: its transactions, those of its tests, and the deadline of a view."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from apps import django_project, sender
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import atomic
from django.test import Client, RequestFactory
from django.urls import path
from exchange import PATH, request

from vtryon_webhooks import VtryonEvent, WebhookError
from vtryon_webhooks.django import receiver
from vtryon_webhooks.testing import event_body, payload_of, sign

SECRET = "whsec_django"
BODY = payload_of(event_body("try-on", "completed"))
GOOD = request(BODY, SECRET)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[BaseDatabaseWrapper]:
    """A database with a transaction for each request, and a table of keys."""
    options = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path / "shop.db"),
        "ATOMIC_REQUESTS": True,
    }
    settings = {**connections.settings["default"], **options}
    monkeypatch.setitem(connections.settings, "default", settings)
    shop = connections["default"] = connections.create_connection("default")
    with shop.cursor() as cursor:
        cursor.execute("CREATE TABLE seen (key TEXT PRIMARY KEY)")
    yield shop
    shop.close()
    del connections["default"]


def is_new(shop: BaseDatabaseWrapper) -> bool:
    """Inserts the key, as a handler does that does nothing twice."""
    with shop.cursor() as cursor:
        cursor.execute("INSERT OR IGNORE INTO seen VALUES ('key')")
        return bool(cursor.rowcount)


@pytest.mark.parametrize("name", ["on_event", "on_quarantine"])
def test_what_was_written_before_an_exception_is_rolled_back(
    shop: BaseDatabaseWrapper, name: str
) -> None:
    calls: list[bool] = []

    def handle(*_: object) -> None:
        calls.append(is_new(shop))
        if len(calls) == 1:
            raise ValueError

    callbacks: dict[str, Any] = {"on_event": print, name: handle}
    send = sender("django-wsgi", secrets=SECRET, **callbacks)
    sent = GOOD if name == "on_event" else request(b"{", SECRET)
    assert [send(sent).status for _ in range(3)] == [503, 200, 200]
    assert calls == [True, True, False]


def test_what_was_written_of_a_refused_request_is_kept(shop: BaseDatabaseWrapper) -> None:
    send = sender("django-wsgi", print, secrets=SECRET, on_error=lambda _: is_new(shop))
    assert send(request(BODY, "whsec_stranger")).status == 401
    assert not is_new(shop)


@pytest.mark.parametrize("atomic_requests", [False, True])
@pytest.mark.parametrize("by", ["client", "factory"])
def test_a_transaction_around_the_request_goes_on(
    shop: BaseDatabaseWrapper, by: str, atomic_requests: bool
) -> None:
    """A `TestCase` of Django has one, and calls its views by a client or directly."""
    shop.settings_dict["ATOMIC_REQUESTS"] = atomic_requests

    def on_event(_: VtryonEvent) -> None:
        is_new(shop)
        raise ValueError

    view = receiver(on_event, secrets=SECRET)
    django_project(path(PATH[1:], view))
    headers = {"x-vtryon-signature": sign(BODY, SECRET)}
    with atomic():
        if by == "client":
            response: Any = Client(headers=headers).post(PATH, BODY, "application/json")
        else:
            sent = RequestFactory(headers=headers).post(PATH, BODY, "application/json")
            response = view(sent)
        assert response.status_code == 503
        assert is_new(shop) == atomic_requests


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("app", ["django-wsgi", "django-asgi"])
def test_an_async_view_has_no_transaction(app: str) -> None:
    async def on_event(_: VtryonEvent) -> None: ...

    assert sender(app, on_event, secrets=SECRET)(GOOD).status == 200


@pytest.mark.parametrize("app", ["django-wsgi", "django-asgi"])
def test_an_async_view_has_no_transaction_of_a_database_that_is_added_later(
    app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def on_event(_: VtryonEvent) -> None: ...

    send = sender(app, on_event, secrets=SECRET)
    added = {**connections.settings["default"], "ATOMIC_REQUESTS": True}
    monkeypatch.setitem(connections.settings, "added", added)
    assert send(GOOD).status == 200


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_receiver_is_made_before_the_settings_are_configured(kind: str) -> None:
    program = f"""
from vtryon_webhooks.django import receiver
{kind} on_event(_): ...
receiver(on_event, secrets={SECRET!r})
"""
    python_path = os.pathsep.join(sys.path)
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "", "PYTHONPATH": python_path}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)


def test_a_blocking_view_refuses_a_deadline() -> None:
    """It would not be kept, and its user would believe that it is."""
    with pytest.raises(WebhookError, match="`deadline`"):
        receiver(print, deadline=5)  # type: ignore[arg-type]
