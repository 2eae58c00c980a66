"""Ask everything that knows something about a window of time, and work out the facts.

Each source may fail by itself: what it would have told is then Missing, with the reason, and never a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from kit import aws
from kit.definitions.durations import FINE_DATA_S, K
from kit.errors import KitError
from kit.gameday.postmortem import first_signal, impact, moments, stories, timeline
from kit.gameday.postmortem.facts import Facts, Promise
from kit.gameday.postmortem.impact import Absent, Budget, Hurt
from kit.gameday.postmortem.model import Change, Metric, Missing, Objective, Series, Window
from kit.gameday.postmortem.records import Run
from kit.gameday.postmortem.telemetry import Telemetry
from kit.incidents import Inbox, Incident
from kit.incidents.history import catch_up
from kit.settings import Settings

T = TypeVar("T")

FINE_S, COARSE_S = 10, 60
BASELINE_S = 900.0
"""Before the beginning so much is looked at for what is usual."""
SETTLING_S = 900.0
"""After a window's end the alarms' history is read for so long: what had fired comes back to OK after the harm."""
AROUND_S = 15.0
SHOWN_MOVERS = 5
PAGED = ("page", "ticket")
_BUDGET_GRAIN = ((86_400, 300), (10 * 86_400, 3600))


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be written up. ``gauges`` and ``histograms`` are metric names that are no counts."""

    settings: Settings
    window: Window
    run: Run | None
    hidden: bool
    objectives: tuple[Objective, ...]
    gauges: frozenset[str]
    histograms: frozenset[str]
    log_groups: tuple[str, ...]
    now: float


def gather(asked: Asked, telemetry: Telemetry, inbox: Inbox, cloudwatch: Any) -> Facts:
    """The facts. Nothing is raised for a source that doesn't answer."""
    window, run = asked.window, asked.run
    tell = _teller(asked.settings)
    promises = tell("asking for the objectives' metrics", lambda: _promises(asked, telemetry))
    if not asked.objectives:
        promises = Missing("there are no objectives: slos/ holds none")
    until = min(asked.now, window.end + SETTLING_S)
    changes = tell("reading the alarms' history", lambda: concerning(telemetry.changes(window.start, until), window))
    tell("reading the pages", lambda: catch_up(cloudwatch, inbox, asked.settings.stage.actions, asked.now))
    incidents = tell("reading the inbox", lambda: tuple(_incidents(inbox, window, until, asked.now)))
    absent = _absent(asked, promises)
    found = _moments(asked, promises, absent, changes, incidents)
    harm = _harm(window, found)
    return Facts(
        title=_title(asked),
        stage=asked.settings.stage.name,
        account=asked.settings.stage.account,
        region=asked.settings.region,
        environment=asked.settings.stage.environment,
        window=window,
        run=run.name if run else None,
        hidden=asked.hidden,
        scenario=_scenario(asked),
        promises=promises,
        agreement=_agreement(asked, promises, telemetry, tell),
        absent=absent,
        moments=found,
        movers=_movers(asked, telemetry, found.began, harm.end, promises, tell),
        changes=changes,
        expected=_expected(asked),
        incidents=incidents,
        timeline=tuple(
            timeline.merged(
                run.lines if run else (),
                run.load if run else (),
                changes,
                () if isinstance(incidents, Missing) else incidents,
                hide_faults=asked.hidden,
            )
        ),
        stories=_stories(asked, telemetry, harm, tell),
        example=_example(asked, telemetry, harm, tell),
    )


def concerning(changes: Iterable[Change], window: Window) -> tuple[Change, ...]:
    """The changes within the window, and of those that were in ALARM at its end the way back.

    What fires after the end is another story: after a run there is no load, and alarms say so.
    """
    found: list[Change] = []
    firing: set[str] = set()
    for change in sorted(changes, key=lambda each: each.at):
        if change.at < window.end:
            found.append(change)
            (firing.add if change.after == "ALARM" else firing.discard)(change.alarm)
        elif change.alarm in firing and change.after != "ALARM":
            found.append(change)
            firing.discard(change.alarm)
    return tuple(found)


def _teller(settings: Settings) -> Callable[[str, Callable[[], T]], T | Missing]:
    def tell(doing: str, ask: Callable[[], T]) -> T | Missing:
        try:
            with aws.readable_errors(settings, doing):
                return ask()
        except KitError as error:
            return Missing(f"{error.where}: {error.problem}")
        except (ClientError, BotoCoreError, ValueError, KeyError) as error:
            return Missing(f"of an answer that cannot be read while {doing}: {error}")

    return tell


def _title(asked: Asked) -> str:
    if asked.run is None:
        return f"{asked.settings.stage.environment}: what happened"
    if asked.hidden or isinstance(asked.run.scenario, Missing):
        return f"Game day {asked.run.name}"
    return f"Game day: {asked.run.scenario.name}"


def _scenario(asked: Asked) -> Mapping[str, Any] | Missing:
    if asked.run is None:
        return Missing("this is no run of a scenario")
    if asked.hidden:
        return Missing("the round is blind and still goes on")
    scenario = asked.run.scenario
    if isinstance(scenario, Missing):
        return scenario
    return {
        "name": scenario.name,
        "summary": scenario.summary,
        "hypothesis": scenario.hypothesis,
        "lesson": scenario.lesson,
        "runbook": scenario.runbook,
        "first_signal": dict(scenario.signal),
    }


def _expected(asked: Asked) -> Any:
    if asked.run is None:
        return Missing("without a scenario nothing was expected")
    if asked.hidden:
        return Missing("the round is blind and still goes on")
    if asked.run.course is None:
        return asked.run.scenario
    return asked.run.course.verdict().rows


def _promises(asked: Asked, telemetry: Telemetry) -> tuple[Promise, ...]:
    metrics = list(dict.fromkeys(m for objective in asked.objectives for m in (objective.bad, objective.total)))
    recent = asked.now - asked.window.start < FINE_DATA_S - BASELINE_S
    since = asked.window.start - BASELINE_S
    by_period = {
        period: dict(zip(metrics, telemetry.series(metrics, since, asked.window.end, period), strict=True))
        for period in ((FINE_S, COARSE_S) if recent else (COARSE_S,))
    }
    found = []
    for objective in asked.objectives:
        fine = recent and _is_fine(by_period[FINE_S][objective.bad], by_period[FINE_S][objective.total])
        period = FINE_S if fine else COARSE_S
        bad, total = (by_period[period][metric] for metric in (objective.bad, objective.total))
        if not total.points:
            continue
        hurt = impact.hurt(
            objective, *(_within(_finest(by_period, m), asked.window) for m in (bad.metric, total.metric))
        )
        began = min(by_period[COARSE_S][objective.total].points, default=min(total.points))
        budgets = _budgets(asked, telemetry, objective, hurt, began)
        found.append(Promise(objective, period, bad, total, hurt, budgets))
    if not found:
        where = asked.objectives[0].total
        raise KitError("CloudWatch", f"{where.namespace} has no data of {where} in this time", "")
    return tuple(found)


def _finest(by_period: Mapping[int, Mapping[Metric, Series]], metric: Metric) -> Series:
    """Whole minutes reach beyond a window's ends, so a sum is made of the finest periods there are."""
    fine = by_period.get(FINE_S, {}).get(metric)
    return fine if fine is not None and _is_fine(fine) else by_period[COARSE_S][metric]


def _is_fine(*series: Series) -> bool:
    """Whether the data is finer than a minute: a metric of standard resolution has points at whole minutes only."""
    return all(any(at % COARSE_S for at in each.points) for each in series)


def _within(series: Series, window: Window) -> Series:
    """The periods that touch the window."""
    points = {at: v for at, v in series.points.items() if at + series.period > window.start and at < window.end}
    return replace(series, points=points)


def _budgets(asked: Asked, telemetry: Telemetry, objective: Objective, run: Hurt, began: float) -> tuple[Budget, ...]:
    """Of the whole period, and of practice scale's, a thirtieth of it. ``began`` is the first minute that is known."""
    found = []
    for period_s in (objective.period_s, objective.period_s // K):
        grain = next((grain for longest, grain in _BUDGET_GRAIN if period_s <= longest), 3600)
        end = asked.window.end
        bad, total = telemetry.series([objective.bad, objective.total], end - period_s, end, grain)
        first = min(total.points, default=end)
        covered = end - (began if 0 <= began - first < grain else first)
        seen = impact.hurt(objective, bad, total)
        found.append(impact.budget(objective, period_s, run, asked.window.length, seen, covered))
    return tuple(found)


def _incidents(inbox: Inbox, window: Window, until: float, now: float) -> list[Incident]:
    """Those that were open at some time of the window, oldest first, as they came to an end; see ``concerning``."""
    found = [each for each in inbox.incidents(now) if each.opened < window.end]
    kept = [each for each in found if each.resolved is None or each.resolved >= window.start]
    return sorted((_as_of(each, window, until) for each in kept), key=lambda each: each.opened)


def _as_of(incident: Incident, window: Window, until: float) -> Incident:
    """Without the pages that came after the window, and what followed from them."""
    again = [entry.at for entry in incident.timeline if entry.kind in PAGED and entry.at >= window.end]
    last = min([until, *again])
    entries = tuple(entry for entry in incident.timeline if window.start <= entry.at < last)
    paged = [entry for entry in incident.timeline if entry.kind in PAGED and entry.at < last]
    alarms = {entry.actor: incident.alarms.get(entry.actor, "") for entry in paged}
    ends = [entry for entry in incident.timeline if entry.kind in ("resolve", "opened again") and entry.at < last]
    over = ends[-1] if ends and ends[-1].kind == "resolve" else None
    others = len(alarms) - 1
    return replace(
        incident,
        title=next(iter(alarms), incident.title) + (f" and {others} more" if others > 0 else ""),
        alarms=alarms,
        pages=len(paged),
        resolved=over.at if over else None,
        resolved_by=over.actor if over else None,
        timeline=entries,
    )


def _moments(
    asked: Asked,
    promises: tuple[Promise, ...] | Missing,
    absent: Absent | Missing,
    changes: tuple[Change, ...] | Missing,
    incidents: tuple[Incident, ...] | Missing,
) -> moments.Moments:
    hurt: list[moments.Period] | Missing = promises if isinstance(promises, Missing) else []
    if not isinstance(promises, Missing):
        each_hurt = (moments.hurt_periods(each.objective, each.bad, each.total, asked.window) for each in promises)
        hurt = [period for periods in each_hurt for period in periods]
        hurt += () if isinstance(absent, Missing) else absent.periods
    trouble = asked.run.trouble if asked.run else None
    acks: list[float] | Missing
    if isinstance(incidents, Missing):
        acks = incidents
    else:
        acks = [entry.at for each in incidents for entry in each.timeline if entry.kind == "ack"]
    return moments.moments(asked.window, trouble, hurt, changes, acks)


def _harm(window: Window, found: moments.Moments) -> Window:
    """The part of the window in which it hurt, with a little around it; all of it when that isn't known."""
    start = window.start if isinstance(found.began, Missing) else found.began - AROUND_S
    end = window.end if isinstance(found.mitigated, Missing) else found.mitigated + AROUND_S
    return Window(max(window.start, start), min(window.end, max(end, start + 1)))


def _absent(asked: Asked, promises: tuple[Promise, ...] | Missing) -> Absent | Missing:
    """The requests that never reached the service, of the objective on failed answers."""
    run = asked.run
    if run is None or run.trouble is None:
        return Missing("without a run's schedule nobody knows how many should have come")
    if run.course is not None and any(step.verb == "load" for step in run.course.scenario.schedule):
        return Missing("the scenario itself changes how many come")
    if isinstance(promises, Missing):
        return promises
    failures = _failures(promises)
    if failures is None:
        return Missing("no objective counts failed answers")
    return impact.absent(failures.total, run.trouble, run.load_over, run.unanswered, run.unanswered_checkouts)


def _failures(promises: tuple[Promise, ...]) -> Promise | None:
    return next((each for each in promises if each.objective.bad.name == "Fault"), None)


def _agreement(asked: Asked, promises: Any, telemetry: Telemetry, tell: Any) -> Any:
    if asked.run is None:
        return Missing("only a run has a count of its own")
    if isinstance(asked.run.failed, Missing):
        return asked.run.failed
    if isinstance(promises, Missing):
        return promises
    failures = _failures(promises)
    if failures is None:
        return Missing("no objective counts failed answers")
    probes = tell("asking for the canary's failures", lambda: _probes(asked, telemetry, failures.objective))
    return impact.agreement(failures.hurt.bad, asked.run.failed, 0.0 if isinstance(probes, Missing) else probes)


def _probes(asked: Asked, telemetry: Telemetry, objective: Objective) -> float:
    """How many checkouts of the canary were answered by a failure: the service counts them, the load generator doesn't
    know of them. The canary's log tells which; without it, its metric counts all probes that failed.
    """
    groups = telemetry.log_groups("/", f"/{asked.settings.stage.environment}/canary/")
    lines = list(telemetry.log_lines(groups, asked.window.start, asked.window.end))
    if groups:
        return float(sum(stories.answered_by_failure(line, objective.bad.operation) for line in lines))
    dimensions = tuple(pair for pair in objective.bad.dimensions if pair[0] != "Operation")
    canary = Metric(objective.bad.namespace, "CanaryFault", dimensions)
    (found,) = telemetry.series([canary], asked.window.start, asked.window.end, COARSE_S)
    return sum(_within(found, asked.window).points.values())


def _movers(asked: Asked, telemetry: Telemetry, began: float | Missing, until: float, promises: Any, tell: Any) -> Any:
    if isinstance(began, Missing):
        return began
    if not asked.objectives:
        return Missing("without an objective nobody knows where to look")
    found = tell("asking for all metrics", lambda: _all_series(asked, telemetry, began))
    if isinstance(found, Missing):
        return found
    known = {each.metric for each in found}
    if not isinstance(promises, Missing):
        finer = [each for each in promises if each.period == FINE_S]
        fine = {series.metric: series for each in finer for series in (each.bad, each.total)}
        found = [fine.get(series.metric, series) for series in found]
        found += [series for metric, series in fine.items() if metric not in known]
    before = [replace(s, points={at: v for at, v in s.points.items() if at >= began - BASELINE_S}) for s in found]
    first = first_signal.first_movers(before, began, until)[:SHOWN_MOVERS]
    return tuple(first) if first else Missing("no series moved, or none has data from before")


def _all_series(asked: Asked, telemetry: Telemetry, began: float) -> list[Series]:
    total = asked.objectives[0].total
    environment = [pair for pair in total.dimensions if pair[0] == "Environment"]
    metrics = [_with_stat(metric, asked) for metric in telemetry.metrics(total.namespace, environment)]
    return telemetry.series(metrics, began - BASELINE_S, asked.window.end, COARSE_S)


def _with_stat(metric: Metric, asked: Asked) -> Metric:
    if metric.name in asked.gauges:
        return replace(metric, stat="Maximum")
    return replace(metric, stat="p99") if metric.name in asked.histograms else metric


def _stories(asked: Asked, telemetry: Telemetry, harm: Window, tell: Any) -> Any:
    environment = asked.settings.stage.environment

    def read() -> Any:
        groups = list(asked.log_groups) or telemetry.log_groups("/", f"/{environment}/")
        if not groups:
            return Missing(f"no log group has /{environment}/ in its name: name them with --log-group")
        found = stories.stories(telemetry.log_lines(groups, harm.start, harm.end))
        return tuple(found) if found else Missing("nothing was logged as a warning or worse")

    return tell("reading the logs", read)


def _example(asked: Asked, telemetry: Telemetry, harm: Window, tell: Any) -> Any:
    operation = next((o.total.operation for o in asked.objectives if o.total.operation), None)
    found = tell("looking for a trace", lambda: telemetry.example(operation, harm.start, harm.end))
    if found is None:
        of = f" of {operation}" if operation else ""
        return Missing(f"X-Ray has no trace{of} of this time")
    return found
