"""`kit drift`: what is live, against git and against what was last applied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import click

from kit import aws
from kit.cli._options import with_settings
from kit.deploy.drift import MEANING, By, FieldDrift, Finding, drift
from kit.deploy.history import deleted_alarms
from kit.deploy.plan import plan
from kit.deploy.render import difference_json, shown
from kit.deploy.stage import reach
from kit.settings import Settings

WHO: dict[By, str] = {
    "hand": "by hand",
    "git": "in git",
    "both": "by hand and in git",
    "unknown": "nobody knows by whom",
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def command(settings: Settings, as_json: bool) -> int:
    """Tell what was edited or deleted by hand, what is unmanaged, and what git has that isn't applied.

    Reads only; exit code 2 when there is anything. What was last applied is known from digests that `kit apply` leaves
    in the tags of what it writes.
    """
    account = reach(settings)
    live = account.read()
    changes = plan(account.definitions, live, account.owner)
    absent = [one.name for one in changes if one.action == "create" and one.kind != "dashboard" and not one.obstacle]
    with aws.readable_errors(settings, "reading the history of alarms"):
        deleted = deleted_alarms(account.cloudwatch, absent, account.call)
    findings = tuple(drift(changes, live, account.owner, deleted))
    if as_json:
        click.echo(json.dumps(_document(settings, findings), indent=2, ensure_ascii=False))
    else:
        for line in _lines(findings):
            click.echo(line)
        place = f"Stage {settings.stage.name} (account {settings.stage.account}, {settings.region})"
        click.echo(f"{place}: {f'{len(findings)} not in step' if findings else 'everything is in step'}.")
    return 2 if findings else 0


def _lines(findings: tuple[Finding, ...]) -> Iterator[str]:
    for one in findings:
        note = f" ({one.note})" if one.note else ""
        yield f"{one.kind:<9}  {one.name}: {MEANING[one.status]}{note}"
        for field in one.fields:
            change = field.difference
            yield f"      {change.path}: live {shown(change.live)}, git {shown(change.wanted)}; moved {WHO[field.by]}"


def _document(settings: Settings, findings: tuple[Finding, ...]) -> dict[str, Any]:
    return {
        "stage": settings.stage.name,
        "account": settings.stage.account,
        "region": settings.region,
        "findings": [
            {
                "status": one.status,
                "kind": one.kind,
                "name": one.name,
                "file": one.file or None,
                "note": one.note,
                "fields": [_field(field) for field in one.fields],
            }
            for one in findings
        ],
    }


def _field(field: FieldDrift) -> dict[str, Any]:
    return difference_json(field.difference) | {"by": field.by}
