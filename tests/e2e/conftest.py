"""The whole stack as real processes, started once for all end-to-end tests."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest
from stack_under_test import Stack, environment, eventually, free_ports, project


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    root = project(tmp_path_factory.mktemp("project"))
    ports = free_ports()
    environ = environment(ports)
    output = root / "up.txt"
    with output.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "kit", "up"], cwd=root, env=environ, stdout=sink, stderr=subprocess.STDOUT
        )
    running = Stack(root, ports, environ, process, time.monotonic(), output)
    try:
        eventually(
            lambda: "Ctrl-C" in output.read_text() or process.poll() is not None, 90, "`kit up` prints the addresses"
        )
        assert process.poll() is None, output.read_text()
        yield running
    finally:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
        left = [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        for orphan in left:
            orphan.kill()
    assert code == 0, output.read_text()
    assert not left, f"left behind: {left}"
    assert "Traceback" not in output.read_text(), output.read_text()
