"""Several receivers in one application of Flask, and Flask-WTF before them."""

from __future__ import annotations

from typing import Any

import pytest
from exchange import request
from flask import Blueprint, Flask
from flask_wtf import CSRFProtect

from vtryon_webhooks.flask import receiver
from vtryon_webhooks.testing import event_body, payload_of

BODY = payload_of(event_body("try-on", "queued"))
SECRETS = {"/shop-a": "whsec_a", "/shop-b": "whsec_b", "/blueprint/shop-c": "whsec_c"}


def app_of_three(wrap: Any = lambda view: view) -> Flask:
    app = Flask("tests")
    blueprint = Blueprint("blueprint", "tests", url_prefix="/blueprint")
    for path, secret in SECRETS.items():
        view = wrap(receiver(lambda _: None, secrets=secret))
        target = blueprint if path.startswith("/blueprint") else app
        target.add_url_rule(path.removeprefix("/blueprint"), view_func=view)
    app.register_blueprint(blueprint)
    return app


def status(app: Flask, path: str, secret: str) -> int:
    sent = request(BODY, secret)
    client = app.test_client()
    return client.post(path, data=sent.body, headers=list(sent.headers)).status_code


def test_several_receivers_in_one_application() -> None:
    app = app_of_three()
    for path in SECRETS:
        for owner, secret in SECRETS.items():
            assert status(app, path, secret) == (200 if owner == path else 401)


def test_one_receiver_at_several_urls() -> None:
    app, view = Flask("tests"), receiver(lambda _: None, secrets="whsec_a")
    for path in ("/a", "/b"):
        app.add_url_rule(path, view_func=view)
    assert [status(app, path, "whsec_a") for path in ("/a", "/b")] == [200, 200]


@pytest.mark.parametrize("path", SECRETS)
def test_csrf_protection_exempts_each_receiver_by_itself(path: str) -> None:
    app = Flask("tests")
    app.secret_key = "tests"
    csrf = CSRFProtect(app)
    for other, secret in SECRETS.items():
        view = receiver(lambda _: None, secrets=secret)
        app.add_url_rule(other, view_func=csrf.exempt(view) if other == path else view)
    assert {other: status(app, other, secret) for other, secret in SECRETS.items()} == {
        other: 200 if other == path else 400 for other in SECRETS
    }
