"""Locust's own master and four real workers: their counts add up, and only the master touches the faults."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOKEN = "test-token-0123456789"
SCENARIO = """
name: rehearsal
load: {shape: steady, users: 40}
schedule:
  - {at: 1, fault: noop, expires: 60}
  - {at: 1, client: bot-flood, rate: 20}
  - {at: 4, stop: bot-flood}
  - {at: 5, lift: all}
  - {at: 5.5, end: true}
"""


def test_four_workers_send_the_load_and_the_master_alone_injects(
    tmp_path: Path,
    open_shop: Callable[..., Any],
    open_control: Callable[..., Any],
    locust: Callable[..., subprocess.Popen[str]],
    a_free_port: Callable[[], int],
) -> None:
    shop, control, port = open_shop(), open_control(), str(a_free_port())
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    process = locust(
        *("--headless", "--processes", "4", "--master-bind-port", port, "--master-port", port),
        *("--host", shop.url, "--scenario", "scenario.yaml", "--fault-url", control.url, "--run-id", "four"),
        *("--run-dir", "run", "--csv", "run/locust", "--html", "run/locust.html", "--only-summary"),
        FAULTS_TOKEN=TOKEN,
    )
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors

    assert control.of("PUT") == [("faults/noop", {"expires_in_s": 60.0, "run": "four"})]
    assert control.of("DELETE") == [("faults/noop", None)]
    beats = control.of("POST")
    assert {path for path, _ in beats} == {"heartbeat"}
    assert {body["run"] for _, body in beats} == {"four"}
    # One every three seconds: five processes would send five times as many.
    assert 2 <= len(beats) <= 8
    assert len((tmp_path / "run" / "locust.jsonl").read_text().splitlines()) == 6

    files = sorted((tmp_path / "run").glob("requests*.csv"))
    assert [file.name for file in files] == [f"requests-{number}.csv" for number in range(4)]
    told = [row for file in files for row in rows(file)]
    assert len(told) > 20
    shop.check_told(told)
    answered = [row for row in told if row["status"] != "0"]
    stats = {row["Name"]: int(row["Request Count"]) for row in rows(tmp_path / "run" / "locust_stats.csv")}
    assert len(answered) == stats["/checkout"] + stats["/checkout (others)"]
    # Names are the workers' own, so that no two customers share one.
    assert {name.split("-")[1] for name in shop.customers} == {"0", "1", "2", "3"}
    assert len(shop.customers) > 20
    assert len(shop.strangers - {""}) == 1
    assert (tmp_path / "run" / "locust.html").exists()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
