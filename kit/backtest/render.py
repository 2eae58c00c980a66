"""Outcomes as text with tables, as JSON, and failures as plain lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kit.backtest.outcome import Failed, Outcome
from kit.backtest.pictures import Picture
from kit.definitions.cases import duration

LEGEND = "7! breaching · (7) in the range but not needed · _ no datapoint · _→x missing, counted by TreatMissingData x"


def failure_parts(outcome: Outcome) -> Iterator[RenderableType]:
    """A failed case: file and name, then each failure with its pictures."""
    yield Text(f"FAILED  {outcome.file}: {outcome.case.name}", "bold red")
    shown: set[Picture] = set()
    for failed in outcome.failed:
        yield Text(f"  {sentence(failed)}")
        # Two failures at one moment have one picture.
        for picture in (one for one in failed.pictures if one not in shown):
            shown.add(picture)
            yield Text()
            yield Text(f"    {picture.alarm}: {picture.condition}", "bold")
            yield Padding(_table(picture), (0, 0, 0, 4), expand=False)
            yield Text(f"    at {_here(picture)}: {picture.why}")
    if any(row.window for picture in shown for row in picture.rows):
        yield Text(f"    {LEGEND}", "dim")
    yield Text()


def sentence(failed: Failed) -> str:
    """``ALARM becomes ALARM between 5m and 7m: it became ALARM at 8m``."""
    return f"{failed.failure.expected.alarm} {failed.failure.expected.text}: {failed.failure.got}"


def _here(picture: Picture) -> str:
    return next((row.time for row in picture.rows if row.here), "0")


def _table(picture: Picture) -> Table:
    # Text, not str: a name or a rule may hold square brackets, which are no markup.
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    windowed = any(row.window for row in picture.rows)
    titles = ["", "time", *picture.columns, *(("window", "filled", "breaching") if windowed else ()), "verdict"]
    for title in titles:
        table.add_column(Text(title), overflow="fold")
    for row in picture.rows:
        middle = (row.window, row.filled, row.breaching) if windowed else ()
        cells = ("▶" if row.here else "", row.time, *row.cells, *middle, row.verdict)
        table.add_row(*map(Text, cells), style="bold" if row.here else "")
    return table


def plain(outcome: Outcome) -> str:
    """The failed case as plain text, for files that hold no colours."""
    console = Console(width=160, color_system=None, force_terminal=False)
    with console.capture() as capture:
        for part in failure_parts(outcome):
            console.print(part, highlight=False)
    return capture.get().rstrip() + "\n"


def summary(outcomes: Sequence[Outcome], took_s: float) -> str:
    """``12 cases in 3 files, 1 failed (0.2 s)``."""
    failed = sum(not outcome.passed for outcome in outcomes)
    files = len({outcome.file for outcome in outcomes})
    told = f"{_count(len(outcomes), 'case')} in {_count(files, 'file')}"
    return f"{told}, {f'{failed} failed' if failed else 'all passed'} ({took_s:.1f} s)"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def as_json(outcome: Outcome) -> dict[str, Any]:
    """One case with its failures; moments are seconds from its start."""
    return {
        "file": outcome.file,
        "case": outcome.case.name,
        "kind": outcome.case.kind,
        "scale": outcome.case.scale,
        "lasts_s": outcome.case.lasts,
        "passed": outcome.passed,
        "took_s": round(outcome.took_s, 4),
        "failures": [_failure(failed) for failed in outcome.failed],
    }


def _failure(failed: Failed) -> dict[str, Any]:
    failure = failed.failure
    return {
        "alarm": failure.expected.alarm,
        "expected": failure.expected.text,
        "got": failure.got,
        "moment_s": failure.moment,
        "moment": duration(failure.moment),
        "pictures": [asdict(picture) for picture in failed.pictures],
    }
