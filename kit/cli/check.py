"""`kit check`: what is wrong with alarms and dashboards, before AWS or the night shows it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from kit.cli._options import find_root
from kit.definitions import at_practice_scale, for_stage
from kit.definitions.checks import Report, check
from kit.definitions.checks.allowed import NAME
from kit.definitions.checks.cost import Cost, Line
from kit.definitions.model import Definitions
from kit.errors import KitError
from kit.settings import read_stage

USUAL = ("alarms", "dashboards")


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--stage", "stage_name", metavar="NAME", help="Check what stages/NAME.yaml makes of the files.")
@click.option(
    "--catalogue",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The metrics that are sent (default: service/telemetry/catalogue.json of the project around PATHS).",
)
@click.option(
    "--conventions/--no-conventions",
    default=None,
    help="Ask for owner, severity and runbook (default: if an alarm has the tag kit:set).",
)
@click.option("--cost", "cost_wanted", is_flag=True, help="Show each line of the cost estimate.")
def command(
    paths: tuple[Path, ...],
    as_json: bool,
    stage_name: str | None,
    catalogue: Path | None,
    conventions: bool | None,
    cost_wanted: bool,
) -> int:
    """Check alarms and dashboards in files or folders (default: alarms and dashboards of this project).

    Works on any JSON in the form that put-metric-alarm, put-composite-alarm and put-dashboard take. Nothing is asked of
    AWS. Exits with 1 when there is an error or a warning; notes are allowed.
    """
    base = _base()
    report = check(
        paths or _usual(),
        base,
        catalogue=catalogue,
        conventions=conventions,
        fit=_fit(stage_name) if stage_name else None,
    )
    if as_json:
        click.echo(json.dumps(_document(report), indent=2, ensure_ascii=False))
    else:
        _print(report, cost_wanted)
    return 0 if report.clean else 1


def _base() -> Path:
    """The folder that findings name files from: the project around here, or here."""
    here = Path.cwd()
    return next((one for one in (here, *here.parents) if (one / "stages").is_dir() or (one / NAME).is_file()), here)


def _usual() -> tuple[Path, ...]:
    root = find_root(Path.cwd())
    found = tuple(root / folder for folder in USUAL if (root / folder).is_dir())
    if not found:
        raise KitError(str(root), "has neither alarms/ nor dashboards/", "Name files or folders: kit check PATH.")
    return found


def _fit(name: str) -> Callable[[Definitions], Definitions]:
    stage = read_stage(find_root(Path.cwd()), name)

    def fit(definitions: Definitions) -> Definitions:
        wanted = at_practice_scale(definitions) if stage.scale == "practice" else definitions
        return for_stage(wanted, stage, stage.region)

    return fit


def _print(report: Report, cost_wanted: bool) -> None:
    for finding in report.findings:
        click.echo(str(finding))
    if cost_wanted:
        for line in (*report.cost.lines, report.cost.read):
            click.echo(f"{line.count:>6} {line.what:<38} ${line.price:.2f}  ${line.total:>8.2f}  ({line.source})")
    click.echo(_cost_sentence(report.cost))
    click.echo(_summary(report))


def _cost_sentence(cost: Cost) -> str:
    text = f"Applied, this costs about ${cost.total:.2f} a month at {cost.region} list prices of {cost.dated}"
    text += f", ${cost.after_free_tier:.2f} if the free tier is unused."
    if cost.unknown:
        text += f" Not counted: {', '.join(cost.unknown)}."
    return text


def _summary(report: Report) -> str:
    counts = [
        f"{number} {kind}{'s' * (number != 1)}"
        for kind in ("error", "warning", "note")
        if (number := sum(finding.severity == kind for finding in report.findings))
    ]
    if report.allowed:
        counts.append(f"{report.allowed} allowed by {NAME}")
    return f"{report.files} file{'s' * (report.files != 1)}: {', '.join(counts) or 'clean'}"


def _document(report: Report) -> dict[str, Any]:
    return {
        "clean": report.clean,
        "files": report.files,
        "allowed": report.allowed,
        "findings": [
            {
                "file": finding.file,
                "pointer": finding.pointer,
                "rule": finding.rule,
                "severity": finding.severity,
                "problem": finding.problem,
                "remedy": finding.remedy,
            }
            for finding in report.findings
        ],
        "cost": {
            "currency": "USD",
            "region": report.cost.region,
            "dated": report.cost.dated,
            "monthly": round(report.cost.total, 2),
            "monthly_after_free_tier": round(report.cost.after_free_tier, 2),
            "lines": [_line(line) for line in report.cost.lines],
            "read": _line(report.cost.read),
            "not_counted": list(report.cost.unknown),
        },
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "what": line.what,
        "count": line.count,
        "price": line.price,
        "monthly": round(line.total, 2),
        "free": line.free,
        "source": line.source,
    }
