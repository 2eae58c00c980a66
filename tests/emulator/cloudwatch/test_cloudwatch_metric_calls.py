"""PutMetricData and the calls that read it back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.emulator.protocol import AwsError

from .conftest import TEN, World

DAY = 86_400


def query(stat: str = "Sum", period: int = 60, name: str = "Fault", **more: Any) -> dict[str, Any]:
    metric = {"Namespace": "Shop", "MetricName": name}
    return {"Id": "m1", "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}, **more}


def read(world: World, *queries: dict[str, Any], start: float = 0, end: float = 600, **more: Any) -> dict[str, Any]:
    return world("GetMetricData", MetricDataQueries=queries, StartTime=TEN + start, EndTime=TEN + end, **more)


def points(answer: dict[str, Any], index: int = 0) -> dict[float, float]:
    result = answer["MetricDataResults"][index]
    return {stamp - TEN: value for stamp, value in zip(result["Timestamps"], result["Values"], strict=True)}


# -- PutMetricData


def test_values_with_counts_and_statistic_sets_are_one_sum(world: World) -> None:
    world.put("Fault", Values=[1, 2], Counts=[3, 4], at=0)
    world.put("Fault", Values=[5, 5], at=1)
    world.put("Fault", StatisticValues={"SampleCount": 2, "Sum": 9, "Minimum": 4, "Maximum": 5}, at=2)
    assert points(read(world, query("Sum"))) == {0: 11 + 10 + 9}
    assert points(read(world, query("SampleCount"))) == {0: 7 + 2 + 2}


def test_a_datum_without_a_timestamp_is_of_now(world: World) -> None:
    world.clock.advance(125)
    world("PutMetricData", Namespace="Shop", MetricData=[{"MetricName": "Fault", "Value": 3}])
    assert points(read(world, query())) == {120: 3}


def test_data_of_entities_counts_as_data(world: World) -> None:
    entity = {"KeyAttributes": {"Type": "Service", "Name": "shop"}}
    world(
        "PutMetricData",
        Namespace="Shop",
        EntityMetricData=[{"Entity": entity, "MetricData": [{"MetricName": "Fault", "Value": 2}]}],
    )
    assert points(read(world, query())) == {0: 2}


def test_one_bad_datum_refuses_the_whole_call(world: World) -> None:
    good, bad = {"MetricName": "Fault", "Value": 1}, {"MetricName": "Fault"}
    assert world.refusal("PutMetricData", Namespace="Shop", MetricData=[good, bad])[0] == "InvalidParameterCombination"
    assert world("ListMetrics")["Metrics"] == []


@pytest.mark.parametrize(
    ("datum", "code", "text"),
    [
        ({}, "InvalidParameterCombination", "At least one of the parameters MetricData.member.1.Value"),
        (
            {"Value": 1, "StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}},
            "InvalidParameterCombination",
            "MetricData.member.1.StatisticValues are mutually exclusive and you have specified both.",
        ),
        ({"Value": 1, "Values": [1]}, "InvalidParameterCombination", "mutually exclusive"),
        (
            {"Value": "NaN"},
            "InvalidParameterValue",
            "The value nan for parameter MetricData.member.1.Value is invalid.",
        ),
        ({"Value": 1e200}, "InvalidParameterValue", "is invalid"),
        ({"Values": [1, "Infinity"]}, "InvalidParameterValue", "MetricData.member.1.Values.member.2"),
        ({"Values": []}, "MissingParameter", "MetricData.member.1.Values is required"),
        ({"Values": [1, 2], "Counts": [1]}, "InvalidParameterValue", "same size"),
        ({"Values": [1], "Counts": [-1]}, "InvalidParameterValue", "negative"),
        ({"Values": list(range(151))}, "InvalidParameterValue", "must not have a size greater than 150"),
        (
            {"StatisticValues": {"SampleCount": 1, "Sum": 1, "Minimum": 2, "Maximum": 1}},
            "InvalidParameterValue",
            "Maximum",
        ),
        ({"Value": 1, "StorageResolution": 5}, "InvalidParameterValue", "StorageResolution"),
        ({"Value": 1, "Unit": "Furlongs"}, "InvalidParameterValue", "The parameter MetricData.member.1.Unit must"),
        ({"Value": 1, "Timestamp": TEN - 14 * DAY - 1}, "InvalidParameterValue", "within the past two weeks"),
        ({"Value": 1, "Timestamp": TEN + 7201}, "InvalidParameterValue", "two hours in the future"),
        ({"Value": 1, "Dimensions": [{"Name": "A", "Value": " "}]}, "InvalidParameterValue", "non-blank"),
        ({"Value": 1, "Dimensions": [{"Name": ":a", "Value": "b"}]}, "InvalidParameterValue", "colon"),
        (
            {"Value": 1, "Dimensions": [{"Name": "A", "Value": "1"}, {"Name": "A", "Value": "2"}]},
            "InvalidParameterValue",
            "twice",
        ),
        (
            {"Value": 1, "Dimensions": [{"Name": f"D{n}", "Value": "1"} for n in range(31)]},
            "InvalidParameterValue",
            "must not have a size greater than 30",
        ),
        ({"Value": 1, "MetricName": None}, "MissingParameter", "MetricData.member.1.MetricName is required"),
    ],
)
def test_a_datum_against_the_rules_is_refused_by_name(
    world: World, datum: dict[str, Any], code: str, text: str
) -> None:
    found = world.refusal("PutMetricData", Namespace="Shop", MetricData=[{"MetricName": "Fault", **datum}])
    assert found[0] == code
    assert text in found[1]


def test_a_call_takes_a_thousand_data_and_not_one_more(world: World) -> None:
    data = [{"MetricName": "Fault", "Value": 1}] * 1000
    world("PutMetricData", Namespace="Shop", MetricData=data)
    assert points(read(world, query())) == {0: 1000}
    code, text = world.refusal("PutMetricData", Namespace="Shop", MetricData=[*data, data[0]])
    assert (code, text) == (
        "InvalidParameterValue",
        "The collection MetricData must not have a size greater than 1000.",
    )
    assert world.refusal("PutMetricData", Namespace="Shop", MetricData=[])[0] == "MissingParameter"
    assert world.refusal("PutMetricData", Namespace=":x", MetricData=data[:1])[0] == "InvalidParameterValue"


# -- GetMetricData


def test_newest_comes_first_unless_asked_otherwise(world: World) -> None:
    for minute in range(3):
        world.put("Fault", minute, at=60 * minute)
    assert list(points(read(world, query()))) == [120, 60, 0]
    assert list(points(read(world, query(), ScanBy="TimestampAscending"))) == [0, 60, 120]


def test_percentiles_and_math_come_from_the_same_data(world: World) -> None:
    for value in range(1, 101):
        world.put("Latency", value, at=0)
    hidden = query("p90", name="Latency", ReturnData=False)
    answer = read(world, hidden, {"Id": "twice", "Expression": "m1 * 2", "Label": "double"})
    (result,) = answer["MetricDataResults"]
    assert (result["Id"], result["Label"], result["Values"]) == ("twice", "double", [180.0])
    assert result["StatusCode"] == "Complete"


def test_start_is_inclusive_end_exclusive_and_start_is_rounded_down(world: World) -> None:
    for minute in range(5):
        world.put("Fault", minute, at=60 * minute)
    assert sorted(points(read(world, query(), start=95, end=180))) == [60, 120]
    assert sorted(points(read(world, query(period=10), start=95, end=180))) == [120]


def test_a_range_of_days_ago_begins_on_a_coarser_mark(world: World) -> None:
    world.put("Fault", 1, at=0)
    world.clock.advance(16 * DAY)
    world.engine.metrics.roll()
    answer = read(world, query(period=300), start=299, end=600)
    assert points(answer) == {0: 1}


def test_pages_lay_all_results_end_to_end(world: World) -> None:
    for minute in range(5):
        world.put("Fault", minute, at=60 * minute)
        world.put("Requests", 10 + minute, at=60 * minute)
    both = (query(), {**query(name="Requests"), "Id": "m2"}, {**query(name="Nothing"), "Id": "m3"})
    seen: list[tuple[str, float]] = []
    statuses: list[tuple[str, str]] = []
    token: dict[str, Any] = {}
    while True:
        answer = read(world, *both, MaxDatapoints=4, **token)
        for result in answer["MetricDataResults"]:
            seen += [(result["Id"], value) for value in result["Values"]]
            statuses.append((result["Id"], result["StatusCode"]))
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert seen == [("m1", v) for v in (4, 3, 2, 1, 0)] + [("m2", v) for v in (14, 13, 12, 11, 10)]
    assert statuses == [
        ("m1", "PartialData"),
        ("m3", "Complete"),
        ("m1", "Complete"),
        ("m2", "PartialData"),
        ("m2", "Complete"),
    ]


@pytest.mark.parametrize("token", ["x", "WyJMaXN0TWV0cmljcyIsIDNd", "WyJHZXRNZXRyaWNEYXRhIiwgLTFd", "é", ""])
def test_a_token_that_was_never_given_is_refused(world: World, token: str) -> None:
    with pytest.raises(AwsError) as caught:
        read(world, query(), NextToken=token)
    assert caught.value.code == "InvalidNextToken"


@pytest.mark.parametrize(
    ("queries", "text"),
    [
        ([], "must not have a size less than 1"),
        ([query()] * 501, "must not have a size greater than 500"),
        ([query(), query()], "m1"),
        ([query(ReturnData=False)], "must return data"),
        ([query(period=7)], "Period"),
        ([query("p101")], "p101"),
        ([{"Id": "e1", "Expression": "m1 *"}], "e1"),
        ([{"Id": "e1", "Expression": "m9 * 2"}], "m9"),
        ([query(), {"Id": "e1", "Expression": "NOSUCH(m1)"}], "NOSUCH"),
    ],
)
def test_a_query_that_cannot_be_answered_is_a_validation_error(
    world: World, queries: list[dict[str, Any]], text: str
) -> None:
    with pytest.raises(AwsError) as caught:
        read(world, *queries)
    assert caught.value.code == "ValidationError"
    assert text in caught.value.message


def test_ranges_that_are_empty_or_enormous_are_refused(world: World) -> None:
    with pytest.raises(AwsError, match="StartTime must be less than the parameter EndTime"):
        read(world, query(), start=60, end=60)
    with pytest.raises(AwsError, match="exceeds the limit"):
        read(world, query(period=1), start=-455 * DAY, end=0)


# -- GetMetricStatistics


def statistics(world: World, **more: Any) -> dict[str, Any]:
    params = {"Namespace": "Shop", "MetricName": "Latency", "StartTime": TEN, "EndTime": TEN + 600, "Period": 60}
    return world("GetMetricStatistics", **params | more)


def test_statistics_come_by_unit(world: World) -> None:
    world.put("Latency", 1, at=0, Unit="Seconds")
    world.put("Latency", 3, at=1, Unit="Seconds")
    world.put("Latency", 900, at=2, Unit="Milliseconds")
    five = ["SampleCount", "Sum", "Average", "Minimum", "Maximum"]
    assert statistics(world, Statistics=five) == {
        "Label": "Latency",
        "Datapoints": [
            {"Timestamp": TEN, "Unit": "Seconds", "SampleCount": 2, "Sum": 4, "Average": 2, "Minimum": 1, "Maximum": 3},
            {"Timestamp": TEN, "Unit": "Milliseconds"} | dict.fromkeys(five, 900) | {"SampleCount": 1},
        ],
    }
    (only,) = statistics(world, Statistics=["Sum"], Unit="Milliseconds")["Datapoints"]
    assert only == {"Timestamp": TEN, "Unit": "Milliseconds", "Sum": 900}
    extended = statistics(world, ExtendedStatistics=["p50", "tm90"], Unit="Seconds")["Datapoints"]
    assert extended[0]["ExtendedStatistics"].keys() == {"p50", "tm90"}


def test_percentiles_of_negative_values_are_no_datapoints(world: World) -> None:
    world.put("Latency", -1, at=0)
    assert statistics(world, ExtendedStatistics=["p50"])["Datapoints"] == []
    assert len(statistics(world, Statistics=["Minimum"])["Datapoints"]) == 1


@pytest.mark.parametrize(
    ("params", "code", "text"),
    [
        ({}, "InvalidParameterCombination", "Must specify either Statistics or ExtendedStatistics"),
        ({"Statistics": ["Sum"], "ExtendedStatistics": ["p9"]}, "InvalidParameterCombination", "but not both"),
        ({"Statistics": ["Total"]}, "InvalidParameterValue", "Statistics.member.1"),
        ({"ExtendedStatistics": ["q9"]}, "InvalidParameterValue", "q9"),
        ({"Statistics": ["Sum"], "Period": 45}, "InvalidParameterValue", "Period"),
        ({"Statistics": ["Sum"], "EndTime": TEN}, "InvalidParameterValue", "StartTime must be less than"),
        (
            {"Statistics": ["Sum"], "EndTime": TEN + 1441 * 60},
            "InvalidParameterCombination",
            "You have requested up to 1,441 datapoints, which exceeds the limit of 1,440.",
        ),
    ],
)
def test_statistics_against_the_rules_are_refused(world: World, params: dict[str, Any], code: str, text: str) -> None:
    with pytest.raises(AwsError) as caught:
        statistics(world, **params)
    assert caught.value.code == code
    assert text in caught.value.message


# -- ListMetrics


def listed(world: World, **params: Any) -> list[tuple[str, ...]]:
    return [
        (metric["MetricName"], *(f"{d['Name']}={d['Value']}" for d in metric["Dimensions"]))
        for metric in world("ListMetrics", **params)["Metrics"]
    ]


def test_metrics_are_found_by_namespace_name_and_some_of_their_dimensions(world: World) -> None:
    service, operation = {"Name": "Service", "Value": "shop"}, {"Name": "Operation", "Value": "GET /"}
    world.put("Fault", 1, Dimensions=[service, operation])
    world.put("Fault", 1, Dimensions=[service])
    world.put("Slow", 1)
    narrow = ("Fault", "Operation=GET /", "Service=shop")
    assert listed(world) == [narrow, ("Fault", "Service=shop"), ("Slow",)]
    assert listed(world, Namespace="Nowhere") == []
    assert listed(world, MetricName="Slow") == [("Slow",)]
    assert listed(world, Dimensions=[{"Name": "Operation"}]) == [narrow]
    assert listed(world, Dimensions=[service]) == [narrow, ("Fault", "Service=shop")]
    assert listed(world, Dimensions=[{"Name": "Service", "Value": "payments"}]) == []


def test_silent_metrics_drop_out_of_the_list(world: World) -> None:
    world.put("Fault", 1)
    world.clock.advance(4 * 3600)
    assert listed(world) == [("Fault",)]
    assert listed(world, RecentlyActive="PT3H") == []
    world.clock.advance(14 * DAY)
    assert listed(world) == []


def test_metrics_come_five_hundred_a_page_without_loss(world: World) -> None:
    for number in range(1100):
        world.record(f"M{number:04}", 1, 0)
    names: list[str] = []
    token: dict[str, Any] = {}
    sizes: list[int] = []
    while True:
        answer = world("ListMetrics", **token)
        names += [metric["MetricName"] for metric in answer["Metrics"]]
        sizes.append(len(answer["Metrics"]))
        world.record(f"A{len(sizes)}", 1, 0)  # what comes in between neither repeats nor hides another
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert sizes == [500, 500, 100]
    assert names == [f"M{number:04}" for number in range(1100)]
    assert world.refusal("ListMetrics", NextToken="WyJMaXN0TWV0cmljcyIsIDNd")[0] == "InvalidParameterValue"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
MEMBERS = ("Namespace", "MetricData", "MetricDataQueries", "StartTime", "EndTime", "Period", "Statistics", "NextToken")


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    operation=st.sampled_from(["PutMetricData", "GetMetricData", "GetMetricStatistics", "ListMetrics"]),
    params=st.dictionaries(st.sampled_from(MEMBERS), JSON),
)
def test_whatever_is_sent_is_answered_or_refused_but_never_fails(
    world: World, operation: str, params: dict[str, Any]
) -> None:
    assert world.status(operation, **params) in (200, 400)
