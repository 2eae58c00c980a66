"""An hour of the shop's own traffic into the embedded AWS: ``python -m bench.hour_of_traffic``.

What is sent was recorded from the shop at work (``shop_traffic.json``: log lines, metric documents, traces); here it is
stamped with new times and ids and sent at the shop's own rates, 47 requests a second of which 7 are checkouts, with the
emulator's clock moved by as much. That fills the traces to their cap, and with ``--lines 4`` the logs too. Says what
the emulator holds and how much memory it takes; ends with 1 if something was lost, if an engine is over its cap, or if
memory grows in the second half by more than the engines say they hold.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil

from bench.weighing import TIDIED
from kit.emulator.logs.engine import CAP_BYTES as LOGS_CAP
from kit.emulator.xray.engine import CAP_BYTES as XRAY_CAP

START = 1_795_341_600
STEP_S = 5
REQUESTS_A_S = 47
LINES_A_S = 61  # one a request, and what payments and the canary say
FLUSH_S = 5  # one metric document of each dimension set, of each of four processes
PROCESSES = 4
SEGMENTS_A_CALL = 50
# Fragments of the heap, and caches that fill late; a leak of ten bytes a request would be more in an hour.
GROWTH_MB = 6.0
TRACE_ID = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
SAMPLE = Path(__file__).with_name("shop_traffic.json")


class Traffic:
    """The recorded shop, at any time: every call gives the next seconds."""

    def __init__(self, lines: int = 1) -> None:
        """``lines`` times as much is logged."""
        self._lines_a_s = LINES_A_S * lines
        recorded = json.loads(SAMPLE.read_text(encoding="utf-8"))
        self._logs: Iterator[dict[str, Any]] = cycle([json.loads(line) for line in recorded["logs"]])
        self._emf = [json.loads(line) for line in recorded["emf"]]
        self._traces: Iterator[list[str]] = cycle(recorded["traces"])
        self._dice = random.Random(1)

    def lines(self, at: float, seconds: int) -> list[dict[str, Any]]:
        """Log events of so many seconds from ``at`` (epoch seconds), in order."""
        return [self._line(at + n / self._lines_a_s) for n in range(seconds * self._lines_a_s)]

    def _line(self, at: float) -> dict[str, Any]:
        line = next(self._logs) | {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))}
        return {"timestamp": int(at * 1000), "message": json.dumps(line | {"request_id": f"{self._hex(64):016x}"})}

    def metrics(self, at: float) -> list[dict[str, Any]]:
        """The metric documents of one flush of one process."""
        stamped = [{**document, "_aws": {**document["_aws"], "Timestamp": int(at * 1000)}} for document in self._emf]
        return [{"timestamp": int(at * 1000), "message": json.dumps(document)} for document in stamped]

    def segments(self, at: float, seconds: int) -> list[str]:
        """Segment documents of the requests of so many seconds."""
        return [text for n in range(seconds * REQUESTS_A_S) for text in self._trace(at + n / REQUESTS_A_S)]

    def _trace(self, at: float) -> list[str]:
        documents = next(self._traces)
        began = min(json.loads(text)["start_time"] for text in documents)
        trace_id = f"1-{int(at):08x}-{self._hex(96):024x}"
        moved = (_moved(json.loads(TRACE_ID.sub(trace_id, text)), at - began) for text in documents)
        return [json.dumps(document, separators=(",", ":")) for document in moved]

    def _hex(self, bits: int) -> int:
        return self._dice.getrandbits(bits)


def _moved(document: dict[str, Any], by: float) -> dict[str, Any]:
    times: dict[str, float] = {key: document[key] + by for key in ("start_time", "end_time") if key in document}
    inner = [_moved(child, by) for child in document.get("subsegments", ())]
    return {**document, **times, **({"subsegments": inner} if inner else {})}


class Server:
    """``kit emulate`` on a virtual clock, in a process of its own."""

    def __init__(self, more: Sequence[str] = ()) -> None:
        flags = ["--port", "0", "--xray-port", "0", "--clock", "virtual", "--start", str(START), *more]
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.weighing", "emulate", *flags],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self._process.stdout is not None
        said = re.search(r"http://127\.0\.0\.1:(\d+)", self._process.stdout.readline())
        if said is None:
            self.stop()
            raise RuntimeError("it did not start")
        self._port = int(said[1])
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        self._looked_at = psutil.Process(self._process.pid)

    def call(self, service: str, target: str, params: Mapping[str, Any], path: str = "/") -> Any:
        """One call in the service's JSON protocol. Raises RuntimeError for an error."""
        scope = f"Credential=t/20261122/us-east-1/{service}/aws4_request"
        headers = {"Content-Type": "application/x-amz-json-1.1", "Authorization": f"AWS4-HMAC-SHA256 {scope}"}
        if target:
            headers["X-Amz-Target"] = target
        self._connection.request("POST", path, json.dumps(params).encode(), headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{service} {target}: {response.status} {body[:300]!r}")
        return json.loads(body or b"{}")

    def move(self, seconds: float) -> None:
        """Let virtual time pass."""
        data = json.dumps({"advance_s": seconds}).encode()
        url, headers = f"http://127.0.0.1:{self._port}/_kit/clock", {"Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as answer:
            answer.read()

    def holds(self) -> dict[str, Any]:
        """The health page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/_kit/health", timeout=60) as page:
            found: dict[str, Any] = json.load(page)
            return found

    def memory_mb(self) -> float:
        """What the process holds once it is tidied (Linux: without what it shares)."""
        assert self._process.stdout is not None
        self._process.send_signal(signal.SIGUSR1)
        while (line := self._process.stdout.readline().strip()) != TIDIED:
            if not line:
                raise RuntimeError("the emulator is gone")
        info = self._looked_at.memory_full_info()
        return float(getattr(info, "uss", info.rss)) / 1e6

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.communicate(timeout=30)
        self._log.close()


@dataclass
class Sent:
    """How many of each were taken."""

    events: int = 0
    segments: int = 0


def send(server: Server, traffic: Traffic, at: float, sent: Sent) -> None:
    """The traffic of STEP_S seconds, as the shop's processes deliver it."""
    lines = traffic.lines(at, STEP_S)
    batches = [("logs", lines)]
    batches += [(f"emf-{number}", traffic.metrics(at + STEP_S)) for number in range(PROCESSES)]
    for stream, events in batches:
        params = {"logGroupName": "/shop/local/shop", "logStreamName": stream, "logEvents": events}
        if "rejectedLogEventsInfo" in server.call("logs", "Logs_20140328.PutLogEvents", params):
            raise RuntimeError(f"events of {stream} were refused")
        sent.events += len(events)
    documents = traffic.segments(at, STEP_S)
    for first in range(0, len(documents), SEGMENTS_A_CALL):
        part = documents[first : first + SEGMENTS_A_CALL]
        answer = server.call("xray", "", {"TraceSegmentDocuments": part}, "/TraceSegments")
        if answer["UnprocessedTraceSegments"]:
            raise RuntimeError(f"segments were refused: {answer['UnprocessedTraceSegments'][:1]}")
        sent.segments += len(part)


def prepare(server: Server) -> None:
    """The group, its streams, and an alarm on each of twenty metrics."""
    group = {"logGroupName": "/shop/local/shop"}
    server.call("logs", "Logs_20140328.CreateLogGroup", group)
    for stream in ("logs", *(f"emf-{number}" for number in range(PROCESSES))):
        server.call("logs", "Logs_20140328.CreateLogStream", {**group, "logStreamName": stream})
    for number in range(20):
        alarm = {
            "AlarmName": f"alarm-{number}",
            "Namespace": "Shop",
            "MetricName": "Requests",
            "Period": 60,
            "Dimensions": [{"Name": "Service", "Value": "shop"}, {"Name": "Environment", "Value": "local"}],
            "Statistic": "Sum",
            "EvaluationPeriods": 3,
            "Threshold": number,
            "ComparisonOperator": "GreaterThanThreshold",
        }
        server.call("monitoring", "GraniteServiceVersion20100801.PutMetricAlarm", alarm)


def held_mb(page: Mapping[str, Any]) -> float:
    """What the engines say they hold, each below its cap."""
    held: float = sum(engine.get("bytes", 0) for engine in page["engines"].values())
    return held / 1e6


def wrong(sent: Sent, page: Mapping[str, Any], grown_mb: float) -> list[str]:
    """What must not be, in words. ``grown_mb`` is by how much memory grew beyond what is held."""
    logs, xray = page["engines"]["logs us-east-1"], page["engines"]["xray us-east-1"]
    checks = {
        f"{sent.events} events were taken, {logs['events_received']} counted": logs["events_received"] == sent.events,
        f"{sent.segments} segments were taken, {xray['documents']} counted": xray["documents"] == sent.segments,
        f"embedded metrics were refused: {logs['emf_rejected']}": logs["emf_rejected"] == 0,
        f"logs hold {logs['bytes']} bytes, over their cap": logs["bytes"] <= LOGS_CAP,
        f"traces hold {xray['bytes']} bytes, over their cap": xray["bytes"] <= XRAY_CAP,
        f"memory grew by {grown_mb:.1f} MB beyond what is held": grown_mb <= GROWTH_MB,
    }
    return [text for text, well in checks.items() if not well]


def main() -> int:
    """Print one line a tenth of the way, and what is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--data", help="keep it all in this folder, as `kit up` does")
    parser.add_argument("--lines", type=int, default=1, help="log so many times as many lines as the shop")
    options = parser.parse_args()
    server = Server(["--data", options.data] if options.data else ())
    traffic, sent = Traffic(options.lines), Sent()
    looks: list[tuple[float, float]] = []
    try:
        prepare(server)
        steps = options.minutes * 60 // STEP_S
        for step in range(steps):
            send(server, traffic, START + step * STEP_S, sent)
            server.move(STEP_S)
            if (step + 1) * 10 % steps < 10:
                looks.append((server.memory_mb(), held_mb(server.holds())))
                shown = f"memory {looks[-1][0]:.1f} MB, {looks[-1][1]:.1f} MB held"
                print(f"{(step + 1) * STEP_S / 60:5.1f} min: {sent}, {shown}", flush=True)
        page = server.holds()
    finally:
        server.stop()
    print(json.dumps(page["engines"], indent=1))
    middle, last = looks[len(looks) // 2], looks[-1]
    found = wrong(sent, page, (last[0] - middle[0]) - (last[1] - middle[1]))
    print("\n".join(found) if found else "nothing was lost, and no cap was passed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
