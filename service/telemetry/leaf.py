"""The span of something that nobody sees while it lasts, such as a statement: half the time of another span."""

from __future__ import annotations

from random import getrandbits
from time import time_ns
from typing import Any

from msgspec import Struct
from opentelemetry.context import Context
from opentelemetry.trace import Span, Tracer

from .current import get_current
from .origin import Prepared
from .span_data import MOST_BELOW
from .spans import LightSpan
from .tracer import OURS, SPAN_KEY, LightTracer, Unsampled


class Leaf(Struct, gc=False, eq=False):
    """What there is of it until it ends."""

    above: LightSpan
    prepared: Prepared
    tracer: LightTracer
    origin: int
    start: int

    def span(self) -> Span:
        """The span itself, for whoever has more to tell."""
        return self.tracer.start_span(
            self.prepared.name, Context({SPAN_KEY: self.above}), self.prepared.kind, self.prepared,
            start_time=self.start,
        )  # fmt: skip

    def end(self) -> None:
        """End it; once."""
        now, span_id, within = time_ns(), getrandbits(64), self.above.within
        # No call from the look to the last store: see LightSpan.end.
        if within is not None and within.open and within.n < MOST_BELOW:
            within.n += 1
            within.below += (
                span_id, self.above.data.span_id, self.start, now, self.origin, self.prepared.number,
            )  # fmt: skip
        else:
            self.span().end(now)


def leaf(tracer: Tracer, prepared: Prepared) -> Leaf | Span:
    """Begin one below the current span: to be ended, or its ``span()`` where it is a Leaf."""
    if type(tracer) is LightTracer and tracer.leaves:
        above: Any = get_current().get(SPAN_KEY)
        if above.__class__ is Unsampled:
            unsampled: Unsampled = above
            return unsampled  # it stands for all below it
        if (
            above.__class__ in OURS and above.within is not None and prepared.number is not None
            and not tracer.route.processors
        ):  # fmt: skip
            return Leaf(above, prepared, tracer, tracer.origin.number, time_ns())
    return tracer.start_span(prepared.name, kind=prepared.kind, attributes=prepared)
