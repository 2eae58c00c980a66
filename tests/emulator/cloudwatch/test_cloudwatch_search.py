"""SEARCH and dynamic labels through GetMetricData, against the store."""

from __future__ import annotations

from typing import Any

import pytest

from kit.emulator.cloudwatch.store import Datum

from .conftest import ACCOUNT, REGION, TEN, World

DAY = 86_400


@pytest.fixture
def shop(world: World) -> World:
    """Faults of two operations over two minutes, latencies of one, and a metric that fell silent 15 days ago."""
    for minute in range(2):
        for operation, value in (("GET /items", 1), ("POST /checkout", 5)):
            world.put("Fault", value, at=60 * minute, Dimensions=[{"Name": "Operation", "Value": operation}])
    world.put("Latency", 0.25, at=60, Dimensions=[{"Name": "Operation", "Value": "GET /items"}])
    old = (("Operation", "DELETE /old"),)
    world.engine.record([Datum("Shop", "Fault", old, TEN - 15 * DAY, None, 60, (1.0,), (1.0,))])
    world.until(120)
    return world


def _ask(world: World, *queries: dict[str, Any], **more: Any) -> dict[str, Any]:
    window = {"StartTime": TEN, "EndTime": TEN + 120, "ScanBy": "TimestampAscending"}
    return world("GetMetricData", MetricDataQueries=list(queries), **window | more)


FAULTS = "SEARCH('{Shop,Operation} MetricName=\"Fault\"', 'Sum', 60)"


def test_a_search_answers_with_one_result_a_metric(shop: World) -> None:
    answer = _ask(shop, {"Id": "e", "Expression": FAULTS, "Label": "faults of"})
    assert [(found["Id"], found["Label"], found["Values"]) for found in answer["MetricDataResults"]] == [
        ("e", "faults of GET /items", [1, 1]),
        ("e", "faults of POST /checkout", [5, 5]),
    ]
    assert answer["Messages"] == []


def test_only_metrics_with_data_in_the_last_two_weeks_are_found(shop: World) -> None:
    answer = _ask(shop, {"Id": "e", "Expression": "SEARCH('old', 'Sum', 60)"})
    assert answer["MetricDataResults"] == []


def test_math_over_a_search(shop: World) -> None:
    answer = _ask(shop, {"Id": "e", "Expression": f"SUM({FAULTS})", "Label": "all"})
    assert [(found["Label"], found["Values"]) for found in answer["MetricDataResults"]] == [("all", [6, 6])]


def test_a_search_by_account_finds_the_own_one(shop: World) -> None:
    for account, count in ((ACCOUNT, 1), ("LOCAL", 1), ("999999999999", 0)):
        query = {"Id": "e", "Expression": f"SEARCH(':aws.AccountId={account} Latency', 'Sum', 60)"}
        assert len(_ask(shop, query)["MetricDataResults"]) == count


def test_dynamic_labels_are_filled_for_every_result(shop: World) -> None:
    label = "${PROP('Dim.Operation')} in ${PROP('Region')}: ${SUM}, last at ${LAST_TIME}"
    zone = {"LabelOptions": {"Timezone": "-0130"}}
    answer = _ask(shop, {"Id": "e", "Expression": FAULTS, "Label": label}, **zone)
    assert [found["Label"] for found in answer["MetricDataResults"]] == [
        f"GET /items in {REGION}: 2, last at 2026-11-22 08:31:00 -0130",
        f"POST /checkout in {REGION}: 10, last at 2026-11-22 08:31:00 -0130",
    ]


def test_relative_times_are_told_from_now_and_not_from_the_end_of_the_range(shop: World) -> None:
    shop.until(3720)
    metric = {
        "Namespace": "Shop",
        "MetricName": "Latency",
        "Dimensions": [{"Name": "Operation", "Value": "GET /items"}],
    }
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
    answer = _ask(shop, query | {"Label": "${LABEL} ${MAX} ${LAST_TIME_RELATIVE} ago"})
    assert answer["MetricDataResults"][0]["Label"] == "Latency 0.25 1h 1m ago"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"Expression": "SEARCH('{Shop', 'Sum', 60)"}, "Error in expression 'e': expected ',' or '}'"),
        ({"Expression": "SEARCH('', 'Sum', 60)"}, "expected a term to look for"),
        ({"Expression": "SEARCH('a', 'Sum', 7)"}, "not 7"),
        ({"Label": "${MAXIMUM}"}, "Query 'e': Error in Label: expected a dynamic value"),
        ({"Label": "${LABEL}${LABEL}"}, "(at character 9 of the label)"),
    ],
)
def test_what_can_not_be_used_is_a_validation_error_with_its_position(
    shop: World, change: dict[str, Any], text: str
) -> None:
    window = {"StartTime": TEN, "EndTime": TEN + 120}
    queries = [{"Id": "e", "Expression": FAULTS} | change]
    code, message = shop.refusal("GetMetricData", MetricDataQueries=queries, **window)
    assert code == "ValidationError"
    assert text in message
    assert "\n" not in message


@pytest.mark.parametrize("zone", ["0130", "+130", "+2400", "+0060", "UTC"])
def test_a_time_zone_is_a_sign_and_four_digits(shop: World, zone: str) -> None:
    queries = [{"Id": "e", "Expression": FAULTS}]
    window = {"StartTime": TEN, "EndTime": TEN + 120, "LabelOptions": {"Timezone": zone}}
    assert "LabelOptions.Timezone" in shop.refusal("GetMetricData", MetricDataQueries=queries, **window)[1]


def test_a_search_over_too_much_is_refused_before_it_is_computed(shop: World) -> None:
    shop.engine.record([Datum("Many", "M", (("D", str(n)),), TEN, None, 60, (1.0,), (1.0,)) for n in range(400)])
    queries = [{"Id": "e", "Expression": "SEARCH('{Many,D}', 'Sum', 60)"}]
    window = {"StartTime": TEN - 14 * DAY, "EndTime": TEN + 120}
    text = shop.refusal("GetMetricData", MetricDataQueries=queries, **window)[1]
    assert "datapoints, which exceeds the limit" in text


def test_more_than_500_metrics_are_cut_with_a_message(shop: World) -> None:
    shop.engine.record([Datum("Many", "M", (("D", str(n)),), TEN, None, 60, (1.0,), (1.0,)) for n in range(510)])
    answer = _ask(shop, {"Id": "e", "Expression": "SEARCH('{Many,D}', 'Sum', 60)"})
    assert len(answer["MetricDataResults"]) == 500
    assert [message["Code"] for message in answer["Messages"]] == ["MaxMetricsExceeded"]
