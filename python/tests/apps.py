"""An application of each framework, which receives events at one path."""

from __future__ import annotations

from functools import partial
from typing import Any, Callable

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.urls import path
from exchange import PATH, Send, asgi, wsgi
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Route

import vtryon_webhooks.django
import vtryon_webhooks.fastapi
import vtryon_webhooks.flask
import vtryon_webhooks.starlette

settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="tests",
    MIDDLEWARE=[
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    LOGGING_CONFIG=None,
)
django.setup()


def flask_app(on_event: Any, **options: Any) -> Flask:
    app = Flask("tests")
    app.add_url_rule(PATH, view_func=vtryon_webhooks.flask.receiver(on_event, **options))
    return app


def starlette_app(on_event: Any, **options: Any) -> Starlette:
    endpoint = vtryon_webhooks.starlette.receiver(on_event, **options)
    return Starlette(routes=[Route(PATH, endpoint)])


def fastapi_app(on_event: Any, **options: Any) -> FastAPI:
    app = FastAPI()
    app.add_route(PATH, vtryon_webhooks.fastapi.receiver(on_event, **options))
    return app


def fastapi_view(on_event: Any, **options: Any) -> FastAPI:
    app = FastAPI()
    endpoint = vtryon_webhooks.fastapi.receiver(on_event, **options)
    app.add_api_route(PATH, endpoint.respond, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    return app


def django_project(*urlpatterns: Any) -> None:
    settings.ROOT_URLCONF = urlpatterns


def django_wsgi(on_event: Any, **options: Any) -> WSGIHandler:
    view: Any = vtryon_webhooks.django.receiver(on_event, **options)
    django_project(path(PATH[1:], view))
    return WSGIHandler()


def django_asgi(on_event: Any, **options: Any) -> ASGIHandler:
    view: Any = vtryon_webhooks.django.receiver(on_event, **options)
    django_project(path(PATH[1:], view))
    return ASGIHandler()


# How an application is made, and how it is called.
APPS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "flask": (flask_app, wsgi),
    "starlette": (starlette_app, asgi),
    "fastapi": (fastapi_app, asgi),
    "fastapi-view": (fastapi_view, asgi),
    "django-wsgi": (django_wsgi, wsgi),
    "django-asgi": (django_asgi, asgi),
}


def sender(name: str, on_event: Any, **options: Any) -> Send:
    """Makes an application, to which requests are sent."""
    make, call = APPS[name]
    return partial(call, make(on_event, **options))
