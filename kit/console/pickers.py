"""A dashboard's variables as pickers: what may be chosen is found as CloudWatch finds it, through ListMetrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kit.charts.dashboard import Dashboard
from kit.charts.variables import Option, Variable, VariableError, value_of
from kit.console.cloud import Cloud
from kit.errors import KitError
from kit.evaluation.request import MetricRef
from kit.evaluation.search import SearchError, parse_search

MOST_OPTIONS = 500
LONGEST_VALUE = 255
PREFIX = "var-"
"""``?var-service=payments`` chooses a value of the variable with the id ``service``."""

KEEP_S = 60.0
KEPT_SEARCHES = 64


def asked_for(query: Mapping[str, str]) -> dict[str, str]:
    """The choices in a page's query string, by variable id."""
    chosen = {
        name.removeprefix(PREFIX): value
        for name, value in query.items()
        if name.startswith(PREFIX) and 0 < len(value) <= LONGEST_VALUE
    }
    return dict(sorted(chosen.items()))


class Pickers:
    """Finds the options of variables and puts the choices into a dashboard."""

    def __init__(self, cloud: Cloud, clock: Callable[[], float]) -> None:
        self._cloud = cloud
        self._clock = clock
        self._found: dict[str, tuple[float, tuple[MetricRef, ...]]] = {}

    def choose(self, dashboard: Dashboard, asked: Mapping[str, str]) -> tuple[Dashboard, list[dict[str, Any]]]:
        """The dashboard with its variables' values in it, and the pickers as JSON takes them.

        A variable that cannot be applied says so in its ``problem``; the others still are.
        """
        pickers: list[dict[str, Any]] = []
        chosen: dict[str, str] = {}
        for variable in dashboard.variables:
            options, problem = self._options(variable)
            value = value_of(variable, asked.get(variable.id), options)
            if value is not None:
                try:
                    dashboard.with_choices({variable.id: value})
                    chosen[variable.id] = value
                except VariableError as error:
                    problem = str(error)
            if variable.visible:
                pickers.append(_picker(variable, options, value, problem))
        return dashboard.with_choices(chosen), pickers

    def _options(self, variable: Variable) -> tuple[list[Option], str | None]:
        """Its own values, then what its search finds, by name; or why the search failed."""
        if variable.search is None or variable.populate_from is None:
            return list(variable.options), None
        try:
            metrics = self._metrics(variable.search)
        except (SearchError, KitError) as error:
            return list(variable.options), f"its values cannot be found: {error}"
        values = {v for metric in metrics for name, v in metric.dimensions if name == variable.populate_from}
        known = {option.value for option in variable.options}
        return [*variable.options, *(Option(value, value) for value in sorted(values - known)[:MOST_OPTIONS])], None

    def _metrics(self, text: str) -> Sequence[MetricRef]:
        """The metrics that a search finds; for a minute, an answer serves every page."""
        search = parse_search(text)
        at, found = self._found.get(text, (float("-inf"), ()))
        if self._clock() - at >= KEEP_S:
            schema = search.schema
            listed = self._cloud.metrics(
                schema.namespace if schema else None, sorted(schema.dimensions) if schema else []
            )
            found = tuple(metric for metric in listed if search.matches(metric))
            while len(self._found) >= KEPT_SEARCHES:
                self._found.pop(next(iter(self._found)))
            # What finds nothing yet is asked again with the next refresh: a new stack has no metrics.
            self._found[text] = (self._clock() if found else float("-inf"), found)
        return found


def _picker(variable: Variable, options: Sequence[Option], value: str | None, problem: str | None) -> dict[str, Any]:
    shown = list(options)
    if value is not None and value not in {option.value for option in shown}:
        shown.insert(0, Option(value, value))  # shared in a link, or not seen for two weeks: it is what is shown
    return {
        "id": variable.id,
        "label": variable.label,
        "input": variable.input,
        "value": value,
        "options": [{"value": option.value, "label": option.label} for option in shown],
        "problem": problem,
    }
