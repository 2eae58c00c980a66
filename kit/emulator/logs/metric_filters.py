"""Metric filters: what log events of a group add to CloudWatch.

Sources: Amazon CloudWatch Logs User Guide, "Creating metrics from log events using filters", and API Reference,
PutMetricFilter and MetricTransformation. Ours, where they are silent: a datum has its event's own time; nothing is
published for an event whose value is no number, or that lacks one of the dimensions.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.emulator.cloudwatch.store import Datum
from kit.emulator.logs.conditions import parse_number
from kit.emulator.logs.patterns import Pattern
from kit.emulator.protocol import AwsError

_MOST_FILTERS = 100
_MOST_WITH_REGEX = 5
_MOST_DIMENSIONS = 3
_LONGEST_DIMENSION = 1024
_MINUTE_MS = 60_000
# CloudWatch API Reference, PutMetricData: values outside of this are rejected.
_LARGEST = 2.0**360

Dimensions = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """One filter; ``settings`` are the parameters it was put with, ``created`` is epoch ms."""

    name: str
    pattern: Pattern
    settings: Mapping[str, Any]
    created: int
    literal: float | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "literal", parse_number(self.transformation["metricValue"]))
        _check(self)

    @property
    def transformation(self) -> Mapping[str, Any]:
        """The MetricTransformation: AWS allows exactly one."""
        found: Mapping[str, Any] = self.settings["metricTransformations"][0]
        return found

    @property
    def default(self) -> float | None:
        """What a minute with events but no match is worth."""
        return self.transformation.get("defaultValue")

    def data(self, events: Iterable[tuple[int, bytes]]) -> tuple[bool, list[Datum]]:
        """Whether any of the (epoch ms, message) pairs matched, and what they add, a datum a minute."""
        matched = False
        found: dict[tuple[int, Dimensions], Counter[float]] = {}
        for timestamp, message in events:
            point = self._point(message)
            if point is None:
                continue
            matched = True
            value, dimensions = point
            if value is not None and dimensions is not None:
                found.setdefault((timestamp // _MINUTE_MS * 60, dimensions), Counter())[value] += 1
        return matched, [self._datum(start, dimensions, counts) for (start, dimensions), counts in found.items()]

    def default_datum(self, minute: int) -> Datum:
        """The default value at a minute (epoch seconds)."""
        return self._datum(minute, (), Counter({self.default or 0.0: 1}))

    def _point(self, message: bytes) -> tuple[float | None, Dimensions | None] | None:
        """A matching event's value and dimensions, each None where the event lacks it; None if it doesn't match."""
        wanted: Mapping[str, str] = self.transformation.get("dimensions") or {}
        if self.literal is not None and not wanted:
            return (self.literal, ()) if self.pattern.matches(message) else None
        values = self.pattern.extract(message)
        if values is None:
            return None
        return self._value(values), self._dimensions(wanted, values)

    def _value(self, values: Mapping[str, str]) -> float | None:
        if self.literal is not None:
            return self.literal
        text = values.get(self.pattern.name_of(self.transformation["metricValue"]) or "")
        number = parse_number(text) if text is not None else None
        return number if number is not None and abs(number) <= _LARGEST else None

    def _dimensions(self, wanted: Mapping[str, str], values: Mapping[str, str]) -> Dimensions | None:
        pairs = [(name, values.get(self.pattern.name_of(selector) or "", "")) for name, selector in wanted.items()]
        if any(not 1 <= len(value.strip()) <= _LONGEST_DIMENSION for _, value in pairs):
            return None
        return tuple(sorted(pairs))

    def _datum(self, start: int, dimensions: Dimensions, counts: Counter[float]) -> Datum:
        what = self.transformation
        values = tuple(counts)
        return Datum(
            namespace=what["metricNamespace"],
            name=what["metricName"],
            dimensions=dimensions,
            timestamp=float(start),
            unit=what.get("unit", "None"),
            resolution=60,
            values=values,
            counts=tuple(float(counts[value]) for value in values),
        )


class MetricFilters:
    """The metric filters of one log group.

    "If logs are ingested during a one-minute time period but no matches are found, the value specified for Default
    Value is reported": so such a minute is kept open, by the time of ingestion, until it is over.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filters: dict[str, MetricFilter] = {}
        self._open: dict[str, int] = {}  # name -> the minute, epoch seconds, in which nothing has matched so far
        self._seen: dict[str, int] = {}  # name -> the last minute with a match
        self.revision = 0
        """Another number after every change of what ``pending`` and ``all`` tell."""

    def __len__(self) -> int:
        return len(self._filters)

    def all(self) -> list[MetricFilter]:
        """Every filter, by name."""
        with self._lock:
            return sorted(self._filters.values(), key=lambda item: item.name)

    def put(self, made: MetricFilter) -> None:
        """Add a filter, or replace the one of this name. Raises LimitExceededException."""
        with self._lock:
            others = [item for item in self._filters.values() if item.name != made.name]
            with_regex = sum(1 for item in others if item.pattern.regexes)
            if len(others) >= _MOST_FILTERS or (made.pattern.regexes and with_regex >= _MOST_WITH_REGEX):
                raise AwsError("LimitExceededException", "Resource limit exceeded.")
            self._forget(made.name)
            self._filters[made.name] = made
            self.revision += 1

    def delete(self, name: str) -> None:
        """Delete a filter. Raises ResourceNotFoundException."""
        with self._lock:
            if self._filters.pop(name, None) is None:
                raise AwsError("ResourceNotFoundException", "The specified metric filter does not exist.")
            self._forget(name)
            self.revision += 1

    def observe(self, events: Sequence[tuple[int, bytes]], now_ms: int) -> list[Datum]:
        """What events (epoch ms, message) add that were ingested at ``now_ms`` (epoch ms)."""
        if not self._filters:
            return []
        minute = now_ms // _MINUTE_MS * 60
        data = self.due(now_ms)
        for item in self.all():
            matched, found = item.data(events)
            data += found
            if item.default is None:
                continue
            with self._lock:
                before = (self._open.get(item.name), self._seen.get(item.name))
                if matched:
                    self._open.pop(item.name, None)
                    self._seen[item.name] = minute
                elif self._seen.get(item.name) != minute and self._filters.get(item.name) is item:
                    self._open[item.name] = minute
                self.revision += before != (self._open.get(item.name), self._seen.get(item.name))
        return data

    def due(self, now_ms: int) -> list[Datum]:
        """The defaults of the minutes that are over at ``now_ms`` (epoch ms), each once."""
        with self._lock:
            over = [(name, minute) for name, minute in self._open.items() if (minute + 60) * 1000 <= now_ms]
            for name, _ in over:
                del self._open[name]
                self.revision += 1
            return [self._filters[name].default_datum(minute) for name, minute in over]

    def next_due(self) -> float:
        """When ``due`` has something, epoch seconds; infinite if nothing is open."""
        with self._lock:
            return min((minute + 60.0 for minute in self._open.values()), default=float("inf"))

    def pending(self) -> tuple[dict[str, int], dict[str, int]]:
        """By filter, the minute (epoch seconds) in which nothing has matched so far, and the last one with a match."""
        with self._lock:
            return dict(self._open), dict(self._seen)

    def restore(self, filters: Iterable[MetricFilter], nothing: Mapping[str, int], match: Mapping[str, int]) -> None:
        """Take filters as they were, and what ``pending`` told."""
        with self._lock:
            self._filters = {item.name: item for item in filters}
            self._open = {name: minute for name, minute in nothing.items() if name in self._filters}
            self._seen = {name: minute for name, minute in match.items() if name in self._filters}

    def _forget(self, name: str) -> None:
        self._open.pop(name, None)
        self._seen.pop(name, None)


def _check(made: MetricFilter) -> None:
    """Raises InvalidParameterException where the transformation and the pattern don't fit."""
    what = made.transformation
    dimensions: Mapping[str, str] = what.get("dimensions") or {}
    if len(dimensions) > _MOST_DIMENSIONS:
        raise _invalid(f"a metric filter can have up to {_MOST_DIMENSIONS} dimensions.")
    if dimensions and made.default is not None:
        raise _invalid("dimensions and default value are mutually exclusive properties.")
    if made.literal is None and made.pattern.name_of(what["metricValue"]) is None:
        raise _invalid(f"metric value '{what['metricValue']}' is neither a number nor a field of the filter pattern.")
    for name, selector in dimensions.items():
        if not name or name.startswith(":") or made.pattern.name_of(selector) is None:
            raise _invalid(f"dimension '{name}': '{selector}' is not a field of the filter pattern.")


def _invalid(problem: str) -> AwsError:
    return AwsError("InvalidParameterException", f"Invalid metric transformation: {problem}")
