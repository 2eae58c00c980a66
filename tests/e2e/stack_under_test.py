"""What the end-to-end tests speak to: a running `kit up`, in a project folder and on ports of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
from botocore.config import Config

from kit.settings import Ports

ROOT = Path(__file__).parents[2]
Found = TypeVar("Found")


def eventually(look: Callable[[], Found | None], within_s: float, what: str, every_s: float = 0.5) -> Found:
    """Call ``look`` until it gives something true; fail saying what was waited for."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {within_s:.0f} s")
        time.sleep(every_s)


@dataclass
class Stack:
    """A running `kit up` and how to speak to it."""

    root: Path
    ports: Ports
    environ: dict[str, str]
    process: subprocess.Popen[bytes]
    started: float
    output: Path

    def url(self, name: str, path: str = "") -> str:
        return f"http://127.0.0.1:{getattr(self.ports, name)}{path}"

    def aws(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.url("aws"),
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=20),
        )

    def kit(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a verb as a person would, in the project folder."""
        return subprocess.run(
            [sys.executable, "-m", "kit", *argv],
            cwd=self.root,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.kit("status", "--json").stdout)
        return answer

    def pid(self, program: str) -> int:
        return int(next(p["pid"] for p in self.status()["programs"] if p["name"] == program))


def project(folder: Path) -> Path:
    """A project folder that shares the checkout's definitions but has its own ``.kit``."""
    for name in ("alarms", "dashboards", "docs", "loadtest", "service", "slos", "stages"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def free_ports() -> Ports:
    sockets = [socket.socket() for _ in fields(Ports)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    numbers = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return Ports(*numbers)


def environment(ports: Ports) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "OTEL_", "KIT_PORT_"))}
    return kept | {f"KIT_PORT_{f.name.upper()}": str(getattr(ports, f.name)) for f in fields(ports)}
