from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from kit.errors import KitError
from kit.settings import Ports, load
from kit.stack.lock import holder, only_one
from kit.stack.ports import require_free
from kit.stack.processes import local_environ, processes

ROOT = Path(__file__).parents[2]


def free_ports() -> Ports:
    sockets = [socket.socket() for _ in fields(Ports)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    numbers = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return Ports(*numbers)


def test_free_ports_pass() -> None:
    require_free(free_ports())


def test_a_taken_port_is_one_line_with_its_number_and_the_setting_that_moves_it() -> None:
    ports = free_ports()
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports.shop))
        other.listen()
        with pytest.raises(KitError) as raised:
            require_free(ports)
    assert f"{ports.shop} (shop)" in str(raised.value)
    assert "KIT_PORT_SHOP=" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_udp_port_of_the_daemon_is_looked_at_too() -> None:
    ports = free_ports()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", ports.xray))
        with pytest.raises(KitError, match=r"\(xray\)"):
            require_free(ports)


def test_a_second_start_is_told_who_runs_already(tmp_path: Path) -> None:
    with only_one(tmp_path):
        second = "from pathlib import Path; from kit.stack.lock import only_one\nwith only_one(Path('.')): print('in')"
        found = subprocess.run([sys.executable, "-c", second], cwd=tmp_path, capture_output=True, check=False)
        assert b"in" not in found.stdout
        with pytest.raises(KitError, match=rf"already running here \(process {os.getpid()}\)"), only_one(tmp_path):
            pass
    with only_one(tmp_path):
        assert holder(tmp_path) == os.getpid()
    assert holder(tmp_path) is None


def test_the_shells_credentials_never_reach_the_local_stack() -> None:
    settings = load({}, ROOT)
    shell = {
        "PATH": "/bin",
        "AWS_PROFILE": "production",
        "AWS_SESSION_TOKEN": "secret",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://example.com",
    }
    environ = local_environ(settings, shell)
    assert environ["AWS_ACCESS_KEY_ID"] == "test"
    assert environ["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert environ["PATH"] == "/bin"
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "OTEL_EXPORTER_OTLP_ENDPOINT"} & environ.keys()


def test_only_the_fault_controls_and_who_sets_faults_are_given_the_token() -> None:
    programs = processes(load({}, ROOT), "s3cret")
    told = {p.name for p in programs if "s3cret" in p.environ.values()}
    assert told == {"shop-faults", "payments-faults", "load"}
    assert not [p.name for p in programs if "s3cret" in p.argv], "every user can read a command line"


def test_every_program_has_a_port_of_its_own() -> None:
    ports = [p.port for p in processes(load({}, ROOT), "")]
    assert len(set(ports)) == len(ports)
