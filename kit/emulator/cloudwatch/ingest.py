"""From PutMetricData's MetricData to checked Datum records.

Rules: CloudWatch API Reference, PutMetricData and MetricDatum. Types, lengths and units were checked before, by the
model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from kit.emulator.cloudwatch.store import Datum, Dimensions
from kit.emulator.protocol import AwsError

LARGEST_VALUE = 2.0**360
VALUES_A_DATUM = 150
PAST_S = 14 * 86_400
FUTURE_S = 2 * 3600


def datum_from_api(namespace: str, item: Mapping[str, Any], where: str, now: float) -> Datum:
    """One MetricDatum, checked. ``where`` names it in errors (``MetricData.member.1``); ``now`` in epoch seconds."""
    timestamp = item.get("Timestamp", now)
    if not timestamp >= now - PAST_S:  # so that NaN is none either
        raise _invalid(f"The parameter {where}.Timestamp must specify a time within the past two weeks.")
    if not timestamp <= now + FUTURE_S:
        raise _invalid(f"The parameter {where}.Timestamp must specify a time no more than two hours in the future.")
    values, counts, statistic_set = _numbers(item, where)
    dimensions = item.get("Dimensions")
    return Datum(
        namespace,
        item["MetricName"],
        _dimensions(tuple([(d["Name"], d["Value"]) for d in dimensions]), where) if dimensions else (),
        timestamp,
        item.get("Unit"),
        _resolution(item, where),
        values,
        counts,
        statistic_set,
    )


def _numbers(
    item: Mapping[str, Any], where: str
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, float, float, float] | None]:
    given = [key for key in ("Value", "Values", "StatisticValues") if key in item]
    if not given:
        names = f"{where}.Value, {where}.Values and {where}.StatisticValues"
        raise AwsError("InvalidParameterCombination", f"At least one of the parameters {names} must be specified.")
    if len(given) > 1:
        names = f"{where}.{given[0]} and {where}.{given[1]}"
        text = f"The parameters {names} are mutually exclusive and you have specified both."
        raise AwsError("InvalidParameterCombination", text)
    if given[0] == "Value":
        return (_number(item["Value"], f"{where}.Value"),), (1.0,), None
    if given[0] == "StatisticValues":
        return (), (), _statistic_set(item["StatisticValues"], f"{where}.StatisticValues")
    return *_values_and_counts(item, where), None


def _values_and_counts(item: Mapping[str, Any], where: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    values = tuple([_number(value, f"{where}.Values.member.{n}") for n, value in enumerate(item["Values"], 1)])
    if not values:
        raise AwsError("MissingParameter", f"The parameter {where}.Values is required.")
    if len(values) > VALUES_A_DATUM:
        raise _invalid(f"The collection {where}.Values must not have a size greater than {VALUES_A_DATUM}.")
    if "Counts" not in item:
        return values, (1.0,) * len(values)
    counts = tuple([_number(count, f"{where}.Counts.member.{n}") for n, count in enumerate(item["Counts"], 1)])
    if len(counts) != len(values):
        raise _invalid(f"The parameters {where}.Values and {where}.Counts must be of the same size.")
    if min(counts) < 0:
        raise _invalid(f"The parameter {where}.Counts must not contain negative values.")
    return values, counts


def _statistic_set(given: Mapping[str, Any], where: str) -> tuple[float, float, float, float]:
    count, total, low, high = (
        _number(given[key], f"{where}.{key}") for key in ("SampleCount", "Sum", "Minimum", "Maximum")
    )
    if count < 0:
        raise _invalid(f"The parameter {where}.SampleCount must be greater than or equal to 0.")
    if low > high:
        raise _invalid(f"The parameter {where}.Maximum must be greater than or equal to {where}.Minimum.")
    return count, total, low, high


def _number(value: float, where: str) -> float:
    if -LARGEST_VALUE <= value <= LARGEST_VALUE:  # false for NaN too
        return value
    raise _invalid(f"The value {value} for parameter {where} is invalid.")


def _resolution(item: Mapping[str, Any], where: str) -> Literal[1, 60]:
    match item.get("StorageResolution", 60):
        case 60:
            return 60
        case 1:
            return 1
    raise _invalid(f"The parameter {where}.StorageResolution must be either 1 or 60.")


@lru_cache(maxsize=8192)
def _dimensions(pairs: Dimensions, where: str) -> Dimensions:
    """Sorted by name. Remembered, since a service sends the same few sets again and again."""
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


def data_from_api(namespace: str, items: Sequence[Mapping[str, Any]], where: str, now: float) -> list[Datum]:
    """Several MetricDatum of one list; ``where`` names the list."""
    return [datum_from_api(namespace, item, f"{where}.member.{n}", now) for n, item in enumerate(items, 1)]


def _invalid(text: str) -> AwsError:
    return AwsError("InvalidParameterValue", text)
