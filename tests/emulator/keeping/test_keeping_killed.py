from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.emulator.keeping.conftest import Running

# Together twenty kills; side by side, as most of each is waiting.
FOLDERS, KILLS = 4, 5
LOST_S = 1.0
PAUSE_S = 0.01


class Raw:
    """A client that costs next to nothing."""

    SCOPES: Mapping[str, str] = {"GraniteServiceVersion20100801": "monitoring", "Logs_20140328": "logs"}

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def __call__(self, target: str, **parameters: Any) -> Any:
        """``target`` is an X-Amz-Target, or a path of X-Ray's."""
        service = self.SCOPES.get(target.partition(".")[0], "xray")
        scope = f"Credential=x/20260101/us-east-1/{service}/aws4_request"
        headers = {"Authorization": f"AWS4-HMAC-SHA256 {scope}", "Content-Type": "application/x-amz-json-1.0"}
        path = target if target.startswith("/") else "/"
        if path == "/":
            headers["X-Amz-Target"] = target
        self._connection.request("POST", path, json.dumps(parameters), headers)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return json.loads(body) if body else {}

    def pages(self, target: str, key: str, token: str = "NextToken", **parameters: Any) -> Iterator[Any]:
        while True:
            answer = self(target, **parameters)
            yield from answer[key]
            if not answer.get(token):
                return
            parameters[token] = answer[token]


CLOUDWATCH, LOGS = "GraniteServiceVersion20100801.", "Logs_20140328."


def put_metric(raw: Raw, n: int) -> None:
    data = [{"MetricName": f"m{n}", "Value": 1}, {"MetricName": "total", "Value": n}]
    raw(f"{CLOUDWATCH}PutMetricData", Namespace="n", MetricData=data)


def put_alarm(raw: Raw, n: int) -> None:
    # Without data: the evaluation of each whole minute must leave the state as it was set.
    watched = {"Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    watched |= {"TreatMissingData": "ignore"}
    name = f"a{n}"
    raw(
        f"{CLOUDWATCH}PutMetricAlarm",
        AlarmName=name,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        **watched,
    )
    raw(f"{CLOUDWATCH}SetAlarmState", AlarmName=name, StateValue="ALARM", StateReason="tried")


def put_event(raw: Raw, n: int) -> None:
    event = {"timestamp": int(time.time() * 1000), "message": f"e{n} " + "x" * 500}
    raw(f"{LOGS}PutLogEvents", logGroupName="g", logStreamName="s", logEvents=[event])


def put_trace(raw: Raw, n: int) -> None:
    now = time.time()
    segment = {"id": f"{n + 1:016x}", "trace_id": f"1-00000001-{n:024x}", "name": "s", "start_time": now}
    raw("/TraceSegments", TraceSegmentDocuments=[json.dumps(segment | {"end_time": now})])


def found(raw: Raw, begun: float) -> dict[Callable[[Raw, int], None], list[int]]:
    metrics = [m["MetricName"] for m in raw.pages(f"{CLOUDWATCH}ListMetrics", "Metrics", Namespace="n")]
    alarms = raw.pages(f"{CLOUDWATCH}DescribeAlarms", "MetricAlarms", MaxRecords=100)
    events = raw.pages(f"{LOGS}FilterLogEvents", "events", "nextToken", logGroupName="g")
    span = {"StartTime": begun - 60, "EndTime": time.time() + 60}
    traces = raw.pages("/TraceSummaries", "TraceSummaries", **span)
    return {
        put_metric: [int(name[1:]) for name in metrics if name != "total"],
        put_alarm: [int(alarm["AlarmName"][1:]) for alarm in alarms if alarm["StateValue"] == "ALARM"],
        put_event: [int(event["message"].split()[0][1:]) for event in events],
        put_trace: [int(trace["Id"].rpartition("-")[2], 16) for trace in traces],
    }


class Writer:
    """Writes numbered things and notes when each was acknowledged."""

    def __init__(self, put: Callable[[Raw, int], None]) -> None:
        self.put = put
        self.acknowledged: dict[int, float] = {}
        self._numbers = itertools.count()

    def write(self, port: int) -> None:
        """Until the process is killed."""
        with Raw(port) as raw, contextlib.suppress(OSError, http.client.HTTPException):
            while True:
                n = next(self._numbers)
                self.put(raw, n)
                self.acknowledged[n] = time.monotonic()
                time.sleep(PAUSE_S)


def total(raw: Raw, begun: float) -> float:
    metric = {"Metric": {"Namespace": "n", "MetricName": "total"}, "Period": 3600, "Stat": "Sum"}
    queries = [{"Id": "q", "MetricStat": metric}]
    start = int(begun // 3600) * 3600
    answer = raw(f"{CLOUDWATCH}GetMetricData", MetricDataQueries=queries, StartTime=start, EndTime=start + 7200)
    return sum(answer["MetricDataResults"][0]["Values"])


def check(raw: Raw, writers: Sequence[Writer], killed: float, begun: float) -> int:
    """How many of the things that were acknowledged in time are there; each once."""
    kept = found(raw, begun)
    checked = 0
    for writer in writers:
        numbers = kept[writer.put]
        safe = {n for n, at in writer.acknowledged.items() if at < killed - LOST_S}
        assert not safe - set(numbers), (writer.put.__name__, sorted(safe - set(numbers)))
        assert len(numbers) == len(set(numbers)), writer.put.__name__
        checked += len(safe)
        writer.acknowledged = dict.fromkeys(numbers, 0.0)  # what was read back must not go any more
    assert total(raw, begun) == sum(kept[put_metric])
    return checked


def live_and_die(folder: Path) -> int:
    """How many things were acknowledged in time and found again."""
    begun, killed = time.time(), 0.0
    writers = [Writer(put) for put in (put_metric, put_alarm, put_event, put_trace)]
    checked = 0
    for kill in range(KILLS + 1):
        with Running(folder) as running, Raw(running.port) as raw:
            if kill == 0:
                raw(f"{LOGS}CreateLogGroup", logGroupName="g")
                raw(f"{LOGS}CreateLogStream", logGroupName="g", logStreamName="s")
            else:
                checked = check(raw, writers, killed, begun)
            if kill < KILLS:
                threads = [threading.Thread(target=writer.write, args=(running.port,)) for writer in writers]
                for thread in threads:
                    thread.start()
                time.sleep(random.uniform(1.2, 1.6))
                killed = time.monotonic()
                running.end(signal.SIGKILL)
                for thread in threads:
                    thread.join()
    return checked


def test_after_twenty_kills_amid_writes_all_but_the_last_second_is_there(tmp_path: Path) -> None:
    with ThreadPoolExecutor(FOLDERS) as pool:
        checked = list(pool.map(live_and_die, [tmp_path / str(n) for n in range(FOLDERS)]))
    assert min(checked) > 100
