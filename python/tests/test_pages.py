"""Runs everything that the pages show of the package, unchanged."""

from __future__ import annotations

import base64
import os
import re
import sqlite3
import subprocess
import sys
import sysconfig
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from apps import django_project
from django.core.handlers.wsgi import WSGIHandler
from exchange import asgi, request, wsgi
from servers import asgi_server
from starlette.testclient import TestClient
from test_standard_webhooks import signed

from vtryon_webhooks import lifecycle_step
from vtryon_webhooks.codes import TABLE
from vtryon_webhooks.event import STATUSES
from vtryon_webhooks.testing import event_body, hostile_requests, payload_of, sign

FOLDER = Path(__file__).parents[1]
CACHE = str(FOLDER.parent / ".cache" / "mypy")
PROJECT = FOLDER.parent
"""All pages that people read: a block may stand on any of them."""
PAGES = [
    page.read_text("utf-8")
    for pattern in ("*.md", "*/README.md", "docs/**/*.md")
    for page in sorted(PROJECT.glob(pattern))
]
SECRET = "whsec_example"
BODY = payload_of(event_body("try-on", "completed"))


def run(mark: str, **names: Any) -> Any:
    """Runs the block after a mark, and returns what it has defined."""
    scope: dict[str, Any] = {"__name__": "page", **names}
    exec(compile(block(mark), mark, "exec", dont_inherit=True), scope)
    return SimpleNamespace(**scope)


def block(mark: str, language: str = "python") -> str:
    pattern = re.compile(rf"<!-- tested: {mark} -->\n```{language}\n(.*?)```", re.DOTALL)
    (found,) = [lines for page in PAGES for lines in pattern.findall(page)]
    return str(found)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET", SECRET)
    monkeypatch.delenv("VTRYON_WEBHOOK_SECRET_PREVIOUS", raising=False)
    monkeypatch.setenv("SHOP_SECRET", "whsec_shop")
    monkeypatch.setenv("SHOP_SECRET_OLD", SECRET)


def test_example(capsys: pytest.CaptureFixture[str]) -> None:
    run("example", body=BODY, signature=sign(BODY, SECRET))
    shown = "task_try_on completed https://cdn.example/try-on/linen-shirt-4k.png\n"
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize(
    ("mark", "call"),
    [
        ("backend-python", asgi),
        ("fastapi-readme", asgi),
        ("receive-python", asgi),
        ("fastapi", asgi),
        ("fastapi-view", asgi),
        ("starlette", asgi),
        ("secrets", asgi),
        ("flask", wsgi),
        ("flask-wtf", wsgi),
        ("raw-flask", wsgi),
        ("raw-fastapi", asgi),
    ],
)
def test_frameworks(mark: str, call: Any) -> None:
    app = run(mark).app
    assert call(app, request(BODY, SECRET)).status == 200
    assert call(app, request(BODY, "whsec_stranger")).status == 401


@pytest.mark.parametrize("mark", ["django", "raw-django"])
def test_django(mark: str, capsys: pytest.CaptureFixture[str]) -> None:
    django_project(*run(mark).urlpatterns)
    assert wsgi(WSGIHandler(), request(BODY, SECRET)).status == 200
    assert wsgi(WSGIHandler(), request(BODY, "whsec_stranger")).status == 401
    assert capsys.readouterr().out == "status:completed:task_try_on\n"


def test_cloud_function() -> None:
    handler = run("cloud-function-python").handler
    headers = {"X-Vtryon-Signature": sign(BODY, SECRET)}
    encoded = base64.b64encode(BODY).decode()

    def status(**sent: Any) -> int:
        answer: dict[str, int] = handler(sent, None)
        return answer["statusCode"]

    assert status(headers=headers, body=BODY.decode(), isBase64Encoded=False) == 200
    assert status(headers=headers, body=encoded, isBase64Encoded=True) == 200
    assert status(headers=headers, body=encoded, isBase64Encoded=False) == 401
    assert status(headers={}, body=None) == 401


def test_gateway(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET", secret)
    headers = signed(datetime.now(timezone.utc).timestamp(), secret, BODY)
    app = run("gateway-fastapi").app
    assert asgi(app, request(BODY, SECRET, headers=tuple(headers.items()))).status == 200
    assert asgi(app, request(BODY, secret)).status == 401
    run("gateway-python", body=BODY, headers=headers)
    assert capsys.readouterr().out == "msg_1 task_try_on completed\nmsg_1\n"


def test_lifecycle() -> None:
    run("lifecycle-python")


def test_the_table_of_transitions() -> None:
    table = re.compile(r"^\| the task stands at \|.*\n\|.*\n((?:\|.*\n)+)", re.MULTILINE)
    (found,) = [match for page in PAGES if (match := table.search(page))]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in found[1].splitlines()]
    documented = {row[0]: row[1:] for row in rows}
    seen: dict[str, list[str]] = {"nothing yet": [], **{name: [name] for name in STATUSES}}
    assert documented == {
        stands: [lifecycle_step(statuses, status).outcome for status in STATUSES]
        for stands, statuses in seen.items()
    }


def test_duplicates_in_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = run("idempotency-python").app
    for _ in range(2):
        assert asgi(app, request(BODY, SECRET)).status == 200
    with closing(sqlite3.connect("shop.db")) as database:
        assert database.execute("SELECT count(*), task FROM looks").fetchall() == [
            (1, "task_try_on")
        ]


def test_from_nothing_to_a_receiver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The lines of the page, one after the other.

    There is no registry in a test: FastAPI and uvicorn are those of the environment.
    """
    (tmp_path / "vtryon-webhooks").symlink_to(PROJECT)
    folder = tmp_path / "receiver"
    folder.mkdir()
    install = block("receive-python-install", "sh")
    assert install.startswith("python3 -m venv .venv\n")
    installed = {
        **os.environ,
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    shell(install.replace("python3", sys.executable), cwd=folder, env=installed)
    [package] = folder.glob(".venv/lib/*/site-packages/vtryon_webhooks")
    assert (package / "fastapi.py").is_file()

    (folder / "app.py").write_text(block("receive-python"))
    start = block("receive-python-start", "sh")
    assert start == f"export VTRYON_WEBHOOK_SECRET={SECRET}\nuvicorn app:app\n"
    with asgi_server(run("receive-python").app) as port:
        send = block("receive-python-send").replace(":8000/", f":{port}/")
        (folder / "send.py").write_text(send)
        done = shell(block("receive-python-run", "sh"), cwd=folder)
    assert f"It prints `{done.strip()}`" in (PROJECT / "docs/start/receive-python.md").read_text()
    assert capfd.readouterr().out == block("receive-python-lines", "text")


def shell(lines: str, **options: Any) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def test_rotation() -> None:
    assert run("rotation", body=BODY, signature=sign(BODY, "whsec_old")).verified.secret_index == 1


def test_testing() -> None:
    tests = run("testing-python")
    client = run("flask").app.test_client()
    tests.test_a_task(client)
    tests.test_what_is_hostile(client)


def test_testing_with_httpx() -> None:
    tests = run("testing-fastapi")
    for mark in ("fastapi", "starlette", "fastapi-view", "raw-fastapi"):
        with TestClient(run(mark).app) as client:
            tests.test_what_is_hostile(client)


def test_raw_recipes_are_attacked() -> None:
    client = run("raw-flask").app.test_client()
    run("testing-python").test_what_is_hostile(client)
    for mark in ("django", "raw-django"):
        django_project(*run(mark).urlpatterns)
        for hostile in hostile_requests(SECRET):
            status = wsgi(WSGIHandler(), hostile).status
            assert status in hostile.statuses, f"{mark}, {hostile.name}: {hostile.why}"


#: What no page shows: a variable that may not be set, and the headers of ASGI.
ARGUMENTS = """
import os
from vtryon_webhooks import VtryonEvent, Webhooks
from vtryon_webhooks.flask import receiver

view = receiver(print, secrets=lambda: os.environ.get("SHOP_SECRET"))

def event_of(body: bytes, headers: list[tuple[bytes, bytes]]) -> VtryonEvent:
    return Webhooks().construct_event(body, headers)
"""


def test_types(tmp_path: Path) -> None:
    """The examples for each framework pass mypy unchanged, and so does a coroutine."""
    pattern = r"<!-- tested: (\S*(?:flask|fastapi|starlette|django)) -->\n```python"
    marks = [mark for page in PAGES for mark in re.findall(pattern, page)]
    marks += ["fastapi-readme", "fastapi-view", "idempotency-python", "receive-python"]
    marks += ["cloud-function-python"]
    assert len(marks) == 14
    blocks = {mark: block(mark) for mark in marks}
    blocks["django-async"] = blocks["django"].replace("def on_event", "async def on_event")
    blocks["arguments"] = ARGUMENTS
    for mark, text in blocks.items():
        (tmp_path / f"page_{mark.replace('-', '_')}.py").write_text(text)
    # As a user runs it, in the running Python: the types of frameworks are lost on an older target.
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", CACHE]
    done = subprocess.run(
        [*command, *sorted(map(str, tmp_path.glob("*.py")))],
        env={**os.environ, "MYPYPATH": str(FOLDER / "src")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_no_block_is_untested() -> None:
    for page in PAGES:
        tested = re.findall(r"<!-- tested: \S+ -->\n```python\n", page)
        assert page.count("```python") == len(tested)


def test_the_table_of_errors() -> None:
    """The page says of each code whether Python gives it, and with which status."""
    page = (PROJECT / "docs/reference/errors.md").read_text("utf-8")
    rows = re.findall(r"^\| \[`(\w+)`\]\(#\w+\) \| (\d+) \| (.*) \|$", page, re.MULTILINE)
    documented = {code: int(status) for code, status, origins in rows if "Python" in origins}
    of_the_gateway = {
        "unauthorized",
        "not_found",
        "invalid_request",
        "forbidden",
        "conflict",
        "rate_limited",
    }
    raised = TABLE.keys() - of_the_gateway
    assert documented == {code: TABLE[code].status for code in raised}
