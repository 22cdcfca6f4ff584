"""A subclass of `bytes` that answers for its buffer: since Python 3.12 it can (PEP 688)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"

# Given the buffer, one could raise what quotes a secret, or have other bytes verified than read.
CHECK = """
from vtryon_webhooks import WebhookError, Webhooks
from vtryon_webhooks.testing import hostile_requests, sign

class Loud(bytes):
    def __buffer__(self, flags):
        raise ValueError(bytes.__repr__(self))

class Lying(bytes):
    def __buffer__(self, flags):
        return memoryview(b"other")

class LoudArray(bytearray):
    def __buffer__(self, flags):
        raise ValueError

class LyingArray(bytearray):
    def __buffer__(self, flags):
        return memoryview(b"other")

right = sign(b"body", "secret")
for kind in (Loud, Lying):
    assert sign(kind(b"body"), kind(b"secret")) == right, kind
    assert hostile_requests(kind(b"secret"))[0] == hostile_requests("secret")[0], kind
    webhooks = Webhooks(kind(b"secret"))
    for signature in (kind(right.encode()), [kind(right.encode())]):
        for payload in (kind(b"body"), LoudArray(b"body"), LyingArray(b"body")):
            assert webhooks.verify(payload, signature).payload == b"body", (kind, payload)
print("held")
"""


def newer_pythons() -> list[str]:
    own = [sys.executable] if sys.version_info >= (3, 12) else []
    found = [shutil.which(f"python3.{minor}") for minor in range(12, 16)]
    installed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    return [*own, *filter(None, found), *map(str, installed.glob("3.1[2-5].*/bin/python"))]


def test_buffers() -> None:
    source = f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n"
    for python in newer_pythons():
        command = [python, "-I", "-B", "-c", source + CHECK]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        # The answer of a launcher that does not have this version.
        if done.returncode != 127:
            assert (done.stdout, done.stderr) == ("held\n", "")
            return
    pytest.skip("needs Python 3.12 or newer")
