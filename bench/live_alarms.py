"""What 500 live alarms cost: ``python -m bench.live_alarms --seconds 120``.

Starts the emulator as a process of its own (``kit emulate``), puts metric math alarms, half of them on ten-second
periods and evaluated every ten seconds, the others on periods of a minute or more and evaluated every minute, and keeps
feeding their metrics. Then it measures for some time: the CPU time of the whole process, and how late its ticks begin.
The process also answers the feeder meanwhile; what that alone costs is measured first, without alarms.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import boto3
import psutil
from botocore.config import Config

REGION = "us-east-1"
NAMESPACE = "Bench"
CPU_TARGET, JITTER_TARGET_MS = 5.0, 100.0
FEED_EVERY_S = 5
SERVICES = 25
"""Each has two metrics; an alarm reads those of one service, as alarms do."""


@dataclass(frozen=True)
class Share:
    """CPU over some time, and what the health page said at its end."""

    percent: float
    counts: Mapping[str, int]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alarms", type=int, default=500)
    parser.add_argument("--fast", type=float, default=0.5, help="share of alarms on ten-second periods")
    parser.add_argument("--seconds", type=int, default=120, help="how long to measure with alarms")
    parser.add_argument("--baseline", type=int, default=30, help="how long to measure without alarms first")
    given = parser.parse_args()
    with _emulator() as (process, url):
        cloudwatch = _client(url)
        stop = threading.Event()
        feeder = threading.Thread(target=_feed, args=(cloudwatch, stop), daemon=True)
        feeder.start()
        try:
            before = _measured(process, url, given.baseline)
            fast = round(given.alarms * given.fast)
            _put_alarms(_client(url), given.alarms, fast)
            time.sleep(15)  # the first evaluations change every state, which is not what lasts
            after = _measured(process, url, given.seconds)
            states = _states(_client(url))
        finally:
            stop.set()
            feeder.join(timeout=10)
    if states != {"OK": given.alarms}:
        raise SystemExit(f"the alarms should all be OK, but they are {dict(states)}: nothing was measured")
    return _report(given.alarms, fast, given.seconds, before, after)


def _report(alarms: int, fast: int, seconds: int, before: Share, after: Share) -> int:
    late, took = (after.counts[f"{name}_p99_us"] / 1000 for name in ("late", "took"))
    print(f"{alarms} metric math alarms, {fast} of them every 10 s, the others every minute, for {seconds} s:")
    print(f"  the feeder alone:      {before.percent:5.2f} % of one core")
    print(f"  with the alarms:       {after.percent:5.2f} % of one core (target: at most {CPU_TARGET:g} %)")
    print(f"  ticks begin late:      p99 {late:.1f} ms (target: at most {JITTER_TARGET_MS:g} ms), "
          f"max {after.counts['late_max_us'] / 1000:.1f} ms")  # fmt: skip
    print(f"  a tick's evaluations:  p99 {took:.1f} ms, max {after.counts['took_max_us'] / 1000:.1f} ms")
    print(f"  ticks: {after.counts['ticks']}, left out: {after.counts['ticks_left_out']}")
    return 0 if after.percent <= CPU_TARGET and late <= JITTER_TARGET_MS and not after.counts["ticks_left_out"] else 1


@contextmanager
def _emulator() -> Iterator[tuple[psutil.Process, str]]:
    port, xray_port = _free_port(), _free_port()
    ports = ["--port", str(port), "--xray-port", str(xray_port), "--ephemeral"]
    environment = {**os.environ, "AWS_REGION": REGION}
    with (
        tempfile.TemporaryFile() as output,
        subprocess.Popen(
            [sys.executable, "-m", "kit", "emulate", *ports], stdout=output, stderr=output, env=environment
        ) as started,
    ):
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_for(url, started)
            yield psutil.Process(started.pid), url
        finally:
            started.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, started: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        if started.poll() is not None:
            raise SystemExit(f"kit emulate ended with {started.returncode}")
        try:
            _health(url)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("kit emulate does not answer")


def _health(url: str) -> dict[str, Any]:
    with urlopen(f"{url}/_kit/health", timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _client(url: str) -> Any:
    untyped: Any = boto3  # its stubs know services by literal names only
    return untyped.client(
        "cloudwatch",
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id="bench",
        aws_secret_access_key="bench",
        config=Config(retries={"total_max_attempts": 1}),
    )


def _feed(cloudwatch: Any, stop: threading.Event) -> None:
    dice = random.Random(1)
    while not stop.wait(FEED_EVERY_S):
        data = []
        for service in range(SERVICES):
            dimensions = [{"Name": "Service", "Value": f"s{service}"}]
            for name, value in (("Requests", dice.randint(50, 100)), ("Faults", dice.randint(0, 2))):
                data.append({"MetricName": name, "Dimensions": dimensions, "Value": value, "StorageResolution": 1})
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)


def _put_alarms(cloudwatch: Any, alarms: int, fast: int) -> None:
    for number in range(alarms):
        period = 10 if number < fast else (60, 60, 60, 300)[number % 4]
        dimensions = [{"Name": "Service", "Value": f"s{number % SERVICES}"}]
        metrics: list[dict[str, Any]] = [
            {
                "Id": name[0].lower(),
                "MetricStat": {
                    "Metric": {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": dimensions},
                    "Period": period,
                    "Stat": "Sum",
                },
                "ReturnData": False,
            }
            for name in ("Requests", "Faults")
        ]
        cloudwatch.put_metric_alarm(
            AlarmName=f"bench-{number:04d}",
            Metrics=[*metrics, {"Id": "rate", "Expression": "IF(r > 20, 100 * f / r, 0)", "Label": "faults"}],
            EvaluationPeriods=(3, 5, 12)[number % 3],
            DatapointsToAlarm=2,
            Threshold=50,
            ComparisonOperator="GreaterThanThreshold",
            TreatMissingData="notBreaching",
        )


def _states(cloudwatch: Any) -> Counter[str]:
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=["MetricAlarm"])
    return Counter(alarm["StateValue"] for page in pages for alarm in page["MetricAlarms"])


def _measured(process: psutil.Process, url: str, seconds: int) -> Share:
    began, used = time.monotonic(), _cpu(process)
    time.sleep(seconds)
    percent = 100 * (_cpu(process) - used) / (time.monotonic() - began)
    return Share(percent, _health(url)["engines"][f"cloudwatch {REGION}"])


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    sys.exit(main())
