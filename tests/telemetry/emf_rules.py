"""The rules of AWS's "Specification: Embedded metric format", as a check of one document."""

from __future__ import annotations

from typing import Any

UNITS = {
    "Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits",
    "Kilobits", "Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second",
    "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second",
    "Gigabits/Second", "Terabits/Second", "Count/Second", "None",
}  # fmt: skip


def number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")


def check(document: dict[str, Any]) -> None:
    """Raises AssertionError at the first rule that the document breaks."""
    head = document["_aws"]
    assert set(head) == {"Timestamp", "CloudWatchMetrics"}
    assert isinstance(head["Timestamp"], int)
    assert 10**12 < head["Timestamp"] < 10**13, "milliseconds"
    assert head["CloudWatchMetrics"]
    for directive in head["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 255
        assert directive["Dimensions"]
        for dimensions in directive["Dimensions"]:
            assert len(dimensions) <= 30
            for key in dimensions:
                assert 1 <= len(key) <= 250
                assert isinstance(document[key], str)
                assert 1 <= len(document[key]) <= 1024
        assert 1 <= len(directive["Metrics"]) <= 100
        for metric in directive["Metrics"]:
            assert set(metric) <= {"Name", "Unit", "StorageResolution"}
            assert metric["Unit"] in UNITS
            assert metric.get("StorageResolution", 60) in {1, 60}
            check_target(document[metric["Name"]])


def check_target(target: Any) -> None:
    if isinstance(target, dict):  # outside the published schema, and taken: what the collector's exporter sends
        assert set(target) == {"Values", "Counts", "Min", "Max", "Count", "Sum"}
        assert 1 <= len(target["Values"]) == len(target["Counts"]) <= 100
        assert all(map(number, [*target["Values"], *target["Counts"], target["Sum"]]))
        assert sum(target["Counts"]) == target["Count"]
        assert target["Min"] <= min(target["Values"])
        assert max(target["Values"]) <= target["Max"]
    elif isinstance(target, list):
        assert 1 <= len(target) <= 100
        assert all(map(number, target))
    else:
        assert number(target)
