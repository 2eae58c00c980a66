"""The same load for hours: what leaks, fills up or slows down with age?"""

from __future__ import annotations

from loadtest.shapes import Shape

WARM_UP_S = 60


class Soak(Shape):
    """--users after a minute's warm-up, for 4 hours or as long as --run-time says."""

    lasts_s = 4 * 3_600

    def share(self, elapsed_s: float) -> float:
        """Grows to 1 in the first minute, so that cold caches are no part of the picture."""
        return min(1.0, elapsed_s / WARM_UP_S)
