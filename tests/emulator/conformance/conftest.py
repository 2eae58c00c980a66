"""Running the table of calls with a client of its own process, against an emulator of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.emulator.clock import ManualClock
from kit.emulator.server import Binding, Emulator
from tests.emulator.conformance.cases import CASES, NOW

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def converse() -> Callable[..., dict[str, Any]]:
    """``converse(python, "boto3_client.py", "query")``: the answers to all the calls, and what was spoken."""

    def run(python: str, script: str, *arguments: str) -> dict[str, Any]:
        emulator = Emulator(Binding(port=0, xray_port=0), clock=ManualClock(NOW))
        emulator.start()
        try:
            done = subprocess.run(
                [python, str(HERE / script), f"http://127.0.0.1:{emulator.port}", *arguments],
                input=json.dumps([(case.service, case.operation, dict(case.params)) for case in CASES]),
                capture_output=True,
                text=True,
                env={"PATH": os.environ["PATH"], "HOME": os.devnull, "PYTHONUTF8": "1", "TZ": "UTC"},
                timeout=120,
                check=False,
            )
        finally:
            emulator.stop()
        assert done.returncode == 0, done.stderr
        answers: dict[str, Any] = json.loads(done.stdout)
        return answers

    return run


@pytest.fixture(scope="session")
def json_answers(converse: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """What today's boto3 gets in its own choice of protocol."""
    return converse(sys.executable, "boto3_client.py")
