"""What is freed goes back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

HOLES = """
import psutil
from kit.emulator.memory import give_back, settle

settle()
held = [bytes(30_000) for _ in range(3000)]
full = psutil.Process().memory_full_info().uss
held = held[::50]
give_back()
print(int((full - psutil.Process().memory_full_info().uss) / 1e6))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_what_is_free_amid_what_is_held_goes_back() -> None:
    done = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 60  # of 90 MB
