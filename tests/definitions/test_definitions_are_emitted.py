"""What alarms, dashboards and queries name is what the running service emits: shop, payments and canary, for real.

They run against an embedded AWS as production's would, and in some trouble, so that the rare names are there too: a
wrong total, a bug that raises, a worker that is killed, and a queue of payments that is too short.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from kit.definitions.checks.uses import alarm_uses, metric_widgets, widget_uses
from kit.definitions.reading import read
from kit.emulator.server import Binding, Emulator

ROOT = Path(__file__).parents[2]
CATALOGUE = json.loads((ROOT / "service" / "telemetry" / "catalogue.json").read_text(encoding="utf-8"))
DEFINITIONS = read(ROOT)
WITHIN_S = 40.0
# Of an exception that leaves the app, of a line logged again and again, of one that is too long: none of the three is a
# thing that shop or payments do. Of a recommender that is down and of a flood of charges: what comes of these is tested
# where the shop is.
RARE = {"error_type", "repeated", "truncated", "degraded", "shed"}
SERVICES = ("shop", "payments", "canary")

Series = tuple[str, tuple[tuple[str, str], ...]]
"""Metric, dimensions sorted by name."""


@dataclass
class Emitted:
    """Metrics as CloudWatch has them, their units and resolutions as they were sent, and the values of log fields."""

    series: set[Series] = field(default_factory=set)
    sent: dict[tuple[str, frozenset[str]], set[tuple[str, int]]] = field(default_factory=lambda: defaultdict(set))
    beside_metrics: set[str] = field(default_factory=set)
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def names(self) -> set[tuple[str, frozenset[str]]]:
        """Metric and the names of its dimensions."""
        return {(name, frozenset(key for key, _ in dimensions)) for name, dimensions in self.series}

    @property
    def fields(self) -> set[str]:
        return {name for line in self.lines for name in line}


def used_series() -> set[Series]:
    """Every series of our own namespace that an alarm or a widget reads."""
    uses = [use for alarm in DEFINITIONS.alarms for use in alarm_uses(alarm)]
    for dashboard in DEFINITIONS.dashboards:
        for pointer, properties in metric_widgets(dashboard):
            uses += widget_uses(properties, pointer)
    return {(use.name, use.dimensions) for use in uses if use.namespace == CATALOGUE["namespace"]}


def used_searches() -> set[tuple[str, frozenset[str]]]:
    """The metrics and dimension sets that SEARCH expressions of the dashboards look for in our namespace."""
    text = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "dashboards").glob("*.json"))
    schemas = re.findall(r"SEARCH\('\{" + CATALOGUE["namespace"] + r",([\w,]+)\}[^']*?MetricName=\\\"(\w+)\\\"", text)
    return {(name, frozenset(keys.split(","))) for keys, name in schemas}


def queries() -> Iterator[str]:
    """The Logs Insights queries of the runbooks and the dashboards."""
    for path in sorted((ROOT / "docs" / "runbooks").glob("*.md")):
        for block in re.findall(r"```\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            if re.match(r"\s*(fields|filter|stats)\b", block):
                yield block
    for dashboard in DEFINITIONS.dashboards:
        for widget in dashboard.body["widgets"]:
            if widget["type"] == "log":
                yield re.sub(r"SOURCE '[^']*'\s*\|", "", widget["properties"]["query"])


WORDS = {
    *("fields", "filter", "stats", "sort", "limit", "display", "by", "as", "asc", "desc", "and", "or", "not"),
    *("like", "in", "bin"),
}


def fields_of(query: str) -> set[str]:
    """The fields of log events that a query reads: no command, no function, no name that it gives, nothing of ``@``."""
    bare = re.sub(r'"[^"]*"|/[^/\n]*/', " ", query)
    given = set(re.findall(r"\bas\s+(\w+)", bare))
    return set(re.findall(r"(?<![@\w])([a-z_]\w*)\b(?!\s*\()", bare)) - WORDS - given


def values_of(query: str) -> set[tuple[str, str]]:
    """What a query wants a field to be."""
    return {pair for pair in re.findall(r'(\w+) = "([^"<]*)"', query) if pair[1]}


@contextmanager
def program(folder: Path, name: str, *command: str, **environ: str) -> Iterator[psutil.Process]:
    """Run a module until the end; its output goes to a file of its name. It must not end before."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    with (folder / f"{name}.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**kept, "PYTHONUNBUFFERED": "1", **environ},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield psutil.Process(process.pid)
        assert process.poll() is None, (folder / f"{name}.txt").read_text(encoding="utf-8")
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def running(stack: ExitStack, folder: Path, aws: Emulator) -> psutil.Process:
    """Start shop, payments and canary as production's; returns the shop's master."""
    ports, masters = {name: free_port() for name in ("shop", "payments")}, {}
    faults = {
        "wrong-total": {"expires_at": time.time() + 600, "percent": 50, "n": 100},
        "canary-bug": {"expires_at": time.time() + 600, "percent": 50, "n": 60},
    }
    (folder / "faults.json").write_text(json.dumps({"version": 1, "faults": faults}), encoding="utf-8")
    common = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws.port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{aws.xray_port}",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=production",
    }
    for name, port in ports.items():
        own = {
            **common,
            "OTEL_SERVICE_NAME": name,
            "PORT": str(port),
            "WEB_WORKERS": "1",
            "DATABASE_URL": f"sqlite:///{folder}/{name}.db",
            "PAYMENTS_URL": f"http://127.0.0.1:{ports['payments']}",
            "FAULTS_ENABLED": "1",
            "FAULTS_STATE": str(folder / "faults.json"),
            "TELEMETRY_SPILL_DIR": str(folder),
            **({"TELEMETRY_SPAN_QUEUE": "1"} if name == "payments" else {}),
        }
        command = ("gunicorn", "-c", "python:service.gunicorn_conf", f"service.{name}.wsgi:app")
        masters[name] = stack.enter_context(program(folder, name, *command, **own))
    probe = {
        "CANARY_URL": f"http://127.0.0.1:{ports['shop']}",
        "CANARY_INTERVAL_S": "0.5",
        "OTEL_SERVICE_NAME": "canary",
    }
    stack.enter_context(program(folder, "canary", "service.canary", **common, **probe))
    return masters["shop"]


def look(client: Callable[[str], Any]) -> Emitted:
    """All that has come so far."""
    found = Emitted()
    for page in client("cloudwatch").get_paginator("list_metrics").paginate(Namespace=CATALOGUE["namespace"]):
        for metric in page["Metrics"]:
            dimensions = tuple(sorted((one["Name"], one["Value"]) for one in metric["Dimensions"]))
            found.series.add((metric["MetricName"], dimensions))
    for service in SERVICES:
        for group in (f"/shop/production/{service}/logs", f"/shop/production/{service}/emf"):
            for document in messages(client("logs"), group):
                if "_aws" in document:
                    _take(found, document)
                if group.endswith("/logs"):
                    found.lines.append(document)
    return found


def messages(logs: Any, group: str) -> list[dict[str, Any]]:
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        return [json.loads(event["message"]) for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def _take(found: Emitted, document: dict[str, Any]) -> None:
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for keys in directive["Dimensions"]:
            for metric in directive["Metrics"]:
                told = (metric.get("Unit", "None"), metric.get("StorageResolution", 60))
                found.sent[metric["Name"], frozenset(keys)].add(told)
                found.beside_metrics |= document.keys() - {"_aws", *keys}
                found.beside_metrics -= {one["Name"] for one in directive["Metrics"]}


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emitted]:
    """What came until all that is used was there, or the time was over."""
    aws = Emulator(Binding(port=0, xray_port=0))
    aws.start()
    session = boto3.session.Session(region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    clients: dict[str, Any] = {}

    def client(service: str) -> Any:
        if service not in clients:
            untyped: Any = session
            clients[service] = untyped.client(service, endpoint_url=f"http://127.0.0.1:{aws.port}")
        return clients[service]

    wanted = {name for query in queries() for name in fields_of(query)}
    values = {pair for query in queries() for pair in values_of(query)}
    with ExitStack() as stack:
        stack.callback(aws.stop)
        shop = running(stack, tmp_path_factory.mktemp("running"), aws)
        until = time.monotonic() + WITHIN_S
        killed = False
        while True:
            found = look(client)
            told = sum(line["service"] == "shop" for line in found.lines)
            if told > 50 and not killed:  # it is busy, so there is something that it has not told yet
                killed = True
                for worker in shop.children():
                    worker.kill()
            seen = {(name, str(value)) for line in found.lines for name, value in line.items()}
            complete = used_series() <= found.series and wanted <= found.fields and values <= seen
            if (complete and catalogued() <= found.names) or time.monotonic() > until:
                break
            time.sleep(0.5)
        yield found


def catalogued() -> set[tuple[str, frozenset[str]]]:
    """Every metric with every dimension set that the catalogue promises."""
    return {(metric["name"], frozenset(keys)) for metric in CATALOGUE["metrics"] for keys in metric["dimensions"]}


def test_the_readers_of_this_test_find_what_there_is_to_find() -> None:
    assert len(used_series()) > 10
    assert ("DependencyFault", frozenset({"Service", "Environment", "RemoteService"})) in used_searches()
    assert len(list(queries())) > 30
    query = (
        'fields @timestamp, a | filter b = "x y" and c like /d|e/ | stats count() as n, pct(f, 99) as p by g, bin(5m)'
    )
    assert fields_of(query) == {"a", "b", "c", "f", "g"}
    assert values_of(query) == {("b", "x y")}


def test_every_series_of_alarms_and_dashboards_is_emitted(emitted: Emitted) -> None:
    assert used_series() - emitted.series == set()


def test_every_dimension_set_that_dashboards_search_is_emitted(emitted: Emitted) -> None:
    assert used_searches() - emitted.names == set()


@pytest.mark.parametrize("query", sorted(set(queries())))
def test_every_field_of_a_query_is_emitted_with_the_values_it_asks_for(emitted: Emitted, query: str) -> None:
    assert fields_of(query) - emitted.fields == set()
    seen = {(name, str(value)) for line in emitted.lines for name, value in line.items()}
    assert values_of(query) - seen == set()


def test_the_catalogue_names_what_is_emitted_and_nothing_else(emitted: Emitted) -> None:
    assert emitted.names == catalogued()


def test_the_catalogue_tells_the_units_and_resolutions_that_are_emitted(emitted: Emitted) -> None:
    for metric in CATALOGUE["metrics"]:
        for keys in metric["dimensions"]:
            told = emitted.sent[metric["name"], frozenset(keys)]
            assert {unit for unit, _ in told} == {metric["unit"]}, metric["name"]
            assert {resolution for _, resolution in told} <= {metric["resolution"], metric["sli_resolution"]}


def test_the_catalogue_names_the_fields_that_are_emitted(emitted: Emitted) -> None:
    assert set(CATALOGUE["log_fields"]) - emitted.fields <= RARE
    assert set(CATALOGUE["emf_fields"]) - emitted.beside_metrics == set()
