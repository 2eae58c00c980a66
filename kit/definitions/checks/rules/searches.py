"""Searches, in widgets and in a dashboard's variables, that find none of the metrics that are sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kit.definitions.checks.catalogue import Catalogue
from kit.definitions.checks.family import Family
from kit.definitions.checks.registry import rule
from kit.definitions.checks.uses import metric_widgets
from kit.definitions.model import DashboardFile
from kit.definitions.structure import Flaw
from kit.evaluation.expression import ExpressionError, parse
from kit.evaluation.request import MetricRef
from kit.evaluation.search import AllOf, Search, SearchError, Term, parse_search
from kit.evaluation.search_calls import search_call


@rule(
    "widget/search-finds-nothing",
    "error",
    "dashboard",
    finds="a SEARCH, or a variable's search, for a metric or a set of dimensions that the catalogue doesn't have",
    why="the widget stays empty, the variable has nothing to choose",
)
def finds_nothing(dashboard: DashboardFile, family: Family) -> Iterator[Flaw]:
    if family.catalogue is None:
        return
    for pointer, search in _searches(dashboard):
        schema = search.schema
        if schema is None or schema.namespace != family.catalogue.namespace:
            continue
        found = [one for one in _metrics(family.catalogue) if schema.matches(one)]
        if not found:
            names = " + ".join(sorted(schema.dimensions)) or "no dimensions"
            yield Flaw(pointer, f"no metric is sent with {names}", "Correct the names between the braces.")
        elif not any(_by_name(search, one) for one in found):
            yield Flaw(pointer, "names a metric that isn't sent with these dimensions", "Correct the MetricName.")


def _searches(dashboard: DashboardFile) -> Iterator[tuple[str, Search]]:
    for index, variable in enumerate(dashboard.body.get("variables", ())):
        if "search" in variable:
            try:
                yield f"/variables/{index}/search", parse_search(variable["search"])
            except SearchError:
                continue
    for pointer, properties in metric_widgets(dashboard):
        for index, row in enumerate(properties.get("metrics", ())):
            text: Any = row[-1].get("expression") if isinstance(row[-1], dict) else None
            if not isinstance(text, str) or "SEARCH" not in text:
                continue
            try:
                calls = [search_call(call).search for call in parse(text).calls("SEARCH")]
            except ExpressionError:
                continue
            yield from ((f"{pointer}/metrics/{index}/{len(row) - 1}/expression", search) for search in calls)


def _metrics(catalogue: Catalogue) -> Iterator[MetricRef]:
    for sent in catalogue.metrics.values():
        for names in sent.dimensions:
            yield MetricRef(catalogue.namespace, sent.name, tuple((name, "") for name in sorted(names)))


def _by_name(search: Search, metric: MetricRef) -> bool:
    """Whether the terms that ask for a metric's name, and that all must hold, let it through."""
    terms = search.terms.parts if isinstance(search.terms, AllOf) else (search.terms,)
    return all(term.matches(metric, "") for term in terms if isinstance(term, Term) and term.key == "MetricName")
