"""Whether telemetry loses nothing, by id, in good times and bad: ``python -m bench.verify_telemetry``.

Each row is a minute (``--seconds``) at a thousand requests a second (``--rate``) of an app that is asked within its own
process; the far ends are processes of their own and do what the row says. ``--write`` makes docs/telemetry-verified.md.
All rows take some 40 minutes; what was finished within a day is kept until the code changes, so a run may be continued.

Exit code: 0 if every row holds, 2 if one does not, 1 if one could not be run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import Progress, TaskID

from bench.telemetry_sinks.client import ROOT
from bench.verify_telemetry import disk, healthy, killed, outage, report, served
from bench.verify_telemetry.kept import Kept
from bench.verify_telemetry.plan import Plan
from bench.verify_telemetry.result import Result

PAGE = ROOT / "docs" / "telemetry-verified.md"

ROWS: dict[str, Callable[[Plan], Result]] = {
    "healthy": healthy.row,
    "http": served.row,
    "refused": partial(outage.row, name="endpoint refused", mood="refused"),
    "hanging": partial(outage.row, name="endpoint hanging", mood="hanging"),
    "slow": partial(outage.row, name="answers after a second", mood="slow"),
    "throttled": partial(outage.row, name="throttled, three calls of four (429)", mood="throttled"),
    "erring": partial(outage.row, name="internal failures (500)", mood="erring"),
    "expired": partial(outage.row, name="credentials expired, then renewed", mood="expired"),
    "skewed": partial(outage.row, name="clock off by 15 minutes", mood="skewed"),
    "mute": partial(outage.row, name="every second answer lost", mood="mute"),
    "unprocessed": partial(outage.row, name="X-Ray leaves a third", mood="unprocessed"),
    "disk": disk.row,
    "kill": killed.row,
}


def main(arguments: Sequence[str]) -> int:
    asked = _arguments(arguments)
    results = []
    kept = Kept(ROOT / ".kit" / "telemetry-verified.json", (asked.seconds, asked.rate, asked.http_rate, asked.twin))
    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("", total=len(asked.rows))
        for name in asked.rows:
            found = None if asked.again else kept.find(name)
            if found is not None:
                results.append(found)
                shown.advance(task)
                continue
            with tempfile.TemporaryDirectory() as folder:
                say = partial(_say, shown, task)
                plan = Plan(asked.seconds, asked.rate, asked.http_rate, asked.twin, Path(folder), say)
                try:
                    results.append(ROWS[name](plan))
                except RuntimeError as error:
                    print(f"verify: {name}: {error}", file=sys.stderr)
                    return 1
            kept.put(name, results[-1])
            shown.advance(task)
    page = report.markdown(results, " ".join(["python -m bench.verify_telemetry", *arguments]))
    if asked.json:
        print(json.dumps([result.as_json() for result in results], indent=2))
    else:
        Console(width=170).print(Markdown(page))
    if asked.write:
        PAGE.write_text(page, encoding="utf-8")
    return 0 if all(result.met for result in results) else 2


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="of each row (default 60)")
    parser.add_argument("--rate", type=float, default=1000, help="requests a second (default 1000)")
    parser.add_argument("--http-rate", type=float, default=150, help="requests a second over HTTP (default 150)")
    parser.add_argument(
        "--rows", nargs="+", choices=list(ROWS), default=list(ROWS), metavar="ROW", help=", ".join(ROWS)
    )
    parser.add_argument(
        "--no-twin", dest="twin", action="store_false", help="no healthy process beside: loss, boot and exit only"
    )
    parser.add_argument("--again", action="store_true", help="also what was finished within a day")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--json", action="store_true", help="one JSON array instead of the table")
    asked = parser.parse_args(arguments)
    if asked.seconds < 1 or asked.rate < 1 or asked.http_rate < 1:
        parser.error("at least one second of one request a second")
    return asked


def _say(shown: Progress, task: TaskID, what: str) -> None:
    shown.update(task, description=what)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
