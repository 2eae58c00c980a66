"""All game days, one after another, on the local stack: ``python -m bench.matrix`` writes docs/detection-matrix.md.

Each scenario gets a stack of its own with an empty local AWS, so that no window remembers the one before. That takes
some two and a half hours; what was finished within a day is kept, so it may be stopped and started again. A scenario
whose file has changed since is played again.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from kit.definitions import read
from kit.definitions.gamedays import Scenario
from kit.definitions.gamedays_bounds import bound
from kit.definitions.gamedays_reading import find_scenario, read_gamedays
from kit.definitions.practice import PREFIX, at_practice_scale
from kit.errors import KitError

ROOT = Path(__file__).parents[1]
DOCUMENT = Path("docs") / "detection-matrix.md"
COMMAND = "make matrix-live"
UP_WITHIN_S = 120.0
STOPS_WITHIN_S = 45.0
KEPT_FOR = timedelta(days=1)

Row = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Play what is to be played; 0 when all went as expected, 2 when something didn't, 1 when one has no verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="SCENARIO", help="only these")
    parser.add_argument("--again", action="store_true", help="also what was finished within a day")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project's folder (default: this one)")
    given = parser.parse_args(argv)
    try:
        everything = read_gamedays(given.root)
        wanted = [find_scenario(given.root, name) for name in given.only] if given.only else list(everything)
    except KitError as error:
        parser.error(str(error))
    for stop in (signal.SIGINT, signal.SIGTERM):
        # Also where it was started in the background, which ignores Ctrl-C: what is played must be ended in order.
        signal.signal(stop, lambda number, _: sys.exit(128 + number))
    rows = _kept(given.root)
    for number, scenario in enumerate(wanted, 1):
        if not given.again and rows.get(scenario.name, {}).get("digest") == _digest(scenario):
            print(f"{number}/{len(wanted)} {scenario.name}: kept, {rows[scenario.name]['outcome']}")
            continue
        print(f"{number}/{len(wanted)} {scenario.name} ({scenario.lasts / 60:.1f} min) ...", flush=True)
        rows[scenario.name] = _row(given.root, scenario)
        print(f"    {rows[scenario.name]['outcome']}", flush=True)
        _keep(given.root, rows)
        _write(given.root, everything, rows)
    _write(given.root, everything, rows)
    outcomes = {rows[one.name]["outcome"] for one in wanted}
    return 0 if outcomes == {"expected"} else 2 if outcomes <= {"expected", "differs"} else 1


def _write(root: Path, scenarios: Sequence[Scenario], rows: Mapping[str, Row]) -> None:
    (root / DOCUMENT).write_text(document(scenarios, rows, _bounds(root, scenarios)), "utf-8")


def document(scenarios: Sequence[Scenario], rows: Mapping[str, Row], bounds: Mapping[tuple[str, str], str]) -> str:
    """The whole page."""
    memory = psutil.virtual_memory().total / 1024**3
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB, Python"
    done = [rows[one.name] for one in scenarios if one.name in rows]
    good = sum(row["outcome"] == "expected" for row in done)
    lines = [
        "# What fires, and when",
        "",
        f"Every scenario of `gamedays/` played on a fresh local stack of its own by `{COMMAND}`, or by several",
        "copies of `python -m bench.matrix --only` side by side (times that overlap below), put together.",
        "Seconds count from the scenario's first step to the alarm's change in its history; *told after* is when a",
        "topic was told.",
        "The bound is the latest that the alarm may need at the scenario's share of failures (docs/gamedays.md).",
        "",
        f"Written {datetime.now(UTC):%Y-%m-%d %H:%M} UTC on {machine} {platform.python_version()}.",
        f"{len(done)} of {len(scenarios)} played, {good} as expected.",
        "",
        "| scenario | alarm | expected | found | told after | pages | |",
        "|---|---|---|---|---|---|---|",
    ]
    for scenario in scenarios:
        lines += _lines(scenario, rows.get(scenario.name))
    lines += ["", "## The bounds", "", "| scenario | alarm | seconds |", "|---|---|---|"]
    lines += [f"| {name} | {alarm} | {text} |" for (name, alarm), text in bounds.items()]
    return "\n".join(lines) + "\n"


def _lines(scenario: Scenario, row: Row | None) -> Iterator[str]:
    if row is None:
        yield f"| {scenario.name} | | | not played | | | |"
        return
    played = f"{row['started'][:16].replace('T', ' ')}: {row['outcome']}{_error(row)}"
    yield f"| **{scenario.name}** | | | {played} | | {row['pages']} | {_sign(row['outcome'] == 'expected')} |"
    for one in row["rows"]:
        told = "" if one["told_after_s"] is None else f"{one['told_after_s']:.0f} s"
        alarm = one["alarm"].removeprefix(PREFIX)
        yield f"| | {alarm} | {one['expected']} | {one['found']} | {told} | | {_sign(one['good'])} |"


def _error(row: Row) -> str:
    return f" ({row['error']})".replace("|", "/") if row["error"] else ""


def _sign(good: bool) -> str:
    return "ok" if good else "**no**"


def _bounds(root: Path, scenarios: Sequence[Scenario]) -> dict[tuple[str, str], str]:
    practice = at_practice_scale(read(root))
    found: dict[tuple[str, str], str] = {}
    for scenario in scenarios:
        for one in scenario.expect:
            known = bound(practice, PREFIX + one.alarm, one.error_ratio) if one.fires_within else None
            if known is not None:
                found[scenario.name, one.alarm] = known.sum
    return found


def _row(root: Path, scenario: Scenario) -> Row:
    """Play one scenario on a stack of its own; its report, or what went wrong."""
    started = datetime.now(UTC).isoformat(timespec="seconds")
    failed = {"outcome": "failed", "rows": [], "pages": 0, "started": started}
    try:
        with _stack(root):
            done = _kit(root, "gameday", "run", scenario.name, "--json")
        found = json.loads(done.stdout) if done.stdout.strip() else {}
        error = done.stderr.strip().splitlines()[-1:] if done.returncode == 1 else []
        row = failed | {"error": error[0] if error else None} | {k: v for k, v in found.items() if v is not None}
    except (OSError, ValueError, subprocess.SubprocessError, KitError) as error:
        row = failed | {"error": str(error)}
    return row | {"digest": _digest(scenario)}


@contextlib.contextmanager
def _stack(root: Path) -> Iterator[None]:
    output = root / ".kit" / "matrix-up.log"
    output.parent.mkdir(exist_ok=True)
    with output.open("wb") as sink:
        up = subprocess.Popen(
            [sys.executable, "-m", "kit", "up", "--fresh"],
            cwd=root,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + UP_WITHIN_S
        while "Ctrl-C" not in output.read_text("utf-8", "replace"):
            if up.poll() is not None or time.monotonic() > deadline:
                raise KitError("kit up --fresh", "doesn't come up", f"Read {output}.")
            time.sleep(0.5)
        yield
    finally:
        up.send_signal(signal.SIGINT)
        try:
            up.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            up.kill()


def _kit(root: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kit", *argv]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            out, told = running.communicate()
        except BaseException:
            running.terminate()  # it takes everything back before it ends
            raise
    return subprocess.CompletedProcess(command, running.returncode, out, told)


def _digest(scenario: Scenario) -> str:
    return hashlib.sha256(scenario.path.read_bytes()).hexdigest()[:16]


def _state(root: Path) -> Path:
    return root / ".kit" / "matrix.json"


def _kept(root: Path) -> dict[str, Row]:
    """What was begun within a day, and has a verdict."""
    try:
        rows: dict[str, Row] = json.loads(_state(root).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    since = (datetime.now(UTC) - KEPT_FOR).isoformat()
    verdicts = ("expected", "differs")
    return {name: row for name, row in rows.items() if row.get("outcome") in verdicts and row["started"] > since}


def _keep(root: Path, rows: Mapping[str, Row]) -> None:
    path = _state(root)
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(rows, indent=1), "utf-8")
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main())
