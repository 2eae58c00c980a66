from __future__ import annotations

import configparser
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from kit.errors import KitError
from kit.stack import supervision
from kit.stack.processes import Process

SLEEPER = "import time; time.sleep(600)"


def program(name: str, *argv: str, **environ: str) -> Process:
    return Process(name, argv, name, "http://127.0.0.1:1", "", 1, environ)


def until(condition: Callable[[], object], within_s: float = 20) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)


def test_a_percent_sign_and_a_blank_reach_the_process_as_they_are() -> None:
    text = supervision.configuration([program("a", "/bin/my tool", "50%", KEY="a,b=50%")], Path("/s"), Path("/t"))
    parsed = configparser.RawConfigParser()
    parsed.read_string(text)
    assert parsed["program:a"]["command"] == "'/bin/my tool' 50%%"
    assert parsed["program:a"]["environment"] == 'KEY="a,b=50%%"'


@pytest.mark.parametrize("value", ["two\nlines", "a ;comment"])
def test_what_supervisord_would_misread_is_refused(value: str) -> None:
    with pytest.raises(KitError):
        supervision.configuration([program("a", "x", KEY=value)], Path("/s"), Path("/t"))


def test_a_project_in_a_deep_folder_still_gets_a_socket_with_a_short_path(tmp_path: Path) -> None:
    assert len(str(supervision.socket_path(tmp_path / ("deep" * 60)))) < 100 + len(str(tmp_path))


def test_without_a_supervisord_there_is_no_answer(tmp_path: Path) -> None:
    assert supervision.ask(tmp_path) is None
    assert supervision.supervisor_pid(tmp_path) is None


def test_what_is_killed_comes_back_and_a_stop_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    programs = [program("sleeper", sys.executable, "-c", SLEEPER)]
    supervisord = supervision.start(programs, tmp_path, tmp_path, os.environ)
    try:
        until(lambda: [r.state for r in supervision.ask(tmp_path) or []] == ["RUNNING"])
        (first,) = supervision.ask(tmp_path) or []
        os.kill(first.pid, signal.SIGKILL)
        until(lambda: [r.pid for r in supervision.ask(tmp_path) or [] if r.state == "RUNNING"] not in ([], [first.pid]))
        (second,) = supervision.ask(tmp_path) or []
    finally:
        supervision.stop(supervisord)
    assert supervisord.returncode == 0
    assert not psutil.pid_exists(second.pid)
    assert supervision.ask(tmp_path) is None


def test_the_configuration_that_holds_the_token_is_for_the_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    supervisord = supervision.start([program("a", sys.executable, "-c", SLEEPER)], tmp_path, tmp_path, os.environ)
    supervision.stop(supervisord)
    assert (tmp_path / "supervisord.conf").stat().st_mode & 0o077 == 0
