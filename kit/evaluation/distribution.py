"""The samples that one metric received in one span of time."""

from __future__ import annotations

import math


class Distribution:
    """Count, sum, extremes and, while they are known, the exact values with how often each occurred.

    ``values`` maps a value to its count. It is None once a statistic set that hides its samples was merged in: then
    the percentile family, which needs raw data, has no answer (User Guide, "CloudWatch statistics definitions").
    Values are in the metric's own unit. An empty distribution has ``count`` 0, ``minimum`` inf and ``maximum`` -inf.
    """

    __slots__ = ("count", "maximum", "minimum", "total", "values")

    count: float
    total: float
    minimum: float
    maximum: float
    values: dict[float, float] | None

    def __init__(self) -> None:
        self.count = 0.0
        self.total = 0.0
        self.minimum = math.inf
        self.maximum = -math.inf
        self.values = {}

    @property
    def negative(self) -> bool:
        """Whether any value is below zero, which takes the percentile family away as well."""
        return self.minimum < 0

    def add(self, value: float, count: float = 1.0) -> None:
        """Add ``value``, seen ``count`` times. A count of 0 adds nothing; a negative one is a ValueError."""
        if count <= 0:
            if count < 0:
                raise ValueError(f"a value can't be seen {count} times")
            return
        self.count += count
        self.total += value * count
        if value < self.minimum:  # noqa: PLR1730 - min() and max() cost more than all else here
            self.minimum = value
        if value > self.maximum:  # noqa: PLR1730 - see above
            self.maximum = value
        values = self.values
        if values is not None:
            values[value] = values.get(value, 0.0) + count

    def add_set(self, count: float, total: float, minimum: float, maximum: float) -> None:
        """Add a statistic set (SampleCount, Sum, Minimum, Maximum).

        It keeps the percentiles only when it can hold one single value: Minimum = Maximum, Sum = Minimum × SampleCount.
        """
        if count <= 0:
            if count < 0:
                raise ValueError(f"a statistic set can't hold {count} samples")
            return
        single = minimum == maximum and math.isclose(total, minimum * count, rel_tol=1e-9)
        self.count += count
        self.total += total
        self.minimum = min(self.minimum, minimum)
        self.maximum = max(self.maximum, maximum)
        if self.values is not None:
            if single:
                self.values[minimum] = self.values.get(minimum, 0.0) + count
            else:
                self.values = None

    def merge(self, other: Distribution) -> None:
        """Add all that ``other`` holds; ``other`` stays as it is."""
        self.count += other.count
        self.total += other.total
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)
        if self.values is None:
            return
        if other.values is None:
            self.values = None
            return
        mine = self.values
        for value, count in other.values.items():
            mine[value] = mine.get(value, 0.0) + count

    def copy(self) -> Distribution:
        twin = Distribution()
        twin.count, twin.total = self.count, self.total
        twin.minimum, twin.maximum = self.minimum, self.maximum
        twin.values = None if self.values is None else dict(self.values)
        return twin

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Distribution):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # it changes, so it must not be a key

    def __repr__(self) -> str:
        return f"Distribution(count={self.count}, total={self.total}, minimum={self.minimum}, maximum={self.maximum})"
