"""Metric data on its way in: records and dicts come to the same, and what is remembered is bounded."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from kit.emulator.cloudwatch import ingest
from kit.emulator.cloudwatch.ingest import FUTURE_S, LONGEST_REMEMBERED, PAST_S, SETS_REMEMBERED, data_from_api
from kit.emulator.cloudwatch.store import Datum
from kit.emulator.protocol import AwsError
from kit.emulator.protocol.model import load_model
from kit.emulator.protocol.straight import StraightReader
from kit.emulator.services import CLOUDWATCH_RECORDS

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


MODEL = load_model("cloudwatch")
PUT = MODEL.operations["PutMetricData"].input
RECORDS, DICTS = StraightReader(MODEL, CLOUDWATCH_RECORDS), StraightReader(MODEL)

NUMBERS = st.one_of(st.floats(-10, 10), st.sampled_from([0, 2.0**360, -(2.0**361), 1e308]))
NAMES = st.sampled_from(["a", "b", ":c", " ", "é"])
ITEMS = st.fixed_dictionaries(
    {"MetricName": st.just("m")},
    optional={
        "Value": NUMBERS,
        "Values": st.lists(NUMBERS, max_size=3),
        "Counts": st.lists(NUMBERS, max_size=3),
        "StatisticValues": st.fixed_dictionaries(dict.fromkeys(("SampleCount", "Sum", "Minimum", "Maximum"), NUMBERS)),
        "Timestamp": st.sampled_from([TEN, TEN - PAST_S, TEN - PAST_S - 1, TEN + FUTURE_S, TEN + FUTURE_S + 1]),
        "Dimensions": st.lists(st.fixed_dictionaries({"Name": NAMES, "Value": NAMES}), max_size=3),
        "StorageResolution": st.sampled_from([1, 60, 30]),
        "Unit": st.sampled_from(["Count", "None"]),
    },
)


def outcome(reader: StraightReader, body: bytes) -> list[Datum] | tuple[str, str]:
    assert PUT is not None
    params = reader.read(PUT, body)
    try:
        return data_from_api("Shop", params["MetricData"], "MetricData", TEN)
    except AwsError as error:
        return error.code, error.message


@given(st.lists(ITEMS, min_size=1, max_size=4))
@example([{"MetricName": "m", "Value": 1.0, "Dimensions": [], "StorageResolution": 1}])
@example([{"MetricName": "m", "Value": 1.0, "Dimensions": [{"Name": "a", "Value": "a"}] * 2}])
def test_records_come_to_the_same_as_dicts_errors_included(items: list[dict[str, Any]]) -> None:
    body = json.dumps({"Namespace": "Shop", "MetricData": items}).encode()
    assert outcome(RECORDS, body) == outcome(DICTS, body)
