"""A CloudWatch engine on a clock that the test moves, asked in JSON through the protocol layer as a client would."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.store import Datum
from kit.emulator.protocol import AwsError, Context, Request
from kit.emulator.protocol.service import Service
from kit.emulator.services import build_services

# 2026-11-22 10:00:00 UTC: a whole hour, so that offsets in tests read as minutes and seconds past it.
TEN = 1_795_341_600
REGION, ACCOUNT = "eu-west-1", "123456789012"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:page"


@dataclass
class World:
    """The engine, its clock, and what it published: (topic, subject, body)."""

    service: Service
    clock: ManualClock = field(default_factory=lambda: ManualClock(TEN))
    published: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = Engine(REGION, ACCOUNT, self.clock, self._notify, background=False)
        self.publish: Callable[[str, str, str], None] = lambda topic, subject, message: self.published.append(
            (topic, subject, json.loads(message))
        )

    def _notify(self, topic: str, subject: str, message: str) -> None:
        self.publish(topic, subject, message)

    def status(self, operation: str, **params: Any) -> int:
        """The HTTP status that a call ends in."""
        try:
            self(operation, **params)
        except AwsError as error:
            return error.status
        return 200

    def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        """Call an operation; an error answer is raised as the AwsError it came from."""
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"GraniteServiceVersion20100801.{operation}",
        }
        request = Request("POST", "/", "", headers, json.dumps(params).encode())
        answer = self.service.answer(request, self.engine, Context(REGION, ACCOUNT, self.clock, "test"))
        body: dict[str, Any] = json.loads(answer.body) if answer.body else {}
        if answer.status != 200:
            code = answer.headers.get("x-amzn-query-error", body["__type"].rpartition("#")[2]).split(";")[0]
            raise AwsError(code, body.get("message") or body.get("Message", ""), answer.status)
        return body

    def refusal(self, operation: str, **params: Any) -> tuple[str, str]:
        """Code and message of the error that a call must end in."""
        with pytest.raises(AwsError) as caught:
            self(operation, **params)
        return caught.value.code, caught.value.message

    def put(self, name: str, value: float | None = None, at: float | None = None, **more: Any) -> None:
        """One datum of namespace Shop at seconds past ten (default: now)."""
        datum = {"MetricName": name, "Timestamp": self.clock.now() if at is None else TEN + at, **more}
        if value is not None:
            datum["Value"] = value
        self("PutMetricData", Namespace="Shop", MetricData=[datum])

    def record(self, name: str, value: float, at: float, resolution: Any = 60) -> None:
        """As put, without the way through the protocol."""
        datum = Datum("Shop", name, (), TEN + at, "Count", resolution, (value,), (1.0,))
        self.engine.record([datum])

    def until(self, offset: float) -> None:
        """Let time pass until so many seconds past ten, evaluating whatever falls due on the way."""
        while (due := self.engine.next_due()) <= TEN + offset:
            self.clock.advance(due - self.clock.now())
            self.engine.run_due(self.clock.now())
        self.clock.advance(TEN + offset - self.clock.now())

    def alarm(self, name: str, **settings: Any) -> None:
        """Put an alarm: Sum of Shop/Fault > 10 over one minute unless said otherwise."""
        params: dict[str, Any] = {
            "AlarmName": name,
            "Namespace": "Shop",
            "MetricName": "Fault",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 10,
            "ComparisonOperator": "GreaterThanThreshold",
        }
        if "Metrics" in settings:
            for key in ("Namespace", "MetricName", "Statistic", "Period"):
                del params[key]
        self("PutMetricAlarm", **params | settings)

    def described(self, name: str) -> dict[str, Any]:
        """One alarm as DescribeAlarms shows it."""
        answer = self("DescribeAlarms", AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        (found,) = answer["MetricAlarms"] + answer["CompositeAlarms"]
        return dict(found)

    def state(self, name: str) -> str:
        return str(self.described(name)["StateValue"])

    def states(self, name: str) -> list[tuple[float, str]]:
        """Every change of state: (seconds past ten, new state), oldest first."""
        items = self.history(name, "StateUpdate")
        new = [json.loads(item["HistoryData"])["newState"]["stateValue"] for item in items]
        return [(item["Timestamp"] - TEN, state) for item, state in zip(items, new, strict=True)]

    def history(self, name: str, item_type: str) -> list[Mapping[str, Any]]:
        answer = self(
            "DescribeAlarmHistory",
            AlarmName=name,
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            HistoryItemType=item_type,
            ScanBy="TimestampAscending",
        )
        return list(answer["AlarmHistoryItems"])


@pytest.fixture(scope="session")
def service() -> Service:
    return build_services()["cloudwatch"]


@pytest.fixture
def world(service: Service) -> Iterator[World]:
    made = World(service)
    yield made
    made.engine.close()
