"""Exponential histograms -> the values and counts of a CloudWatch metric, at one resolution for all.

OpenTelemetry ("Metrics Data Model", ExponentialHistogram): at scale s, bucket i holds the values in (b^i, b^(i+1)] with
b = 2^(2^-s). Points come at whatever scale their values allowed; here they are brought to SCALE, so that points of
several operations can be added and equal values stay equal. A value is told as its bucket's geometric middle, which is
at most 4.5 % off; the least and the greatest value of a point are kept exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

SCALE = 3
MAX_SIZE = 160
# 160 buckets of scale 3 hold 20 octaves, so that no point comes at a lower scale: 0.1 ms to 100 s.
LEAST_MS = 0.1
MOST_MS = 100_000.0
# An EMF target may hold 100 numbers (AWS: "Specification: Embedded metric format").
VALUES = 100


def clamp(milliseconds: float) -> float:
    """A duration that the buckets can hold at SCALE."""
    return min(max(milliseconds, LEAST_MS), MOST_MS)


@dataclass(slots=True)
class Distribution:
    """Counts by bucket index at SCALE, with the exact count, sum, minimum and maximum."""

    buckets: dict[int, int] = field(default_factory=dict)
    count: int = 0
    total: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf
    zeros: int = 0

    def record(self, value: float) -> None:
        """Add one positive value, of LEAST_MS to MOST_MS."""
        index = math.ceil(math.log2(value) * 2**SCALE) - 1
        self.buckets[index] = self.buckets.get(index, 0) + 1
        self.count += 1
        self.total += value
        self.minimum = min(self.minimum, value)
        self.maximum = max(self.maximum, value)

    def add(self, point: Any) -> None:
        """Add an OpenTelemetry ExponentialHistogramDataPoint of values that are not negative."""
        shift = point.scale - SCALE
        for position, count in enumerate(point.positive.bucket_counts):
            if count:
                index = point.positive.offset + position
                # A coarser bucket goes to the middle one of those that it spans.
                index = index >> shift if shift >= 0 else (index << -shift) + (1 << -shift >> 1)
                self.buckets[index] = self.buckets.get(index, 0) + count
        self.zeros += point.zero_count
        self.count += point.count
        self.total += point.sum
        self.minimum = min(self.minimum, point.min)
        self.maximum = max(self.maximum, point.max)

    @classmethod
    def merged(cls, parts: Iterable[Distribution]) -> Distribution:
        """All parts in one."""
        whole = cls()
        for part in parts:
            for index, count in part.buckets.items():
                whole.buckets[index] = whole.buckets.get(index, 0) + count
            whole.zeros += part.zeros
            whole.count += part.count
            whole.total += part.total
            whole.minimum = min(whole.minimum, part.minimum)
            whole.maximum = max(whole.maximum, part.maximum)
        return whole

    def targets(self) -> Iterator[dict[str, Any]]:
        """The EMF metric targets that tell it: one, or several when there are more than VALUES values.

        Counts and sums of the targets add up to those of the distribution.
        """
        left = self.total
        pairs = self._pairs()
        for start in range(0, len(pairs), VALUES):
            part = pairs[start : start + VALUES]
            last = start + VALUES >= len(pairs)
            total = left if last else sum(value * count for value, count in part)
            left -= total
            yield {
                "Values": [value for value, _ in part],
                "Counts": [count for _, count in part],
                "Min": rounded(self.minimum) if start == 0 else part[0][0],
                "Max": rounded(self.maximum) if last else part[-1][0],
                "Count": sum(count for _, count in part),
                "Sum": rounded(total),
            }

    def arrays(self) -> Iterator[list[float]]:
        """The same within the published schema, which knows no counts: every value as often as it came."""
        values = [value for value, count in self._pairs() for _ in range(count)]
        for start in range(0, len(values), VALUES):
            yield values[start : start + VALUES]

    def _pairs(self) -> list[tuple[float, int]]:
        zeros = [(0.0, self.zeros)] if self.zeros else []
        return zeros + [(self._middle(index), self.buckets[index]) for index in sorted(self.buckets)]

    def _middle(self, index: int) -> float:
        middle = 2.0 ** ((index + 0.5) / 2**SCALE)
        return rounded(min(max(middle, self.minimum), self.maximum))


def rounded(number: float) -> float:
    """Four significant digits: a twentieth of a per cent, and half the bytes."""
    return float(f"{number:.4g}")
