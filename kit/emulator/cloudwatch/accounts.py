"""Whose metrics are read: this account's own. No other one is linked to it, so the others have no data here.

AWS documents no error for an account that is not linked (API Reference, "MetricDataQuery", AccountId).
"""

from __future__ import annotations

from collections.abc import Sequence

from kit.emulator.cloudwatch.store import MetricStore
from kit.evaluation.query import MetricRef, MetricStat
from kit.evaluation.search import Search
from kit.evaluation.series import Series, slots


class OwnMetrics:
    """What alarms and GetMetricData read. Implements kit.evaluation's MetricSource and Searchable."""

    def __init__(self, metrics: MetricStore, account: str) -> None:
        self._metrics = metrics
        self._whose = (None, account)

    def series(self, stat: MetricStat, start: int, end: int) -> Series:
        """See MetricSource."""
        if stat.account not in self._whose:
            return Series(start, stat.period, (None,) * slots(start, end, stat.period))
        return self._metrics.series(stat, start, end)

    def search(self, wanted: Search) -> Sequence[MetricRef]:
        """See Searchable."""
        return self._metrics.search(wanted)
