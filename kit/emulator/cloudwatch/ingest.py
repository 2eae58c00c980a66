"""From PutMetricData's MetricData to checked Datum records.

Rules: CloudWatch API Reference, PutMetricData and MetricDatum. Types, lengths and units were checked before, by the
model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kit.emulator.cloudwatch.store import Datum, Dimensions
from kit.emulator.protocol import AwsError

LARGEST_VALUE = 2.0**360
VALUES_A_DATUM = 150
PAST_S = 14 * 86_400
FUTURE_S = 2 * 3600

# What is remembered of dimensions takes some 6 MB at most, whatever is sent.
SETS_REMEMBERED = 4096
LONGEST_REMEMBERED = 256
_remembered: dict[tuple[Any, ...], Dimensions] = {}

# Values with their counts, or (sample count, sum, minimum, maximum).
Numbers = tuple[tuple[float, ...], tuple[float, ...], tuple[float, float, float, float] | None]

_ONCE = (1.0,)
_RESOLUTIONS = (60, 1)


def datum_from_api(namespace: str, item: Mapping[str, Any], where: str, now: float) -> Datum:
    """One MetricDatum, checked. ``where`` names it in errors (``MetricData.member.1``); ``now`` in epoch seconds."""
    timestamp = item.get("Timestamp", now)
    if not timestamp >= now - PAST_S:  # so that NaN is none either
        raise _invalid(f"The parameter {where}.Timestamp must specify a time within the past two weeks.")
    if not timestamp <= now + FUTURE_S:
        raise _invalid(f"The parameter {where}.Timestamp must specify a time no more than two hours in the future.")
    values, counts, statistic_set = _numbers(item, where)
    given = item.get("Dimensions")
    dimensions = _dimensions(tuple([(d["Name"], d["Value"]) for d in given]), where) if given else ()
    resolution = item.get("StorageResolution", 60)
    if resolution not in _RESOLUTIONS:
        raise _invalid(f"The parameter {where}.StorageResolution must be either 1 or 60.")
    unit = item.get("Unit")
    return Datum(namespace, item["MetricName"], dimensions, timestamp, unit, resolution, values, counts, statistic_set)


def _numbers(item: Mapping[str, Any], where: str) -> Numbers:
    if "Value" in item and "Values" not in item and "StatisticValues" not in item:
        return (_number(item["Value"], where, "Value"),), _ONCE, None
    given = [key for key in ("Value", "Values", "StatisticValues") if key in item]
    if not given:
        names = f"{where}.Value, {where}.Values and {where}.StatisticValues"
        raise AwsError("InvalidParameterCombination", f"At least one of the parameters {names} must be specified.")
    if len(given) > 1:
        names = f"{where}.{given[0]} and {where}.{given[1]}"
        text = f"The parameters {names} are mutually exclusive and you have specified both."
        raise AwsError("InvalidParameterCombination", text)
    if given[0] == "StatisticValues":
        return (), (), _statistic_set(item["StatisticValues"], f"{where}.StatisticValues")
    return *_values_and_counts(item, where), None


def _values_and_counts(item: Mapping[str, Any], where: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    values = tuple([_number(value, where, f"Values.member.{n}") for n, value in enumerate(item["Values"], 1)])
    if not values:
        raise AwsError("MissingParameter", f"The parameter {where}.Values is required.")
    if len(values) > VALUES_A_DATUM:
        raise _invalid(f"The collection {where}.Values must not have a size greater than {VALUES_A_DATUM}.")
    if "Counts" not in item:
        return values, (1.0,) * len(values)
    counts = tuple([_number(count, where, f"Counts.member.{n}") for n, count in enumerate(item["Counts"], 1)])
    if len(counts) != len(values):
        raise _invalid(f"The parameters {where}.Values and {where}.Counts must be of the same size.")
    if min(counts) < 0:
        raise _invalid(f"The parameter {where}.Counts must not contain negative values.")
    return values, counts


def _statistic_set(given: Mapping[str, Any], where: str) -> tuple[float, float, float, float]:
    count, total, low, high = (_number(given[key], where, key) for key in ("SampleCount", "Sum", "Minimum", "Maximum"))
    if count < 0:
        raise _invalid(f"The parameter {where}.SampleCount must be greater than or equal to 0.")
    if low > high:
        raise _invalid(f"The parameter {where}.Maximum must be greater than or equal to {where}.Minimum.")
    return count, total, low, high


def _number(value: float, where: str, member: str) -> float:
    if -LARGEST_VALUE <= value <= LARGEST_VALUE:  # false for NaN too
        return value
    raise _invalid(f"The value {value} for parameter {where}.{member} is invalid.")


def _dimensions(given: tuple[Any, ...], where: str) -> Dimensions:
    """Sorted by name; ``given`` are pairs, or records.

    Small sets are remembered, since a service sends the same few again and again.
    """
    found = _remembered.get(given)
    if found is None:
        pairs = tuple([one if isinstance(one, tuple) else (one.Name, one.Value) for one in given])
        found = _checked(pairs, where)
        if sum([len(name) + len(value) for name, value in pairs]) <= LONGEST_REMEMBERED:
            if len(_remembered) >= SETS_REMEMBERED:
                _remembered.clear()
            _remembered[given] = found
    return found


def _checked(pairs: Dimensions, where: str) -> Dimensions:
    for number, (name, value) in enumerate(pairs, 1):
        for key, text in (("Name", name), ("Value", value)):
            if not any("!" <= character <= "~" for character in text):
                raise _invalid(
                    f"The parameter {where}.Dimensions.member.{number}.{key} must contain a non-blank ASCII character."
                )
        if name.startswith(":"):
            raise _invalid(f"The parameter {where}.Dimensions.member.{number}.Name must not start with a colon.")
    found = tuple(sorted(pairs))
    if len({name for name, _ in found}) < len(found):
        raise _invalid(f"The parameter {where}.Dimensions must not contain a name twice.")
    return found


def data_from_api(namespace: str, items: Sequence[Any], where: str, now: float) -> list[Datum]:
    """Several MetricDatum of one list, mappings or records; ``where`` names the list."""
    oldest, newest = now - PAST_S, now + FUTURE_S
    data = []
    for n, item in enumerate(items, 1):
        if isinstance(item, dict):
            data.append(datum_from_api(namespace, item, f"{where}.member.{n}", now))
            continue
        value, moment, resolution = item.Value, item.Timestamp, item.StorageResolution
        if moment is None:
            moment = now
        if (
            value is None
            or item.Values is not None
            or item.StatisticValues is not None
            or (resolution is not None and resolution not in _RESOLUTIONS)
            or not (-LARGEST_VALUE <= value <= LARGEST_VALUE and oldest <= moment <= newest)
        ):
            data.append(datum_from_api(namespace, msgspec.to_builtins(item), f"{where}.member.{n}", now))
            continue
        given = item.Dimensions
        dimensions = _dimensions(tuple(given), f"{where}.member.{n}") if given else ()
        data.append(Datum(namespace, item.MetricName, dimensions, moment, item.Unit, resolution or 60, (value,), _ONCE))
    return data


def _invalid(text: str) -> AwsError:
    return AwsError("InvalidParameterValue", text)
