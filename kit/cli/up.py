"""`kit up`: the whole stack in the foreground."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from kit.cli._options import find_root
from kit.definitions import wanted
from kit.errors import KitError
from kit.settings import LOCAL_STAGE, Settings, load, ports_file
from kit.stack import lock, supervision
from kit.stack.account import account_environ, require_may_run
from kit.stack.ports import require_free
from kit.stack.processes import Process, data_dirs, kept_dir, local_environ, processes
from kit.stack.readiness import wait

READY_WITHIN_S = 60.0
WATCH_EVERY_S = 1.0

err = Console(stderr=True, highlight=False)
out = Console(highlight=False)


@click.command()
@click.option("--fresh", is_flag=True, help="Begin with an empty local AWS: forget alarms, metrics, logs and traces.")
@click.option("--stage", default=LOCAL_STAGE, show_default=True, help="Send the telemetry to this stage's account.")
@click.option("--profile", help="AWS profile for that account (default: AWS_PROFILE).")
def command(fresh: bool, stage: str, profile: str | None) -> int:
    """Start the shop, the local AWS, the console and a steady load; Ctrl-C stops all of it.

    \b
    1. Read alarms/ and dashboards/, and see that the ports are free: nothing is started on bad input.
    2. Start everything under supervisord, which restarts what dies.
    3. Apply alarms and dashboards over the wire, as one would to a real account; pages go to the console's inbox.
    4. Print the addresses, then say whatever changes.

    The local AWS keeps what it was given in .kit/aws: stop this and start it again, and it is all there.

    With another --stage the shop, the load and the console run here and no local AWS: the telemetry goes to the stage's
    account, which STS must confirm first. Alarms and dashboards are not applied by this; that is `kit apply`.
    """
    root = find_root(Path.cwd())
    if lock.holder(root / ".kit") is None:
        # What a run that was killed has left: this one's ports come from the environment.
        ports_file(root).unlink(missing_ok=True)
    settings = load(os.environ, root, stage=stage, profile=profile)
    wanted(settings.root, settings.stage, settings.region)
    if not settings.stage.local:
        _require_account(settings, fresh)
    for folder in data_dirs(settings):
        folder.mkdir(parents=True, exist_ok=True)
    with lock.only_one(settings.state_dir):
        _end_what_was_left(settings)
        require_free(settings.ports, () if settings.stage.local else ("aws", "xray"))
        if fresh:
            # imported here since the emulator's modules would stay with this process for as long as the stack runs
            import_module("kit.emulator.keeping.emptying").empty_folder(kept_dir(settings))
        return _run(settings)


def _run(settings: Settings) -> int:
    token = secrets.token_urlsafe(24)
    token_file = settings.state_dir / "faults-token"
    token_file.unlink(missing_ok=True)
    token_file.touch(mode=0o600)
    token_file.write_text(token, encoding="utf-8")
    ports_file(settings.root).write_text(json.dumps(asdict(settings.ports)), encoding="utf-8")
    programs = processes(settings, token)
    stopped = _Stop()
    stopped.listen()
    environ = (local_environ if settings.stage.local else account_environ)(settings, os.environ)
    supervisord = supervision.start(programs, settings.root, settings.state_dir, environ)
    try:
        _bring_up(settings, programs, supervisord, stopped)
        if not stopped:
            _print_addresses(settings, programs)
        return _watch(settings, programs, supervisord, stopped)
    finally:
        stopped.listen_no_more()
        err.print("Stopping everything ...")
        supervision.stop(supervisord)
        token_file.unlink(missing_ok=True)
        ports_file(settings.root).unlink(missing_ok=True)
        err.print("Stopped; nothing is left running.")


class _Stop:
    """Turns true when this process is told to end; the loops ask it instead of being torn out of their work."""

    def __init__(self) -> None:
        self._asked = False

    def __bool__(self) -> bool:
        return self._asked

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def listen_no_more(self) -> None:
        """From here on a second Ctrl-C must not cut the stopping short."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked = True


def _bring_up(
    settings: Settings, programs: Sequence[Process], supervisord: subprocess.Popen[bytes], stopped: _Stop
) -> None:
    expected = [p for p in programs if p.health]
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=err, transient=True
    ) as progress:
        task = progress.add_task("starting", total=len(expected))
        missing = {p.name: p for p in expected}
        for ready in wait(programs, READY_WITHIN_S, lambda: supervisord.poll() is None and not stopped):
            del missing[ready.name]
            if ready.name == "aws":
                _apply(settings)
            progress.update(task, advance=1, description=f"{ready.title} answers")
        if not missing and settings.stage.local:
            _subscribe(settings)
    if supervisord.poll() is not None:
        raise KitError(
            "supervisord",
            "ended at once",
            f"See {settings.state_dir / 'logs' / 'supervisord.out'}.",
        )
    if missing and not stopped:
        first = next(iter(missing.values()))
        raise KitError(
            first.title,
            f"doesn't answer at {first.health} after {READY_WITHIN_S:.0f} s",
            f"Read {supervision.log_file(settings.state_dir, first.name)}.",
        )


def _require_account(settings: Settings, fresh: bool) -> None:
    """Before anything is started: a stage that may be used from here, and its account."""
    if fresh:
        raise KitError("--fresh", "empties the local AWS, and this stage has none", "Leave it out.")
    require_may_run(settings)
    # imported here since boto3 would stay with this process, which on the local stage never needs it
    import_module("kit.deploy.guards").require_own_region(settings)
    import_module("kit.aws").confirm_account(settings)
    err.print(f"Telemetry goes to account {settings.stage.account} in {settings.region}.")


def _print_addresses(settings: Settings, programs: Sequence[Process]) -> None:
    by_name = {p.name: p for p in programs}
    out.print()
    rows = (
        ("console", "dashboards and alarms"),
        ("shop", "the service that is watched"),
        ("load", "Locust: the traffic"),
        ("aws", "local AWS (AWS_ENDPOINT_URL)"),
    )
    for name, what in rows:
        if name in by_name:
            out.print(f"  {by_name[name].url:<26} {what}")
    out.print()
    there = "" if settings.stage.local else f" --stage {settings.stage.name}"
    if not settings.stage.local:
        out.print(f"  Watch it there:   .venv/bin/kit apply{there}")
    if "shop-faults" in by_name:
        out.print(f"  Break something:  .venv/bin/kit fault set payment-errors --percent 100{there}")
    out.print(f"  See it page:      .venv/bin/kit alarms{there}")
    if "shop-faults" in by_name:
        out.print(f"  Mend it:          .venv/bin/kit fault lift --all{there}")
    out.print("  Stop everything:  Ctrl-C")
    out.print()


def _watch(
    settings: Settings, programs: Sequence[Process], supervisord: subprocess.Popen[bytes], stopped: _Stop
) -> int:
    """Say what dies and comes back, until told to end. Returns the exit code."""
    known: dict[str, int] = {}
    gave_up: set[str] = set()
    while not stopped:
        if supervisord.poll() is not None:
            err.print("kit: supervisord ended by itself. See .kit/logs/supervisord.log.")
            return 1
        for program in supervision.ask(settings.root) or ():
            if program.state == "FATAL" and program.name not in gave_up:
                gave_up.add(program.name)
                err.print(f"{program.name} keeps dying and was given up. Read .kit/logs/{program.name}.log.")
            if program.state != "RUNNING":
                continue
            before = known.get(program.name)
            known[program.name] = program.pid
            if before is not None and before != program.pid:
                err.print(f"{program.name} died and was restarted (process {before}, now {program.pid}).")
                if program.name == "aws":
                    _apply_again(settings, programs, stopped)
        time.sleep(WATCH_EVERY_S)
    return 0


def _apply(settings: Settings) -> None:
    """Put alarms and dashboards on the local AWS, over the wire."""
    done = _verb(settings, "apply")
    if done.returncode != 0:
        raise KitError("alarms and dashboards", _complaint(done))


def _subscribe(settings: Settings) -> None:
    """Let the pages come to the console. Without it everything else works, so a failure is a line."""
    done = _verb(settings, "page", "subscribe")
    if done.returncode != 0:
        err.print(f"Pages don't reach the inbox: {_complaint(done)}", markup=False)


def _verb(settings: Settings, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a verb in a process of its own: boto3 would stay with this one, 30 MB for as long as the stack runs."""
    return subprocess.run(
        [sys.executable, "-m", "kit", *argv, "--stage", settings.stage.name],
        cwd=settings.root,
        env=local_environ(settings, os.environ),
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C is for this process, which waits for it and then ends everything
    )


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr or done.stdout).strip().removeprefix("kit: ")


def _apply_again(settings: Settings, programs: Sequence[Process], stopped: _Stop) -> None:
    """The local AWS came back: apply again, once it answers, for what it may have lost of its last second."""
    # it first reads what it has kept, which may take some seconds
    for _ in wait([program for program in programs if program.name == "aws"], READY_WITHIN_S, lambda: not stopped):
        pass
    if stopped:
        return
    try:
        _apply(settings)
    except KitError as error:
        err.print(f"kit: {error}", markup=False)
    _subscribe(settings)


def _end_what_was_left(settings: Settings) -> None:
    """End what a `kit up` that was killed outright has left running."""
    pid = supervision.supervisor_pid(settings.root)
    if pid is None:
        return
    err.print(f"An earlier run was killed and left its processes (supervisord {pid}); ending them first ...")
    if not supervision.shut_down(settings.root):
        raise KitError("supervisord", f"process {pid} of an earlier run doesn't end", f"End it: kill {pid}")
