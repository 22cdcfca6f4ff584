"""Makes events for every kind of task in Vtryon's guide."""

from __future__ import annotations

from typing import Any, Literal

from vtryon_webhooks.event import STATUS_CHANGED, Status

#: The kinds of task in Vtryon's guide.
Kind = Literal["try-on", "ai-model", "poses", "recolor"]
KINDS: tuple[Kind, ...] = ("try-on", "ai-model", "poses", "recolor")

_RESULTS: dict[Kind, str] = {
    "try-on": "try-on/linen-shirt-4k.png",
    "ai-model": "ai-model/studio-portrait-4k.png",
    "poses": "poses/walking-4k.png",
    "recolor": "recolor/dress-emerald-4k.png",
}
_FAILURES: dict[Kind, str] = {
    "try-on": "no person was found in the photo",
    "ai-model": "the description was refused",
    "poses": "the pose does not fit the garment",
    "recolor": "no garment was found in the photo",
}


def event_body(kind: Kind, status: Status, task_id: str | None = None) -> dict[str, Any]:
    """Makes the body of one event; its id, result and error message fit the kind of task."""
    if task_id is None:
        task_id = f"task_{kind.replace('-', '_')}"
    body: dict[str, Any] = {"event": STATUS_CHANGED, "task_id": task_id, "status": status}
    if status == "completed":
        body["data"] = {"result_url": f"https://cdn.example/{_RESULTS[kind]}"}
    elif status == "failed":
        body["error"] = {"message": _FAILURES[kind]}
    return body


def lifecycle(
    kind: Kind,
    task_id: str | None = None,
    *,
    ends: Literal["completed", "failed"] = "completed",
) -> list[dict[str, Any]]:
    """Makes the bodies of a whole task, in order: queued, processing, and its final status."""
    course: tuple[Status, ...] = ("queued", "processing", ends)
    return [event_body(kind, status, task_id) for status in course]
