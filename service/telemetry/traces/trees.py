"""Segments with their subsegments in them: one document, and one datagram, for a request instead of one for each span.

What ends before its segment does waits for it, at most until the encoder's round is over; then, and when the whole
would be too large, subsegments are sent by themselves. X-Ray puts both together alike (AWS X-Ray: "Segment documents").
"""

from __future__ import annotations

from opentelemetry.trace import SpanKind

from ..origin import PREPARED
from ..span_data import SpanData
from ..waiting import A_SPAN, Bundled
from .segments import SUBSEGMENT, Segments
from .text import LIMIT, name_text

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

    def bundle(self, request: Bundled) -> tuple[str, int] | None:
        """The document of a usual request with all its spans, and how many they are; None where it is not that simple.

        It comes to the same as ``take`` of each of them, in a third of the time.
        """
        if self._waiting or request.n > DEEPEST:
            return None
        told: dict[int, str] = {}  # what is below a span, by its id
        below = request.below
        for at in range(0, len(below), A_SPAN):
            span_id, parent_id, start, end, _, short = below[at : at + A_SPAN]
            if isinstance(short, str):
                name, rest = name_text(short), ""
            else:
                made = PREPARED[short].made
                if made is None:
                    return None
                name, rest = made[0], made[1][len(SUBSEGMENT) :]
            if span_id in told:
                rest += f',"subsegments":[{told.pop(span_id)}]'
            one = (
                f'{{"name":{name},"id":"{span_id:016x}","start_time":{start / 1e9!r},'
                f'"end_time":{max(start, end) / 1e9!r}{rest}}}'
            )
            told[parent_id] = f"{told[parent_id]},{one}" if parent_id in told else one
        inside = told.pop(request.span_id, None)
        if told:
            return None
        text = self._segments.request(request)
        if inside is None:
            return text, 1
        whole = f'{text[:-1]},"subsegments":[{inside}]}}'
        if len(whole) * 4 > LIMIT and len(whole.encode("utf-8", "replace")) > LIMIT:
            return None
        return whole, 1 + request.n

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
