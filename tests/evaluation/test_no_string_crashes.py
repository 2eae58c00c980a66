"""A slice of ``python -m bench.fuzz_expressions``, which every parser has to survive."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("seed", [1, None])
def test_no_string_crashes_a_parser(seed: int | None) -> None:
    """Once with strings that stay, once with new ones; a crash prints the seed that finds it again."""
    command = [sys.executable, "-m", "bench.fuzz_expressions", "--cases", "8000"]
    if seed is not None:
        command += ["--seed", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "no crash" in done.stdout
    counts = [int(word) for line in done.stdout.splitlines()[1:] for word in line.split() if word.isdigit()]
    assert len(counts) == 10  # five parsers, taken and refused
    assert min(counts) > 20
