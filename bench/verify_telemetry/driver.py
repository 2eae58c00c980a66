"""An instrumented app that is asked at a steady rate within its own process: ``driver NUMBER FOLDER DATABASE``.

A line {"requests", "rate"} asks for so many requests at so many a second, each with the trace id that its number gives
(tally.py), and is answered by a JSON object: ``p50`` and ``p99`` in microseconds, ``took_s``, ``late``: how many began
over 10 ms late. The end of standard input, or SIGTERM, ends the process as it ends a service. What it has done stands
in a mapped file, which ``kill -9`` leaves: two 8-byte numbers, requests begun and requests answered.
"""

from __future__ import annotations

import json
import mmap
import os
import resource
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any

from bench.telemetry.checkout import create_app
from bench.telemetry.ours import Ours
from bench.telemetry.turns import ask, instrumentation

PROGRESS = struct.Struct("=QQ")
LATE_NS = 10_000_000


class Driver:
    """Asks the app, and keeps the numbers."""

    def __init__(self, app: Any, number: int, progress: mmap.mmap) -> None:
        self._app = app
        self._progress = progress
        self._done = 0
        # The time part of an id is that of the start; the rest says who asked, and which request it was.
        self._prefix = f"00-{int(time.time()):08x}{0:08x}{number:08x}"

    def ask(self) -> None:
        """One request, with the next number."""
        number = self._done
        PROGRESS.pack_into(self._progress, 0, number + 1, number)
        ask(self._app, HTTP_TRACEPARENT=f"{self._prefix}{number:08x}-{number + 1:016x}-01")
        self._done = number + 1
        PROGRESS.pack_into(self._progress, 0, number + 1, number + 1)

    def slice(self, requests: int, rate: float) -> dict[str, float]:
        """So many requests, each due at its time; one that is late is asked at once."""
        latencies, late, began = [], 0, time.perf_counter_ns()
        for number in range(requests):
            due = began + int(number / rate * 1e9)
            if (early := due - time.perf_counter_ns()) > 0:
                time.sleep(early / 1e9)
            at = time.perf_counter_ns()
            late += at - due > LATE_NS
            self.ask()
            latencies.append(time.perf_counter_ns() - at)
        latencies.sort()
        return {
            "p50": latencies[requests // 2] / 1e3,
            "p99": latencies[requests * 99 // 100] / 1e3,
            "took_s": (time.perf_counter_ns() - began) / 1e9,
            "late": late,
        }


def main(number: str, folder: str, variant: str) -> None:
    # Telemetry writes its lines to standard output: nobody reads them here.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as parent, Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        if limit := os.environ.get("DRIVER_FILE_BYTES"):
            # As on a full disk, a file cannot grow past it; Python ignores the signal and gets the error.
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
        progress_file = Path(folder, f"progress-{number}")
        with progress_file.open("r+b") as file, mmap.mmap(file.fileno(), PROGRESS.size) as progress:
            bare = variant == "bare"
            made = instrumentation("bare") if bare else Ours().instrumentation()
            driver = Driver(create_app(made, ":memory:"), int(number), progress)
            driver.ask()
            print(json.dumps({"ready": 1}), file=parent, flush=True)
            for line in sys.stdin:
                print(json.dumps(driver.slice(**json.loads(line))), file=parent, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
