"""A small process between the runner and Locust: when the runner is killed outright, it ends the run in its stead.

``python -m kit.gameday.guardian ROOT STAGE RUN_FOLDER PAUSED_USERS``, started by the runner in a session of its own.

1. Starts Locust, as the environment says (``LOADTEST_*``; so no name of a fault stands in the list of processes).
2. Waits until Locust ends, and ends with its exit code; or until a line on stdin asks for the end of Locust.
3. End of stdin without such a line: the runner is dead. Ends Locust, takes everything back, says so in the journal.

When this process is killed too, Locust's own guard and the faults' heartbeats are left, and `kit gameday stop`.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from kit.gameday.controls import controls
from kit.gameday.journal import Journal
from kit.gameday.rollback import take_back
from kit.gameday.steady import SteadyLoad
from kit.settings import Settings, load, shop_url

LOCUST_PID = "locust.pid"
ENDS_WITHIN_S = 15.0
LOOK_EVERY_S = 0.5


def main(argv: list[str]) -> int:
    """Run until Locust has ended; its exit code."""
    root, stage, folder, paused = Path(argv[0]), argv[1], Path(argv[2]), int(argv[3])
    # Ctrl-C and kill are for the runner, which then tells this process what to do.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    locust = _start(root, folder)
    asked = _wait(locust)
    end(locust)
    if asked == "":
        settings = load(os.environ, root, stage=stage)
        _in_its_stead(settings, folder, paused)
    return locust.returncode


def steady_of(settings: Settings) -> SteadyLoad:
    """The steady load of the stack on this machine."""
    return SteadyLoad(f"http://127.0.0.1:{settings.ports.locust}", shop_url(settings))


def end(locust: subprocess.Popen[bytes]) -> None:
    """End Locust, first by asking: then it lifts its faults and writes its last lines."""
    if locust.poll() is None:
        locust.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            locust.wait(ENDS_WITHIN_S)
    if locust.poll() is None:
        locust.kill()
    locust.wait()


def _start(root: Path, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "locust.log").open("wb") as log:
        locust = subprocess.Popen(
            [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--headless"],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=_default_signals,  # noqa: PLW1509  # this process has one thread
        )
    (folder / LOCUST_PID).write_text(str(locust.pid), encoding="ascii")
    return locust


def _default_signals() -> None:
    """What this process ignores would be ignored by Locust too."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _wait(locust: subprocess.Popen[bytes]) -> str | None:
    """None when Locust has ended by itself, the runner's line, or '' when there is no runner any more."""
    while locust.poll() is None:
        if select.select([sys.stdin], [], [], LOOK_EVERY_S)[0]:
            return sys.stdin.readline()
    return None


def _in_its_stead(settings: Settings, folder: Path, paused: int) -> None:
    journal = Journal(folder, folder.name)
    actor = "guardian"
    journal.write("rollback", time.time(), take_back(controls(settings), steady_of(settings), paused), actor=actor)
    journal.write("run.ended", time.time(), {"outcome": "killed", "exit": 1}, actor=actor)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
