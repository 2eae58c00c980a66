"""Metrics, dimensions, units and periods that the service doesn't send."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from kit.definitions.checks.catalogue import Catalogue, Sent
from kit.definitions.checks.family import Family
from kit.definitions.checks.registry import rule
from kit.definitions.checks.uses import Use, alarm_uses, metric_widgets, widget_uses
from kit.definitions.model import AlarmFile, DashboardFile
from kit.definitions.structure import Flaw

Found = Iterator[tuple[str, Flaw]]


@rule(
    "metric/unknown",
    "error",
    "set",
    finds="a metric that the catalogue doesn't have, in an alarm or a widget",
    why="the alarm stays in INSUFFICIENT_DATA, the widget empty",
)
def unknown(family: Family) -> Found:
    catalogue = family.catalogue
    if catalogue is None:
        return
    for file, use in family.uses:
        if use.namespace == catalogue.namespace and use.name not in catalogue.metrics:
            yield file, Flaw(use.pointer, f"{use.namespace} has no metric {use.name}", _near(use.name, catalogue))
        elif _misspelt(use.namespace, catalogue.namespace):
            yield file, Flaw(use.pointer, f"there is no namespace {use.namespace}", f"Write {catalogue.namespace}.")


@rule(
    "metric/dimensions",
    "error",
    "set",
    finds="a set of dimensions that the metric isn't sent with; CloudWatch wants the complete set",
    why="User Guide, Dimensions: each combination is a metric of its own, and there is none with a part of them",
)
def dimensions(family: Family) -> Found:
    for file, use, sent in _sent(family):
        if use.dimension_names not in sent.dimensions:
            have = " + ".join(sorted(use.dimension_names)) or "no dimensions"
            known = "; ".join(" + ".join(sorted(names)) or "none" for names in sorted(sent.dimensions, key=sorted))
            yield file, Flaw(use.pointer, f"{use.name} is never sent with {have}", f"It is sent with {known}.")


@rule(
    "metric/unit",
    "error",
    "set",
    finds="a Unit that the metric is never sent with",
    why="only data of that unit is looked at, so the alarm never leaves INSUFFICIENT_DATA",
)
def unit(family: Family) -> Found:
    for file, use, sent in _sent(family):
        if use.unit is not None and use.unit != sent.unit:
            yield (
                file,
                Flaw(use.pointer, f"{use.name} is never sent in {use.unit}, but in {sent.unit}", "Leave Unit out."),
            )


@rule(
    "alarm/resolution",
    "error",
    "metric alarm",
    finds="a period below a minute on a metric that is stored by the minute",
    why="five of six periods have no datapoint",
)
def resolution(alarm: AlarmFile, family: Family) -> Iterator[Flaw]:
    for use in alarm_uses(alarm):
        yield from _too_fine(use, family.catalogue)


@rule(
    "widget/resolution",
    "note",
    "dashboard",
    finds="the same in a widget",
    why="the line has gaps; a sum over the range is right all the same",
)
def widget_resolution(dashboard: DashboardFile, family: Family) -> Iterator[Flaw]:
    for pointer, properties in metric_widgets(dashboard):
        for use in widget_uses(properties, pointer):
            yield from _too_fine(use, family.catalogue)


@rule(
    "metric/unit-pinned",
    "note",
    "set",
    finds="a Unit where no catalogue tells whether it is ever sent",
    why="a Unit that isn't sent pins an alarm in INSUFFICIENT_DATA; without one, data of every unit counts",
)
def pinned(family: Family) -> Found:
    for file, use in family.uses:
        foreign = family.catalogue is None or use.namespace != family.catalogue.namespace
        if use.unit is not None and foreign and not use.namespace.startswith("AWS/"):
            yield file, Flaw(use.pointer, f"looks only at {use.name} sent in {use.unit}", "Leave Unit out.")


def _too_fine(use: Use, catalogue: Catalogue | None) -> Iterator[Flaw]:
    if catalogue is None or use.namespace != catalogue.namespace or use.name not in catalogue.metrics:
        return
    sent = catalogue.metrics[use.name]
    finest = sent.sli_resolution if "Operation" in use.dimension_names else sent.resolution
    if use.period < finest:
        problem = f"asks for {use.name} each {use.period} s, but it is stored each {finest} s"
        yield Flaw(use.pointer, problem, f"Take a period of {finest} s or more.")


def _misspelt(namespace: str, known: str) -> bool:
    if namespace == known or namespace.startswith("AWS/"):
        return False
    return bool(get_close_matches(namespace.lower(), [known.lower()], n=1, cutoff=0.8))


def _sent(family: Family) -> Iterator[tuple[str, Use, Sent]]:
    if family.catalogue is None:
        return
    for file, use in family.uses:
        if use.namespace == family.catalogue.namespace and use.name in family.catalogue.metrics:
            yield file, use, family.catalogue.metrics[use.name]


def _near(name: str, catalogue: Catalogue) -> str:
    near = get_close_matches(name, list(catalogue.metrics), n=1)
    return f"Did you mean {near[0]}?" if near else f"It has {', '.join(sorted(catalogue.metrics))}."
