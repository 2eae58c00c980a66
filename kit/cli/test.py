"""`kit test`: unit tests for CloudWatch alarms."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from kit.backtest.coverage import Gap, gaps
from kit.backtest.discovery import chosen, find_files, read_all
from kit.backtest.junit import junit
from kit.backtest.outcome import Outcome, run_case
from kit.backtest.render import as_json, failure_parts, summary
from kit.cli._options import find_root
from kit.definitions.cases_alarms import AlarmReader
from kit.errors import KitError

PIPED_WIDTH = 200
USUAL = Path("alarms/tests")


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("-k", "text", metavar="TEXT", help="Only cases whose file or name holds TEXT.")
@click.option("--complete", is_flag=True, help="Fail for alarms without a firing, a quiet and a missing-data case.")
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
@click.option("--junit", "junit_file", type=click.Path(path_type=Path, dir_okay=False), help="Write JUnit XML too.")
def command(
    paths: tuple[Path, ...], text: str | None, complete: bool, json_wanted: bool, junit_file: Path | None
) -> int:
    """Test alarms on given series: files of cases, or folders that hold some (default: alarms/tests).

    Works on any folder with PutMetricAlarm and PutCompositeAlarm inputs; nothing else is needed, and nothing is asked
    of AWS. Exits with 1 when a case fails.
    """
    if complete and text is not None:
        raise click.UsageError("--complete looks at all cases, so it can't go with -k.")
    began = time.perf_counter()
    files = read_all(find_files(paths or (_usual(),)), AlarmReader(Path.cwd()))
    cases = chosen(files, text)
    progress = track(
        cases, "Testing", transient=True, console=Console(stderr=True), disable=json_wanted or not _watched()
    )
    outcomes = [run_case(file, case) for file, case in progress]
    lacking = gaps(files, outcomes) if complete else []
    if junit_file is not None:
        _write(junit_file, junit(outcomes))
    if json_wanted:
        _print_json(outcomes, lacking)
    else:
        _print(outcomes, lacking, time.perf_counter() - began)
    return 0 if all(outcome.passed for outcome in outcomes) and not lacking else 1


def _usual() -> Path:
    """alarms/tests here, or of the project around here."""
    return USUAL if USUAL.is_dir() else find_root(Path.cwd()) / USUAL


def _watched() -> bool:
    return Console(stderr=True).is_terminal


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise KitError(str(path), f"cannot be written: {error.strerror}", "Name another file with --junit.") from error


def _print(outcomes: Sequence[Outcome], lacking: Sequence[Gap], took_s: float) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    for outcome in outcomes:
        if not outcome.passed:
            for part in failure_parts(outcome):
                console.print(part)
    for gap in lacking:
        click.echo(f"{gap.file}: {gap.alarm} has no {gap.kind} case that passes and shows it")
    click.echo(summary(outcomes, took_s))


def _print_json(outcomes: Sequence[Outcome], lacking: Sequence[Gap]) -> None:
    document = {
        "passed": sum(outcome.passed for outcome in outcomes),
        "failed": sum(not outcome.passed for outcome in outcomes),
        "cases": [as_json(outcome) for outcome in outcomes],
        "lacking": [{"file": gap.file, "alarm": gap.alarm, "kind": gap.kind} for gap in lacking],
    }
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
