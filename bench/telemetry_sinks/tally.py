"""What has arrived, by id: a set of 8-byte numbers a signal, and how many records of each trace there are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

SIGNALS = ("spans", "logs", "counts")


class Segment(msgspec.Struct):
    """As much of a segment document as says which spans it holds (AWS X-Ray: "Segment documents")."""

    id: str
    trace_id: str = ""
    subsegments: list[Segment] = []


class Line(msgspec.Struct):
    """As much of a log line as says which record it is."""

    trace_id: str = ""
    record_id: str = ""


_segment = msgspec.json.Decoder(Segment)
_line = msgspec.json.Decoder(Line)
_document = msgspec.json.Decoder(dict[str, Any])


class Signal:
    """The records of one signal: ``received`` with duplicates, ``ids`` without.

    A trace id's last 16 hex digits are (driver, number of the request); ``traces`` counts a driver's records by that
    number.
    """

    def __init__(self) -> None:
        self.received = 0
        self.ids: set[int] = set()
        self.traces: dict[int, bytearray] = defaultdict(bytearray)

    def take(self, record: int, trace: int) -> bool:
        """Count one record; False if it was here already."""
        self.received += 1
        if record in self.ids:
            return False
        self.ids.add(record)
        driver, number = trace >> 32 & 0xFFFF_FFFF, trace & 0xFFFF_FFFF
        seen = self.traces[driver]
        if number < 1 << 24:  # no number of ours: a trace that somebody else began
            if number >= len(seen):
                seen.extend(bytes(number + 1024 - len(seen)))
            seen[number] = min(255, seen[number] + 1)
        return True


class Tally:
    """All that one process of sinks has taken."""

    def __init__(self) -> None:
        self.signals = {name: Signal() for name in SIGNALS}
        self.sums: Counter[str] = Counter()
        self.refused = 0

    def segments(self, documents: Iterable[str | bytes]) -> None:
        """Segment documents, of a call or of a datagram."""
        for document in documents:
            found = _segment.decode(document)
            self._segment(found, int(found.trace_id[-16:] or "0", 16))

    def span(self, span_id: bytes, trace_id: bytes) -> None:
        """One span of OTLP."""
        self.signals["spans"].take(int.from_bytes(span_id), int.from_bytes(trace_id[-8:]))

    def lines(self, messages: Iterable[str]) -> None:
        """Log lines."""
        signal = self.signals["logs"]
        for message in messages:
            line = _line.decode(message)
            signal.take(_number(line.record_id or message), int(line.trace_id[-16:] or "0", 16))

    def metrics(self, messages: Iterable[str]) -> None:
        """Embedded-metric documents; numbers are summed by metric and dimension values, duplicates left out."""
        signal = self.signals["counts"]
        for message in messages:
            document = _document.decode(message)
            if signal.take(_number(str(document.get("record_id") or message)), 0):
                for directive in document["_aws"]["CloudWatchMetrics"]:
                    self._sum(document, directive)

    def report(self, driver: int = 0, requests: int = 0, each: Mapping[str, int] | None = None) -> dict[str, Any]:
        """Totals; and, for a driver's first so many requests, how many of ``each`` records a request are missing.

        ``short``: records missing, of spans and logs; ``over``: more than there can be; ``first_short``: the numbers
        of the first requests that lack one.
        """
        told: dict[str, Any] = {"sums": dict(self.sums), "refused": self.refused}
        for name, signal in self.signals.items():
            told[name] = {"received": signal.received, "distinct": len(signal.ids)}
            wanted = (each or {}).get(name)
            if wanted:
                seen = signal.traces[driver][:requests].ljust(requests, b"\0")
                missing = [number for number, count in enumerate(seen) if count < wanted]
                told[name]["short"] = sum(wanted - seen[number] for number in missing)
                told[name]["over"] = sum(count - wanted for count in seen if count > wanted)
                told[name]["first_short"] = missing[:5]
        return told

    def _segment(self, segment: Segment, trace: int) -> None:
        self.signals["spans"].take(int(segment.id, 16), trace)
        for inner in segment.subsegments:
            self._segment(inner, trace)

    def _sum(self, document: Mapping[str, Any], directive: Mapping[str, Any]) -> None:
        for dimensions in directive["Dimensions"]:
            series = "|".join(str(document[key]) for key in dimensions)
            for metric in directive["Metrics"]:
                value = document[metric["Name"]]
                if isinstance(value, list):
                    value = len(value)
                elif isinstance(value, dict):
                    value = value.get("Count", 0)
                self.sums[f"{metric['Name']}|{series}"] += value


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())
