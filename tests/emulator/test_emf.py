"""Embedded metrics, strictly by their specification."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.emulator.logs.emf import EmfError, data_in, may_hold_metrics

NOW_MS = 1_795_341_600_000


def document(**changes: Any) -> dict[str, Any]:
    directive = {
        "Namespace": "Shop",
        "Dimensions": [["Service"]],
        "Metrics": [{"Name": "Latency", "Unit": "Milliseconds"}],
    }
    base = {"_aws": {"Timestamp": NOW_MS, "CloudWatchMetrics": [directive]}, "Service": "shop", "Latency": 12.5}
    return base | changes


def directive_with(**changes: Any) -> dict[str, Any]:
    changed = deepcopy(document())
    changed["_aws"]["CloudWatchMetrics"][0] |= changes
    return changed


def read(made: Any) -> list[Any]:
    return data_in(json.dumps(made).encode(), NOW_MS)


def test_a_number_becomes_one_datum() -> None:
    (datum,) = read(document())
    assert (datum.namespace, datum.name, datum.unit, datum.resolution) == ("Shop", "Latency", "Milliseconds", 60)
    assert datum.dimensions == (("Service", "shop"),)
    assert datum.timestamp == NOW_MS / 1000
    assert (datum.values, datum.counts, datum.statistic_set) == ((12.5,), (1.0,), None)


def test_an_array_keeps_every_value() -> None:
    (datum,) = read(document(Latency=[3, 1, 3]))
    assert (datum.values, datum.counts) == ((3.0, 1.0, 3.0), (1.0, 1.0, 1.0))


def test_each_dimension_set_gets_the_metric_with_dimensions_in_order_of_name() -> None:
    made = directive_with(Dimensions=[["Service", "Operation"], ["Service"], []]) | {"Operation": "GET /"}
    assert [d.dimensions for d in read(made)] == [
        (("Operation", "GET /"), ("Service", "shop")),
        (("Service", "shop"),),
        (),
    ]


def test_dimensions_may_be_left_out() -> None:
    made = document()
    del made["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    assert [d.dimensions for d in read(made)] == [()]


def test_a_histogram_keeps_values_and_counts_and_drops_what_never_occurred() -> None:
    target = {"Values": [1, 2, 3], "Counts": [5, 0, 2], "Min": 1, "Max": 3, "Sum": 11, "Count": 7}
    (datum,) = read(document(Latency=target))
    assert (datum.values, datum.counts) == ((1.0, 3.0), (5.0, 2.0))


def test_a_histogram_without_values_is_a_statistic_set() -> None:
    (datum,) = read(document(Latency={"Min": 1, "Max": 3, "Sum": 11, "Count": 7}))
    assert (datum.values, datum.statistic_set) == ((), (7.0, 11.0, 1.0, 3.0))


def test_high_resolution_is_kept() -> None:
    (datum,) = read(directive_with(Metrics=[{"Name": "Latency", "StorageResolution": 1}]))
    assert (datum.resolution, datum.unit) == (1, "None")


def test_the_prefix_of_lambda_is_tolerated() -> None:
    line = "2026-11-22T10:00:00Z\t7f1c\tINFO\t" + json.dumps(document())
    assert len(data_in(line.encode(), NOW_MS)) == 1


def test_members_that_the_specification_does_not_know_are_ignored() -> None:
    made = directive_with(Bogus=1) | {"trace_id": "1-2", "Version": "1"}
    assert len(read(made)) == 1


@pytest.mark.parametrize(
    "made",
    [
        document(_aws=3),
        document(_aws={"CloudWatchMetrics": []}),
        document(_aws={"Timestamp": NOW_MS}),
        document(_aws={"Timestamp": "now", "CloudWatchMetrics": []}),
        document(_aws={"Timestamp": 1.5, "CloudWatchMetrics": []}),
        document(_aws={"Timestamp": True, "CloudWatchMetrics": []}),
        document(_aws={"Timestamp": NOW_MS - 15 * 86_400_000, "CloudWatchMetrics": []}),
        document(_aws={"Timestamp": NOW_MS + 3 * 3_600_000, "CloudWatchMetrics": []}),
        document(_aws={"Timestamp": NOW_MS, "CloudWatchMetrics": [3]}),
        directive_with(Namespace=""),
        directive_with(Namespace="x" * 1025),
        directive_with(Dimensions=[]),
        directive_with(Dimensions=["Service"]),
        directive_with(Dimensions=[["Missing"]]),
        directive_with(Dimensions=[["Service"] * 31]),
        document(Service=3),
        document(Service="x" * 1025),
        directive_with(Metrics={}),
        directive_with(Metrics=[{"Name": "Latency"}] * 101),
        directive_with(Metrics=[{"Name": "Latency", "Unit": "Furlongs"}]),
        directive_with(Metrics=[{"Name": "Latency", "StorageResolution": 30}]),
        directive_with(Metrics=[{"Name": "Latency", "StorageResolution": True}]),
        directive_with(Metrics=[{"Name": "Missing"}]),
        document(Latency="12"),
        document(Latency=True),
        document(Latency=[]),
        document(Latency=[1] * 101),
        document(Latency=1e200),
        document(Latency=10**400),
        document(Latency={"Values": [1], "Counts": [1, 2]}),
        document(Latency={"Values": [1], "Counts": [-1]}),
        document(Latency={"Min": 3, "Max": 1, "Sum": 1, "Count": 1}),
        document(Latency={"Count": 1}),
    ],
)
def test_a_document_that_breaks_the_specification_counts_for_nothing(made: Any) -> None:
    with pytest.raises(EmfError):
        read(made)


@pytest.mark.parametrize("line", [b'"_aws"', b'{"_aws": ', b'["_aws"]', b'{"_aws": {}} trailing', b'\xff"_aws"{}'])
def test_a_line_that_is_no_document_is_an_error(line: bytes) -> None:
    assert may_hold_metrics(line)
    with pytest.raises(EmfError):
        data_in(line, NOW_MS)


def test_an_ordinary_line_is_not_even_looked_at() -> None:
    assert not may_hold_metrics(b'{"level": "INFO", "message": "aws"}')


MEMBERS = ["Namespace", "Dimensions", "Metrics", "Name", "Unit", "Values", "Counts", "Service", "Latency"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=2), JSON, JSON)
def test_any_document_is_read_or_refused_and_never_breaks(directives: list[Any], service: Any, latency: Any) -> None:
    made = {"_aws": {"Timestamp": NOW_MS, "CloudWatchMetrics": directives}, "Service": service, "Latency": latency}
    try:
        data = read(made)
    except EmfError:
        return
    for datum in data:
        assert datum.statistic_set is not None or len(datum.values) == len(datum.counts)
