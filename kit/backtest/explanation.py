"""Why an alarm is in its state: its window fetched again, evaluated again, and compared with what the service says.

1. The alarm and all alarms below it are read, with the states they report for the moment in question.
2. A metric alarm's window is the one of its newest evaluation before that moment; its datapoints are fetched as they
   stand now, so what arrived late is in it too.
3. A composite's rule is applied to the states that its children report, since that is what the service reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kit.backtest.fetched import Fetched, fetch
from kit.backtest.live import UNCHECKED, Reported, alarms_named, no_such_alarm, reported_at
from kit.backtest.slots import Slot, condition, slots_of, why
from kit.definitions.model import alarm_name
from kit.evaluation.alarm import AlarmDefinition, AlarmError, judge, window
from kit.evaluation.rule import RuleError, parse_rule

DAY = 86_400
SETTLING_S = 1
"""An evaluation needs a moment: at a tick itself the state is still that of the tick before."""
_KEPT = ((3 * 3600, 60), (15 * DAY, 300), (63 * DAY, 3600))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A metric alarm's window: ``end`` in epoch seconds, a column for each query with its value per slot."""

    condition: str
    end: int
    period: int
    slots: tuple[Slot, ...]
    columns: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True, slots=True)
class Explained:
    """One alarm. ``evaluated`` is the state found here, None when it can't be; ``why`` says how it came or why not."""

    name: str
    reported: Reported | None
    evaluated: str | None
    why: str
    evaluation: Evaluation | None = None
    rule: str | None = None
    children: tuple[Explained, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether the service reports another state than the one found here."""
        return self.reported is not None and self.evaluated not in (None, self.reported.value)


def explain_alarm(cloudwatch: Any, name: str, now: float, at: float | None = None) -> Explained:
    """Why the alarm is in its state at ``now``, or was at ``at`` (epoch seconds), with all alarms below it.

    ``cloudwatch`` is a boto3 client. Raises KitError for an unknown name, and what botocore raises.
    """
    alarms = alarms_named(cloudwatch, [name])
    if name not in alarms:
        raise no_such_alarm(cloudwatch, name)
    waiting = _below(alarms[name])
    while waiting - alarms.keys():
        found = alarms_named(cloudwatch, waiting - alarms.keys())
        alarms |= found
        waiting = {child for alarm in found.values() for child in _below(alarm)}
    return _Explaining(cloudwatch, alarms, now, at).explained(name, ())


def _below(alarm: Mapping[str, Any]) -> set[str]:
    if "AlarmRule" not in alarm:
        return set()
    try:
        return {alarm_name(child) for child in parse_rule(alarm["AlarmRule"]).children}
    except RuleError:  # the service took it, so it is told as it is
        return set()


@dataclass(frozen=True, slots=True)
class _Explaining:
    cloudwatch: Any
    alarms: Mapping[str, Mapping[str, Any]]
    now: float
    at: float | None

    def explained(self, name: str, above: tuple[str, ...]) -> Explained:
        alarm = self.alarms.get(name)
        if alarm is None:
            return Explained(name, None, None, "there is no such alarm, so it is in no state")
        if name in above:
            return Explained(name, None, None, f"it stands below itself: {' -> '.join((*above, name))}")
        reported = reported_at(self.cloudwatch, alarm, self.at)
        if "AlarmRule" in alarm:
            return self._composite(name, alarm, reported, above)
        try:
            definition = AlarmDefinition.from_api(alarm)
        except AlarmError as error:
            return Explained(name, reported, None, f"it can't be evaluated here: {error}")
        return self._metric(name, definition, reported)

    def _metric(self, name: str, alarm: AlarmDefinition, reported: Reported | None) -> Explained:
        moment = self.now if self.at is None else self.at
        end = int((moment - SETTLING_S) // alarm.cadence_s) * alarm.cadence_s
        fetched = fetch(self.cloudwatch, alarm, end)
        seen = window(alarm, fetched, end)
        judged = judge(alarm, seen)
        slots = slots_of(alarm, seen, judged)
        results = alarm.plan.run(fetched, fetched.start, end)
        columns = {result.id: result.series.values for result in results}
        kept = reported.value if reported is not None else None
        return Explained(
            name=name,
            reported=reported,
            evaluated=judged.state or kept,
            why=why(alarm, seen, judged),
            evaluation=Evaluation(condition(alarm), end, alarm.period, slots, columns),
            notes=tuple(self._notes(alarm, fetched, reported, end)),
        )

    def _notes(self, alarm: AlarmDefinition, fetched: Fetched, reported: Reported | None, end: int) -> list[str]:
        notes = []
        for age, period in _KEPT:
            if fetched.start < self.now - age and alarm.period % period:
                notes.append(
                    f"CloudWatch keeps data of that age in periods of {period} s only, not of {alarm.period} s"
                )
        if fetched.grid_off_s and any(stat.statistic.needs_values for stat in fetched.points):
            notes.append(f"its periods begin {fetched.grid_off_s} s later than those that GetMetricData gives")
        troubled = self.alarms[alarm.name].get("EvaluationState")
        if troubled and self.at is None:
            notes.append(f"CloudWatch reports the evaluation state {troubled}")
        if reported is None:
            notes.append("CloudWatch's history of its states does not reach that moment")
        elif reported.reason.startswith(UNCHECKED):
            notes.append("CloudWatch has not evaluated it since it was created")
        elif reported.since is not None and reported.since > end + alarm.cadence_s:
            notes.append("its state changed after that evaluation")
        return notes

    def _composite(
        self, name: str, alarm: Mapping[str, Any], reported: Reported | None, above: tuple[str, ...]
    ) -> Explained:
        try:
            rule = parse_rule(alarm["AlarmRule"])
        except RuleError as error:
            return Explained(name, reported, None, f"its rule can't be read: {error}", rule=alarm["AlarmRule"])
        names = sorted({alarm_name(child) for child in rule.children})
        children = tuple(self.explained(child, (*above, name)) for child in names)
        told = {child.name: child.reported.value for child in children if child.reported is not None}
        states = {child: told[alarm_name(child)] for child in rule.children if alarm_name(child) in told}
        holds = rule.holds(states)
        state = "ALARM" if holds else "OK"
        return Explained(
            name=name,
            reported=reported,
            evaluated=state,
            why=f"with {_listed(told)}, the rule {'holds' if holds else 'does not hold'}: {state}",
            rule=rule.text,
            children=children,
            notes=tuple(self._suppression(alarm)),
        )

    def _suppression(self, alarm: Mapping[str, Any]) -> list[str]:
        if not alarm.get("ActionsSuppressor"):
            return []
        by = alarm.get("ActionsSuppressedBy") if self.at is None else None
        now = f"; now they are, by {by}" if by else ""
        return [f"its actions can be suppressed by {alarm_name(alarm['ActionsSuppressor'])}{now}"]


def _listed(states: Mapping[str, str]) -> str:
    return ", ".join(f"{name} in {state}" for name, state in sorted(states.items())) or "no child in any state"
