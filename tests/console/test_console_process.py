"""``kit console`` as a process, and the chart library that it makes."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from kit.console.app import create_app
from kit.console.bundle import Bundle
from kit.errors import KitError
from kit.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a local stage and nothing else, so that a run leaves nothing behind."""
    shutil.copytree(ROOT / "stages", tmp_path / "stages")
    return tmp_path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(project: Path, port: int, *more: str) -> subprocess.Popen[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("KIT_", "AWS_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "kit", "console", "--port", str(port), *more],
        cwd=project,
        env={**environ, "KIT_ALLOWED_HOSTS": "console.test", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fetch(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def await_answer(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            assert fetch(port, "/healthz") == (200, "ok\n")
            return
        except urllib.error.URLError:
            assert time.monotonic() < deadline, "the console did not start"
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)


def test_it_starts_and_stays_calm_without_an_endpoint(project: Path) -> None:
    port = free_port()
    process = start(project, port)
    try:
        await_answer(process, port)
        status, told = fetch(port, "/api/overview")
        assert status == 503
        assert "no answer while asking for the alarms" in told
        assert fetch(port, "/healthz", host="console.test")[0] == 200
        assert fetch(port, "/healthz", host="evil.example")[0] == 421
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert "Traceback" not in errors


def await_closed(port: int) -> None:
    """Until nobody new is let in."""
    deadline = time.monotonic() + 5
    with contextlib.suppress(ConnectionError):
        while time.monotonic() < deadline:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whoever_is_asking_when_it_is_told_to_end_is_answered(project: Path, number: signal.Signals) -> None:
    port = free_port()
    process = start(project, port)
    try:
        await_answer(process, port)
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\n")
            process.send_signal(number)
            await_closed(port)
            client.sendall(b"Host: 127.0.0.1\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(65_536), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b"\r\n\r\nok\n")
        assert process.wait(5) == 0
    finally:
        process.kill()
        _, errors = process.communicate(timeout=20)
    assert errors == ""


def test_a_taken_port_is_one_line_with_its_remedy(project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start(project, taken.getsockname()[1])
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert errors.count("\n") == 1
    assert "is taken" in errors
    assert "KIT_PORT_CONSOLE" in errors


def test_the_chart_library_is_made_once_and_may_be_kept_for_good(settings: Settings, bundle: Bundle) -> None:
    client = create_app(settings, client_for=lambda *_: None, bundle=bundle).test_client()
    with client.get(f"/assets/{bundle.name}") as answer:
        assert answer.status_code == 200
        assert answer.mimetype == "text/javascript"
        assert "immutable" in answer.headers["Cache-Control"]
        assert len(answer.data) > 500_000
    written = bundle.path().stat().st_mtime_ns
    assert bundle.path().stat().st_mtime_ns == written
    assert client.get("/assets/vega-0.js").status_code == 404


def test_it_is_not_made_in_the_serving_process(bundle: Bundle) -> None:
    code = f"import sys; from pathlib import Path; from kit.console import app, bundle;\
 bundle.Bundle(Path({str(bundle.path().parent)!r})).path(); sys.exit('vl_convert' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(KitError, match="chart library could not be written"):
        Bundle(blocked / "cache").path()
