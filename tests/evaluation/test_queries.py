from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.evaluation.functions import FUNCTIONS
from kit.evaluation.kinds import WORDS
from kit.evaluation.query import QueryError, queries_from_api, run_queries
from kit.evaluation.series import Series, slots

MakeQuery = Callable[..., dict[str, Any]]


def test_results_come_in_the_order_of_the_queries_whatever_needs_what(samples: Any, metric_query: MakeQuery) -> None:
    items: list[dict[str, Any]] = [
        {"Id": "ratio", "Expression": "half / b", "Label": "the ratio"},
        {"Id": "half", "Expression": "a / 2", "ReturnData": False},
        metric_query("a"),
        metric_query("b", Label="divisor"),
    ]
    source = samples({"a": [(0, 8.0), (60, 4.0)], "b": [(0, 2.0), (61, 1.0)]})
    results = run_queries(queries_from_api(items), source, 0, 120)
    assert [(result.id, result.label) for result in results] == [
        ("ratio", "the ratio"),
        ("half", "half"),
        ("a", "a"),
        ("b", "divisor"),
    ]
    assert results[0].series == Series(0, 60, (2.0, 2.0))


def test_a_hidden_scalar_feeds_others_and_has_no_result_of_its_own(samples: Any, metric_query: MakeQuery) -> None:
    items = [
        metric_query("a"),
        {"Id": "mean", "Expression": "AVG(a)", "ReturnData": False},
        {"Id": "e", "Expression": "a - mean"},
    ]
    results = run_queries(queries_from_api(items), samples({"a": [(0, 1.0), (60, 3.0)]}), 0, 120)
    assert [(result.id, result.series.values) for result in results] == [("a", (1.0, 3.0)), ("e", (-1.0, 1.0))]


def test_an_array_gives_one_result_a_series_with_the_expressions_label_first(
    samples: Any, metric_query: MakeQuery
) -> None:
    """User Guide, "Using metric math": the legend is Expression-Label Metric-Label."""
    items = [
        metric_query("a", Label="Errors"),
        metric_query("b"),
        {"Id": "e", "Expression": "FILL(METRICS(), 0)", "Label": "Filled With 0:"},
        {"Id": "f", "Expression": "METRICS('a')", "Label": ""},
    ]
    results = run_queries(queries_from_api(items), samples({"a": [(0, 1.0)]}), 0, 120)[2:]
    assert [(result.id, result.label, result.series.values) for result in results] == [
        ("e", "Filled With 0: Errors", (1.0, 0.0)),
        ("e", "Filled With 0: b", (0.0, 0.0)),
        ("f", "Errors", (1.0, None)),
    ]


def test_metrics_of_different_periods_meet_at_their_common_period(samples: Any, metric_query: MakeQuery) -> None:
    items = [
        metric_query("a", 120),
        metric_query("b", 180),
        {"Id": "e", "Expression": "a + b"},
        {"Id": "f", "Expression": "e * 1", "Period": 720},
    ]
    source = samples({"a": [(0, 1.0), (60, 2.0), (360, 3.0)], "b": [(0, 10.0), (480, 20.0)]})
    series = {result.id: result.series for result in run_queries(queries_from_api(items), source, 0, 720)}
    assert series["a"] == Series(0, 120, (3.0, None, None, 3.0, None, None))
    assert series["e"] == Series(0, 360, (13.0, 23.0))
    assert series["f"] == Series(0, 720, (36.0,))


def test_a_chain_of_five_hundred_expressions_needs_no_deep_recursion(samples: Any, metric_query: MakeQuery) -> None:
    chain = [{"Id": f"e{i}", "Expression": f"e{i + 1} + 1", "ReturnData": i == 0} for i in range(499)]
    items = [*chain, metric_query("e499")]
    results = run_queries(queries_from_api(items), samples({"e499": [(0, 1.0)]}), 0, 60)
    assert results[0].series.values == (500.0,)


def test_the_last_slot_may_reach_beyond_the_end() -> None:
    assert [slots(0, end, 60) for end in (-1, 0, 1, 60, 61)] == [0, 0, 1, 1, 2]
    assert list(Series(60, 60, (1.0, None, 2.0)).points()) == [(60, 1.0), (180, 2.0)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Id": "A"}, "lower-case letter"),
        ({"Id": "a-b"}, "letters, digits and _"),
        ({"Id": None}, "Id None"),
        ({"Expression": "1"}, "either MetricStat or Expression"),
        ({"MetricStat": None}, "either MetricStat or Expression"),
        ({"Label": "${LATEST}"}, r"Error in Label: expected a dynamic value .* found '\$\{LATEST\}' \(at character 1 "),
        ({"Label": 5}, "Label must be a text"),
        ({"MetricStat": None, "Expression": 5}, "Expression must be a text of 1 to 2048 characters, not 5"),
        ({"MetricStat": [1]}, "MetricStat must be an object"),
        ({"MetricStat": {"Metric": "m", "Period": 60, "Stat": "Sum"}}, "Metric must be an object"),
        ({"Surprise": 1}, "unknown member Surprise"),
        ({"Period": 7}, "Period must be 1, 5, 10"),
        ({"MetricStat": {"Metric": {"Namespace": "N"}, "Period": 60, "Stat": "Sum"}}, "Namespace and a MetricName"),
        ({"MetricStat": {"Period": 60, "Stat": "Sum"}}, "Namespace and a MetricName"),
    ],
)
def test_a_query_that_the_service_would_refuse_says_why(
    metric_query: MakeQuery, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        queries_from_api([metric_query("a") | change])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Stat": "P99"}, "Query 'a': 'P99' is no CloudWatch statistic"),
        ({"Period": 90}, "not 90"),
        ({"Period": True}, "not True"),
        ({"Period": 0}, "not 0"),
        ({"Metric": {"Namespace": "N", "MetricName": "M", "Dimensions": [{"Name": "d"}]}}, "a Name and a Value"),
        (
            {"Metric": {"Namespace": "N", "MetricName": "M", "Dimensions": [{"Name": "d", "Value": "v"}] * 2}},
            "d is given twice",
        ),
        (
            {
                "Metric": {
                    "Namespace": "N",
                    "MetricName": "M",
                    "Dimensions": [{"Name": f"d{i}", "Value": "v"} for i in range(31)],
                }
            },
            "31 dimensions",
        ),
    ],
)
def test_a_metric_stat_that_the_service_would_refuse_says_why(
    metric_query: MakeQuery, change: dict[str, Any], message: str
) -> None:
    item = metric_query("a")
    item["MetricStat"] |= change
    with pytest.raises(QueryError, match=message):
        queries_from_api([item])


SIGNS = ["m1", "m2", *"()()[],,-/^<", "1", "'m'", "AND", "TS", "S", *sorted(FUNCTIONS), *sorted(WORDS)]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.sampled_from(SIGNS), max_size=14).map(" ".join))
def test_every_expression_is_either_computed_or_refused(calculate: Callable[..., object], text: str) -> None:
    with suppress(QueryError):
        calculate(text, m1=[1.0, None, 3.0], m2=[0.0, -2.0, None])


def test_dimensions_are_sorted_by_name(metric_query: MakeQuery) -> None:
    item = metric_query("a")
    item["MetricStat"]["Metric"]["Dimensions"] = [{"Name": "b", "Value": "1"}, {"Name": "a", "Value": "2"}]
    (query,) = queries_from_api([item])
    assert query.metric_stat is not None
    assert query.metric_stat.metric.dimensions == (("a", "2"), ("b", "1"))


def test_cycles_unknown_ids_and_ids_used_twice_are_refused(samples: Any, metric_query: MakeQuery) -> None:
    with pytest.raises(QueryError, match="'a' is used by more than one"):
        queries_from_api([metric_query("a"), metric_query("a")])
    ring = [{"Id": "x", "Expression": "y + a"}, {"Id": "y", "Expression": "x * 2"}, metric_query("a")]
    with pytest.raises(QueryError, match=r"the expressions need each other: (x -> y -> x|y -> x -> y)"):
        run_queries(queries_from_api(ring), samples({}), 0, 60)
    with pytest.raises(QueryError, match="Error in expression 'x': there is no metric or expression with the id 'z'"):
        run_queries(queries_from_api([{"Id": "x", "Expression": "z + 1"}]), samples({}), 0, 60)
