"""A driver's process, as its parent sees it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.telemetry_sinks.client import ROOT, Sinks
from bench.verify_telemetry.driver import PROGRESS

EACH = {"spans": 4, "logs": 2}
"""Records of one request: the server's span, two statements, one step; the order's line and the access line."""
NUDGE_S = 1.0
_numbers = itertools.count(1)


class Driven:
    """One driver; ``boot_s`` is the time from its launch to its first answer. Its telemetry goes to ``far``."""

    def __init__(self, far: Sinks, folder: Path, *, variant: str = "ours", **more: str) -> None:
        self.number = next(_numbers)
        self.far = far
        self._errors = folder / f"errors-{self.number}"
        self._progress = folder / f"progress-{self.number}"
        self._progress.write_bytes(bytes(PROGRESS.size))
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        environment = {**kept, **far.environment, **self.settings(folder), **more}
        began = time.monotonic()
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-W", "ignore", "-m", "bench.verify_telemetry.driver"),
                    *(str(self.number), str(folder), variant),
                ],
                cwd=ROOT,
                env={name: value for name, value in environment.items() if value},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._read()
        self.boot_s = time.monotonic() - began
        self.seen = psutil.Process(self._process.pid)

    @staticmethod
    def settings(folder: Path) -> dict[str, str]:
        """Every span acknowledged; what cannot be sent is kept below the folder."""
        return {"XRAY_DELIVERY": "api", "TELEMETRY_SPILL_DIR": str(folder / "spill")}

    @property
    def begun(self) -> int:
        """Requests begun, also once it is dead."""
        return int(PROGRESS.unpack(self._progress.read_bytes())[0])

    @property
    def answered(self) -> int:
        """Requests answered, also once it is dead."""
        return int(PROGRESS.unpack(self._progress.read_bytes())[1])

    def slice(self, seconds: float, rate: float) -> dict[str, float]:
        """Ask for so many seconds (driver.py), and add the resident bytes of the process as ``rss``."""
        self.begin(seconds, rate)
        return {**self._read(), "rss": self.seen.memory_info().rss}

    def begin(self, seconds: float, rate: float) -> None:
        """Ask, and don't wait for the end."""
        assert self._process.stdin is not None
        order = {"requests": max(1, round(seconds * rate)), "rate": rate}
        print(json.dumps(order), file=self._process.stdin, flush=True)

    def exit(self) -> float:
        """SIGTERM, and the seconds until it has ended; raises RuntimeError if it doesn't within a minute."""
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(NUDGE_S)
        except subprocess.TimeoutExpired:
            # A signal that came just before the driver's read, or to another thread, does not end the read.
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"driver {self.number} does not end") from None
        return time.monotonic() - began

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def short(self) -> dict[str, int]:
        """How many records of its requests have not arrived, by signal."""
        tally = self.far.tally(driver=self.number, requests=self.answered, each=EACH)
        return {name: int(tally[name]["short"]) for name in EACH}

    def until_all(self, seconds: float) -> dict[str, int]:
        """``short`` once nothing is missing, or when the time is over."""
        until = time.monotonic() + seconds
        while any((short := self.short()).values()) and time.monotonic() < until:
            time.sleep(0.25)
        return short

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait(30)
            raise RuntimeError(f"driver {self.number} died: {self._errors.read_text(encoding='utf-8')[-800:]}")
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def driven(far: Sinks, folder: Path, **more: str) -> Iterator[Driven]:
    """Runs a driver; what is left of it is killed at the end."""
    one = Driven(far, folder, **more)
    try:
        yield one
    finally:
        one.kill()
