"""Alarms on silence whose missing data is called fine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kit.definitions.checks.family import Family, told
from kit.definitions.checks.registry import rule
from kit.definitions.checks.symptom import signals
from kit.definitions.checks.uses import alarm_uses
from kit.definitions.checks.watch import Watch
from kit.definitions.model import AlarmFile
from kit.definitions.structure import Flaw

HEARTBEAT = re.compile(r"heart_?-?beat|keep_?-?alive|alive$|^up$|watchdog", re.IGNORECASE)
DYNAMODB = "AWS/DynamoDB"


@rule(
    "alarm/silence-is-fine",
    "error",
    "metric alarm",
    finds="an alarm on a heartbeat that falls silent, with missing data treated as fine or ignored",
    why="what is dead sends no 0: only the missing datapoints tell of it",
)
def silence(alarm: AlarmFile, family: Family) -> Iterator[Flaw]:
    watch = family.watch(alarm)
    if watch is None or watch.upwards or watch.definition.treat_missing_data == "breaching":
        return
    beats = [watch.uses[name].name for name in sorted(signals(watch)) if HEARTBEAT.search(watch.uses[name].name)]
    if not beats or _filled(watch):
        return
    treated = watch.definition.treat_missing_data
    if treated == "missing" and told(alarm, ("InsufficientDataActions",)):
        return
    remedy = "Set TreatMissingData to breaching."
    yield Flaw("/TreatMissingData", f"is {treated}: when {beats[0]} stops, this alarm never goes to ALARM", remedy)


def _filled(watch: Watch) -> bool:
    return any(True for expression in watch.expressions.values() for _ in expression.calls("FILL"))


@rule(
    "alarm/dynamodb-missing",
    "warning",
    "metric alarm",
    finds="a TreatMissingData that AWS doesn't obey: alarms on AWS/DynamoDB always ignore missing data",
    why="API Reference, PutMetricAlarm",
)
def dynamodb(alarm: AlarmFile, _: Family) -> Iterator[Flaw]:
    treated = alarm.request.get("TreatMissingData", "ignore")
    if treated != "ignore" and any(use.namespace == DYNAMODB for use in alarm_uses(alarm)):
        yield Flaw("/TreatMissingData", f"is {treated}, but AWS ignores missing data of {DYNAMODB}", "Write ignore.")
