"""The documented behaviour of metric math: User Guide, "Using metric math"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.evaluation.query import QueryError

Calculate = Callable[..., list[list[float | None]]]
no = None
METRIC1: list[float | None] = [30, 20, 0, 0]
METRIC2: list[float | None] = [20, no, 20, no]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("metric1 < metric2", [0, 0, 1, 0]),
        ("metric1 >= 30", [1, 0, 0, 0]),
        ("metric1 > 15 AND metric2 > 15", [1, 0, 0, 0]),
        ("metric1 > 15 && metric2 > 15", [1, 0, 0, 0]),
        ("metric1 > 15 OR metric2 > 15", [1, 1, 1, 0]),
    ],
)
def test_comparisons_and_logic_as_documented(calculate: Calculate, expression: str, expected: list[float]) -> None:
    """The table under "Comparison and logical operators"; the OR row is ours."""
    assert calculate(expression, metric1=METRIC1, metric2=METRIC2) == [expected]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(metric1, metric2, metric3)", [30, 0, 20, no, no]),
        ("IF(metric1, 5, metric3)", [5, 5, 20, no, no]),
        ("IF(metric1, metric2, 5)", [30, 0, 5, 5, no]),
        ("IF(metric1, metric2)", [30, 0, no, no, no]),
        ("IF(metric1, 5)", [5, 5, no, no, no]),
        ("IF(metric1 == 0, 7, 8)", [8, 8, 7, 7, no]),
        ("IF(1, metric2, metric3)", [30, no, 0, 0, 30]),
        ("IF(0, metric2, metric3)", [0, 0, 20, no, 20]),
        ("IF(0, metric2)", [no, no, no, no, no]),
        ("IF(-3, metric2)", [30, no, 0, 0, 30]),
    ],
)
def test_if_as_documented(calculate: Calculate, expression: str, expected: list[float | None]) -> None:
    """The tables under "Using IF expressions"; the rows after the third one follow its rules."""
    metrics: dict[str, Any] = {
        "metric1": [1, 1, 0, 0, no],
        "metric2": [30, no, 0, 0, 30],
        "metric3": [0, 0, 20, no, 20],
    }
    assert calculate(expression, **metrics) == [expected]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("FILL(m, 0)", [0, 10, 0, 40, 0]),
        ("FILL(m, REPEAT)", [no, 10, 10, 40, 40]),
        ("FILL(m, LINEAR)", [no, 10, 25, 40, no]),
        ("FILL(m, MIN(m))", [10, 10, 10, 40, 10]),
        ("FILL([m], n)", [1, 10, no, 40, 5]),
        ("FILL([m, n], 7)", [7, 10, 7, 40, 7]),
        ("FILL(empty, 3)", [3, 3, 3, 3, 3]),
        ("FILL(empty, REPEAT)", [no, no, no, no, no]),
        ("FILL(empty, LINEAR)", [no, no, no, no, no]),
    ],
)
def test_fill_closes_gaps_in_each_of_its_ways(
    calculate: Calculate, expression: str, expected: list[float | None]
) -> None:
    assert calculate(expression, m=[no, 10, no, 40, no], n=[1, 2, no, 4, 5], empty=[])[0] == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a + b", [11, 20, 3, no]),  # missing on one side counts as 0, missing on both stays missing
        ("a - b", [9, -20, 3, no]),
        ("a * b", [10, 0, 0, no]),
        ("a / b", [10, 0, no, no]),  # 3 / missing is 3 / 0: the point is dropped
        ("b / a", [0.1, no, 0, no]),
        ("100 * a / b", [1000, 0, no, no]),
        ("a + 1", [11, no, 4, no]),  # a scalar has no timestamps
        ("1 - a", [-9, no, -2, no]),
        ("a ^ 2", [100, no, 9, no]),
        ("(0 - a) ^ 0.5", [no, no, no, no]),  # no real number
        ("a ^ 500", [no, no, 3.0**500, no]),  # 10^500 is beyond every float
        ("1 / (c * 1e308 * 100)", [no, no, no, no]),  # an infinity is a dropped point at once, not 0 later
        ("-a", [-10, no, -3, no]),
        ("a / 0", [no, no, no, no]),
        ("m1_m2 + a", [10, no, 3, no]),
    ],
)
def test_arithmetic_counts_a_missing_operand_as_zero(
    calculate: Calculate, expression: str, expected: list[float | None]
) -> None:
    assert calculate(expression, a=[10, no, 3, no], b=[1, 20, no, no], c=[1, 2, 3, 4], m1_m2=[])[0] == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("ABS(d)", [[4, no, 2.5, 9]]),
        ("CEIL(d)", [[-4, no, 3, 9]]),
        ("FLOOR(d)", [[-4, no, 2, 9]]),
        ("LOG10(d * 0 + 100)", [[2, no, 2, 2]]),
        ("LOG(d)", [[no, no, pytest.approx(0.916290731874155), pytest.approx(2.19722457733622)]]),
        ("DIFF(d)", [[no, no, 6.5, 6.5]]),
        ("DIFF_TIME(d)", [[no, no, 120, 60]]),
        ("RATE(d)", [[no, no, 6.5 / 120, 6.5 / 60]]),
        ("RUNNING_SUM(d)", [[-4, no, -1.5, 7.5]]),
        ("d * 0 + AVG(d)", [[2.5, no, 2.5, 2.5]]),
        ("d * 0 + MAX(d)", [[9, no, 9, 9]]),
        ("d * 0 + MIN(d)", [[-4, no, -4, -4]]),
        ("d * 0 + SUM(d)", [[7.5, no, 7.5, 7.5]]),
        ("d * 0 + DATAPOINT_COUNT(d)", [[3, no, 3, 3]]),
        ("d * 0 + STDDEV(e)", [[2, no, 2, 2]]),
        ("AVG([d, e])", [[-1, 1, 3.75, 5.5]]),  # a missing value counts as 0
        ("SUM([d, e])", [[-2, 2, 7.5, 11]]),
        ("MIN([d, e])", [[-4, 2, 2.5, 2]]),
        ("MAX([d, e])", [[2, 2, 5, 9]]),
        ("DATAPOINT_COUNT([d, e])", [[2, 1, 2, 2]]),
        ("[d, e] * 2", [[-8, no, 5, 18], [4, 4, 10, 4]]),
        ("100 / [e, e]", [[50, 50, 20, 50], [50, 50, 20, 50]]),
        ("[d, [e]] - e", [[-6, -2, -2.5, 7], [0, 0, 0, 0]]),
        ("-[d]", [[4, no, -2.5, -9]]),
        ("METRICS()", [[-4, no, 2.5, 9], [2, 2, 5, 2], [no, no, no, no]]),
        ('METRICS("d")', [[-4, no, 2.5, 9]]),
        ("SUM(METRICS())", [[-2, 2, 7.5, 11]]),
        ("SUM(METRICS('none'))", [[no, no, no, no]]),
        ("e * 0 + METRIC_COUNT(METRICS())", [[3, 3, 3, 3]]),
        ("FIRST([d, e])", [[-4, no, 2.5, 9]]),
        ("LAST([d, e])", [[2, 2, 5, 2]]),
        ("FIRST(METRICS('none'))", [[no, no, no, no]]),
        ("REMOVE_EMPTY([f, e])", [[2, 2, 5, 2]]),
        ("SLICE([d, e, f], 1)", [[2, 2, 5, 2], [no, no, no, no]]),
        ("SLICE([d, e, f], 0, 1)", [[-4, no, 2.5, 9]]),
        ("SORT([d, e, f], AVG, DESC)", [[2, 2, 5, 2], [-4, no, 2.5, 9], [no, no, no, no]]),
        ("SORT([f, d, e], MIN, ASC, 1)", [[-4, no, 2.5, 9]]),
        ("TIME_SERIES(5)", [[5, 5, 5, 5]]),
        ("TIME_SERIES(MAX(d))", [[9, 9, 9, 9]]),
        ("e / PERIOD(e)", [[2 / 60, 2 / 60, 5 / 60, 2 / 60]]),
        ("MINUTE(f)", [[0, 1, 2, 3]]),
        ("EPOCH(f)", [[0, 60, 120, 180]]),
        ("HOUR(f) + DAY(f) * 10 + DATE(f) * 100 + MONTH(f) * 1000 + YEAR(f) * 10000", [[19701140] * 4]),
    ],
)
def test_functions(calculate: Calculate, expression: str, expected: list[list[float | None]]) -> None:
    """The table under "Functions supported for metric math"; 1 January 1970 was a Thursday, day 4."""
    metrics: dict[str, Any] = {"d": [-4, no, 2.5, 9], "e": [2, 2, 5, 2], "f": []}
    if "STDDEV" in expression:
        metrics["e"] = [2, 6, 6, 2]
    assert calculate(expression, **metrics) == expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("AVG(a)", "single number.*TIME_SERIES"),
        ("5", "single number"),
        ("a + nobody", "no metric or expression with the id 'nobody'"),
        ("FOO(a)", "no function FOO"),
        ("SEARCH('{Test} a', 'Sum', 60)", "SEARCH has no list of metrics to look in here"),
        ("ANOMALY_DETECTION_BAND(a, 2)", "ANOMALY_DETECTION_BAND is not available here"),
        ("LAMBDA('f')", "LAMBDA is not available here"),
        ("SELECT AVG(CPU) FROM x", "Metrics Insights"),
        ("[a, b] + [a, b]", "two arrays"),
        ("[a, b] > 1", "can't be used on an array"),
        ("[a, 5]", "an array holds time series only"),
        ("FILL(a, b)", r"FILL expects \(TS, S or REPEAT or LINEAR\)"),
        ("FILL(a, REPEET)", "the word REPEET has no meaning"),
        ("TS + 1", "the word TS has no meaning"),
        ("ABS(a, b)", r"ABS expects \(TS\) or \(TS\[\]\), but got \(TS, TS\)"),
        ("ABS(5)", "ABS expects"),
        ("IF(1, 2, 3)", "IF expects"),
        ("SORT([a], ASC, AVG)", "SORT expects"),
        ("PERIOD(a + b)", "PERIOD expects the id of a metric"),
        ("a + 'text'", "an operand of '\\+' must be"),
        ("-REPEAT", "the operand of '-' must be"),
        ("'text'", "expected an expression that gives a time series"),
        ("REPEAT", "expected an expression that gives a time series"),
        ("a +", "Error in expression 'result': expected a number"),
        ("", "not 0 characters"),
        ("a" + " + a" * 600, "not 2401 characters"),
        ("result + a", "need each other: result -> result"),
    ],
)
def test_an_expression_that_does_not_fit_is_refused_with_its_reason(
    calculate: Calculate, expression: str, message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        calculate(expression, a=[1], b=[2])
