"""What is no status, and how the decision on it says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from strange import LoudStr, Lying, Raising

from vtryon_webhooks import WebhookError, lifecycle_step

STATUSES: list[tuple[Any, Any]] = [
    ("queued", "processing"),
    (LoudStr("queued"), "processing"),
    (b"queued", "processing"),
    (None, "queued"),
    (7, "queued"),
    (Raising(), "queued"),
    ([None], "queued"),
    ([b"queued"], "queued"),
    ([[]], "queued"),
    (["\ud800"], "queued"),
    ([], None),
    ([], b"queued"),
    ([], 7),
    ([], []),
    ([], Raising()),
    ([], Lying(str)),
    ([], "\ud800"),
]


@pytest.mark.parametrize("index", range(len(STATUSES)))
def test_what_is_no_status(index: int) -> None:
    seen, status = STATUSES[index]
    with pytest.raises(WebhookError) as raised:
        lifecycle_step(seen, status)
    assert raised.value.code == "invalid_option"


def test_texts_of_a_subclass() -> None:
    step = lifecycle_step((LoudStr(status) for status in ("queued", "failed")), LoudStr("queued"))
    assert (step.outcome, step.status) == ("duplicate", "failed")
    assert type(step.status) is str


def test_a_query_that_fails() -> None:
    def rows() -> Iterator[str]:
        yield "queued"
        raise ConnectionError

    with pytest.raises(WebhookError, match="`seen`") as raised:
        lifecycle_step(rows(), "failed")
    assert isinstance(raised.value.__cause__, ConnectionError)
