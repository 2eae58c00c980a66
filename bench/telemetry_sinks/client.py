"""Starting a process of sinks and speaking to its control port."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[2]


class Sinks:
    """A running process of sinks. ``environment`` points a service's telemetry at it."""

    def __init__(self, ports: Mapping[str, int]) -> None:
        self._control = f"http://127.0.0.1:{ports['control']}"
        self.url = f"http://127.0.0.1:{ports['aws']}"
        self.environment = {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{ports['daemon']}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
        }

    def mood(self, mood: str, only: str = "") -> None:
        """How it behaves from now on; one of answers.MOODS, towards one signal or all."""
        self._ask("mood", {"mood": mood, "only": only})

    def tally(self, **asked: Any) -> dict[str, Any]:
        """What has arrived (Tally.report)."""
        return self._ask("tally", asked)

    def until(self, arrived: Callable[[dict[str, Any]], bool], seconds: float, **asked: Any) -> dict[str, Any]:
        """The tally once ``arrived`` says so, or the last one when the time is over."""
        until = time.monotonic() + seconds
        while not arrived(tally := self.tally(**asked)) and time.monotonic() < until:
            time.sleep(0.25)
        return tally

    def _ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        request = Request(f"{self._control}/{path}", json.dumps(body).encode(), method="POST")
        with urlopen(request, timeout=60) as answer:
            told: dict[str, Any] = json.load(answer)
        return told


@contextmanager
def sinks() -> Iterator[Sinks]:
    """Runs a process of sinks on free ports of 127.0.0.1."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.telemetry_sinks"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            yield Sinks(json.loads(process.stdout.readline()))
        finally:
            process.terminate()
