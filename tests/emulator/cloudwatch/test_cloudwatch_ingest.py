"""What is remembered while metric data comes in."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch import ingest
from kit.emulator.cloudwatch.ingest import LONGEST_REMEMBERED, SETS_REMEMBERED, data_from_api

from .conftest import TEN


def datum(value: str) -> dict[str, Any]:
    pairs = [{"Name": "b", "Value": value}, {"Name": "a", "Value": "1"}]
    return {"MetricName": "m", "Value": 1.0, "Dimensions": pairs}


def test_dimensions_are_sorted_whether_they_came_before_or_not() -> None:
    for value in ("x", "x", "y" * (LONGEST_REMEMBERED + 1)):
        (found,) = data_from_api("Shop", [datum(value)], "MetricData", TEN)
        assert found.dimensions == (("a", "1"), ("b", value))


def test_sets_of_dimensions_are_remembered_up_to_a_bound_in_number_and_in_size() -> None:
    data_from_api("Shop", [datum(str(n)) for n in range(SETS_REMEMBERED + 10)], "MetricData", TEN)
    data_from_api("Shop", [datum("z" * LONGEST_REMEMBERED)], "MetricData", TEN)
    assert 0 < len(ingest._remembered) <= SETS_REMEMBERED
    assert all(len(name) + len(value) < LONGEST_REMEMBERED for pairs in ingest._remembered for name, value in pairs)
