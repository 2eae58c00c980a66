"""Two minutes of ``bench.hour_of_traffic``: the shop's own traffic, counted, and no memory beyond what is held."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_shops_own_traffic_is_kept_whole_and_takes_no_more_memory_than_is_held() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.hour_of_traffic", "--minutes", "2"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing was lost, and no cap was passed" in done.stdout
    assert "Sent(events=8856, segments=6768)" in done.stdout


def test_what_is_wrong_is_found() -> None:
    script = (
        "from bench.hour_of_traffic import Sent, wrong\n"
        "logs = {'events_received': 5, 'emf_rejected': 0, 'bytes': 1}\n"
        "xray = {'documents': 3, 'bytes': 1}\n"
        "page = {'engines': {'logs us-east-1': logs, 'xray us-east-1': xray}}\n"
        "assert wrong(Sent(5, 3), page, 1.0) == []\n"
        "assert len(wrong(Sent(6, 4), page, 7.0)) == 3\n"
        "xray['bytes'] = logs['bytes'] = 10**9\n"
        "assert len(wrong(Sent(5, 3), page, 1.0)) == 2\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
