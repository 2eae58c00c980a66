"""`kit gameday`: rehearse a failure on a running service, watched through its own alarms."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kit import aws
from kit.cli._gameday_stack import running_stack
from kit.cli._options import find_root, with_settings
from kit.definitions import wanted
from kit.definitions.gamedays import Scenario
from kit.definitions.gamedays_reading import find_scenario, read_gamedays
from kit.definitions.model import AlarmFile, CompositeFile
from kit.definitions.practice import PREFIX
from kit.errors import KitError
from kit.gameday import preflight, report, runs
from kit.gameday.controls import controls
from kit.gameday.course import Course
from kit.gameday.guardian import steady_of
from kit.gameday.journal import NAME, Journal, read
from kit.gameday.locust import Locust, end_orphan, require_load
from kit.gameday.preflight import Check
from kit.gameday.progress import Progress
from kit.gameday.rollback import take_back
from kit.gameday.runner import Parts, Runner, exit_code
from kit.gameday.vitals import Vitals, read_vitals
from kit.gameday.watch import AlarmWatch, Change, Sent
from kit.settings import Settings

PIPED_WIDTH = 160
PATIENCE_S = 300.0
STOPS_WITHIN_S = 60.0
json_flag = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group()
def command() -> None:
    """Game days: play a scenario of gamedays/, see whether the alarms do what is expected, write it down."""


@command.command("list")
@json_flag
def list_scenarios(as_json: bool) -> int:
    """Show the scenarios that there are."""
    scenarios = read_gamedays(find_root(Path.cwd()))
    if as_json:
        rows = [
            {
                "name": one.name,
                "summary": one.summary,
                "lesson": one.lesson,
                "lasts_s": one.lasts,
                "blind": one.blind,
                "runbook": one.runbook,
                "fires": {each.alarm: each.fires_within for each in one.expect if each.fires_within},
                "quiet": [each.alarm for each in one.expect if each.never],
            }
            for one in scenarios
        ]
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("scenario", "minutes", "what breaks", "fires"):
        table.add_column(title, overflow="fold", no_wrap=title == "scenario")
    for one in scenarios:
        fires = ", ".join(each.alarm for each in one.expect if each.fires_within) or "-"
        table.add_row(one.name, f"{one.lasts / 60:.1f}", Text(one.summary), fires)
    _console().print(table)
    return 0


@command.command("run")
@click.argument("name", required=False, envvar="KIT_SCENARIO")
@click.option("--blind", is_flag=True, help="Don't show what is broken; without NAME, any scenario is drawn.")
@click.option("--no-load", "no_load", is_flag=True, help="Leave the traffic as it is; only the faults are played.")
@click.option(
    "--wait",
    "patience_s",
    type=click.FloatRange(0, 3600),
    default=PATIENCE_S,
    show_default=True,
    help="Seconds to wait for a steady state before anything is broken.",
)
@json_flag
@with_settings
def run(settings: Settings, name: str | None, blind: bool, no_load: bool, patience_s: float, as_json: bool) -> int:
    """Play the scenario NAME. Exits with 0 when all was as expected, 2 when it wasn't, 1 on an error.

    The name may come by the variable KIT_SCENARIO, which no list of processes shows.

    \b
    1. See that the stage allows it and all is well; bring the stack up if nothing runs.
    2. Pause the steady load, start the scenario's own, break what it says when it says so.
    3. Watch the alarms and write down what happens (.kit/runs/…/journal.jsonl).
    4. Whatever happens, Ctrl-C too: lift every fault and let the steady load go on.
    """
    preflight.require_playable(settings)
    scenario = _chosen(settings.root, name, blind)
    require_load(settings)
    if no_load and scenario.trouble.verb == "load":
        raise KitError("--no-load", f"the load is what {scenario.name} is about", "Leave it out.")
    stop = _Stop()
    with runs.only_one(settings.state_dir), stop:
        progress = Progress(Console(stderr=as_json, highlight=False), blind=blind, telling_alarms=_telling(settings))
        with progress, running_stack(settings, progress.say, stop.asked) as running:
            folder = _played(running, scenario, progress, stop, blind=blind, load=not no_load, patience_s=patience_s)
    return _report(folder, as_json)


@command.command("stop")
@with_settings
def stop_run(settings: Settings) -> int:
    """End the run that is going on; where none is, lift every fault and take up what a killed run has left."""
    if runs.going_on(settings.state_dir):
        who = runs.holder(settings.state_dir)
        os.kill(int(who["pid"]), signal.SIGTERM)
        deadline = time.monotonic() + STOPS_WITHIN_S
        while runs.going_on(settings.state_dir):
            if time.monotonic() > deadline:
                raise KitError(f"process {who['pid']}", "doesn't end", f"End it: kill -9 {who['pid']}")
            time.sleep(0.2)
        click.echo(f"{who.get('run', 'The run')} is ended.")
        return 0
    left = runs.holder(settings.state_dir)
    if left.get("folder"):
        end_orphan(Path(left["folder"]))
    done = take_back(controls(settings), steady_of(settings), int(left.get("paused", 0)))
    if done["resumed"] == done["paused"]:
        runs.note_holder(settings.state_dir, paused=0)
    click.echo(f"No run is going on. {report.rolled_back(done).capitalize()}.")
    return 1 if done["unreachable"] or done["left"] else 0


@command.command("report")
@click.argument("run_name", metavar="RUN", default=runs.LATEST)
@json_flag
@with_settings
def report_run(settings: Settings, run_name: str, as_json: bool) -> int:
    """Show what came of RUN (a name, a scenario for its last run, or `latest`). Exits as the run did."""
    return _report(runs.find_run(settings.state_dir, run_name), as_json)


class _Stop:
    """Ctrl-C, SIGTERM and SIGHUP ask the run to end in order; from then on they are ignored."""

    def __init__(self) -> None:
        self._asked = False
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> _Stop:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def asked(self) -> bool:
        return self._asked

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True


def _chosen(root: Path, name: str | None, blind: bool) -> Scenario:
    if name is not None:
        return find_scenario(root, name)
    if not blind:
        raise click.UsageError("Name a scenario (see `kit gameday list`), or say --blind for any.")
    return secrets.choice([one for one in read_gamedays(root) if one.blind])


def _telling(settings: Settings, *topics: str) -> frozenset[str]:
    """The alarms of the stage that tell one of these topics (page, ticket), or anybody."""
    definitions = wanted(settings.root, settings.stage, settings.region)
    told = {settings.stage.actions[topic] for topic in topics}
    alarms: tuple[AlarmFile | CompositeFile, ...] = (*definitions.alarms, *definitions.composites)
    actions = {alarm.name: set(alarm.request.get("AlarmActions", ())) for alarm in alarms}
    return frozenset(name for name, own in actions.items() if (own & told if topics else own))


def _played(  # what was asked for on the command line
    settings: Settings,
    scenario: Scenario,
    progress: Progress,
    stop: _Stop,
    *,
    blind: bool,
    load: bool,
    patience_s: float,
) -> Path:
    """Play it on a stack that runs; the run's folder."""
    if not settings.stage.local:
        aws.confirm_account(settings)
    known = controls(settings)
    preflight.require_faults(scenario, known)
    # Of an earlier run that was killed outright.
    left = int(runs.holder(settings.state_dir).get("paused", 0))
    if left:
        steady_of(settings).resume(left)
    folder = runs.new_run(settings.state_dir, scenario, time.time(), blind=blind)
    runs.note_holder(settings.state_dir, run=folder.name, folder=str(folder))
    progress.say(f"run {folder.name}")
    cloudwatch = aws.client(settings, "cloudwatch", attempts=2, read_timeout_s=10)
    names = wanted(settings.root, settings.stage, settings.region).alarm_names
    paging, telling = _telling(settings, "page"), _telling(settings)

    def vitals(now: float) -> Vitals:
        with aws.readable_errors(settings, "reading the shop's metrics"):
            return read_vitals(cloudwatch, settings.stage.environment, now)

    def look() -> list[Check]:
        with aws.readable_errors(settings, "reading the alarms"):
            there = preflight.alarms_there(cloudwatch, scenario, PREFIX, paging, telling)
        now = vitals(time.time())
        return [preflight.no_fault(known), *there, preflight.telemetry_fresh(now), preflight.steady(now)]

    def ready() -> Sequence[Check]:
        waiting = _Waiting(progress)
        checks = preflight.settle(
            look, within_s=patience_s, now=time.monotonic, sleep=time.sleep, stopped=stop.asked, waiting=waiting
        )
        if not stop.asked():
            preflight.require_good(checks)
        return checks

    def pause() -> int:
        paused = steady_of(settings).pause() if load else 0
        runs.note_holder(settings.state_dir, paused=paused)
        return paused

    def back(paused: int) -> dict[str, Any]:
        done = take_back(known, steady_of(settings), paused)
        if done["resumed"] == paused:
            runs.note_holder(settings.state_dir, paused=0)
        return done

    parts = Parts(
        now=time.time,
        sleep=time.sleep,
        stopped=stop.asked,
        preflight=ready,
        load=Locust(settings, scenario, folder, blind=blind, load=load),
        watcher=lambda since: _Watch(settings, AlarmWatch(cloudwatch, names, settings.stage.actions, since)),
        vitals=vitals,
        pause=pause,
        take_back=back,
        show=progress.show,
    )
    about = {"stage": settings.stage.name, "blind": blind, "load": load, "prefix": PREFIX, "pid": os.getpid()}
    Runner(scenario, PREFIX, Journal(folder, folder.name), parts).run(about)
    return folder


class _Waiting:
    """Says what a run is waiting for, once for each thing."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._said: set[str] = set()

    def __call__(self, checks: Sequence[Check]) -> None:
        for check in checks:
            if check.name not in self._said:
                self._said.add(check.name)
                self._progress.say(f"waiting: {check.name}: {check.found}")


class _Watch:
    """The alarms' news, with errors that a person can read."""

    def __init__(self, settings: Settings, watch: AlarmWatch) -> None:
        self._settings = settings
        self._watch = watch

    def news(self, now: float) -> list[Change | Sent]:
        with aws.readable_errors(self._settings, "reading the alarms' history"):
            return self._watch.news(now)


def _report(folder: Path, as_json: bool) -> int:
    scenario, lines = runs.scenario_of(folder), read(folder / NAME)
    prefix = str(lines[0].data.get("prefix", PREFIX)) if lines else PREFIX
    course = Course(scenario, prefix, lines)
    verdict = course.verdict()
    if as_json:
        document = report.document(folder.name, scenario, course, verdict, lines)
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        console = _console()
        console.print(report.table(verdict))
        console.print(Text(report.sentence(scenario, course, verdict), "bold"), soft_wrap=True)
        console.print(Text(f"Run {folder.name} in {folder}"), soft_wrap=True)
    if course.ended is None:
        return 1
    return int(course.ended.data.get("exit", exit_code(verdict)))


def _console() -> Console:
    console = Console(highlight=False)
    if not sys.stdout.isatty():
        console.width = PIPED_WIDTH
    return console
