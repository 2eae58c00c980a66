"""Segments with their subsegments in them: one document, and one datagram, for a request instead of one for each span.

What ends before its segment does waits for it, at most until the encoder's round is over; then, and when the whole
would be too large, subsegments are sent by themselves. X-Ray puts both together alike (AWS X-Ray: "Segment documents").
"""

from __future__ import annotations

from opentelemetry.trace import SpanKind

from ..waiting import SpanData
from .segments import SUBSEGMENT, Segments
from .text import LIMIT

DEEPEST = 32


class Trees:
    """Takes ended spans in the order of their ends; one thread's."""

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self._waiting: dict[int, list[SpanData]] = {}  # by the id of the span above

    def take(self, span: SpanData) -> tuple[str, int] | None:
        """The document that a span completes, and how many spans it holds; None for one that waits."""
        span_id = span.span_id
        above = span.parent_id
        if above and span.kind is not SpanKind.SERVER:
            waiting = self._waiting.get(above)
            if waiting is None:
                self._waiting[above] = [span]
            else:
                waiting.append(span)
            return None
        text = self._segments.document(span)
        if span_id not in self._waiting:
            return text, 1
        used: list[int] = []
        below, n = self._below(span_id, used, 0)
        whole = f'{text[:-1]},"subsegments":[{below}]}}'
        if len(whole) * 4 > LIMIT and len(whole.encode("utf-8", "replace")) > LIMIT:
            return text, 1
        for known in used:
            del self._waiting[known]
        return whole, 1 + n

    def left(self) -> list[SpanData]:
        """Those that wait still, to be sent by themselves."""
        if not self._waiting:
            return []
        waiting, self._waiting = self._waiting, {}
        return [span for spans in waiting.values() for span in spans]

    def _below(self, span_id: int, used: list[int], depth: int) -> tuple[str, int]:
        """The subsegments below a span, and how many they are."""
        used.append(span_id)
        waiting, told = self._waiting, []
        n = 0
        for span in waiting[span_id]:
            _, own, _, start, end, name, rest = self._segments.parts(span)
            rest = rest[len(SUBSEGMENT) :]
            if own in waiting and own not in used and depth < DEEPEST:
                below, inner = self._below(own, used, depth + 1)
                n += inner
                rest += f',"subsegments":[{below}]'
            told.append(f'{{"name":{name},"id":"{own:016x}","start_time":{start!r},"end_time":{end!r}{rest}}}')
        return ",".join(told), n + len(told)
