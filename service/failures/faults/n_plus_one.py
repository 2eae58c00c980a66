"""A release reads the lines of a cart one by one, by a query for each item that could be in it."""

from __future__ import annotations

import time
from typing import Any

from service.failures.here import Here
from service.failures.registry import Dial, asked, share


@asked(
    "shop",
    percent=share(10),
    ms=Dial(15, 0, 1_000, "ms that each such query travels"),
    signal="`Latency` of `GET /carts/{cart_id}` and `Slow` of `POST /checkout`",
    look="`version=2` on the slow spans → two dozen equal database spans in one trace → what was released?",
)
def prepare(here: Here) -> None:
    """A release reads each line of a cart by a query of its own.

    The queries are real. The database of a laptop answers them in microseconds, though, so each is given the way
    through a network that it would have elsewhere.
    """
    from sqlalchemy import event  # noqa: PLC0415  # the control process does without

    def travel(_conn: Any, _cursor: Any, _statement: str, _parameters: Any, context: Any, _many: bool) -> None:
        milliseconds = context.execution_options.get("travel_ms") if context is not None else None
        if milliseconds:
            time.sleep(milliseconds / 1000)

    # Telemetry listens already and has begun the span, so the time counts as the database's.
    event.listen(here.engine, "before_cursor_execute", travel)
