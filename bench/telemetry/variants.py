"""The variants that are compared: how each is started, its process, and what it sent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.telemetry_sinks.client import ROOT, Sinks, sinks

SPANS_EACH = 4


@dataclass(frozen=True)
class Variant:
    """``environment``: what it adds to that of the sinks. ``logs``: lines a request; ``sampled``: every request is."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    logs: int = 2
    sampled: bool = True


VARIANTS = (
    Variant("bare", logs=0, sampled=False),
    Variant("stock", {"OTEL_SERVICE_NAME": "shop"}, logs=1),
    Variant("ours"),
    Variant("ours, X-Ray's default sampling", {"OTEL_TRACES_SAMPLER": "xray"}, sampled=False),
    Variant("ours, PutTraceSegments", {"XRAY_DELIVERY": "api"}),
    Variant("ours, OTLP", {"OTEL_TRACES_EXPORTER": "otlp"}),
    Variant("ours, without redaction"),
    Variant("ours, without access line", logs=1),
    Variant("ours, the SDK's spans", {"TELEMETRY_SPANS": "sdk"}),
)


class Running:
    """A variant's process; ``served`` counts its requests."""

    def __init__(self, variant: Variant, python: Path, far: Sinks, folder: Path) -> None:
        self.variant = variant
        self.served = 0
        self._far = far
        self._errors = folder / "errors"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        spill = {"TELEMETRY_SPILL_DIR": str(folder / "spill")} if variant.name.startswith("ours") else {}
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [str(python), "-W", "ignore", "-m", "bench.telemetry.turns", variant.name, str(folder)],
                cwd=ROOT,
                env={**kept, **far.environment, **spill, **variant.environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def ready(self) -> str:
        """Wait until it has served its first requests; what went wrong if it did not."""
        answer = self._read()
        if answer is None:
            self._process.wait()
            return (self._errors.read_text(encoding="utf-8").strip().splitlines() or ["it ended without a word"])[-1]
        self.served = int(answer["ready"])
        return ""

    def turn(self, requests: int) -> dict[str, float]:
        """Serve so many requests (turns.py)."""
        assert self._process.stdin is not None
        print(requests, file=self._process.stdin, flush=True)
        told = self._read()
        if told is None:
            raise RuntimeError(f"{self.variant.name} died: {self._errors.read_text(encoding='utf-8')[-500:]}")
        self.served += requests
        return told

    def arrived(self) -> dict[str, float]:
        """End it, and say which share of its spans and log lines came to the sinks."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        tally = self._far.tally()
        shares = {"spans": tally["spans"]["distinct"] / (self.served * SPANS_EACH)}
        if self.variant.logs:
            shares["logs"] = tally["logs"]["distinct"] / (self.served * self.variant.logs)
        return shares

    def end(self) -> None:
        """Kill it if it still runs."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> dict[str, float] | None:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        told: dict[str, float] | None = json.loads(line) if line else None
        return told


@contextmanager
def started(variant: Variant, python: Path | None, folder: Path) -> Iterator[Running]:
    """Runs one variant, and sinks of its own."""
    with sinks() as far:
        running = Running(variant, python or Path(sys.executable), far, folder)
        try:
            yield running
        finally:
            running.end()
