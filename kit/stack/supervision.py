"""supervisord: its configuration, its start and stop, and the questions one may ask it.

supervisord restarts what dies, with back-off, and writes each program's output to a rotated file. It is reached by
XML-RPC on a Unix socket that only this user may open.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from kit.errors import KitError
from kit.stack.processes import Process

STOP_WITHIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Running:
    """What supervisord says of one program; ``state`` is its word (RUNNING, STARTING, BACKOFF, FATAL, ...)."""

    name: str
    state: str
    pid: int
    since: float
    exit_status: int
    trouble: str


def socket_path(root: Path) -> Path:
    """A short path of its own for each project folder.

    A Unix socket's path may have 103 characters on macOS, whose temporary folder takes half of them.
    """
    digest = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"kit-{os.getuid()}-{digest}" / "s.sock"


def configuration(programs: Sequence[Process], state_dir: Path, address: Path) -> str:
    """The text of supervisord.conf."""
    parts = [
        _section("unix_http_server", file=str(address), chmod="0700"),
        _section(
            "supervisord",
            logfile=str(state_dir / "logs" / "supervisord.log"),
            logfile_maxbytes="1MB",
            logfile_backups="1",
            pidfile=str(state_dir / "supervisord.pid"),
            childlogdir=str(state_dir / "logs"),
            identifier="observability-starter-kit",
        ),
        "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
    ]
    for program in programs:
        environment = ",".join(f'{k}="{_quoted(v)}"' for k, v in program.environ.items())
        parts.append(
            _section(
                f"program:{program.name}",
                command=shlex.join(program.argv),
                autorestart="true",
                startsecs="1",
                startretries="30",
                stopasgroup="true",
                killasgroup="true",
                stopwaitsecs="8",
                redirect_stderr="true",
                stdout_logfile=str(log_file(state_dir, program.name)),
                stdout_logfile_maxbytes="5MB",
                stdout_logfile_backups="1",
                **({"environment": environment} if environment else {}),
            )
        )
    return "\n".join(parts)


def log_file(state_dir: Path, name: str) -> Path:
    """Where a program's output is kept."""
    return state_dir / "logs" / f"{name}.log"


def start(
    programs: Sequence[Process], root: Path, state_dir: Path, environ: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Write the configuration and start supervisord in a session of its own.

    Its own session, because Ctrl-C must reach `kit up` alone, which then ends everything in order.
    """
    address = socket_path(root)
    address.parent.mkdir(mode=0o700, exist_ok=True)
    if address.parent.stat().st_uid != os.getuid():
        raise KitError(str(address.parent), "belongs to another user", "Remove it, or set TMPDIR to a folder of yours.")
    config = state_dir / "supervisord.conf"
    # The fault control's token stands in it.
    config.touch(mode=0o600)
    config.write_text(configuration(programs, state_dir, address), encoding="utf-8")
    with (state_dir / "logs" / "supervisord.out").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--silent", "-c", str(config)],
            cwd=root,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def ask(root: Path) -> list[Running] | None:
    """The state of every program, or None when no supervisord of this project answers."""
    infos = _call(root, "supervisor.getAllProcessInfo")
    if infos is None:
        return None
    return [Running(i["name"], i["statename"], i["pid"], i["start"], i["exitstatus"], i["spawnerr"]) for i in infos]


def supervisor_pid(root: Path) -> int | None:
    """The process id of this project's supervisord, when it answers."""
    pid: int | None = _call(root, "supervisor.getPID")
    return pid


def shut_down(root: Path) -> bool:
    """Ask the supervisord of an earlier run to end all of it; False when it still answers at the deadline."""
    _call(root, "supervisor.shutdown")
    deadline = time.monotonic() + STOP_WITHIN_S
    while time.monotonic() < deadline:
        if supervisor_pid(root) is None:
            return True
        time.sleep(0.2)
    return False


def stop(supervisord: subprocess.Popen[bytes]) -> None:
    """End supervisord and, through it, every program; by force when it doesn't end in time."""
    if supervisord.poll() is not None:
        return
    supervisord.terminate()
    try:
        supervisord.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        _kill_tree(supervisord.pid)
        supervisord.wait()


def _kill_tree(pid: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.send_signal(signal.SIGKILL)


def _call(root: Path, method: str) -> Any:
    """One XML-RPC call; None when nobody answers on the socket."""
    path = socket_path(root)
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return None
    # The host name is never used: the transport goes to the Unix socket.
    transport = SupervisorTransport(None, None, f"unix://{path}")
    try:
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as server:
            return getattr(server, method)()
    except (OSError, http.client.HTTPException, xmlrpc.client.Error):
        return None


def _section(name: str, **keys: str) -> str:
    lines = [f"[{name}]", *(f"{key} = {_escaped(value, key)}" for key, value in keys.items())]
    return "\n".join(lines) + "\n"


def _escaped(value: str, key: str) -> str:
    # supervisord expands %(name)s everywhere, and takes " ;" for the start of a comment.
    if "\n" in value or " ;" in value:
        raise KitError(key, f"{value!r} cannot be passed on to a process", "Use a path without line breaks or ' ;'.")
    return value.replace("%", "%%")


def _quoted(value: str) -> str:
    if '"' in value:
        raise KitError("environment", f"{value!r} holds a double quote", "Use a path without one.")
    return value
