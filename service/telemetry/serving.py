"""What is known of a request while it is served: what its span and its log lines will be made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from .names import UNMATCHED

# A variable part of a Werkzeug rule: <name> or <converter(arguments):name>.
VARIABLE = re.compile(r"<(?:[^<>]*:)?([^<>:]+)>")


class Serving:
    """One request between its arrival and the end of its answer. Durations in milliseconds.

    ``flask`` is Flask's context of it, which finds the route; ``measured`` says that the answer's length is known;
    ``told`` is what the app has said for its access line, ``known`` the operation once it was asked for. Spans of ours
    are the request as well: one object instead of two.
    """

    # Defaults that most requests keep: an instance holds only what differs.
    flask: Any = None
    route: str | None = None
    code = 500  # until the app says otherwise
    measured = False
    error: BaseException | None = None
    ended = False
    trace = ""  # its id as 32 hexadecimal digits
    span_id = 0
    sampled = False
    told: Mapping[str, Any] | None = None
    known = ""
    # The middleware's, on arrival; perf_counter()'s seconds.
    request_id = ""
    method = ""
    began = 0.0

    @property
    def operation(self) -> str:
        """``GET /items/{item_id}`` once Flask has found the route; UNMATCHED before, and where there is none."""
        if not self.known and self.flask is not None:
            rule = self.flask.request.url_rule
            if rule is None:
                return UNMATCHED
            self.route = rule.rule
            self.known = operation_name(self.method, rule.rule)
        return self.known or UNMATCHED

    def fields(self) -> Mapping[str, Any] | None:
        """What the access line tells besides: the fields that are bound, and those of names.ACCESS_ATTRIBUTES."""
        held = binding.get()
        bound = held[1] if held is not None and held[0] is self else None
        return bound if self.told is None else {**(bound or {}), **self.told}

    def release(self) -> None:
        """At the end: log lines that wait to be written hold the request, and must not hold Flask's and its objects.

        (A hundred of them a request, which would all live long enough for Python's garbage collector to look at them
        twice, and then to look at the whole process.)
        """
        self.flask = self.error = None


binding: ContextVar[tuple[Serving | None, Mapping[str, Any]] | None] = ContextVar("telemetry_bound", default=None)


@lru_cache(maxsize=4_096)
def operation_name(method: str, rule: str) -> str:
    """``GET /items/<int:item_id>`` as ``GET /items/{item_id}``."""
    return method + " " + VARIABLE.sub(r"{\1}", rule)
