"""A usual minute, then five times as many people for two minutes, then as before."""

from __future__ import annotations

from loadtest.shapes import Shape

BEFORE_S = 60
FOR_S = 120
TIMES = 5


class Spike(Shape):
    """--users is the usual crowd. --spawn-rate says how sudden the spike is."""

    def share(self, elapsed_s: float) -> float:
        """1, for a while 5."""
        return TIMES if BEFORE_S <= elapsed_s < BEFORE_S + FOR_S else 1
