"""Real servers: the folder, copied under another name into a project of its own, is run by gunicorn.

Every test here therefore also proves that the folder needs nothing around it.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from .conftest import FakeDaemon, FakeLogs, wait_for
from .emf_rules import check

FOLDER = Path(__file__).parents[2] / "service" / "telemetry"
WEB = """
import logging, os, sys
from flask import Flask
from .watch import instrument

app = Flask("billing")
watch = instrument(app, sli_operations=("POST /bills",))

@app.get("/healthz")
def healthz():
    return "ok"

@app.post("/bills")
def bills():
    logging.getLogger("billing").info("billed", extra={"bill_id": "b-1"})
    return {"pid": os.getpid()}, 201

@app.get("/modules")
def modules():
    return sorted(sys.modules)

@app.get("/fork")
def fork():
    child = os.fork()
    if child == 0:
        app.test_client().post("/bills")
        watch.close()
        os._exit(0)
    return {"status": os.waitpid(child, 0)[1]}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert isinstance(port, int)
    return port


class Server:
    """gunicorn with the copied project; stdout is kept in a file."""

    def __init__(self, project: Path, daemon: FakeDaemon, endpoint: str, *arguments: str, **environ: str) -> None:
        self.port = free_port()
        self.output = project / f"out-{self.port}"
        own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "gunicorn", "acme.web:app", "-b", f"127.0.0.1:{self.port}"),
                    *("--no-control-socket", "--worker-class", "gthread", "--threads", "4", *arguments),
                ],
                cwd=project,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={
                    **own,
                    "PYTHONPATH": str(project),
                    "PYTHONWARNINGS": "error::DeprecationWarning:acme",
                    "AWS_ENDPOINT_URL": endpoint,
                    "AWS_ACCESS_KEY_ID": "test",
                    "AWS_SECRET_ACCESS_KEY": "test",
                    "AWS_XRAY_DAEMON_ADDRESS": daemon.address,
                    "TELEMETRY_NAMESPACE": "Acme",
                    **environ,
                },
            )

    def ask(self, path: str, method: str = "GET", timeout: float = 5) -> tuple[Any, float]:
        """(the JSON or text of the answer, seconds it took)."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        began = time.monotonic()
        answer: HTTPResponse
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            text = answer.read().decode()
        return json.loads(text) if text[:1] in "[{" else text, time.monotonic() - began

    def up(self) -> "Server":
        def answers() -> bool:
            assert self.process.poll() is None, self.output.read_text(encoding="utf-8")
            try:
                self.ask("/healthz")
            except OSError:
                return False
            return True

        wait_for(answers, 20)
        return self

    def stop(self) -> float:
        """SIGTERM, and the seconds until it is gone."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return time.monotonic() - began

    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines of its stdout."""
        text = self.output.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(FOLDER, root / "acme" / "watch", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "acme" / "__init__.py").touch()
    (root / "acme" / "web.py").write_text(WEB, encoding="utf-8")
    return root


Start = Callable[..., Server]


@pytest.fixture
def start(project: Path, daemon: FakeDaemon, tmp_path: Path) -> Iterator[Start]:
    servers: list[Server] = []

    def started(endpoint: str, *arguments: str, **environ: str) -> Server:
        environ = {"TELEMETRY_SPILL_DIR": str(tmp_path), **environ}
        servers.append(Server(project, daemon, endpoint, *arguments, **environ))
        return servers[-1]

    yield started
    for server in servers:
        server.stop()


def bills(aws: FakeLogs, suffix: str = "/emf") -> list[dict[str, Any]]:
    return [message for message in aws.messages(suffix) if message.get("Operation") == "POST /bills"]


@pytest.mark.parametrize("arguments", [(), ("--preload",)], ids=["prefork", "preload"])
def test_every_worker_sends_all_three_signals_and_nothing_is_counted_twice(
    aws: FakeLogs, daemon: FakeDaemon, start: Start, arguments: tuple[str, ...]
) -> None:
    server = start(aws.url, "--workers", "2", *arguments).up()
    pids = [server.ask("/bills", "POST")[0]["pid"] for _ in range(20)]
    os.kill(pids[-1], signal.SIGSTOP)  # so that the other one answers
    pids += [server.ask("/bills", "POST")[0]["pid"] for _ in range(5)]
    os.kill(pids[19], signal.SIGCONT)
    asked = len(pids)
    assert len(set(pids)) == 2
    assert server.stop() < 6
    for document in aws.messages("/emf"):
        check(document)
        assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Acme"
    assert sum(document.get("Requests", 0) for document in bills(aws)) == asked
    assert len(aws.groups["/acme/local/billing/emf"]) == 2, "a stream for each worker"
    lines = [line for line in aws.messages("/logs") if line["message"] == "billed"]
    assert len({line["trace_id"] for line in lines}) == asked
    assert {line["xray_trace_id"] for line in lines} == {document["trace_id"] for document in daemon.documents}
    assert sorted(line["trace_id"] for line in server.lines() if line["message"] == "billed") == sorted(
        line["trace_id"] for line in lines
    )


def test_an_idle_service_sends_zeros_and_a_heartbeat_at_whole_five_seconds(aws: FakeLogs, start: Start) -> None:
    server = start(aws.url).up()
    wait_for(lambda: bills(aws), 8)
    stopping = server.stop()
    first, second = bills(aws)
    for document in (first, second):
        assert [document[name] for name in ("Requests", "Fault", "Error", "Slow")] == [0, 0, 0, 0]
        assert document["_aws"]["Timestamp"] % 5_000 == 0
    assert second["_aws"]["Timestamp"] - first["_aws"]["Timestamp"] == 5_000
    assert any(document.get("Heartbeat") == 1 for document in aws.messages("/emf"))
    assert stopping < 6


def test_with_a_dead_endpoint_it_boots_serves_and_ends(start: Start) -> None:
    server = start(f"http://127.0.0.1:{free_port()}").up()
    _, seconds = server.ask("/bills", "POST")
    assert seconds < 1
    assert server.stop() < 4


def test_with_a_hanging_endpoint_it_boots_serves_and_ends(aws: FakeLogs, start: Start) -> None:
    aws.mode = "hang"
    server = start(aws.url, TELEMETRY_CLOSE_SECONDS="1.5").up()
    times = [server.ask("/bills", "POST")[1] for _ in range(30)]
    assert times[0] < 1
    wait_for(lambda: aws.calls)
    times += [server.ask("/bills", "POST")[1] for _ in range(30)]
    assert sorted(times)[30] < 0.2
    assert server.stop() < 4
    assert sum(line["message"] == "billed" for line in server.lines()) == 60


def test_when_the_endpoint_dies_midway_it_goes_on_and_when_it_is_back_all_arrives(aws: FakeLogs, start: Start) -> None:
    server = start(aws.url).up()
    server.ask("/bills", "POST")
    wait_for(lambda: bills(aws, "/logs") or aws.messages("/logs"))
    aws.close()
    times = [server.ask("/bills", "POST")[1] for _ in range(30)]
    assert max(times) < 1
    wait_for(lambda: any("delivery of" in line["message"] for line in server.lines()))
    back = FakeLogs(port=aws.port)
    try:
        assert server.stop() < 7
        lines = [*aws.messages("/logs"), *back.messages("/logs")]
        assert sum(line["message"] == "billed" for line in lines) == 31
        counted = sum(document.get("Requests", 0) for document in [*bills(aws), *bills(back)])
        assert counted == 31
    finally:
        back.close()


def test_a_child_of_a_running_worker_has_telemetry_of_its_own(aws: FakeLogs, start: Start) -> None:
    server = start(aws.url).up()
    server.ask("/bills", "POST")
    assert server.ask("/fork", timeout=15)[0] == {"status": 0}
    server.stop()
    assert sum(document.get("Requests", 0) for document in bills(aws)) == 2
    assert sum(line["message"] == "billed" for line in aws.messages("/logs")) == 2
    assert len(aws.groups["/acme/local/billing/logs"]) == 2


def test_a_killed_worker_leaves_its_spill_and_its_counts_to_the_next_start(aws: FakeLogs, start: Start) -> None:
    aws.mode = "hang"
    server = start(aws.url, TELEMETRY_LOG_QUEUE_BYTES="65536").up()
    for _ in range(95):
        server.ask("/bills", "POST")
    wait_for(lambda: sum(line["message"] == "billed" for line in server.lines()) == 95)
    pid = server.ask("/bills", "POST")[0]["pid"]
    os.kill(server.process.pid, signal.SIGSTOP)  # so that it does not start another
    os.kill(pid, signal.SIGKILL)
    server.process.kill()
    server.process.wait()
    aws.mode = "ok"
    heir = start(aws.url).up()
    wait_for(lambda: any("TelemetryLost" in document and "Signal" in document for document in aws.messages("/emf")))
    heir.stop()
    told = [line for line in aws.messages("/logs") if line["message"] in {"billed", "POST /bills 201"}]
    lost = sum(
        document.get("TelemetryLost", 0) for document in aws.messages("/emf") if document.get("Signal") == "logs"
    )
    assert lost == 2 * 96 - len(told) > 0
    assert (
        sum(document.get("TelemetryLost", 0) for document in aws.messages("/emf") if "Signal" not in document) >= lost
    )


def test_sigterm_ends_a_plain_program_as_its_end_does(aws: FakeLogs, project: Path, tmp_path: Path) -> None:
    program = (
        "import logging, time; from acme.watch import instrument; t = instrument(); t.start();"
        # Short sleeps: Python does not wake from one that began just after the signal came.
        "logging.getLogger('job').info('worked'); print('ready', flush=True); [time.sleep(0.1) for _ in range(300)]"
    )
    environ = {**os.environ, "AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "t", "AWS_SECRET_ACCESS_KEY": "t"}
    environ |= {"OTEL_SERVICE_NAME": "job", "TELEMETRY_SPILL_DIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=project, env=environ, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(10) == 128 + signal.SIGTERM
    assert [line["message"] for line in aws.messages("/logs")] == ["worked"]


def test_the_copied_folder_runs_without_the_shop_and_without_sqlalchemy(aws: FakeLogs, start: Start) -> None:
    modules = start(aws.url).up().ask("/modules")[0]
    assert "acme.watch.instrument" in modules
    rooms = {module.partition(".")[0] for module in modules}
    assert not rooms & {"service", "kit", "loadtest", "sqlalchemy", "gevent", "grpc", "requests"}


def test_gevent_workers_are_refused_in_one_clear_line(project: Path) -> None:
    program = "from gevent import monkey; monkey.patch_all(); import acme.web"
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=project, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert "SettingsError: this process is patched by gevent" in ended.stderr.splitlines()[-1]
