"""The vectors for every implementation, and the oracle that answers for the core."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def vectors(name: str) -> Any:
    """Reads a table."""
    return json.loads((ROOT / "tests" / "vectors" / f"{name}.json").read_text("utf-8"))


def bytes_of(value: dict[str, Any]) -> bytes:
    """Returns the bytes of a vector's value: `text`, `hex`, or `parts` that are repeated."""
    if "hex" in value:
        return bytes.fromhex(value["hex"])
    if "text" in value:
        return str(value["text"]).encode()
    return "".join(text * times for text, times in value["parts"]).encode()


def core(*arguments: str, questions: Iterable[object] = ()) -> list[Any]:
    """Asks the core: a question per line, an answer per line."""
    lines = "".join(json.dumps(question) + "\n" for question in questions)
    command = ["cargo", "run", "-q", "-p", "vtryon-webhooks-tests", "--bin", "verdict", "--"]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, input=lines.encode(), stdout=subprocess.PIPE, check=True
    )
    return [json.loads(line) for line in done.stdout.decode().split("\n") if line]
