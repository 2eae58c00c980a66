"""A game day as it would have gone: metrics, logs, a trace and alarms on an embedded AWS on a virtual clock."""

from __future__ import annotations

import csv
import json
import math
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from kit.cli import main
from kit.emulator.clock import ManualClock
from kit.emulator.server import Binding, Emulator
from kit.gameday.journal import Journal, stamp
from kit.incidents import Act, Inbox
from kit.incidents.history import catch_up

ROOT = Path(__file__).parents[2]
MARKUP = "<script>alert(1)</script> | [x](javascript:alert(1)) # *bold*"
BEFORE_S, SET, LIFTED, END, AFTER_S = 600, 60, 240, 330, 900
EVERY_5_S, FAILED = 35, 10
CHECKOUTS = END // 5 * EVERY_5_S
FAILURES = (LIFTED - SET) // 5 * FAILED
PROBES = 2
ACTIONS = {name: f"arn:aws:sns:us-east-1:123456789012:{name}" for name in ("page", "ticket")}
TRACE = "1-{:08x}-a1b2c3d4e5f60718293a4b5c"


@dataclass
class Played:
    """What was played: ``start`` is when the load began, ``run`` its folder."""

    root: Path
    run: Path
    start: int
    emulator: Emulator
    inbox: Inbox

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.emulator.port}"

    def client(self, service: str) -> Any:
        untyped: Any = boto3
        return untyped.client(
            service,
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def put(self, metric: str, at: float, value: float, *, fine: bool = False, **dimensions: str) -> dict[str, Any]:
        pairs = {"Service": "shop", "Environment": "local", **dimensions}
        return {
            "MetricName": metric,
            "Dimensions": [{"Name": name, "Value": each} for name, each in pairs.items()],
            "Timestamp": datetime.fromtimestamp(at, UTC),
            "Value": value,
            "StorageResolution": 1 if fine else 60,
        }

    def until(self, moment: float) -> None:
        body = json.dumps({"to": moment}).encode()
        asked = urllib.request.Request(f"{self.url}/_kit/clock", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked, timeout=60):
            pass


@pytest.fixture(scope="session")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    root = tmp_path_factory.mktemp("project")
    for name in ("alarms", "dashboards", "stages", "slos", "service"):
        (root / name).symlink_to(ROOT / name)
    start = math.floor(time.time() / 60) * 60 - END - AFTER_S - 60
    emulator = Emulator(Binding(port=0, xray_port=0), clock=ManualClock(start - BEFORE_S))
    emulator.start()
    made = Played(
        root, root / ".kit" / "runs" / "r-payment-errors", start, emulator, Inbox(root / ".kit/incidents", "local")
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("AWS_ENDPOINT_URL", made.url)
        assert main(["apply", "--yes"]) == 0
    _alone(made)
    _metrics(made)
    _logs_and_trace(made)
    made.until(start + SET + 133)
    catch_up(made.client("cloudwatch"), made.inbox, ACTIONS, time.time())
    (incident,) = made.inbox.incidents(start + SET + 133)
    made.inbox.act(incident.id, Act(incident.opened + 40, "Ada", "ack"))
    made.inbox.act(incident.id, Act(incident.opened + 50, "Ada", "note", MARKUP))
    made.until(start + END + AFTER_S)
    made.inbox.set_mark("history", 0)
    _folder(made)
    yield made
    emulator.stop()


def _alone(made: Played) -> None:
    """Topics are of the process: what an earlier test subscribed is gone, and each try to reach it takes seconds."""
    sns = made.client("sns")
    for one in sns.list_subscriptions()["Subscriptions"]:
        if one["SubscriptionArn"].startswith("arn:"):
            sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])


def _metrics(made: Played) -> None:
    data = []
    operation = {"Operation": "POST /checkout"}
    for at in range(-BEFORE_S, END + AFTER_S, 5):
        hurts, busy = SET <= at < LIFTED, at < END
        for name, value in (("Requests", EVERY_5_S * busy), ("Fault", FAILED * hurts), ("Slow", 0)):
            data.append(made.put(name, made.start + at, value, fine=True, **operation))
    for at in range(-BEFORE_S, END + AFTER_S, 60):
        hurts, busy = SET <= at < LIFTED, at < END
        data.append(made.put("CheckoutMismatch", made.start + at, 0))
        data.append(made.put("Heartbeat", made.start + at, 2))
        data.append(made.put("DependencyCalls", made.start + at, 420 * busy, RemoteService="payments"))
        data.append(made.put("DependencyFault", made.start + at, 120 * hurts, RemoteService="payments"))
        data.append(made.put("CanaryFault", made.start + at, (PROBES + 1) * (at == SET)))
    for begin in range(0, len(data), 500):
        made.client("cloudwatch").put_metric_data(Namespace="Shop", MetricData=data[begin : begin + 500])


def _logs_and_trace(made: Played) -> None:
    logs, group = made.client("logs"), "/shop/local/shop/logs"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    events = []
    for number in range(30):
        line = {
            "level": "ERROR",
            "service": "shop",
            "message": f"charge {number} failed {MARKUP}",
            "upstream_status": 503,
        }
        events.append({"timestamp": (made.start + 90 + number) * 1000, "message": json.dumps(line)})
    events.append(
        {"timestamp": (made.start + 130) * 1000, "message": json.dumps({"level": "INFO", "message": "order paid"})}
    )
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    probes = "/shop/local/canary/logs"
    logs.create_log_group(logGroupName=probes)
    logs.create_log_stream(logGroupName=probes, logStreamName="s")
    events = []
    for status in (*[503] * PROBES, 0):
        probe = {"level": "WARNING", "service": "canary", "operation": "POST /checkout", "status": status}
        events.append({"timestamp": (made.start + SET) * 1000, "message": json.dumps(probe)})
    logs.put_log_events(logGroupName=probes, logStreamName="s", logEvents=events)
    begin, trace = made.start + 100.0, TRACE.format(made.start + 100)
    root = {
        "name": "shop", "id": "00000000000000a1", "trace_id": trace, "start_time": begin, "end_time": begin + 0.25,
        "fault": True, "annotations": {"operation": "POST /checkout"}, "http": {"response": {"status": 502}},
    }  # fmt: skip
    child = {
        "name": "payments", "id": "00000000000000a2", "trace_id": trace, "parent_id": root["id"], "type": "subsegment",
        "start_time": begin + 0.05, "end_time": begin + 0.2, "fault": True, "namespace": "remote",
        "http": {"response": {"status": 503}},
    }  # fmt: skip
    made.client("xray").put_trace_segments(TraceSegmentDocuments=[json.dumps(root), json.dumps(child)])


def _folder(made: Played) -> None:
    made.run.mkdir(parents=True)
    (made.run / "scenario.yaml").write_bytes((ROOT / "gamedays" / "payment-errors.yaml").read_bytes())
    journal = Journal(made.run, made.run.name)
    start = made.start
    journal.write("run.started", start, {"scenario": "payment-errors"})
    journal.write("load.started", start, {"users": 40})
    journal.write("fault.set", start + SET, {"fault": "payment-errors", "service": "payments", "percent": 30})
    for item in made.client("cloudwatch").describe_alarm_history(
        AlarmTypes=["MetricAlarm", "CompositeAlarm"], HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
    )["AlarmHistoryItems"]:
        at = item["Timestamp"].timestamp()
        data = json.loads(item["HistoryData"])
        told = {
            "alarm": item["AlarmName"],
            "from": data["oldState"]["stateValue"],
            "to": data["newState"]["stateValue"],
        }
        if start < at < start + END:
            journal.write("alarm.changed", at, told)
            if item["AlarmName"].endswith("availability-page-fast") and told["to"] == "ALARM":
                journal.write("page.sent", at, {"alarm": item["AlarmName"], "topic": "page"})
    journal.write("fault.lifted", start + LIFTED, {"fault": "payment-errors", "service": "payments"})
    journal.write("load.changed", start + END, {"end": "finished"})
    journal.write("run.ended", start + END, {"outcome": "expected"})
    locust = [
        {"t": stamp(start + SET + 0.2), "kind": "fault.set", "data": {"fault": "payment-errors"}},
        {"t": stamp(start + 20), "kind": "load.stage", "data": {"users": 40}},
    ]
    lines = "\n".join(json.dumps(each) for each in locust)
    (made.run / "locust.jsonl").write_text(lines + '\n{"t": "torn', encoding="utf-8")
    with (made.run / "requests-0.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("t", "request_id", "operation", "status", "ms", "ok"))
        for number in range(CHECKOUTS - PROBES):
            failed = number < FAILURES - PROBES
            rows.writerow(
                (stamp(start), f"{number:016x}", "POST /checkout", 502 if failed else 201, 30.5, int(not failed))
            )
