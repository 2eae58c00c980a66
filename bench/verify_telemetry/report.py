"""The results as Markdown, dated, with the command that made them."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime

from bench.verify_telemetry.result import BOOT_S, EXIT_S, P50_TIMES, P99_TIMES, Result

COLUMNS = (
    "what is wrong", "requests", "rate/s", "lost: spans, logs, counts", "twice", "p50", "p99", "memory MB", "boot s",
    "exit s", "healed s", "holds",
)  # fmt: skip


def markdown(results: Sequence[Result], command: str) -> str:
    """The page docs/telemetry-verified.md."""
    rows = [
        "| " + " | ".join(COLUMNS) + " |",
        "|---|" + "---:|" * (len(COLUMNS) - 2) + "---|",
        *("| " + " | ".join(_cells(result)) + " |" for result in results),
    ]
    notes = [f"- {result.name}: {note}" for result in results for note in result.notes]
    broken = [f"- **{result.name}: {what}**" for result in results for what in result.broken]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    return "\n".join(
        [
            "# Telemetry, verified",
            "",
            f"Made on {datetime.now(UTC):%Y-%m-%d} by `{command}` on {machine}. Don't edit: run it again.",
            "",
            "An instrumented app is asked within its own process, its far ends are processes of their own, and every",
            "span, log line and counted request is looked for there by its id. While something is wrong, a healthy",
            "twin is asked in turn with it, a second each: p50 and p99 are times the twin's, medians of these slices;",
            "memory is the most that it had more than the twin. In the middle another process boots, serves and ends;",
            "what it could not send is sent by the next one to start.",
            "",
            f"To hold: nothing lost, p50 ≤ {P50_TIMES:g}×, p99 ≤ {P99_TIMES:g}×, boot ≤ {BOOT_S:g} s and exit",
            f"≤ {EXIT_S:g} s, memory under its cap. After `kill -9` and on a full disk, what is lost must be what was",
            "counted. `twice`: records that came again after a call without an answer, told apart by their id.",
            "",
            *rows,
            "",
            *notes,
            *broken,
            "",
        ]
    )


def _cells(result: Result) -> list[str]:
    lost = ", ".join(str(result.lost.get(name, "–")) for name in ("spans", "logs", "counts"))
    memory = "–" if result.memory_mb is None else f"{result.memory_mb:.0f}"
    if result.memory_mb is not None and result.cap_mb is not None:
        memory += f" of {result.cap_mb:.0f}"
    return [
        result.name,
        f"{result.requests:,}",
        f"{result.rate:.0f}",
        lost,
        str(result.twice),
        _number(result.p50_times, "×"),
        _number(result.p99_times, "×"),
        memory,
        _number(result.boot_s),
        _number(result.exit_s),
        _number(result.healed_s),
        "yes" if result.met else "**no**",
    ]


def _number(value: float | None, sign: str = "") -> str:
    return "–" if value is None else f"{value:.2f}{sign}"
