"""The rules of PutMetricAlarm that no single field shows.

Source: "Amazon CloudWatch API Reference", PutMetricAlarm; "Creating an alarm based on a metric math expression".
Called after ``structure`` found nothing, so that every field is known to have its type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kit.definitions.alarm_limits import (
    common_flaws,
    dimension_flaws,
    metric_action_flaws,
    promql_flaws,
    window_flaws,
)
from kit.definitions.members import ANOMALY_OPERATORS
from kit.definitions.structure import Flaw, shown, step
from kit.evaluation.alarm_definition import AlarmDefinition, AlarmError, NotAvailableError
from kit.evaluation.expression import ExpressionError, parse
from kit.evaluation.functions import REFUSED
from kit.evaluation.statistics import StatisticError, parse_statistic

SOURCES = ("MetricName", "Metrics", "EvaluationCriteria")
SINGLE_METRIC_ONLY = ("Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")
SHORT_PERIODS = (10, 20, 30)
DAY_S, WEEK_S = 86_400, 604_800
MATH_METRICS = 10
"""At most so many metrics in one metric math alarm."""


def is_alarm_period(seconds: int) -> bool:
    """Whether an alarm may have this period: 10, 20, 30 or a multiple of 60 seconds."""
    return seconds in SHORT_PERIODS or (seconds > 0 and seconds % 60 == 0)


def alarm_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    """Yield what AWS would refuse in a PutMetricAlarm input whose structure is sound."""
    found = [*common_flaws(request), *_rule_flaws(request), *window_flaws(request), *metric_action_flaws(request)]
    yield from found or _meaning_flaws(request)


def _rule_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    sources = [key for key in SOURCES if key in request]
    if len(sources) != 1:
        found = f"has {' and '.join(sources)}" if sources else "has none"
        yield Flaw("", f"an alarm watches exactly one of {', '.join(SOURCES)}; this one {found}")
        return
    match sources[0]:
        case "MetricName":
            yield from _single_metric_flaws(request)
        case "Metrics":
            yield from _math_flaws(request)
    if sources != ["EvaluationCriteria"]:
        yield from _evaluation_flaws(request)
        return
    yield from promql_flaws(request)
    if request.get("EvaluationInterval", 10) > 3600 or not is_alarm_period(request.get("EvaluationInterval", 10)):
        yield Flaw("/EvaluationInterval", "must be 10, 20, 30 or a multiple of 60 up to 3600 seconds")


def _meaning_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    """What shows only when the alarm is taken as a whole: an unknown function, a ring of expressions, a scalar."""
    expressions = {
        index: query["Expression"] for index, query in enumerate(request.get("Metrics", ())) if "Expression" in query
    }
    if any(_beyond_evaluation(text) for text in expressions.values()):
        return
    try:
        AlarmDefinition.from_api(request)
    except NotAvailableError:
        return
    except AlarmError as error:
        named = (index for index in expressions if f"'{request['Metrics'][index]['Id']}'" in str(error))
        index = next(named, None)
        pointer = f"/Metrics/{index}/Expression" if index is not None else ""
        yield Flaw(pointer, str(error))


def _beyond_evaluation(expression: str) -> bool:
    """Whether AWS knows this expression and the evaluation here doesn't: bound to another service, or an SQL query."""
    if _is_sql(expression):
        return True
    tree = parse(expression)
    return any(True for name in REFUSED for _ in tree.calls(name))


def _is_sql(expression: str) -> bool:
    return expression.lstrip()[:6].upper() == "SELECT"


def _single_metric_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    for key in ("Namespace", "Period"):
        if key not in request:
            yield Flaw("", f"{key} is missing beside MetricName", f"Add {key}.")
    yield from dimension_flaws(request.get("Dimensions", ()), "/Dimensions")
    if ("Statistic" in request) == ("ExtendedStatistic" in request):
        yield Flaw("", "needs exactly one of Statistic and ExtendedStatistic")
    if "ExtendedStatistic" in request:
        yield from statistic_flaws(request["ExtendedStatistic"], "/ExtendedStatistic")
    if "Period" in request:
        yield from _period_flaws(request["Period"], "/Period")


def _math_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    for key in SINGLE_METRIC_ONLY:
        if key in request:
            yield Flaw(step("", key), f"{key} cannot stand beside Metrics", f"Remove {key}.")
    queries = request["Metrics"]
    seen: set[str] = set()
    for index, query in enumerate(queries):
        pointer = step("/Metrics", index)
        if query["Id"] in seen:
            yield Flaw(f"{pointer}/Id", f"the id {query['Id']} is used twice")
        seen.add(query["Id"])
        yield from _query_flaws(query, pointer)
    yield from _reference_flaws(queries)
    yield from _returned_flaws(request)
    stats = [query for query in queries if "MetricStat" in query]
    if len(stats) > MATH_METRICS:
        yield Flaw("/Metrics", f"names {len(stats)} metrics, an alarm may name {MATH_METRICS}")
    periods = sorted({query["MetricStat"]["Period"] for query in stats})
    if len(periods) > 1:
        yield Flaw("/Metrics", f"mixes the periods {', '.join(map(str, periods))}", "Give all metrics one Period.")


def _query_flaws(query: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    if ("MetricStat" in query) == ("Expression" in query):
        yield Flaw(pointer, f"{query['Id']} needs exactly one of MetricStat and Expression")
    if "Period" in query:
        yield from _period_flaws(query["Period"], f"{pointer}/Period")
    if "MetricStat" in query:
        stat = query["MetricStat"]
        yield from statistic_flaws(stat["Stat"], f"{pointer}/MetricStat/Stat")
        yield from _period_flaws(stat["Period"], f"{pointer}/MetricStat/Period")
        yield from dimension_flaws(stat["Metric"].get("Dimensions", ()), f"{pointer}/MetricStat/Metric/Dimensions")
        for key in ("Namespace", "MetricName"):
            if key not in stat["Metric"]:
                yield Flaw(f"{pointer}/MetricStat/Metric", f"{key} is missing", f"Add {key}.")
    if "Expression" in query:
        yield from expression_flaws(query["Expression"], f"{pointer}/Expression")
        if _calls_search(query["Expression"]):
            yield Flaw(f"{pointer}/Expression", "an alarm cannot watch a SEARCH", "Name each metric.")


def _reference_flaws(queries: list[Mapping[str, Any]]) -> Iterator[Flaw]:
    known = {query["Id"] for query in queries}
    for index, query in enumerate(queries):
        for name in sorted(names_in(query.get("Expression", ""))):
            if name not in known:
                yield Flaw(f"/Metrics/{index}/Expression", f"refers to {name}, which no query here has as its Id")


def _returned_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    returned = [query["Id"] for query in request["Metrics"] if query.get("ReturnData", True)]
    band = request.get("ThresholdMetricId")
    if band is None and len(returned) != 1:
        remedy = "Set ReturnData to false in every query but the one that is watched."
        yield Flaw("/Metrics", f"returns {len(returned)} series ({', '.join(returned)}), not one", remedy)
    if band is not None and (len(returned) != 2 or band not in returned):
        yield Flaw("/ThresholdMetricId", "an anomaly alarm returns the metric and the band that this names, no more")
    elif band is not None:
        yield from _band_flaws(request)


def _band_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    """User Guide, "Using metric math": some functions read the alarm's own account only."""
    for index, query in enumerate(request["Metrics"]):
        if query["Id"] == request["ThresholdMetricId"] and not _is_band(query.get("Expression", "")):
            remedy = "Let it name the query with ANOMALY_DETECTION_BAND."
            yield Flaw("/ThresholdMetricId", f"{query['Id']} is no anomaly detection band", remedy)
        if "AccountId" in query:
            yield Flaw(f"/Metrics/{index}/AccountId", "an anomaly alarm cannot watch another account", "Remove it.")


def _is_band(expression: str) -> bool:
    try:
        return any(True for _ in parse(expression).calls("ANOMALY_DETECTION_BAND"))
    except ExpressionError:
        return False


def _evaluation_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    for key in ("EvaluationPeriods", "ComparisonOperator"):
        if key not in request:
            yield Flaw("", f"{key} is missing", f"Add {key}.")
    if "EvaluationInterval" in request:
        yield Flaw("/EvaluationInterval", "belongs to EvaluationCriteria only", "Remove it.")
    anomaly = "ThresholdMetricId" in request
    if anomaly == ("Threshold" in request):
        yield Flaw("", "needs exactly one of Threshold and ThresholdMetricId")
    operator = request.get("ComparisonOperator")
    if operator and (operator in ANOMALY_OPERATORS) != anomaly:
        kind = "an anomaly alarm" if anomaly else "an alarm with a Threshold"
        yield Flaw("/ComparisonOperator", f"{operator} does not fit {kind}")
    periods = request.get("EvaluationPeriods", 1)
    if request.get("DatapointsToAlarm", 1) > periods:
        yield Flaw("/DatapointsToAlarm", f"is above EvaluationPeriods, which is {periods}: it could never fire")
    for period in _periods(request):
        limit = DAY_S if period < 3600 else WEEK_S
        if period * periods > limit:
            span = f"{periods} periods of {period} s are {period * periods} s"
            yield Flaw("/EvaluationPeriods", f"{span}, AWS looks back {limit} s at most for this Period")


def _periods(request: Mapping[str, Any]) -> list[int]:
    if "Period" in request:
        return [request["Period"]]
    return sorted({query["MetricStat"]["Period"] for query in request.get("Metrics", ()) if "MetricStat" in query})


def _period_flaws(period: int, pointer: str) -> Iterator[Flaw]:
    if not is_alarm_period(period):
        yield Flaw(pointer, f"{period} is not 10, 20, 30 or a multiple of 60 seconds")


def statistic_flaws(text: str, pointer: str) -> Iterator[Flaw]:
    """Yield a flaw if ``text`` is not a CloudWatch statistic."""
    try:
        parse_statistic(text)
    except StatisticError:
        yield Flaw(pointer, f"{shown(text)} is not a statistic", "Write for instance Sum, Average or p99.")


def expression_flaws(text: str, pointer: str) -> Iterator[Flaw]:
    """Yield a flaw if ``text`` is neither metric math nor a Metrics Insights query."""
    if _is_sql(text):
        return
    try:
        parse(text)
    except ExpressionError as error:
        yield Flaw(pointer, f"{shown(text)}: {error}")


def names_in(expression: str) -> frozenset[str]:
    """The ids that an expression refers to; none if it is not metric math."""
    try:
        return parse(expression).names
    except ExpressionError:
        return frozenset()


def _calls_search(expression: str) -> bool:
    try:
        return any(True for _ in parse(expression).calls("SEARCH"))
    except ExpressionError:
        return False
