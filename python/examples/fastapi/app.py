"""A receiver of Vtryon's events that stores every task in SQLite.

    pip install -r requirements.txt
    VTRYON_WEBHOOK_SECRET=whsec_example uvicorn app:app

An event is committed before it is acknowledged, and `GET /tasks/{task_id}` shows a task's state.
Duplicates are not stored again, and late events do not set a task back: its status is computed from
all its events.
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


def store(event: VtryonEvent) -> None:
    """Stores an event once. If this raises, the answer is 503, and Vtryon sends the event again."""
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
app.add_route("/webhooks/vtryon", receiver(store))


@app.get("/tasks/{task_id}")
def task(task_id: str) -> dict[str, Any]:
    """Shows the status of a task, and the statuses received, in the order of arrival."""
    with database() as connection:
        rows = connection.execute(
            "SELECT status, result_url, error_message FROM events"
            " WHERE task_id = ? AND status IS NOT NULL ORDER BY seq",
            (task_id,),
        ).fetchall()
    if not rows:
        raise HTTPException(404)
    received = [status for status, _, _ in rows]
    current = lifecycle_step(received[:-1], received[-1]).status
    details = {status: (result_url, message) for status, result_url, message in rows}
    result_url, message = details.get(current, (None, None))
    return {
        "task_id": task_id,
        "status": current,
        "result_url": result_url,
        "error_message": message,
        "received": received,
    }
