"""What cannot be used ends Locust with one line, before any load."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOKEN = "test-token-0123456789"


def test_each_mistake_is_one_line_and_no_load_starts(
    tmp_path: Path,
    open_shop: Callable[..., Any],
    open_control: Callable[..., Any],
    locust: Callable[..., subprocess.Popen[str]],
    a_free_port: Callable[[], int],
) -> None:
    shop, control = open_shop(), open_control()
    nobody = f"http://127.0.0.1:{a_free_port()}"
    (tmp_path / "good.yaml").write_text("name: payment-errors\nschedule: [{at: 0, fault: payment-errors}]\n")
    (tmp_path / "alien.yaml").write_text("name: alien\nschedule: [{at: 0, fault: meteor}]\n")
    mistakes = {
        "no fault 'meteor'; there are noop, payment-errors": ("--scenario", "alien.yaml", "--fault-url", control.url),
        f"the fault control {nobody} does not answer": ("--scenario", "good.yaml", "--fault-url", nobody),
        f"the fault control {control.url} does not accept the token": ("--fault-url", control.url),
    }
    running = {
        said: locust(
            *("--headless", "-t", "5s", "--host", shop.url, *arguments),
            FAULTS_TOKEN="wrong" if "accept" in said else TOKEN,
        )
        for said, arguments in mistakes.items()
    }
    for said, process in running.items():
        _, errors = process.communicate(timeout=40)
        assert process.returncode == 1, errors
        lines = [line for line in errors.splitlines() if "Starting Locust" not in line and "Task queue" not in line]
        assert len(lines) == 1, errors
        assert said in lines[0]
        assert TOKEN not in errors
    assert shop.customers == set()
    assert control.of("PUT") == []
