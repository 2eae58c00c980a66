"""What telemetry costs a small Flask request: bare, stock instrumentation, and ours: ``python -m bench.telemetry``.

Each variant is a process of its own, all alive at once, and serves a turn of requests in every round; the order of a
round is shuffled, and the far ends are processes of their own too. All are launched anew a few times, as where a
process happens to lie in memory makes up to a fifth of its speed; those that are judged more often, lest a verdict be a
matter of luck. Machines are noisy: only ratios of one run mean anything, and of what ran side by side. Every span and
line that a fully sampled variant made must have come to the far end, else its figures are of work that it did not do.

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
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from bench.telemetry import peers
from bench.telemetry.figures import JUDGED, Figures, Turns, as_json, beside, table, verdicts
from bench.telemetry.variants import VARIANTS, Running, started

SETTLED_S = 6.0
"""Exporters have sent what came of the warm-up."""


def main(arguments: Sequence[str]) -> int:
    asked = _arguments(arguments)
    failed: dict[str, str] = {}
    launches: list[dict[str, Figures]] = []
    came: list[dict[str, dict[str, float]]] = []
    lost: list[str] = []
    everyone = {"bare", *asked.variants}
    judged_ones = everyone & JUDGED
    plan = [everyone] * asked.launches + [judged_ones] * (asked.more if len(judged_ones) > 1 else 0)
    with Progress(console=Console(stderr=True), transient=True) as shown:
        for wanted in shown.track(plan, description="launches"):
            with ExitStack() as stack:
                running = _started(stack, wanted, asked.peers, failed, shown)
                turns = _rounds(running, asked.rounds, asked.requests, shown)
                came.append({one.variant.name: one.arrived() for one in running if one.variant.logs})
            launches.append({name: Figures.of(of_one, asked.requests) for name, of_one in turns.items()})
            lost += _lost(running, came[-1])
    told = beside(launches)
    figures = {name: here[name] for name, here in told.items()}
    arrived = {
        name: {part: min(one[name][part] for one in came if name in one) for part in parts}
        for name, parts in came[0].items()
    }
    judged = verdicts(figures)
    if asked.json:
        print(json.dumps({**as_json(figures, arrived, failed, judged), "lost": lost}, indent=2))
    else:
        console = Console(width=150)
        console.print(table(told, arrived))
        missing = [f"[yellow]{name}: not measured: {escape(why)}[/]" for name, why in failed.items()]
        for line in [*missing, *map(str, judged), *(f"[red]{line}[/]" for line in lost)]:
            console.print(line)
    return 0 if all(verdict.met for verdict in judged) and not lost else 2


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    names = [variant.name for variant in VARIANTS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--launches", type=int, default=6, help="of each variant (default 6)")
    parser.add_argument("--more", type=int, default=30, help="further launches of those that are judged (default 30)")
    parser.add_argument("--rounds", type=int, default=10, help="turns of each launch (default 10, at least 2)")
    parser.add_argument("--requests", type=int, default=300, help="of a turn (default 300)")
    parser.add_argument(
        "--variants",
        nargs="+",
        choices=names,
        default=names,
        metavar="NAME",
        help="bare always runs: " + "; ".join(names),
    )
    parser.add_argument("--peers", type=Path, default=Path(".kit/peers"), help="where stock gets its environment")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of the table")
    asked = parser.parse_args(arguments)
    if asked.launches < 1 or asked.more < 0 or asked.rounds < 2 or asked.requests < 1:
        parser.error("at least one launch, no less than 0 more, two rounds of one request")
    return asked


def _started(
    stack: ExitStack, names: Collection[str], environment: Path, failed: dict[str, str], shown: Progress
) -> list[Running]:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    wanted = [variant for variant in VARIANTS if variant.name in names and variant.name not in failed]
    task = shown.add_task("starting", total=len(wanted))
    running = []
    for number, variant in enumerate(wanted):
        python = None
        if variant.name == "stock":
            try:
                python = peers.stock(environment).absolute()
            except (OSError, subprocess.CalledProcessError) as error:
                failed["stock"] = f"its packages can't be had: {error}"
                continue
        own = folder / str(number)
        own.mkdir()
        one = stack.enter_context(started(variant, python, own))
        if trouble := one.ready():
            failed[variant.name] = trouble
        else:
            running.append(one)
        shown.advance(task)
    time.sleep(SETTLED_S)
    shown.remove_task(task)
    return running


def _rounds(running: Sequence[Running], rounds: int, requests: int, shown: Progress) -> dict[str, Turns]:
    turns: dict[str, Turns] = {one.variant.name: [] for one in running}
    task = shown.add_task("rounds", total=rounds)
    for _ in range(rounds):
        for one in random.sample(running, len(running)):
            turns[one.variant.name].append(one.turn(requests))
        shown.advance(task)
    shown.remove_task(task)
    return turns


def _lost(running: Sequence[Running], arrived: dict[str, dict[str, float]]) -> list[str]:
    """Where a variant of ours that samples everything did not deliver everything."""
    return [
        f"{name}: only {share:.2%} of its {part} arrived"
        for one in running
        for name in [one.variant.name]
        if name.startswith("ours")
        for part, share in arrived[name].items()
        if share < 1 and (one.variant.sampled or part != "spans")
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
