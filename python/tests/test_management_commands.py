"""Django's commands load the URLs where no secret is set, as in the build of an image."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SECRET = "whsec_management"
SOURCE = str(Path(__file__).parents[1] / "src")

MANAGE = """
import sys
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
# Nobody is logged in: the signature alone lets an event in.
SETTINGS = """
import django

SECRET_KEY = "tests"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
MIDDLEWARE = [
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
if django.VERSION >= (5, 1):
    MIDDLEWARE.append("django.contrib.auth.middleware.LoginRequiredMiddleware")
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
"""
URLS = """
import os
from django.urls import path
from vtryon_webhooks.django import receiver

def secrets():
    return os.environ["SHOP_SECRET"]

async def on_event(event):
    pass

urlpatterns = [
    path("environment", receiver(print)),
    path("async", receiver(on_event)),
    path("function", receiver(print, secrets=secrets)),
    path("value", receiver(print, secrets=[os.environ.get("SHOP_SECRET")])),
]
"""
# The command `post` sends a signed event to each URL, and prints the statuses.
POST = """
from django.core.management.base import BaseCommand
from django.test import Client
from vtryon_webhooks.testing import event_body, payload_of, signed_headers

class Command(BaseCommand):
    def handle(self, *arguments, **options):
        body = payload_of(event_body("try-on", "queued"))
        headers = signed_headers(body, "whsec_management")
        del headers["content-type"]
        for path in ("environment", "async", "function", "value"):
            answer = Client().post(f"/{path}", body, "application/json", headers=headers)
            self.stdout.write(str(answer.status_code))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "manage.py").write_text(MANAGE)
    (tmp_path / "settings.py").write_text(SETTINGS.replace('auth"]', 'auth", "shop"]'))
    (tmp_path / "urls.py").write_text(URLS)
    commands = tmp_path / "shop" / "management" / "commands"
    commands.mkdir(parents=True)
    (commands / "post.py").write_text(POST)
    return tmp_path


def manage(project: Path, command: str, *options: str, **variables: str) -> Any:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("VTRYON_")
    }
    environment.update(PYTHONPATH=SOURCE, DJANGO_SETTINGS_MODULE="settings", **variables)
    return subprocess.run(
        [sys.executable, "manage.py", command, *options],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "command",
    [
        ("check",),
        ("migrate", "--verbosity=0"),
        ("makemigrations", "--check"),
        ("check", "--deploy"),
    ],
)
def test_a_command_without_the_secret(project: Path, command: tuple[str, ...]) -> None:
    done = manage(project, *command)
    assert done.returncode == 0, done.stderr


def test_a_request_without_the_secret_and_with_it(project: Path) -> None:
    without = manage(project, "post")
    assert without.stdout.split() == ["503"] * 4, without.stderr
    assert without.stderr.count("secret_missing: ") == 3
    # An exception of the function is logged by its type and traceback.
    assert without.stderr.count("unavailable: KeyError was raised") == 1
    with_it = manage(project, "post", VTRYON_WEBHOOK_SECRET=SECRET, SHOP_SECRET=SECRET)
    assert with_it.stdout.split("\n")[:4].count("503") == 0
    assert with_it.stdout.count("200") == 4, with_it.stderr
