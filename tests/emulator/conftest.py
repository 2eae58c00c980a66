"""A running emulator on free ports, and real clients to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from kit.emulator.server import Binding, Emulator


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """One emulator for the whole session: tests name what they make after themselves."""
    running = Emulator(Binding(port=0, xray_port=0))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def client(emulator: Emulator) -> Callable[..., Any]:
    """``client("logs")``: boto3 against the emulator, without retries; other Regions and ports by keyword."""
    made: dict[tuple[str, str], Any] = {}
    untyped: Any = boto3  # its stubs know services by literal names only

    def make(service: str, region: str = "us-east-1") -> Any:
        if (service, region) not in made:
            made[service, region] = untyped.client(
                service,
                region_name=region,
                endpoint_url=f"http://127.0.0.1:{emulator.port}",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
            )
        return made[service, region]

    return make


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """``eventually(look)``: what ``look()`` gives once it is truthy, within five seconds."""

    def wait(look: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 5
        while not (found := look()):
            assert time.monotonic() < deadline, "it did not happen within five seconds"
            time.sleep(0.02)
        return found

    return wait
