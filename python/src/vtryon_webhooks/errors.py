"""The one exception that the package raises."""

from __future__ import annotations

import sys
from functools import partial

from vtryon_webhooks.codes import TABLE, Code


class WebhookError(Exception):
    """A refusal: its stable `code`, the HTTP `status` that answers it, and a `hint` at what to do.

    Where that is known, `field` names the field of the event as a path from the outermost object,
    and `offset` counts the bytes of the body before the fault. It never holds bytes of a payload, a
    header or a secret, so it can be logged as it is.
    """

    def __init__(
        self,
        code: Code,
        what: str | None = None,
        *,
        hint: str | None = None,
        field: str | None = None,
        offset: int | None = None,
    ) -> None:
        """Takes the words of the core for `code`, unless the place knows better ones."""
        row = TABLE[code]
        self.code: Code = code
        self.status = row.status
        self.hint = row.hint if hint is None else hint
        self.field = field
        self.offset = offset
        self._what = row.summary if what is None else what
        super().__init__(str(self))
        if sys.version_info >= (3, 11):
            # What a traceback shows below the message.
            self.add_note(f"{code}: {self.hint}")

    def __str__(self) -> str:
        """Says what is wrong and where."""
        subject = "" if self.field is None else f"`{self.field}` "
        place = "" if self.offset is None else f" at byte {self.offset}"
        return f"{subject}{self._what}{place}"

    def __repr__(self) -> str:
        """Names the code beside the message."""
        return f"WebhookError({self.code!r}, {str(self)!r})"

    def __reduce__(self) -> tuple[object, ...]:
        """Lets an error cross into another process, from a pool of workers for example."""
        make = partial(WebhookError, hint=self.hint, field=self.field, offset=self.offset)
        return (make, (self.code, self._what))
