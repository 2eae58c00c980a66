"""The calls that are really made, recorded on their way to an embedded AWS, and what a policy says of them."""

from __future__ import annotations

import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from kit.deploy import render_iam
from kit.emulator.server import Binding, Emulator
from kit.settings import Stage

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
_SCOPE = re.compile(r"Credential=[^/,\s]+/\d{8}/([^/]+)/([^/]+)/aws4_request")
_SERVICES = {"monitoring": "cloudwatch"}
_XRAY = {
    "SamplingTargets": "GetSamplingTargets",
    "TraceSegments": "PutTraceSegments",
    "TraceSummaries": "GetTraceSummaries",
    "Traces": "BatchGetTraces",
}


@dataclass(frozen=True)
class Need:
    """One thing that a call needs to be allowed; ``*`` is an action that knows no resource."""

    action: str
    resource: str = "*"
    context: Mapping[str, str] = field(default_factory=dict, hash=False)


class Recorder:
    """A proxy before the embedded AWS that writes down what each call needs."""

    def __init__(self, target: Emulator) -> None:
        self.needs: list[Need] = []
        self.puzzles: list[str] = []
        self._target = target
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind(("127.0.0.1", 0))
        self.daemon_port = int(self._datagrams.getsockname()[1])
        for work in (self._server.serve_forever, self._receive):
            threading.Thread(target=work, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._datagrams.close()

    @property
    def actions(self) -> set[str]:
        return {need.action for need in self.needs}

    def forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str, bytes]:
        try:
            self.needs += needs_of(path, headers, body)
        except (KeyError, ValueError) as error:
            self.puzzles.append(f"{headers.get('X-Amz-Target', path)}: {error!r}")
        connection = http.client.HTTPConnection("127.0.0.1", self._target.port, timeout=30)
        kept = {key: value for key, value in headers.items() if key.lower() not in ("connection", "host")}
        connection.request(method, path, body, kept)
        answer = connection.getresponse()
        found = answer.status, answer.getheader("Content-Type", ""), answer.read()
        connection.close()
        return found

    def _receive(self) -> None:
        """The X-Ray daemon sends what it gets by PutTraceSegments (AWS X-Ray Developer Guide, "AWS X-Ray daemon")."""
        try:
            while self._datagrams.recv(65_536):
                self.needs.append(Need("xray:PutTraceSegments"))
        except OSError:
            return


def _handler(recorder: Recorder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, kind, answer = recorder.forward(self.command, self.path, dict(self.headers), body)
            self.send_response(status)
            if kind:
                self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_: Any) -> None:
            """Nothing: the tests' output is theirs."""

    return Handler


def needs_of(path: str, headers: Mapping[str, str], body: bytes) -> list[Need]:
    """What IAM asks for a call ("Service Authorization Reference"; CloudWatch API Reference, PutCompositeAlarm)."""
    scope = _SCOPE.search(headers.get("Authorization", ""))
    region = scope[1] if scope else "us-east-1"
    service = _SERVICES.get(scope[2], scope[2]) if scope else "xray"
    target = headers.get("X-Amz-Target", "")
    if target:
        return _needs(service, target.rpartition(".")[2], json.loads(body or b"{}"), region)
    if service == "xray":
        return [Need(f"xray:{_XRAY.get(path.strip('/'), path.strip('/'))}")]
    form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
    return _needs(service, form["Action"], form, region)


def _needs(service: str, operation: str, params: Mapping[str, Any], region: str) -> list[Need]:
    action = f"{service}:{operation}"
    if action == "sts:GetCallerIdentity":
        return []  # STS API Reference, GetCallerIdentity: no permissions are required
    resources = {"cloudwatch": _cloudwatch, "logs": _logs, "sns": _sns}[service](operation, params, region)
    context = {"sns:Protocol": params["Protocol"]} if operation == "Subscribe" else {}
    needs = [Need(action, resource, context) for resource in resources]
    if operation in ("PutMetricAlarm", "PutCompositeAlarm") and params.get("Tags"):
        needs.append(Need("cloudwatch:TagResource", _alarm(region, params["AlarmName"])))
    if operation == "PutDashboard" and params.get("Tags"):
        needs.append(Need("cloudwatch:TagResource", resources[0]))
    if operation == "CreateTopic" and any(key.startswith("Tags.") for key in params):
        needs.append(Need("sns:TagResource", resources[0]))
    return needs


def _alarm(region: str, name: str) -> str:
    return f"arn:aws:cloudwatch:{region}:{ACCOUNT}:alarm:{name}"


def _cloudwatch(operation: str, params: Mapping[str, Any], region: str) -> list[str]:
    if "ResourceARN" in params:
        return [params["ResourceARN"]]
    if operation == "PutMetricAlarm":
        return [_alarm(region, params["AlarmName"])]
    if operation == "DeleteAlarms":
        return [_alarm(region, name) for name in params["AlarmNames"]]
    names = [params["DashboardName"]] if "DashboardName" in params else params.get("DashboardNames", [])
    return [f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{name}" for name in names] or ["*"]


def _logs(operation: str, params: Mapping[str, Any], region: str) -> list[str]:
    if operation in ("GetQueryResults", "DescribeLogGroups"):
        return ["*"]
    names = params["logGroupNames"] if "logGroupNames" in params else [params["logGroupName"]]
    groups = [f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{name}" for name in names]
    return [f"{groups[0]}:log-stream:{params['logStreamName']}"] if operation == "PutLogEvents" else groups


def _sns(operation: str, params: Mapping[str, Any], region: str) -> list[str]:
    if operation == "Unsubscribe":
        return ["*"]
    made = f"arn:aws:sns:{region}:{ACCOUNT}:{params.get('Name', '')}"
    return [str(params.get("TopicArn") or params.get("ResourceArn") or made)]


class Policy:
    """An identity policy of Allow statements: a call needs one whose action, resource and condition all match.

    It refuses to judge what it doesn't know: Deny, NotAction, NotResource, conditions other than StringEquals.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._grants: list[tuple[str, str, Mapping[str, str]]] = []
        for statement in document["Statement"]:
            assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}, statement
            assert statement["Effect"] == "Allow", statement
            condition = statement.get("Condition", {})
            assert condition.keys() <= {"StringEquals"}, statement
            self._grants += [
                (action, resource, condition.get("StringEquals", {}))
                for action in _listed(statement["Action"])
                for resource in _listed(statement["Resource"])
            ]

    def refused(self, needs: list[Need]) -> set[Need]:
        """Those that no grant allows."""
        return {need for need in needs if not any(_allows(grant, need) for grant in self._grants)}

    def idle(self, needs: list[Need]) -> set[tuple[str, str]]:
        """(action, resource) of the grants that none of ``needs`` uses."""
        return {grant[:2] for grant in self._grants if not any(_allows(grant, need) for need in needs)}

    @property
    def grants(self) -> set[tuple[str, str]]:
        return {grant[:2] for grant in self._grants}


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _allows(grant: tuple[str, str, Mapping[str, str]], need: Need) -> bool:
    action, resource, condition = grant
    return (
        _matches(action.lower(), need.action.lower())
        and (resource == "*" or (need.resource != "*" and _matches(resource, need.resource)))
        and all(need.context.get(key) == value for key, value in condition.items())
    )


def _matches(pattern: str, text: str) -> bool:
    """IAM's wildcards: ``*`` for any characters, ``?`` for one."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text) is not None


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """The proxy, before an embedded AWS of the test's own."""
    emulator = Emulator(Binding(port=0, xray_port=0))
    emulator.start()
    proxy = Recorder(emulator)
    yield proxy
    assert proxy.puzzles == [], "calls whose permissions this recorder doesn't know"
    proxy.close()
    emulator.reset()  # what moto holds is the process's, not this emulator's
    emulator.stop()


@pytest.fixture
def policy() -> Any:
    """``policy("service")``: a policy of iam/, as it stands or for a stage; ``policy(document)``: any other."""

    def read(source: str | Mapping[str, Any], stage: Stage | None = None) -> Policy:
        if not isinstance(source, str):
            return Policy(source)
        if stage is not None:
            return Policy(json.loads(render_iam.policy(ROOT, source, stage, stage.region)))
        return Policy(json.loads((ROOT / "iam" / f"{source}.json").read_text(encoding="utf-8")))

    return read


@pytest.fixture
def need() -> type[Need]:
    """Makes what a call needs."""
    return Need
