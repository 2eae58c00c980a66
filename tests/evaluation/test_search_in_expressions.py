"""SEARCH inside metric math: arrays, periods, labels, limits (User Guide, "Using search expressions in graphs")."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from kit.evaluation.labels import Where
from kit.evaluation.plan import plan
from kit.evaluation.query import MetricRef, MetricStat, QueryError, queries_from_api
from kit.evaluation.search import Search
from kit.evaluation.search_calls import default_labels
from kit.evaluation.series import Series, slots

METRICS = [
    MetricRef("AWS/Lambda", "Errors", (("FunctionName", "a"),)),
    MetricRef("AWS/Lambda", "Errors", (("FunctionName", "b"),)),
    MetricRef("AWS/Lambda", "Errors", (("FunctionName", "idle"),)),
    MetricRef("AWS/Lambda", "Invocations", (("FunctionName", "a"),)),
]
VALUES: dict[str, float] = {"a": 1.0, "b": 5.0}


class Lambdas:
    """Every minute of function a is 1, of b 5; idle has none. A MetricSource that can be searched."""

    def __init__(self, metrics: Sequence[MetricRef] = METRICS) -> None:
        self.metrics = metrics
        self.asked: list[MetricStat] = []

    def search(self, wanted: Search) -> list[MetricRef]:
        return [metric for metric in self.metrics if wanted.matches(metric)]

    def series(self, stat: MetricStat, start: int, end: int) -> Series:
        self.asked.append(stat)
        value = VALUES.get(stat.metric.dimensions[0][1])
        total = None if value is None else value * stat.period / 60
        return Series(start, stat.period, (total,) * slots(start, end, stat.period))


ERRORS = """SEARCH('{AWS/Lambda,FunctionName} MetricName="Errors"', 'Sum', 60)"""
Items = list[dict[str, Any]]


@pytest.fixture
def answer() -> Callable[..., list[tuple[str, tuple[float | None, ...]]]]:
    def run(*items: dict[str, Any], source: Lambdas | None = None) -> list[tuple[str, tuple[float | None, ...]]]:
        found = plan(queries_from_api(items)).answer(source or Lambdas(), 0, 120, where=Where(120)).results
        shown = {item["Id"] for item in items if item.get("ReturnData", True)}
        return [(result.label, result.series.values) for result in found if result.id in shown]

    return run


Answer = Callable[..., list[tuple[str, tuple[float | None, ...]]]]


def test_a_search_gives_one_series_a_metric_labelled_by_what_tells_them_apart(answer: Answer) -> None:
    found = [("a", (1.0, 1.0)), ("b", (5.0, 5.0)), ("idle", (None, None))]
    assert answer({"Id": "e", "Expression": ERRORS}) == found
    labelled = answer({"Id": "e", "Expression": ERRORS, "Label": "errors of"})
    assert labelled == [(f"errors of {label}", values) for label, values in found]


def test_metrics_of_different_names_are_labelled_with_both(answer: Answer) -> None:
    found = answer({"Id": "e", "Expression": "SEARCH('{AWS/Lambda,FunctionName} a', 'Sum', 60)"})
    assert [label for label, _ in found] == ["Errors", "Invocations"]
    found = answer({"Id": "e", "Expression": "SEARCH('{AWS/Lambda,FunctionName}', 'Sum', 60)"})
    assert [label for label, _ in found] == ["a Errors", "b Errors", "idle Errors", "a Invocations"]


def test_the_same_value_in_different_dimensions_is_labelled_with_the_dimensions_name() -> None:
    rows = [MetricRef("N", "M", ((name, "x"),)) for name in ("A", "B")]
    assert default_labels(rows) == ["A=x", "B=x"]
    assert default_labels([*rows, MetricRef("N", "L", (("A", "y"),))]) == ["A=x M", "B=x M", "A=y L"]


def test_a_single_metric_found_is_labelled_with_its_name(answer: Answer) -> None:
    assert [label for label, _ in answer({"Id": "e", "Expression": "SEARCH('Invocations', 'Sum', 60)"})] == [
        "Invocations"
    ]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        (f"SUM({ERRORS})", [(6.0, 6.0)]),
        (f"AVG(REMOVE_EMPTY({ERRORS}))", [(3.0, 3.0)]),
        (f"SORT({ERRORS}, MAX, DESC)", [(5.0, 5.0), (1.0, 1.0), (None, None)]),
        (f"SORT({ERRORS}, SUM, DESC, 1)", [(5.0, 5.0)]),
        (f"SLICE({ERRORS}, 0, 2)", [(1.0, 1.0), (5.0, 5.0)]),
        (f"FIRST({ERRORS})", [(1.0, 1.0)]),
        (f"LAST({ERRORS})", [(None, None)]),
        (f"REMOVE_EMPTY({ERRORS}) * 2", [(2.0, 2.0), (10.0, 10.0)]),
        (f"FILL({ERRORS}, 0)", [(1.0, 1.0), (5.0, 5.0), (0.0, 0.0)]),
        ("SEARCH('nothing like it', 'Sum', 60)", []),
        ("SUM(SEARCH('nothing like it', 'Sum', 60))", [(None, None)]),
        ("FIRST(SEARCH('nothing like it', 'Sum', 60))", [(None, None)]),
        (f"METRIC_COUNT({ERRORS}) * FIRST({ERRORS})", [(3.0, 3.0)]),
    ],
)
def test_functions_over_a_search(answer: Answer, expression: str, values: list[tuple[float | None, ...]]) -> None:
    assert [found for _, found in answer({"Id": "e", "Expression": expression})] == values


def test_an_expression_may_name_a_hidden_search(answer: Answer) -> None:
    items: Items = [{"Id": "s", "Expression": ERRORS, "ReturnData": False}, {"Id": "e", "Expression": "SUM(s)"}]
    assert answer(*items) == [("e", (6.0, 6.0))]


@pytest.mark.parametrize(
    ("call", "own", "period"),
    [
        ("SEARCH('Invocations', 'Sum')", None, 300),
        ("SEARCH('Invocations', 'Sum', 60)", None, 60),
        ("SEARCH('Invocations', 'Sum')", 120, 120),
        ("SEARCH('Invocations', 'Sum', 60)", 120, 120),
        ("SUM(SEARCH('Invocations', 'Sum', 60)) / SUM(SEARCH('Errors', 'Sum', 120))", None, 120),
    ],
)
def test_the_querys_period_comes_before_the_searchs_and_300_seconds_after_both(
    answer: Answer, call: str, own: int | None, period: int
) -> None:
    source = Lambdas()
    answer({"Id": "e", "Expression": call, **({"Period": own} if own else {})}, source=source)
    assert {stat.period for stat in source.asked} == {period}


def test_a_dynamic_label_describes_every_metric_that_was_found(answer: Answer) -> None:
    """The example of "Use dynamic labels"."""
    label = "[max: ${MAX} Errors for Function Name ${LABEL}]"
    found = answer({"Id": "e", "Expression": f"REMOVE_EMPTY({ERRORS})", "Label": label})
    assert [text for text, _ in found] == [
        "[max: 1 Errors for Function Name a]",
        "[max: 5 Errors for Function Name b]",
    ]
    label = "${PROP('MetricName')}/${PROP('Dim.FunctionName')}/${PROP('Stat')}/${PROP('Period')}"
    found = answer({"Id": "e", "Expression": f"FILL({ERRORS}, 0) * 2", "Label": label})
    assert [text for text, _ in found] == ["Errors/a/Sum/60", "Errors/b/Sum/60", "Errors/idle/Sum/60"]


def test_more_than_500_series_are_cut_and_a_message_says_so() -> None:
    source = Lambdas([MetricRef("N", "M", (("D", str(number)),)) for number in range(510)])
    items = [{"Id": f"e{i}", "Expression": f"SEARCH('{what}', 'Sum', 60)"} for i, what in enumerate(["M", "{N,D}"])]
    answered = plan(queries_from_api(items)).answer(source, 0, 60)
    assert [sum(result.id == f"e{i}" for result in answered.results) for i in range(2)] == [500, 0]
    assert answered.messages == ("A search found 510 metrics; 500 are shown in all.",)


def test_a_request_has_at_most_100_searches() -> None:
    items = [{"Id": f"e{i}", "Expression": f"[{', '.join([ERRORS] * 20)}]"} for i in range(5)]
    plan(queries_from_api(items))
    with pytest.raises(QueryError, match="at most 100 SEARCHes, not 101"):
        plan(queries_from_api([*items, {"Id": "more", "Expression": ERRORS}]))


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("SEARCH('{A', 'Sum', 60)", r"expected ',' or '\}'.*\(at character 11\)"),
        ("1 + SUM(SEARCH('a AND', 'Sum', 60))", r"expected a term to look for, .* \(at character 22\)"),
        ("SEARCH(\"a\", 'Sum', 60)", r"a search in single quotes \(at character 8\)"),
        ("SEARCH('a', 'Total', 60)", r"'Total' is no CloudWatch statistic.*\(at character 13\)"),
        ("SEARCH('a', 'Sum', 7)", r"Period must be 1, 5, 10, 20, 30 or a multiple of 60 seconds, not 7 \(at character"),
        ("SEARCH('a', 'Sum', 60.5)", r"not 60.5 \(at character 20\)"),
        ("SEARCH('a', 'Sum', -60)", r"Period must be .* not None \(at character 20\)"),
        ("SEARCH('a')", r"SEARCH expects"),
        ("SEARCH('a', Sum, 60)", "the word Sum has no meaning"),
        ("SEARCH(m, 'Sum', 60)", "no metric or expression with the id 'm'"),
        ("SEARCH('a', 'Sum', 60, 60)", r"SEARCH expects \(TEXT, TEXT, \[S\]\), but got"),
        ("AVG(FIRST(SEARCH('a', 'Sum', 60)))", "the result is a single number"),
    ],
)
def test_a_search_that_does_not_fit_says_where_and_why(answer: Answer, expression: str, message: str) -> None:
    with pytest.raises(QueryError, match=message) as caught:
        answer({"Id": "e", "Expression": expression})
    assert "\n" not in str(caught.value)
