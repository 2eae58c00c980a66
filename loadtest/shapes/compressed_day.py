"""A day with its night, morning, lunch and evening, 30 times as fast: 48 minutes, then the next day."""

from __future__ import annotations

from loadtest.shapes import Shape

TIMES_AS_FAST = 30
HOUR_S = 3_600 / TIMES_AS_FAST
BY_HOUR = (
    *(0.30, 0.20, 0.15, 0.10, 0.10, 0.15, 0.25, 0.40, 0.55, 0.65, 0.70, 0.75),
    *(0.80, 0.75, 0.70, 0.65, 0.65, 0.70, 0.80, 0.90, 1.00, 0.95, 0.75, 0.50),
)
"""The share of the customers of the busiest hour at 0:00, 1:00, …: what a shop for consumers often sees."""


class CompressedDay(Shape):
    """--users is the crowd of the busiest hour. It begins at midnight."""

    def share(self, elapsed_s: float) -> float:
        """The hour's share, in a straight line to the next one's."""
        hour, part = divmod(elapsed_s / HOUR_S, 1)
        now, then = BY_HOUR[int(hour) % 24], BY_HOUR[int(hour + 1) % 24]
        return now + (then - now) * part
