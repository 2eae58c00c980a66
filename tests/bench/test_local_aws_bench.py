"""The comparison with other local AWS servers, run with ours alone; how fast that is is not tested."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_it_measures_ours_and_judges_no_target_without_the_peers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench.local_aws", "--json", "--servers", "kit", "--peers", str(tmp_path)]
    short = ["--rounds", "1", "--seconds", "0.05", "--points", "2000", "--launches", "1"]
    done = subprocess.run([*command, *short], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)["rows"]}
    assert all(row["servers"]["kit"]["failed"] is None for row in rows.values())
    assert all(row["servers"]["kit"]["median"] > 0 for row in rows.values())
    assert {met for row in rows.values() for met in row["met"].values()} == {None}
    assert rows["idle memory"]["target"] == "≤ 1.5× moto"
