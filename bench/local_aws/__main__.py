"""The local AWS beside moto_server and ministack, on this machine, in one run: ``python -m bench.local_aws``.

A raw client (one kept connection, requests encoded beforehand) drives each server in turn, in many short rounds whose
order is shuffled: machines are noisy, so only medians and ratios of one run mean anything. Every question for a
percentile is one that was not asked before, so that no memo can answer it, and its answer is checked.

Exit code: 0 if all targets are met, 2 if one is missed or could not be judged.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from bench.local_aws import servers
from bench.local_aws.measures import (
    Measure,
    StoredPoints,
    UnusableError,
    first_writes,
    prepare,
    reads,
    store,
    writes,
)
from bench.local_aws.rows import OURS, Row, Target
from bench.local_aws.servers import Running, Server
from bench.local_aws.table import table

Step = Callable[..., None]

NAMES = (*OURS, "moto", "ministack")


def main(arguments: Sequence[str]) -> int:
    asked = _arguments(arguments)
    launch = Row("launch to first answer", "s", False, Target("moto", 1.5, at_most=True))
    idle = Row("idle memory", "MB", False, Target("moto", 1.5, at_most=True))
    points = StoredPoints.before(time.time(), asked.points)
    first, phases = first_writes(), (writes(), reads(points))
    rows = [
        *(measure.row for measure, _ in first),
        *(measure.row for phase in phases for measure in phase),
        launch,
        idle,
    ]
    with tempfile.TemporaryDirectory() as folder, Progress(console=Console(stderr=True), transient=True) as shown:
        chosen = _servers(asked.servers, Path(folder), asked.peers, rows)
        rounds = (asked.rounds, max(1, asked.rounds // 3))
        steps = sum(count * len(phase) for count, phase in zip(rounds, phases, strict=True))
        task = shown.add_task("", total=asked.launches + len(chosen) + steps)
        step = partial(shown.update, task, advance=1)
        try:
            for _ in range(asked.launches - 1):
                with _launched(chosen, launch, idle, step) as running:
                    _first(first, running)
            with _launched(chosen, launch, idle, step) as running:
                _first(first, running)
                _writes(phases[0], running, rounds[0], asked.seconds, step)
                _reads(phases[1], running, rounds[1], asked.seconds, step, points)
        except RuntimeError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
    verdicts = [verdict for row in rows for verdict in row.verdicts().values()]
    met = bool(verdicts) and all(verdicts)
    if asked.json:
        print(json.dumps({"rows": [row.as_json() for row in rows], "met": met}, indent=2))
    else:
        Console(width=150).print(table(rows, [server.name for server in chosen]))
    return 0 if met else 2


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=0.4, help="of each server, row and round (default 0.4)")
    parser.add_argument("--rounds", type=int, default=9, help="of writes; reads have a third of that (default 9)")
    parser.add_argument("--launches", type=int, default=3, help="of each server, the last of which is kept (default 3)")
    parser.add_argument("--points", type=int, default=100_000, help="stored points that are asked about")
    parser.add_argument("--servers", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--peers", type=Path, default=Path(".kit/peers"), help="where ministack gets its environment")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    return parser.parse_args(arguments)


def _servers(names: Sequence[str], folder: Path, peers: Path, rows: Sequence[Row]) -> list[Server]:
    found = [server for server in (*servers.ours(folder), servers.moto()) if server.name in names]
    if "ministack" in names:
        try:
            found.append(servers.ministack(peers))
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"bench: {servers.MINISTACK} can't be had: {error}", file=sys.stderr)
            for row in rows:
                row.failed["ministack"] = "not installed"
    return found


@contextmanager
def _launched(chosen: Sequence[Server], launch: Row, idle: Row, step: Step) -> Iterator[list[Running]]:
    """All servers running, started one after the other in any order."""
    step(description="launching")
    with ExitStack() as stack:
        running = []
        for server in random.sample(chosen, len(chosen)):
            one = stack.enter_context(servers.started(server))
            launch.samples[server.name].append(one.launch_s)
            idle.samples[server.name].append(one.idle_mb)
            running.append(one)
        yield running


def _first(measures: Sequence[tuple[Measure, float]], running: Sequence[Running]) -> None:
    for measure, seconds in measures:
        _round(measure, running, seconds)


def _writes(phase: Sequence[Measure], running: Sequence[Running], rounds: int, seconds: float, step: Step) -> None:
    for server in running:
        prepare(server)
    _rounds(phase, running, rounds, seconds, step)


def _reads(
    phase: Sequence[Measure], running: Sequence[Running], rounds: int, seconds: float, step: Step, points: StoredPoints
) -> None:
    for server in running:
        step(description=f"storing {len(points.values):,} points in {server.name}")
        store(server, points)
    _rounds(phase, running, rounds, seconds, step)


def _rounds(phase: Sequence[Measure], running: Sequence[Running], rounds: int, seconds: float, step: Step) -> None:
    for number in range(rounds):
        for measure in phase:
            step(description=f"round {number + 1}: {measure.row.name}")
            _round(measure, running, seconds)


def _round(measure: Measure, running: Sequence[Running], seconds: float) -> None:
    """One round of one measure; a server that can't do it is left out from then on."""
    able = [one for one in running if measure.servers is None or one.name in measure.servers]
    for one in random.sample(able, len(able)):
        if one.name not in measure.row.failed:
            try:
                measure.round(one, seconds)
            except (UnusableError, OSError) as error:
                measure.row.failed[one.name] = str(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
