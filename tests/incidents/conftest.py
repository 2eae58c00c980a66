"""An embedded AWS with the on-call topics, and a console that listens."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from werkzeug.serving import WSGIRequestHandler, make_server

from kit.console.app import create_app
from kit.emulator.server import Binding, Emulator
from kit.incidents import Inbox, Incident, Page, open_inbox
from kit.incidents.inbox import secret_path
from kit.incidents.model import Severity
from kit.incidents.subscription import PATH, confirmed, subscribe
from kit.settings import Settings, load

ROOT = Path(__file__).parents[2]
T0 = 1_800_000_000.0
TOPIC = "arn:aws:sns:us-east-1:123456789012:page"


def page(
    alarm: str = "shop-checkout-availability-page-fast",
    at: float = 0.0,
    state: str = "ALARM",
    *,
    severity: Severity = "page",
    reason: str = "because",
    id_: str | None = None,
) -> Page:
    """A page ``at`` seconds after T0."""
    before = "OK" if state == "ALARM" else "ALARM"
    made = id_ or str(uuid.uuid4())
    return Page(made, alarm, state, before, reason, "About it.", severity, TOPIC, T0 + at, T0 + at + 0.1)


def envelope(message: Any, *, kind: str = "Notification", topic: str = TOPIC, **more: str) -> dict[str, str]:
    """What SNS posts."""
    return {
        "Type": kind,
        "MessageId": str(uuid.uuid4()),
        "TopicArn": topic,
        "Message": message if isinstance(message, str) else json.dumps(message),
        "Timestamp": "2027-01-15T08:00:00.000Z",
        "SignatureVersion": "1",
        "Signature": "unsigned",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService.pem",
        **more,
    }


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path, "local")


@pytest.fixture
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """``eventually(look)``: what ``look()`` gives once it is truthy, within ten seconds."""

    def wait(look: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 10
        while not (found := look()):
            assert time.monotonic() < deadline, "it did not happen within ten seconds"
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    running = Emulator(Binding(port=0, xray_port=0))
    running.start()
    yield running
    running.stop()


class Silent(WSGIRequestHandler):
    """Tells nothing of each request."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  # the name in the library
        pass


@dataclass
class Duty:
    """A console that is subscribed to topics of its own, and what a test does to it."""

    settings: Settings
    emulator: Emulator
    url: str
    inbox: Inbox

    def client(self, service: str) -> Any:
        untyped: Any = boto3
        return untyped.client(
            service,
            region_name="us-east-1",
            endpoint_url=self.settings.endpoint_url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    @property
    def endpoint(self) -> str:
        return f"{self.url}{PATH}{secret_path(self.settings)}"

    def subscribed(self, eventually: Callable[[Callable[[], Any]], Any]) -> None:
        sns, topics = self.client("sns"), self.settings.stage.actions.values()
        list(subscribe(sns, topics, self.endpoint))
        eventually(lambda: confirmed(sns, topics, self.endpoint))

    def alarm(self, name: str, topic: str = "page") -> None:
        """An alarm that tells the topic of ALARM and OK."""
        arn = self.settings.stage.actions[topic]
        self.client("cloudwatch").put_metric_alarm(
            AlarmName=name,
            AlarmDescription="It hurts. Runbook: https://example.org/r",
            AlarmActions=[arn],
            OKActions=[arn],
            Namespace="n",
            MetricName="m",
            Statistic="Sum",
            Period=3600,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )

    def turn(self, name: str, state: str, reason: str = "tried") -> None:
        self.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason=reason)

    def incidents(self) -> list[Incident]:
        return self.inbox.incidents(time.time())


@pytest.fixture
def settings(tmp_path: Path, emulator: Emulator) -> Settings:
    """The local stage on topics of this test's own."""
    base = load({}, ROOT, stage="local", endpoint_url=f"http://127.0.0.1:{emulator.port}")
    own = uuid.uuid4().hex[:8]
    actions = {name: f"arn:aws:sns:us-east-1:123456789012:{name}-{own}" for name in ("page", "ticket")}
    return replace(base, root=tmp_path, stage=replace(base.stage, actions=actions))


@pytest.fixture
def duty(settings: Settings, emulator: Emulator) -> Iterator[Duty]:
    server = make_server("127.0.0.1", 0, create_app(settings, refresh_s=0.5), threaded=True, request_handler=Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made = Duty(settings, emulator, f"http://127.0.0.1:{server.port}", open_inbox(settings))
    for arn in settings.stage.actions.values():
        made.client("sns").create_topic(Name=arn.rpartition(":")[2])
    yield made
    server.shutdown()
    thread.join()
    server.server_close()
