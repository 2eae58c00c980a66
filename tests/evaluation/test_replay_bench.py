"""The benchmark's own arithmetic; how long it takes is not tested."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_without_promtool_the_benchmark_says_so_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.replay"]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "bench: promtool is not on the PATH; it is in Debian's package prometheus\n"
