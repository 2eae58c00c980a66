"""Read slos/**/*.yaml: OpenSLO v1, one object a file, every complaint at once.

Source: the OpenSLO specification v1 (SLO, SLI, AlertPolicy, AlertCondition). Of it, what CloudWatch alarms can do is
taken and the rest refused by name; what it has no field for stands in annotations that begin with ``kit/``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from typing import Any

from kit.definitions.alarm_rules import DAY_S, WEEK_S, is_alarm_period
from kit.definitions.cases_schema import schema_flaws
from kit.definitions.cases_yaml import Document, read_yaml
from kit.definitions.complaints import Complaint, DefinitionsError
from kit.definitions.practice import PREFIX
from kit.definitions.structure import Flaw
from kit.errors import KitError
from kit.slo.model import Metric, Policy, Slo, length, percent, shown

SCHEMAS = {"SLO": "slo", "AlertPolicy": "alert-policy"}
RUNBOOK = "docs/runbooks/{alarm}.md"

_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_LONG = "/spec/conditions/0/spec/condition/lookbackWindow"
_SHORT = "/metadata/annotations/kit~1short-window"


@dataclass(frozen=True, slots=True)
class _Read:
    """A file that agrees with its schema."""

    file: str
    document: Document

    @property
    def value(self) -> Any:
        return self.document.value

    @property
    def name(self) -> str:
        return str(self.value["metadata"]["name"])

    def complaint(self, flaw: Flaw) -> Complaint:
        return self.document.complaint(self.file, flaw.pointer, flaw.problem, flaw.remedy)


def read_slos(folder: Path, root: Path) -> tuple[Slo, ...]:
    """The objectives in ``folder``, by name; files are named as seen from ``root``.

    Raises DefinitionsError with every complaint, and KitError when there is no such folder.
    """
    if not folder.is_dir():
        raise KitError(str(folder), "no such folder", "Name the one that holds OpenSLO files with --slos.")
    complaints: list[Complaint] = []
    read: dict[str, list[_Read]] = {kind: [] for kind in SCHEMAS}
    for path in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")]):
        found = _one(path, _told(path, root))
        if isinstance(found, _Read):
            read[found.value["kind"]].append(found)
        else:
            complaints += found
    complaints += [*_twice(read["SLO"]), *_twice(read["AlertPolicy"])]
    if complaints:
        raise DefinitionsError(complaints)
    policies = {one.name: _policy(one) for one in read["AlertPolicy"]}
    for one in read["AlertPolicy"]:
        complaints += [one.complaint(flaw) for flaw in _window_flaws(policies[one.name])]
    files = {one.name: one for one in read["SLO"]}
    slos = [_slo(one, policies) for one in read["SLO"]]
    for slo in slos:
        one = files[slo.name]
        complaints += [one.complaint(flaw) for flaw in (*_slo_flaws(one, slo, policies), *_order_flaws(slo, slos))]
    if complaints:
        raise DefinitionsError(complaints)
    return tuple(sorted(slos, key=lambda slo: slo.name))


def _told(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _one(path: Path, file: str) -> _Read | list[Complaint]:
    document = read_yaml(path, file)
    if isinstance(document, Complaint):
        return [document]
    kind = document.value.get("kind") if isinstance(document.value, dict) else None
    if not isinstance(kind, str) or kind not in SCHEMAS:
        problem = "must be an OpenSLO object of the kind SLO or AlertPolicy"
        return [document.complaint(file, "/kind", problem, "Begin it with apiVersion: openslo/v1 and kind: SLO.")]
    flaws = list(schema_flaws(SCHEMAS[kind], document.value))
    if flaws:
        return [document.complaint(file, flaw.pointer, flaw.problem, flaw.remedy) for flaw in flaws]
    return _Read(file, document)


def _twice(read: list[_Read]) -> Iterator[Complaint]:
    first: dict[str, str] = {}
    for one in read:
        if one.name in first:
            problem = f"{one.name} is defined in {first[one.name]} too"
            yield one.complaint(Flaw("/metadata/name", problem, "Rename one of them."))
        first.setdefault(one.name, one.file)


def _policy(one: _Read) -> Policy:
    notes, spec = one.value["metadata"]["annotations"], one.value["spec"]
    tier = spec["conditions"][0]["spec"]
    return Policy(
        name=one.name,
        severity=tier["severity"],
        topic=spec["notificationTargets"][0]["targetRef"],
        burn_rate=Fraction(str(tier["condition"]["threshold"])),
        long_s=_seconds(tier["condition"]["lookbackWindow"]),
        short_s=_seconds(notes["kit/short-window"]),
        guard=int(notes["kit/guard-failures"]),
        tells_end=spec["alertWhenResolved"],
    )


def _window_flaws(policy: Policy) -> Iterator[Flaw]:
    for seconds, pointer in ((policy.long_s, _LONG), (policy.short_s, _SHORT)):
        limit = DAY_S if seconds < 3600 else WEEK_S
        if not is_alarm_period(seconds) or seconds > limit:
            yield Flaw(pointer, f"{length(seconds)} is no window of an alarm", f"Use {length(limit)} at most.")
    if policy.short_s >= policy.long_s:
        problem = f"the short window, {length(policy.short_s)}, must be shorter than {length(policy.long_s)}"
        yield Flaw(_SHORT, problem, "A twelfth of the long one is usual.")


def _slo(one: _Read, policies: Mapping[str, Policy]) -> Slo:
    """The SLO, leaving out policies that don't exist, which ``_slo_flaws`` tells."""
    metadata, spec = one.value["metadata"], one.value["spec"]
    notes, objective = metadata["annotations"], spec["objectives"][0]
    sources = spec["indicator"]["spec"]["ratioMetric"]
    target = Fraction(str(objective.get("target", 0))) or Fraction(str(objective.get("targetPercent", 0))) / 100
    named = {ref["alertPolicyRef"] for ref in spec["alertPolicies"]}
    total = _metric(sources["total"])
    return Slo(
        file=one.file,
        name=one.name,
        title=metadata.get("displayName", one.name),
        service=spec["service"],
        owner=metadata["labels"]["owner"],
        target=target,
        period_s=_seconds(spec["timeWindow"][0]["duration"]),
        events=notes["kit/events"],
        failed=notes["kit/failed"],
        counted=_metric(sources.get("good") or sources["bad"]) if {"good", "bad"} & sources.keys() else total,
        counts_good="good" in sources,
        total=total,
        policies=tuple(
            sorted((policies[name] for name in named & policies.keys()), key=lambda found: (found.long_s, found.name))
        ),
        runbook=notes.get("kit/runbook", RUNBOOK),
        guard=int(notes["kit/guard-failures"]) if "kit/guard-failures" in notes else None,
        suppressed_by=notes.get("kit/suppressed-by"),
    )


def _urgency(policy: Policy) -> tuple[int, str]:
    return policy.long_s, policy.name


def _metric(source: Mapping[str, Any]) -> Metric:
    spec = source["metricSource"]["spec"]
    return Metric(spec["namespace"], spec["metric"], tuple(spec["dimensions"].items()), spec["stat"])


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * _UNITS[duration[-1]]


def _slo_flaws(one: _Read, slo: Slo, policies: Mapping[str, Policy]) -> Iterator[Flaw]:
    spec = one.value["spec"]
    ratio = "/spec/indicator/spec/ratioMetric"
    if slo.name.startswith(PREFIX):
        yield Flaw("/metadata/name", f"the prefix {PREFIX} belongs to practice scale", "Choose another name.")
    if len({"good", "bad"} & spec["indicator"]["spec"]["ratioMetric"].keys()) != 1:
        yield Flaw(ratio, "needs exactly one of good and bad beside total", "Give the one that the service counts.")
    if len({"target", "targetPercent"} & spec["objectives"][0].keys()) != 1:
        yield Flaw("/spec/objectives/0", "needs exactly one of target and targetPercent", "Write target: 0.99.")
        return
    seen: set[str] = set()
    for index, reference in enumerate(spec["alertPolicies"]):
        name, pointer = reference["alertPolicyRef"], f"/spec/alertPolicies/{index}/alertPolicyRef"
        if name not in policies:
            near = get_close_matches(name, policies, n=1)
            remedy = f"Did you mean {near[0]}?" if near else "Add an AlertPolicy of that name."
            yield Flaw(pointer, f"{name} is no AlertPolicy here", remedy)
        elif name in seen:
            yield Flaw(pointer, f"{name} is named twice", "Remove one.")
        else:
            yield from _never_fires(slo, policies[name], pointer)
        seen.add(name)


def _never_fires(slo: Slo, policy: Policy, pointer: str) -> Iterator[Flaw]:
    """A tier whose threshold no error ratio can exceed."""
    burn, threshold = slo.burn_rate(policy), slo.threshold(policy)
    if threshold < 1:
        return
    problem = (
        f"{policy.name} can never fire: {shown(burn)} × a budget of {percent(slo.budget)} is an error ratio of "
        f"{shown(threshold)}, and there is none above 1"
    )
    yield Flaw(
        pointer, problem, f"Leave the tier out, promise more than {percent(1 - 1 / burn)}, or lower its threshold."
    )


def _order_flaws(slo: Slo, slos: list[Slo]) -> Iterator[Flaw]:
    """Tiers must be ordered, and an SLO may be held back only by one that is held back by none."""
    for sooner, later in zip(slo.policies, slo.policies[1:], strict=False):
        if sooner.long_s == later.long_s:
            problem = f"{sooner.name} and {later.name} have the same long window"
            yield Flaw("/spec/alertPolicies", problem, "Leave one out: which holds the other back could not be told.")
    if slo.suppressed_by is None:
        return
    pointer = "/metadata/annotations/kit~1suppressed-by"
    others = {other.name: other for other in slos if other.name != slo.name}
    if slo.suppressed_by not in others:
        yield Flaw(pointer, f"{slo.suppressed_by} is no other SLO here", f"Known are {', '.join(sorted(others))}.")
    elif others[slo.suppressed_by].suppressed_by is not None:
        yield Flaw(pointer, f"{slo.suppressed_by} is held back by another one itself", "Name that one.")
