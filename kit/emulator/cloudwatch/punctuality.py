"""How late the alarms' evaluations begin and how long they take: the newest thousand ticks."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

TICKS_KEPT = 1000


class Punctuality:
    """Written by the scheduler's thread, read by the health page."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=TICKS_KEPT)
        self._took: deque[float] = deque(maxlen=TICKS_KEPT)
        self._ticks = 0
        self._missed = 0

    def note(self, late: float, took: float, missed: int) -> None:
        """One tick: seconds after its due time at which it began, seconds it took, ticks left out before it."""
        self._late.append(late)
        self._took.append(took)
        self._ticks += 1
        self._missed += missed

    def counts(self) -> dict[str, int]:
        """Ticks evaluated and left out since the start; 99th percentiles and maxima in microseconds."""
        late, took = list(self._late), list(self._took)
        return {
            "ticks": self._ticks,
            "ticks_left_out": self._missed,
            "late_p99_us": _percentile(late, 99),
            "late_max_us": _percentile(late, 100),
            "took_p99_us": _percentile(took, 99),
            "took_max_us": _percentile(took, 100),
        }


def _percentile(seconds: Sequence[float], percent: int) -> int:
    """Nearest rank, in microseconds."""
    if not seconds:
        return 0
    return round(sorted(seconds)[math.ceil(len(seconds) * percent / 100) - 1] * 1_000_000)
