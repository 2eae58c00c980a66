"""One variant as a process: it serves so many requests at each line of standard input, and says what they took.

A line "N" is a turn of N requests, answered by a JSON object of CPU microseconds a request (``thread``: the one that
serves, ``process``: all of them), latencies (``p50``, ``p99``, microseconds) and ``cpu``, the CPU seconds of
the process so far. The end of standard input closes the variant's exporters. No sockets are on the way in.
"""

from __future__ import annotations

import io
import json
import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.telemetry.checkout import Instrumentation, create_app

WARM_UP = 300
BODY = b'{"item":7,"qty":3}'
ENVIRON = {
    "REQUEST_METHOD": "POST", "PATH_INFO": "/checkout", "SCRIPT_NAME": "", "QUERY_STRING": "",
    "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "127.0.0.1",
    "HTTP_USER_AGENT": "bench/1.0", "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": "999",
    "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(BODY)),
    "wsgi.url_scheme": "http", "wsgi.version": (1, 0), "wsgi.errors": sys.stderr,
}  # fmt: skip


def ask(app: Any, **more: Any) -> None:
    """One request; raises AssertionError unless it is answered by 200."""
    status: list[str] = []

    def start(line: str, headers: Any, exc_info: Any = None) -> Any:
        del headers, exc_info
        status.append(line)

    answer = app({**ENVIRON, **more, "wsgi.input": io.BytesIO(BODY)}, start)
    try:
        b"".join(answer)
    finally:
        getattr(answer, "close", lambda: None)()
    assert status[0].startswith("200"), status


def instrumentation(name: str) -> Instrumentation:
    """By the first word of a variant's name: bare, stock, or ours."""
    made = Instrumentation()
    if name.startswith("ours"):
        module = import_module("bench.telemetry.ours")
        if "access" in name:
            module.without_access_line()
        if "redaction" in name:
            module.without_redaction()
        made = module.Ours().instrumentation()
    elif name.startswith("stock"):
        made = import_module("bench.telemetry.stock").instrumentation()
    return made


def turn(app: Any, requests: int) -> dict[str, float]:
    """Serve them one after the other."""
    latencies, thread, process = [], time.thread_time(), time.process_time()
    for _ in range(requests):
        began = time.perf_counter_ns()
        ask(app)
        latencies.append(time.perf_counter_ns() - began)
    latencies.sort()
    return {
        "thread": (time.thread_time() - thread) / requests * 1e6,
        "process": (time.process_time() - process) / requests * 1e6,
        "p50": latencies[requests // 2] / 1e3,
        "p99": latencies[requests * 99 // 100] / 1e3,
        "cpu": time.process_time(),
    }


def main(variant: str, folder: str) -> None:
    # Telemetry writes its lines to standard output: that is a file here, and we speak through a copy of the pipe.
    with (
        os.fdopen(os.dup(1), "w", encoding="utf-8") as parent,
        Path(folder, "out").open("ab") as output,
    ):
        os.dup2(output.fileno(), 1)
        installed = instrumentation(variant)
        app = create_app(installed, f"{folder}/database")
        turn(app, WARM_UP)
        print(json.dumps({"ready": WARM_UP}), file=parent, flush=True)
        for line in sys.stdin:
            print(json.dumps(turn(app, int(line))), file=parent, flush=True)
        installed.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
