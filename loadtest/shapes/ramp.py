"""From nobody to everybody in even steps, then they stay: at which load does it begin to hurt?"""

from __future__ import annotations

from loadtest.shapes import Shape

CLIMB_S = 300


class Ramp(Shape):
    """Reaches --users when --run-time is over, or after 5 minutes if there is none."""

    def share(self, elapsed_s: float) -> float:
        """Grows from 0 to 1."""
        return min(1.0, elapsed_s / (self._options.run_time or CLIMB_S))
