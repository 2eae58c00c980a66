"""Over HTTP: gunicorn with two workers, forked before the app is made, at a steady rate."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.telemetry.turns import BODY
from bench.telemetry_sinks.client import ROOT, Sinks, sinks
from bench.verify_telemetry.driven import EACH, Driven
from bench.verify_telemetry.plan import Plan
from bench.verify_telemetry.result import OPERATION, Result

DRIVER = 0xFFFF
THREADS = 3
BOOTED_S = 30.0


def row(plan: Plan) -> Result:
    """Every request of some threads is answered by 200, and all that it left arrives."""
    result = Result(f"gunicorn, 2 workers, {plan.http_rate:.0f}/s over HTTP", rate=plan.http_rate)
    with sinks() as far, _gunicorn(far, plan.folder) as (server, port, boot_s):
        plan.say(result.name)
        result.boot_s, result.requests = boot_s, round(plan.seconds * plan.http_rate)
        failed = _load(port, result.requests, plan.http_rate)
        began = time.monotonic()
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        result.exit_s = time.monotonic() - began
        tally = far.tally(driver=DRIVER, requests=result.requests, each=EACH)
    result.lost = {name: tally[name]["short"] for name in EACH}
    result.lost["counts"] = abs(result.requests - round(tally["sums"].get(OPERATION, 0)))
    result.twice = sum(tally[name]["received"] - tally[name]["distinct"] for name in ("spans", "logs", "counts"))
    result.broken += failed[:3]
    return result.judge(plan.patience)


@contextmanager
def _gunicorn(far: Sinks, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, float]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    began = time.monotonic()
    with (folder / "gunicorn").open("wb") as output:
        server = subprocess.Popen(
            [
                *(sys.executable, "-W", "ignore", "-m", "gunicorn", "bench.verify_telemetry.wsgi:app"),
                *("-b", f"127.0.0.1:{port}", "--no-control-socket", "--keep-alive", "75"),
                *("--worker-class", "gthread", "--workers", "2", "--threads", "4"),
            ],
            cwd=ROOT,
            env={**kept, **far.environment, **Driven.settings(folder), "OTEL_SERVICE_NAME": "shop"},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        while not _answers(port):
            if server.poll() is not None or time.monotonic() - began > BOOTED_S:
                said = (folder / "gunicorn").read_text(encoding="utf-8")
                raise RuntimeError(f"gunicorn does not start: {said[-800:]}")
            time.sleep(0.02)
        yield server, port, time.monotonic() - began
    finally:
        server.kill()
        server.wait()


def _answers(port: int) -> bool:
    """Whether a worker does; 405, as the app has nothing to GET, is an answer and none of the counted requests."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=BOOTED_S)
    try:
        connection.request("GET", "/checkout")
        return connection.getresponse().status == 405
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _load(port: int, requests: int, rate: float) -> list[str]:
    """Ask from some threads, each with its share; returns what went wrong."""
    failed: list[str] = []
    epoch, began = int(time.time()), time.monotonic()

    def share(first: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for number in range(first, requests, THREADS):
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
            trace = f"00-{epoch:08x}{0:08x}{DRIVER:08x}{number:08x}-{number + 1:016x}-01"
            try:
                connection.request(
                    "POST", "/checkout", BODY, {"Content-Type": "application/json", "traceparent": trace}
                )
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                failed.append(f"request {number}: {error!r}")
                connection.close()
                continue
            if answer.status != 200:
                failed.append(f"request {number}: status {answer.status}")
        connection.close()

    threads = [threading.Thread(target=share, args=(first,)) for first in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed
