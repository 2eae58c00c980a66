"""Expressions that mean something else in an alarm than on a graph, and ids that nobody uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kit.definitions.alarm_rules import names_in
from kit.definitions.checks.family import Family
from kit.definitions.checks.registry import rule
from kit.definitions.checks.uses import metric_widgets
from kit.definitions.model import AlarmFile, DashboardFile
from kit.definitions.structure import Flaw
from kit.evaluation.expression import Array, Call, ExpressionError, Name, parse
from kit.evaluation.kinds import ARRAY

OVER_THE_RANGE = ("AVG", "SUM", "MIN", "MAX", "STDDEV", "DATAPOINT_COUNT", "RUNNING_SUM")
OF_ARRAYS = ("METRICS", "SLICE", "SORT", "REMOVE_EMPTY")


@rule(
    "alarm/whole-range",
    "warning",
    "metric alarm",
    finds="a function that makes one number of a whole series, such as MAX(m1) or RUNNING_SUM(m1)",
    why="User Guide, Using metric math with alarms: an alarm fetches more points than it evaluates, how many is not "
    "documented",
)
def whole_range(alarm: AlarmFile, family: Family) -> Iterator[Flaw]:
    watch = family.watch(alarm)
    if watch is None:
        return
    for pointer, text in _expressions(alarm):
        for node in parse(text).steps:
            if isinstance(node, Call) and _over_the_range(node, watch.definition.plan.kinds):
                problem = f"{node.function} takes all points that are fetched, not the evaluated ones"
                yield Flaw(pointer, problem, "Use the statistic of the metric, or an array such as MAX([a, b]).")
                break


def _over_the_range(node: Call, kinds: Mapping[str, str]) -> bool:
    """Whether it makes one number of a series; of an array it makes a series."""
    first = node.arguments[0] if node.arguments else None
    array = isinstance(first, Array) or (isinstance(first, Call) and first.function in OF_ARRAYS)
    if isinstance(first, Name):
        array = kinds.get(first.id) == ARRAY
    return node.function in OVER_THE_RANGE and not array


@rule(
    "alarm/fill-pins",
    "warning",
    "metric alarm",
    finds="FILL in an alarm that wants every one of its datapoints to breach",
    why="User Guide, Using metric math with alarms: data that comes late is filled first, and the fill counts",
)
def fill_pins(alarm: AlarmFile, family: Family) -> Iterator[Flaw]:
    watch = family.watch(alarm)
    if watch is None or watch.definition.datapoints_to_alarm < watch.definition.evaluation_periods:
        return
    for pointer, text in _expressions(alarm):
        if any(True for _ in parse(text).calls("FILL")):
            remedy = "Set DatapointsToAlarm below EvaluationPeriods, or use IF and TreatMissingData."
            yield Flaw(pointer, "fills what is only late, and every datapoint has to breach", remedy)


@rule(
    "alarm/unused-id",
    "warning",
    "metric alarm",
    finds="a query that is neither watched nor used by an expression",
    why="it is billed like the others and says nothing",
)
def unused_query(alarm: AlarmFile, _: Family) -> Iterator[Flaw]:
    queries = alarm.request.get("Metrics", [])
    used = {name for query in queries for name in names_in(query.get("Expression", ""))}
    if any("METRICS(" in query.get("Expression", "") for query in queries):
        return
    for index, query in enumerate(queries):
        if query["Id"] not in used and not query.get("ReturnData", True):
            yield Flaw(f"/Metrics/{index}/Id", f"no expression uses {query['Id']}", "Remove the query.")


@rule(
    "widget/unused-id",
    "warning",
    "dashboard",
    finds="a hidden row of a widget that no expression uses",
    why="it is fetched, and neither drawn nor computed with",
)
def unused_row(dashboard: DashboardFile, _: Family) -> Iterator[Flaw]:
    for pointer, properties in metric_widgets(dashboard):
        rows = properties.get("metrics", ())
        renders = [row[-1] if isinstance(row[-1], dict) else {} for row in rows]
        texts = [render["expression"] for render in renders if isinstance(render.get("expression"), str)]
        if any("METRICS(" in text for text in texts):
            continue
        used = {name for text in texts for name in names_in(text)}
        for index, render in enumerate(renders):
            if render.get("visible") is False and render.get("id") not in used:
                named = render.get("id", "this row")
                yield Flaw(
                    f"{pointer}/metrics/{index}", f"is hidden, and no expression uses {named}", "Remove the row."
                )


def _expressions(alarm: AlarmFile) -> Iterator[tuple[str, str]]:
    for index, query in enumerate(alarm.request.get("Metrics", ())):
        if "Expression" in query:
            try:
                parse(query["Expression"])
            except ExpressionError:
                continue
            yield f"/Metrics/{index}/Expression", query["Expression"]
