"""Instruments of anybody: OpenTelemetry's meter -> the metrics that the app has declared.

``opentelemetry.metrics.get_meter("app").create_counter("Refunds").add(1, {"Reason": "late"})`` reaches CloudWatch when
the app declares a names.Metric of that name: its dimension sets say which attributes count, in which combinations; all
others are summed away. What nobody declared is not sent, and told once.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from opentelemetry import metrics as otel
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    Counter,
    Histogram,
    MeterProvider,
    ObservableCounter,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader, MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

from .emf import Flush, Series
from .histogram import MAX_SIZE, SCALE, Distribution
from .metrics import Guard
from .names import SERVICE, Metric

log = logging.getLogger(__name__)


class Meters:
    """The MeterProvider of one app, for all its processes, and the way from its points into a Flush."""

    def __init__(self, resource: Resource, own: Sequence[Metric]) -> None:
        # The SDK lower-cases instrument names in what it collects.
        self._own = {metric.name.lower(): metric for metric in own}
        self._reader = _Reader()
        views = [
            View(instrument_name=metric.name, attribute_keys={key for keys in metric.dimensions for key in keys})
            for metric in own
        ]
        self.provider = MeterProvider(
            [self._reader], resource, AlwaysOffExemplarFilter(), shutdown_on_exit=False, views=views
        )
        self._ignored: set[str] = set()

    def make_global(self) -> None:
        """Have every library's instruments end here, unless the app has a provider of its own."""
        # The API names the class that stands in for none only privately.
        if type(otel.get_meter_provider()).__name__ == "_ProxyMeterProvider":
            otel.set_meter_provider(self.provider)

    def discard(self) -> None:
        """Forget what was counted so far: in a child, it is the parent's."""
        self._reader.collect()
        self._reader.take()

    def fill(self, flush: Flush, guard: Guard) -> None:
        """Move what was counted since the last time into ``flush``, under CloudWatch's names."""
        self._reader.collect()
        data = self._reader.take()
        for found in data.resource_metrics if data is not None else ():
            for scope in found.scope_metrics:
                for metric in scope.metrics:
                    self._fill_one(flush, metric, guard)

    def _fill_one(self, flush: Flush, metric: Any, guard: Guard) -> None:
        known = self._own.get(metric.name.lower())
        if known is None:
            if metric.name not in self._ignored:
                self._ignored.add(metric.name)
                log.warning("metric %s is not declared and is not sent; see instrument(metrics=…)", metric.name)
            return
        for point in metric.data.data_points:
            for keys in known.dimensions:
                series = guard(known.name, _series(keys, point.attributes))
                if known.kind == "histogram":
                    distribution = Distribution()
                    distribution.add(point)
                    flush.add(series, known.name, distribution)
                elif known.kind == "gauge":
                    flush.series.setdefault(series, {})[known.name] = point.value
                elif point.value:
                    flush.add(series, known.name, point.value)


class _Reader(MetricReader):
    """Delta temporality, and the last collection."""

    def __init__(self) -> None:
        delta = AggregationTemporality.DELTA
        super().__init__(
            preferred_temporality={Counter: delta, Histogram: delta, ObservableCounter: delta},
            # Starting at SCALE spares the SDK the search for a scale, and all points come alike.
            preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation(MAX_SIZE, SCALE)},
        )
        self._data: MetricsData | None = None

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        del timeout_millis, kwargs  # OpenTelemetry's signature
        self._data = metrics_data

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing to shut down."""

    def take(self) -> MetricsData | None:
        """What was collected last."""
        data, self._data = self._data, None
        return data


def _series(keys: Sequence[str], attributes: Any) -> Series:
    """The series of a point in one dimension set. An attribute that it lacks, or that is too long, has a value too."""
    return tuple((key, str(attributes.get(key, "") or "-")[:250]) for key in keys[len(SERVICE) :])
