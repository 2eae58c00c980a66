"""The stack for a game day: brought up when it isn't there, and then ended again."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from kit.errors import KitError
from kit.settings import Settings, load, ports_file
from kit.stack import lock, supervision
from kit.stack.processes import processes
from kit.stack.readiness import answers

READY_WITHIN_S = 120.0
STOPS_WITHIN_S = 45.0


@contextlib.contextmanager
def running_stack(settings: Settings, say: Callable[[str], None], stopped: Callable[[], bool]) -> Iterator[Settings]:
    """The settings of a stack that runs and answers. Raises KitError when it doesn't come up, or isn't well."""
    if settings.stage.shop_url is not None:
        yield settings  # somebody else's shop: nothing of it is ours to start
    elif lock.holder(settings.state_dir) is not None:
        _require_healthy(settings)
        yield settings
    else:
        with _brought_up(settings, say, stopped) as own:
            yield own


def _require_healthy(settings: Settings) -> None:
    for program in supervision.ask(settings.root) or ():
        if program.state not in ("RUNNING", "STARTING"):
            remedy = f"Read .kit/logs/{program.name}.log, and start the stack again."
            raise KitError(program.name, f"doesn't run ({program.state})", remedy)
    for one in processes(settings, ""):
        if one.health and not answers(one.health, timeout_s=3):
            raise KitError(one.title, f"doesn't answer at {one.health}", "See `kit status`.")


@contextlib.contextmanager
def _brought_up(settings: Settings, say: Callable[[str], None], stopped: Callable[[], bool]) -> Iterator[Settings]:
    ports_file(settings.root).unlink(missing_ok=True)  # of a run that was killed
    settings = load(os.environ, settings.root, stage=settings.stage.name, profile=settings.profile)
    say("nothing runs here: bringing the stack up ...")
    (settings.state_dir / "logs").mkdir(parents=True, exist_ok=True)
    output = settings.state_dir / "logs" / "gameday-up.log"
    with output.open("wb") as sink:
        up = subprocess.Popen(
            [sys.executable, "-m", "kit", "up", "--stage", settings.stage.name],
            cwd=settings.root,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the run, which ends the stack after it has taken everything back
        )
    try:
        deadline = time.monotonic() + READY_WITHIN_S
        # The addresses are the last that it prints: from then on all of it answers.
        while "Ctrl-C" not in output.read_text(encoding="utf-8", errors="replace"):
            if up.poll() is not None:
                said = output.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                cause = next((line for line in said if line.startswith("kit: ")), said[-1] if said else "no word")
                raise KitError("kit up", cause.removeprefix("kit: "))
            if stopped():
                raise KitError("kit up", "stopped before it was ready")
            if time.monotonic() > deadline:
                raise KitError("kit up", f"not ready after {READY_WITHIN_S:.0f} s", f"Read {output}.")
            time.sleep(0.5)
        yield settings
    finally:
        say("ending the stack ...")
        up.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            up.wait(STOPS_WITHIN_S)
        if up.poll() is None:
            up.kill()
            up.wait()
