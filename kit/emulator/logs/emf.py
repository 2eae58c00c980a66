"""Metrics embedded in log events, strictly by their specification.

Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format". Besides the published schema, a metric
may be the histogram form that AWS's own exporters send: ``{"Values": [], "Counts": [], "Min", "Max", "Sum", "Count"}``,
and a directive without dimensions may leave ``Dimensions`` out.

Delivery of extracted metrics is at least once, on AWS as here: an event that a client sends again, after an answer that
it never got, counts again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from kit.emulator.cloudwatch.store import Datum

_MARK = b'"_aws"'
_MOST_METRICS = 100
_MOST_VALUES = 100
_MOST_DIMENSIONS = 30
_LONGEST_NAME = 1024
_LONGEST_KEY = 250
_LONGEST_VALUE = 1024
_OLDEST_MS = 14 * 86_400_000
_NEWEST_MS = 2 * 3_600_000
# CloudWatch API Reference, PutMetricData: values outside of this are rejected.
_LARGEST = 2.0**360

_SIZES = tuple(f"{scale}{what}" for what in ("bytes", "bits") for scale in ("", "kilo", "mega", "giga", "tera"))
_RATES = tuple(f"{size}/Second" for size in (*map(str.capitalize, _SIZES), "Count"))
UNITS = frozenset(
    ("Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "None", *map(str.capitalize, _SIZES), *_RATES)
)

_decode = msgspec.json.Decoder().decode


class EmfError(ValueError):
    """The document breaks the specification; the message says where. ``metric`` counts such failures in AWS/Logs."""

    metric = "EMFValidationErrors"


class EmfParsingError(EmfError):
    """It isn't JSON at all."""

    metric = "EMFParsingErrors"


def may_hold_metrics(message: bytes) -> bool:
    """A cheap first look: false for every line that can't be an embedded metric document."""
    return _MARK in message


def data_in(message: bytes, now_ms: int) -> list[Datum]:
    """The data of one log event. Raises EmfError if any of it breaks the specification: then none of it counts.

    ``now_ms`` is epoch ms: like log events, metrics are taken from 14 days back to 2 hours ahead.
    """
    root = _root(message)
    meta = _mapping(root.get("_aws"), "_aws")
    timestamp = meta.get("Timestamp")
    if isinstance(timestamp, bool) or not isinstance(timestamp, int):
        raise EmfError("_aws.Timestamp must be an integer of epoch milliseconds")
    if not now_ms - _OLDEST_MS <= timestamp <= now_ms + _NEWEST_MS:
        raise EmfError("_aws.Timestamp is not within the last 14 days and the next 2 hours")
    directives = _sequence(meta.get("CloudWatchMetrics"), "_aws.CloudWatchMetrics")
    return [
        datum for directive in directives for datum in _directive(_mapping(directive, "directive"), root, timestamp)
    ]


def failures(group: str, metric: str, count: int, now_ms: int) -> Datum:
    """CloudWatch Logs' own metric on documents of a log group that were refused at ``now_ms`` (epoch ms)."""
    dimensions = (("LogGroupName", group),)
    return Datum("AWS/Logs", metric, dimensions, now_ms / 1000, "None", 60, (1.0,), (float(count),))


def _root(message: bytes) -> Mapping[str, Any]:
    # Lambda's runtime writes its prefix before the document
    start = message.find(b"{")
    try:
        return _mapping(_decode(message[start:]), "document")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise EmfParsingError("not a JSON document") from error


def _directive(directive: Mapping[str, Any], root: Mapping[str, Any], timestamp: int) -> Iterator[Datum]:
    namespace = _name(directive.get("Namespace"), "Namespace", _LONGEST_NAME)
    sets = [_dimensions(keys, root) for keys in _sequence(directive.get("Dimensions", [[]]), "Dimensions")]
    if not sets:
        raise EmfError("Dimensions must hold at least one set")
    metrics = _sequence(directive.get("Metrics"), "Metrics")
    if len(metrics) > _MOST_METRICS:
        raise EmfError(f"more than {_MOST_METRICS} metrics in a directive")
    for definition in metrics:
        metric = _mapping(definition, "metric definition")
        name = _name(metric.get("Name"), "Name", _LONGEST_NAME)
        unit = metric.get("Unit", "None")
        if not isinstance(unit, str) or unit not in UNITS:
            raise EmfError(f"{name}: {unit!r} is not a unit")
        resolution = _resolution(metric.get("StorageResolution", 60), name)
        values, counts, statistic_set = _target(root, name)
        for dimensions in sets:
            yield Datum(namespace, name, dimensions, timestamp / 1000, unit, resolution, values, counts, statistic_set)


def _dimensions(keys: Any, root: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    keys = _sequence(keys, "dimension set")
    if len(keys) > _MOST_DIMENSIONS:
        raise EmfError(f"more than {_MOST_DIMENSIONS} keys in a dimension set")
    pairs = {}
    for key in keys:
        name = _name(key, "dimension", _LONGEST_KEY)
        value = root.get(name)
        if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_VALUE:
            raise EmfError(f"dimension {name}: its target must be a text of 1 to {_LONGEST_VALUE} characters")
        pairs[name] = value
    return tuple(sorted(pairs.items()))


def _resolution(given: Any, name: str) -> Literal[1, 60]:
    if given == 1 and given is not True:
        return 1
    if given == 60:
        return 60
    raise EmfError(f"{name}: StorageResolution must be 1 or 60")


_Statistics = tuple[float, float, float, float] | None


def _target(root: Mapping[str, Any], name: str) -> tuple[tuple[float, ...], tuple[float, ...], _Statistics]:
    """A metric's values, their counts, and a statistic set where it brings no values."""
    target = root.get(name)
    if isinstance(target, dict):
        return _histogram(target, name)
    found = target if isinstance(target, list) else [target]
    if not 1 <= len(found) <= _MOST_VALUES:
        raise EmfError(f"{name}: an array must hold 1 to {_MOST_VALUES} numbers")
    return tuple(_number(value, name) for value in found), (1.0,) * len(found), None


def _histogram(target: Mapping[str, Any], name: str) -> tuple[tuple[float, ...], tuple[float, ...], _Statistics]:
    values = tuple(_number(v, name) for v in _sequence(target.get("Values", []), f"{name}.Values"))
    counts = tuple(_number(c, name) for c in _sequence(target.get("Counts", [1] * len(values)), f"{name}.Counts"))
    if len(values) != len(counts):
        raise EmfError(f"{name}: Values and Counts differ in length")
    if any(count < 0 for count in counts):
        raise EmfError(f"{name}: a count is negative")
    if values:
        kept = [(value, count) for value, count in zip(values, counts, strict=True) if count]
        return tuple(v for v, _ in kept), tuple(c for _, c in kept), None
    count, total, low, high = (_number(target.get(key), f"{name}.{key}") for key in ("Count", "Sum", "Min", "Max"))
    if count <= 0 or low > high:
        raise EmfError(f"{name}: an impossible statistic set")
    return (), (), (count, total, low, high)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EmfError(f"{name}: its target must be a number or an array of numbers")
    try:
        number = float(value)
    except OverflowError as error:
        raise EmfError(f"{name}: a value is too large") from error
    if not math.isfinite(number) or abs(number) > _LARGEST:
        raise EmfError(f"{name}: a value is out of range")
    return number


def _name(value: Any, what: str, longest: int) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= longest:
        raise EmfError(f"{what} must be a text of 1 to {longest} characters")
    return value


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise EmfError(f"{what} must be an object")
    return value


def _sequence(value: Any, what: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise EmfError(f"{what} must be an array")
    return value
