"""``kit emulate`` as a process of its own, which a test may kill; and engines with a keeper, without a process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from kit.emulator.clock import ManualClock
from kit.emulator.engines import Engines
from kit.emulator.house import House
from kit.emulator.keeping import Keeper
from kit.emulator.kept_services import KeptServices

ACCOUNT, REGION = "123456789012", "us-east-1"
TEN = 1_795_341_600.0  # 2026-11-22 10:00 UTC
COMMAND = (sys.executable, "-m", "kit", "emulate", "--port", "0", "--xray-port", "0", "--data")


class Running:
    """One ``kit emulate`` process on a data folder.

    ``log`` is what it wrote to stderr, and ``announced`` what it wrote to stdout beyond the first line, once it has
    ended.
    """

    def __init__(self, data: Path, prefix: tuple[str, ...] = (), flags: tuple[str, ...] = ()) -> None:
        self.log = self.announced = ""
        # Unbuffered: communicate() reads the pipe itself, and what readline() had read ahead would be lost to it.
        self._process = subprocess.Popen(
            [*prefix, *COMMAND, str(data), *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        assert self._process.stdout is not None
        said = re.search(rb"http://127\.0\.0\.1:(\d+)", self._process.stdout.readline())
        if said is None:
            self._rest(10)
            raise AssertionError(self.log)
        self.port = int(said[1])
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.pid = self._process.pid

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.end(signal.SIGTERM)

    def client(self, service: str) -> Any:
        untyped: Any = boto3  # its stubs know services by literal names only
        return untyped.client(
            service,
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def end(self, by: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(by)
            self._rest(20)

    def _rest(self, seconds: float) -> None:
        self.announced, self.log = (text.decode() for text in self._process.communicate(timeout=seconds))


class Kept:
    """Engines and their keeper, whose rounds the test makes; ``notified`` is what was published to topics."""

    def __init__(self, folder: Path, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock(TEN)
        self.notified: list[str] = []
        self.engines = Engines(ACCOUNT, self.clock, lambda _topic, subject, _text: self.notified.append(subject))
        self.services = KeptServices()
        self.keeper = Keeper(folder, ACCOUNT)
        self.keeper.restore(House(self.engines, self.services))

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        self.engines.close()
        self.keeper.stop()

    def put(self, *names: str) -> None:
        """Log groups."""
        for name in names:
            self.engines.logs(REGION).create_group(name, "STANDARD")

    def write(self, *names: str) -> None:
        self.put(*names)
        assert self.keeper.flush()

    def names(self) -> list[str]:
        return [group.name for group in self.engines.logs(REGION).groups()]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def start(data: Path) -> Iterator[Callable[..., Running]]:
    """Starts a process on the test's data folder."""
    started: list[Running] = []

    def run(*prefix: str, flags: tuple[str, ...] = ()) -> Running:
        started.append(Running(data, prefix, flags))
        return started[-1]

    yield run
    for running in started:
        running.end(signal.SIGTERM)
