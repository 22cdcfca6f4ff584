"""What is logged, and how often: anyone can cause a refusal, but must not fill the log."""

from __future__ import annotations

import logging

import pytest

from vtryon_webhooks import WebhookError
from vtryon_webhooks.codes import Code
from vtryon_webhooks.report import THROTTLE_SECONDS, Report, Stage

MISSING = WebhookError("secret_missing")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG]


def test_a_line_each_10_seconds_counts_what_came_between(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    report = Report(None, clock=lambda: now)
    with caplog.at_level(logging.DEBUG):
        for at in (
            0.0,
            1.0,
            THROTTLE_SECONDS - 0.1,
            THROTTLE_SECONDS,
            THROTTLE_SECONDS + 1,
            3 * THROTTLE_SECONDS,
        ):
            now = at
            report.refused(MISSING, "unverified")
    words = f"secret_missing: {MISSING}; {MISSING.hint}"
    assert lines(caplog) == [
        words,
        f"{words} (and 2 times since it was last logged)",
        f"{words} (and 1 times since it was last logged)",
    ]
    assert [record.levelno for record in caplog.records].count(logging.DEBUG) == 3


def test_each_code_has_its_own_count(caplog: pytest.LogCaptureFixture) -> None:
    report = Report(None, clock=lambda: 0.0)
    with caplog.at_level(logging.INFO):
        for code in ("incomplete_body", "body_timeout", "signature_mismatch", "incomplete_body"):
            report.refused(WebhookError(code), "unverified")
        for fault in (ValueError(), KeyError(), ValueError()):
            report.failed(fault, "unverified")
    assert len(lines(caplog)) == 5


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("missing_signature", logging.INFO),
        ("malformed_signature", logging.INFO),
        # Shown by default: the secret may be wrong here, and then every event is refused.
        ("signature_mismatch", logging.WARNING),
        ("secret_missing", logging.ERROR),
    ],
)
def test_levels_of_refusals(code: Code, level: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Report(None).refused(WebhookError(code), "unverified")
    assert [record.levelno for record in caplog.records] == [level]


@pytest.mark.parametrize("stage", ["unreadable", "verified"])
def test_what_vtryon_has_signed_is_always_logged(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    report = Report(None, clock=lambda: 0.0)
    for _ in range(5):
        report.refused(WebhookError("invalid_json"), stage)
        report.failed(ValueError(), stage)
        report.stopped(WebhookError("unavailable"))
    assert len(lines(caplog)) == 15


def test_a_callback_is_told_of_each(caplog: pytest.LogCaptureFixture) -> None:
    faults: list[Exception] = []
    report = Report(faults.append, clock=lambda: 0.0)
    for _ in range(5):
        report.refused(MISSING, "unverified")
    assert (faults, caplog.records) == ([MISSING] * 5, [])
