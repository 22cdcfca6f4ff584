"""What is no status, and how the decision on it says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from strange import LoudStr, Lying, Raising

from vtryon_webhooks import WebhookError, lifecycle_step

ONE = "`seen` is one status, not a sequence of them"
NONE = "`seen` can't be iterated over"
WRONG = "a status in `seen` is not a text"
LAST = "`status` is not a text"

STATUSES: list[tuple[Any, Any, str]] = [
    ("queued", "processing", ONE),
    (LoudStr("queued"), "processing", ONE),
    (b"queued", "processing", WRONG),
    (None, "queued", NONE),
    (7, "queued", NONE),
    (Raising(), "queued", NONE),
    ([None], "queued", WRONG),
    ([b"queued"], "queued", WRONG),
    ([[]], "queued", WRONG),
    (["\ud800"], "queued", WRONG),
    ([], None, LAST),
    ([], b"queued", LAST),
    ([], 7, LAST),
    ([], [], LAST),
    ([], Raising(), LAST),
    ([], Lying(str), LAST),
    ([], "\ud800", LAST),
]


@pytest.mark.parametrize("index", range(len(STATUSES)))
def test_what_is_no_status(index: int) -> None:
    seen, status, message = STATUSES[index]
    with pytest.raises(WebhookError) as raised:
        lifecycle_step(seen, status)
    assert (raised.value.code, str(raised.value)) == ("invalid_option", message)


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
