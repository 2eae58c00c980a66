"""How many metrics a Region has at most: a request's id in a dimension makes a metric of every request.

AWS has no such limit, and sends a bill instead.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterable
from operator import itemgetter
from typing import Generic, TypeVar

log = logging.getLogger(__name__)

# With one value each they take 100 MB.
MOST_METRICS = 30_000
_CUT = 0.05  # of them: letting some more go at once makes it rare

K = TypeVar("K")


class Crowd(Generic[K]):
    """Says who is to go once there are ``most``. The caller holds the metrics' lock."""

    def __init__(self, most: int = MOST_METRICS) -> None:
        self.most = most
        self.dropped = 0
        """How many have gone so far."""

    def leaving(self, newest: Iterable[tuple[K, float]]) -> list[K]:
        """Which of them go now, given the times of their newest values: those that have had none for longest."""
        if not self.dropped:
            log.warning(
                "there are %d metrics, as many as are kept; those without a value for longest are dropped from now on",
                self.most,
            )
        gone = heapq.nsmallest(max(1, int(self.most * _CUT)), newest, key=itemgetter(1))
        self.dropped += len(gone)
        return [key for key, _ in gone]
