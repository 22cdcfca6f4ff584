"""The example, run as its first lines say, on a real server."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from exchange import PATH
from servers import asgi_server, spoken, status_of

from vtryon_webhooks.testing import lifecycle, payload_of, sign

SECRET = "whsec_example"
APP = Path(__file__).parents[1] / "examples" / "fastapi" / "app.py"


def test_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTRYON_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("DATABASE", str(tmp_path / "tasks.db"))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    spec = importlib.util.spec_from_file_location("example", APP)
    assert spec
    assert spec.loader
    example: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)
    queued, processing, completed = map(payload_of, lifecycle("try-on", "task_1"))
    with asgi_server(example.app) as port:
        # Out of order, and one of them twice.
        for body in (queued, completed, completed, processing):
            head = (
                f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(body)}\r\n"
                f"x-vtryon-signature: {sign(body, SECRET)}\r\nconnection: close\r\n\r\n"
            )
            assert status_of(spoken(port, head.encode(), body)) == 200
        response = spoken(
            port, b"GET /tasks/task_1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        )
        missing = spoken(port, b"GET /tasks/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert json.loads(response.partition(b"\r\n\r\n")[2]) == {
        "task_id": "task_1",
        "status": "completed",
        "result_url": "https://cdn.example/try-on/linen-shirt-4k.png",
        "error_message": None,
        "received": ["queued", "completed", "processing"],
    }
    assert status_of(missing) == 404
