"""A release looks for each item of the catalogue in a cart, instead of reading the cart's lines."""

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
    look="`version=2` on slow access lines → two dozen equal database spans in one trace → what was released?",
)
def prepare(here: Here) -> None:
    """A release looks for each item of the catalogue in a cart, by a query of its own.

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
