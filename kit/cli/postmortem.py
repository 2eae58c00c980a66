"""`kit postmortem`: the write-up of a run, or of any span of time."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from kit import aws
from kit.cli._options import with_settings
from kit.cli.explain import moment
from kit.errors import KitError
from kit.gameday import runs
from kit.gameday.postmortem.facts import Facts, as_json
from kit.gameday.postmortem.gather import Asked, gather
from kit.gameday.postmortem.make import make
from kit.gameday.postmortem.model import Metric, Objective, Window
from kit.gameday.postmortem.records import Run, read_run
from kit.gameday.postmortem.telemetry import Telemetry
from kit.incidents import open_inbox
from kit.settings import Settings
from kit.slo import Slo, read_slos
from kit.slo.model import Metric as SloMetric

LONGEST_S = 15 * 86_400
"""Metrics are asked for by the minute, and CloudWatch keeps those for 15 days."""

CATALOGUE = Path("service") / "telemetry" / "catalogue.json"


@click.command()
@click.argument("run", required=False)
@click.option("--from", "start", metavar="TIME", help="Instead of a run: 2026-11-22T10:05:00Z, or -2h.")
@click.option("--to", "end", metavar="TIME", help="Where it ends (default: now).")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write into.")
@click.option("--log-group", "groups", multiple=True, help="Read this log group (default: those of the environment).")
@click.option("--force", is_flag=True, help="Make postmortem.md anew; yours is kept as postmortem.before.md.")
@click.option("--json", "json_wanted", is_flag=True, help="Print the facts, and write nothing.")
@with_settings
def command(
    settings: Settings,
    *,
    run: str | None,
    start: str | None,
    end: str | None,
    out: Path | None,
    groups: tuple[str, ...],
    force: bool,
    json_wanted: bool,
) -> int:
    """Write up RUN (a name, a folder, or `latest`), or the time --from … --to … of any account.

    A folder with postmortem.md to go on with, postmortem.html to show, charts and facts.json. Numbers are filled from
    telemetry; what cannot be had says why. Made again, your text in postmortem.md stays.
    """
    if (run is None) == (start is None):
        raise click.UsageError("Name a run, or a time with --from.")
    if end is not None and start is None:
        raise click.UsageError("--to needs --from.")
    now = time.time()
    if not settings.stage.local:
        aws.confirm_account(settings)
    told: Run | None = None
    if run is not None:
        told = read_run(runs.find_run(settings.state_dir, run), practice=settings.stage.scale == "practice")
        window = told.window
    else:
        window = _window(str(start), end, now)
    facts = _facts(settings, told, window, groups, now)
    if json_wanted:
        click.echo(json.dumps(as_json(facts), indent=2, ensure_ascii=False))
        return 0
    folder = out or (told.folder / "postmortem" if told else _folder(settings, window))
    written = make(facts, folder, force=force)
    if written.kept:
        click.echo(f"Your {folder / 'postmortem.md'} stays as it is; what would be new is in {written.beside}.")
    click.echo(f"{folder / 'postmortem.html'}")
    return 0


def _facts(settings: Settings, run: Run | None, window: Window, groups: tuple[str, ...], now: float) -> Facts:
    gauges, histograms = _kinds(settings.root / CATALOGUE)
    hidden = run is not None and run.blind and not run.ended and runs.going_on(settings.state_dir)
    asked = Asked(settings, window, run, hidden, _objectives(settings), gauges, histograms, groups, now)
    telemetry = Telemetry(lambda service: aws.client(settings, service), settings.stage.actions)
    return gather(asked, telemetry, open_inbox(settings), aws.client(settings, "cloudwatch"))


def _window(start: str, end: str | None, now: float) -> Window:
    window = Window(moment(start, now, "--from"), now if end is None else moment(end, now, "--to"))
    if window.length <= 0:
        raise KitError("--to", "is not after --from", "Give the end of the time.")
    if now - window.start > LONGEST_S:
        raise KitError("--from", "is more than 15 days ago", "CloudWatch keeps minutes no longer.")
    return window


def _folder(settings: Settings, window: Window) -> Path:
    def name(at: float) -> str:
        return datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")

    return settings.state_dir / "postmortems" / f"{settings.stage.name}-{name(window.start)}-{name(window.end)}"


def _objectives(settings: Settings) -> tuple[Objective, ...]:
    """The promises in slos/, on the stage's environment; none where there is no such folder."""
    folder = settings.root / "slos"
    found: Iterable[Slo] = read_slos(folder, settings.root) if folder.is_dir() else ()
    return tuple(_objective(slo, settings.stage.environment) for slo in found)


def _objective(slo: Slo, environment: str) -> Objective:
    return Objective(
        name=slo.name,
        title=slo.title,
        target=float(slo.target),
        period_s=slo.period_s,
        events=slo.events,
        failed=slo.failed,
        bad=_metric(slo.counted, environment),
        total=_metric(slo.total, environment),
        counts_good=slo.counts_good,
    )


def _metric(metric: SloMetric, environment: str) -> Metric:
    """Files carry Environment=production; a stage has its own."""
    pairs = ((name, environment if name == "Environment" else value) for name, value in metric.dimensions)
    return Metric(metric.namespace, metric.name, tuple(sorted(pairs)), metric.stat)


def _kinds(catalogue: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Which metrics are gauges and which are distributions; of a service without a catalogue nobody knows."""
    try:
        metrics: list[dict[str, Any]] = json.loads(catalogue.read_text(encoding="utf-8"))["metrics"]
        kinds = {str(metric["name"]): str(metric["kind"]) for metric in metrics}
    except (OSError, ValueError, KeyError, TypeError):
        kinds = {}
    return (
        frozenset(name for name, kind in kinds.items() if kind == "gauge"),
        frozenset(name for name, kind in kinds.items() if kind == "histogram"),
    )
