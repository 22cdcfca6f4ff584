"""What the message of an error contains, and what it does not."""

from __future__ import annotations

import pickle
import sys
import traceback

import pytest

from vtryon_webhooks import WebhookError, Webhooks
from vtryon_webhooks.testing import sign

SECRET = "whsec_error"


def test_an_error_tells_where_and_nothing_else() -> None:
    body = b'{"event":"generation.status_changed","task_id":"task_secret","status":7}'
    with pytest.raises(WebhookError) as raised:
        Webhooks(SECRET).construct_event(body, sign(body, SECRET))
    error = raised.value
    assert str(error) == "`status` is not a string"
    assert (error.code, error.status, error.field) == ("invalid_event", 400, "status")
    assert "task_secret" not in repr(error) + repr(vars(error))
    again = pickle.loads(pickle.dumps(error))
    assert (repr(again), vars(again)) == (repr(error), vars(error))


@pytest.mark.parametrize(
    "error",
    [
        WebhookError("secret_empty"),
        WebhookError("invalid_option", "`now` can't be called", hint="pass a function"),
        WebhookError("invalid_event", "is not a string", field="status", offset=7),
    ],
    ids=str,
)
def test_an_error_crosses_into_another_process_as_it_is(error: WebhookError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (again.args, str(again), vars(again)) == (error.args, str(error), vars(error))
    shown = [traceback.format_exception_only(type(each), each) for each in (again, error)]
    assert shown[0] == shown[1]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have no notes")
def test_a_traceback_shows_code_and_hint() -> None:
    with pytest.raises(WebhookError) as raised:
        Webhooks(f"{SECRET}\n")
    for error in (raised.value, pickle.loads(pickle.dumps(raised.value))):
        shown = "".join(traceback.format_exception_only(type(error), error))
        assert shown == (
            "vtryon_webhooks.errors.WebhookError: the secret begins or ends with whitespace\n"
            "secret_whitespace: paste the secret anew, without blanks or line breaks around it\n"
        )
