"""Metric widgets with their answers: few calls for many widgets, and the units that the answers do not tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kit.charts.dashboard import Widget
from kit.charts.lines import Answer, Line, lines_of, with_units
from kit.charts.queries import Plan, calls, plan_widget
from kit.charts.rows import Row, RowError
from kit.charts.theme import SCREEN
from kit.charts.timerange import TimeRange
from kit.console.cloud import Cloud
from kit.errors import KitError

LOOKUPS = 8
"""Metrics whose unit is looked up in one refresh; the others follow with the next."""

ASK_AGAIN_S = 60.0
"""A metric that had no unit (because it has no data yet) is asked for again after this long."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One widget's lines, or why it has none."""

    lines: tuple[Line, ...] = ()
    problem: str | None = None
    messages: tuple[str, ...] = ()


class Watcher:
    """Asks for the data of widgets."""

    def __init__(self, cloud: Cloud, clock: Callable[[], float]) -> None:
        self._cloud = cloud
        self._clock = clock
        self._units: dict[tuple[str | None, tuple[str, ...]], tuple[float, str | None]] = {}

    def watch(self, widgets: Iterable[Widget], shown: TimeRange, *, adapt: bool) -> dict[int, Watched]:
        """Lines by widget index, asked for in as few calls as can be.

        Raises KitError when the endpoint does not answer; a widget that is wrong in itself only tells its problem.
        """
        plans: dict[int, tuple[Plan, ...]] = {}
        found: dict[int, Watched] = {}
        live: dict[int, bool] = {}
        for widget in widgets:
            try:
                plans[widget.index] = plan_widget(widget, shown, adapt=adapt)
                live[widget.index] = widget.properties.get("liveData") is True
            except RowError as error:
                found[widget.index] = Watched(problem=str(error))
        answers, refused = self._ask([plan for each in plans.values() for plan in each])
        self._look_up_units(plan for each in plans.values() for plan in each)
        for index, each in plans.items():
            ids = {id_ for plan in each for id_ in plan.rows}
            own = [answer for answer in answers if answer.id in ids]
            lines = lines_of(each, own, SCREEN, live_data=live[index])
            messages = tuple(message for answer in own for message in answer.messages)
            found[index] = Watched(with_units(lines, self._known_units(each)), refused.get(index), messages)
        return found

    def _ask(self, plans: Sequence[Plan]) -> tuple[list[Answer], dict[int, str]]:
        """All answers. A call that is refused for one widget's sake is asked again widget by widget."""
        answers: list[Answer] = []
        refused: dict[int, str] = {}
        for call in calls(plans):
            try:
                answers += self._cloud.answers(call)
            except KitError as error:
                if not _is_refusal(error):
                    raise
                sharers = [p for p in plans if p.queries and p.queries[0] in call.queries]
                answers += self._one_by_one(sharers, refused)
        return answers, refused

    def _one_by_one(self, plans: Sequence[Plan], refused: dict[int, str]) -> list[Answer]:
        answers: list[Answer] = []
        for plan in plans:
            for call in calls([plan]):
                try:
                    answers += self._cloud.answers(call)
                except KitError as error:
                    if not _is_refusal(error):
                        raise
                    refused[plan.widget] = error.problem
        return answers

    def _look_up_units(self, plans: Iterable[Plan]) -> None:
        now = self._clock()
        left = LOOKUPS
        for plan in plans:
            for row in plan.rows.values():
                asked_at, unit = self._units.get((plan.region, row.cells), (float("-inf"), None))
                if left and row.visible and _carries_unit(row) and unit is None and now - asked_at >= ASK_AGAIN_S:
                    left -= 1
                    self._units[plan.region, row.cells] = (now, self._unit(plan.region, row, now))

    def _unit(self, region: str | None, row: Row, now: float) -> str | None:
        metric = {
            "Namespace": row.cells[0],
            "MetricName": row.cells[1],
            "Dimensions": [{"Name": name, "Value": value} for name, value in row.dimensions],
        }
        try:
            return self._cloud.unit(region, metric, now)
        except KitError:
            return None  # the number is still right without its unit

    def _known_units(self, plans: Iterable[Plan]) -> Mapping[str, str | None]:
        known: dict[str, str | None] = {}
        for plan in plans:
            for id_, row in plan.rows.items():
                stat = row.stat or ""
                if stat == "SampleCount" or stat.startswith("TC("):
                    known[f"{id_}.0"] = "Count"
                elif stat.startswith("PR("):
                    known[f"{id_}.0"] = "Percent"
                elif row.cells:
                    known[f"{id_}.0"] = self._units.get((plan.region, row.cells), (0.0, None))[1]
        return known


def _carries_unit(row: Row) -> bool:
    return bool(row.cells) and not (row.stat or "").startswith(("SampleCount", "TC(", "PR("))


def _is_refusal(error: KitError) -> bool:
    """Whether the endpoint answered, and did not like what was asked."""
    answer = getattr(error.__cause__, "response", None)
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) if isinstance(answer, dict) else 500
    code = answer.get("Error", {}).get("Code", "") if isinstance(answer, dict) else ""
    return status == 400 and not any(word in code for word in ("Throttl", "Token", "Auth", "Access", "Signature"))
