"""What is live, as the file that would make it: for an alarm or a dashboard that was built or edited in the console."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kit.definitions import AlarmFile, CompositeFile, DashboardFile, Definitions, for_stage
from kit.definitions.alarm_rules import alarm_flaws
from kit.definitions.composite_rules import composite_flaws
from kit.definitions.dashboard_rules import dashboard_flaws
from kit.definitions.layout import json_text
from kit.definitions.members import COMPOSITE_ALARM, METRIC_ALARM, OUTPUT_ONLY
from kit.definitions.practice import PREFIX
from kit.definitions.structure import Flaw, flaws
from kit.deploy.live import Live
from kit.deploy.normalise import comparable_alarm, comparable_composite
from kit.deploy.ownership import SET, is_bookkeeping
from kit.deploy.stand_ins import StandIns
from kit.errors import KitError
from kit.settings import Stage

ORDER = (
    *("AlarmName", "AlarmDescription", "AlarmRule"),
    *("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod"),
    *("Namespace", "MetricName", "Dimensions", "Statistic", "ExtendedStatistic", "Period", "Unit", "Metrics"),
    *("EvaluationCriteria", "EvaluationInterval", "ComparisonOperator", "Threshold", "ThresholdMetricId"),
    *("EvaluationPeriods", "DatapointsToAlarm", "EvaluationWindow", "WarmUpConfiguration"),
    *("TreatMissingData", "EvaluateLowSampleCountPercentile"),
    *("ActionsEnabled", "AlarmActions", "OKActions", "InsufficientDataActions", "ActionConfiguration", "Tags"),
)
BODY_ORDER = ("start", "end", "periodOverride", "variables", "widgets")
DEFAULTS = {"ActionsEnabled": True, "EvaluateLowSampleCountPercentile": "evaluate", "AlarmDescription": ""}


@dataclass(frozen=True, slots=True)
class Pulled:
    """A live definition as a file: where it belongs, and its text."""

    kind: str
    name: str
    file: str
    text: str


def pull(name: str, live: Live, stage: Stage, region: str, set_name: str, files: Mapping[str, str]) -> Iterator[Pulled]:
    """Yield what is live under ``name``: an alarm, a dashboard, or both. ``files`` says which name has which file.

    Raises KitError when nothing is, when it is at practice scale, or when no file could make it.
    """
    if name.startswith(PREFIX) or stage.scale == "practice":
        problem = "stands at practice scale, from which there is no way back: its windows are rounded"
        raise KitError(name, problem, "Pull it from a stage at production scale.")
    alarm = live.alarms.get(name) or live.composites.get(name)
    board = live.dashboards.get(name)
    if alarm is None and board is None:
        raise KitError(name, f"neither an alarm nor a dashboard of stage {stage.name}", "See `kit alarms`.")
    back = StandIns(stage, region)
    if alarm is not None:
        yield _alarm(alarm, back, stage, region, set_name, files.get(name))
    if board is not None:
        if not isinstance(board.body, Mapping):
            raise KitError(name, "is a dashboard whose body is not JSON", "Save it again in the console.")
        body = _ordered(back.mapping(board.body), BODY_ORDER)
        file = f"dashboards/{name}.json"
        _require_sound(name, dashboard_flaws(body))
        again = for_stage(Definitions(dashboards=(DashboardFile(file, name, body),)), stage, region)
        _require_same(name, again.dashboards[0].body, board.body)
        yield Pulled("dashboard", name, file, json_text(body))


def _alarm(
    live: Mapping[str, Any], back: StandIns, stage: Stage, region: str, set_name: str, file: str | None
) -> Pulled:
    name, composite = live["AlarmName"], "AlarmRule" in live
    request = back.mapping({key: value for key, value in live.items() if key not in OUTPUT_ONLY and key != "Tags"})
    request = {key: value for key, value in request.items() if value != [] and value != DEFAULTS.get(key, ...)}
    tags = [tag for tag in live["Tags"] if not _is_apply_s(tag["Key"]) and not tag["Key"].startswith("aws:")]
    if not any(tag["Key"] == SET for tag in tags):
        tags.insert(0, {"Key": SET, "Value": set_name})
    request = _ordered(request | {"Tags": tags}, ORDER)
    request.update({"Metrics": [_query(query) for query in request["Metrics"]]} if "Metrics" in request else {})
    _require_sound(name, flaws(COMPOSITE_ALARM if composite else METRIC_ALARM, request))
    _require_sound(name, composite_flaws(request) if composite else alarm_flaws(request))
    place = file or f"alarms/{_file_name(name)}.json"
    if composite:
        again = for_stage(Definitions(composites=(CompositeFile(place, request),)), stage, region)
        _require_same(name, comparable_composite(again.composites[0].request), comparable_composite(live))
    else:
        again = for_stage(Definitions(alarms=(AlarmFile(place, request),)), stage, region)
        _require_same(name, comparable_alarm(again.alarms[0].request), comparable_alarm(live))
    return Pulled("composite" if composite else "alarm", name, place, json_text(request))


def _is_apply_s(key: str) -> bool:
    return key != SET and is_bookkeeping(key)


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    return _ordered(query, ("Id", "Expression", "MetricStat", "Period", "AccountId", "Label", "ReturnData"))


def _ordered(value: Mapping[str, Any], order: tuple[str, ...]) -> dict[str, Any]:
    """The members in their order, any other after them by name: the same text for the same value."""
    names = [key for key in order if key in value] + sorted(value.keys() - set(order))
    return {key: value[key] for key in names}


def _file_name(name: str) -> str:
    """An alarm's name may hold anything; a file's may not."""
    return "".join(one if one.isalnum() or one in "-_." else "-" for one in name).strip(".") or "alarm"


def _require_sound(name: str, found: Iterator[Flaw]) -> None:
    for flaw in found:
        problem = f"cannot be a file: {flaw.pointer or '/'} {flaw.problem}"
        raise KitError(name, problem, flaw.remedy or "Change it in the console first.")


def _require_same(name: str, again: Any, live: Any) -> None:
    if again != live:
        problem = "cannot be a file: its account, Region, topics or environment are not only the stage's"
        raise KitError(name, problem, "Correct it in the console first, or write the file by hand.")
