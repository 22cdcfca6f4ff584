"""A receiver of Vtryon's events that keeps every task in SQLite.

    pip install -r requirements.txt
    VTRYON_WEBHOOK_SECRET=whsec_example uvicorn app:app

An event is committed before it is acknowledged, and `GET /tasks/{task_id}` shows what is known.
Repeats and late events change nothing: the status of a task is decided by all that it was told.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from fastapi import FastAPI, HTTPException

from vtryon_webhooks import VtryonEvent, lifecycle_step
from vtryon_webhooks.fastapi import receiver

DATABASE = os.environ.get("DATABASE", "tasks.db")

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    task_id TEXT NOT NULL,
    status TEXT,
    result_url TEXT,
    error_message TEXT
)
"""


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    """Opens the database for one transaction: committed at the end, rolled back by an exception."""
    with closing(sqlite3.connect(DATABASE)) as connection, connection:
        connection.execute(SCHEMA)
        yield connection


def keep(event: VtryonEvent) -> None:
    """Stores an event once; what raises here is answered 503, and Vtryon comes again."""
    row = (
        event.idempotency_key,
        event.task_id,
        event.status,
        event.result_url,
        event.error_message,
    )
    with database() as connection:
        connection.execute(
            "INSERT OR IGNORE INTO events"
            " (idempotency_key, task_id, status, result_url, error_message)"
            " VALUES (?, ?, ?, ?, ?)",
            row,
        )


app = FastAPI()
app.add_route("/webhooks/vtryon", receiver(keep))


@app.get("/tasks/{task_id}")
def task(task_id: str) -> dict[str, Any]:
    """Shows where a task stands, and what it was told, in the order of arrival."""
    with database() as connection:
        rows = connection.execute(
            "SELECT status, result_url, error_message FROM events"
            " WHERE task_id = ? AND status IS NOT NULL ORDER BY seq",
            (task_id,),
        ).fetchall()
    if not rows:
        raise HTTPException(404)
    statuses = [status for status, _, _ in rows]
    final = {status: (result_url, message) for status, result_url, message in rows}
    stands = lifecycle_step(statuses[:-1], statuses[-1]).status
    result_url, message = final.get(stands, (None, None))
    return {
        "task_id": task_id,
        "status": stands,
        "result_url": result_url,
        "error_message": message,
        "told": statuses,
    }
