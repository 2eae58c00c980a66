"""The same stack in containers, with PostgreSQL. Runs where KIT_TEST_COMPOSE=1 says that a Docker engine answers."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from stack_under_test import Stack, environment, eventually, free_ports

ROOT = Path(__file__).parents[2]
SERVICES = {"aws", "shop", "payments", "faults", "payments-faults", "canary", "console", "load", "postgres"}

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        os.environ.get("KIT_TEST_COMPOSE") != "1", reason="no Docker engine: set KIT_TEST_COMPOSE=1 where one answers"
    ),
]


class Compose:
    """One compose project under a name and on ports of its own."""

    def __init__(self) -> None:
        self.name = f"kit-test-{uuid.uuid4().hex[:8]}"
        self.ports = free_ports()
        self.environ = environment(self.ports) | {"FAULTS_TOKEN": uuid.uuid4().hex}

    def __call__(self, *argv: str, timeout: float = 600, check: bool = True) -> str:
        done = subprocess.run(
            ["docker", "compose", "-p", self.name, *argv],
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert not check or done.returncode == 0, f"{argv}\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def compose() -> Iterator[Compose]:
    project = Compose()
    try:
        project("up", "-d", "--build", "--wait", "--wait-timeout", "180", check=True)
        yield project
    finally:
        project("down", "-v", "--remove-orphans", "--timeout", "10", check=False)


@pytest.fixture
def contained(compose: Compose) -> Stack:
    """The containers, spoken to as the tests of `kit up` do."""
    nothing = subprocess.Popen(["true"])
    nothing.wait()
    return Stack(ROOT, compose.ports, compose.environ, nothing, time.monotonic(), ROOT)


def test_every_service_is_up_and_healthy_with_no_prior_step(compose: Compose) -> None:
    lines = [json.loads(line) for line in compose("ps", "--format", "json").splitlines() if line]
    running = {line["Service"]: line["Health"] for line in lines if line["State"] == "running"}
    assert running.keys() >= SERVICES
    # The canary listens nowhere, so nobody can ask it how it is: its metric tells.
    assert {name for name in SERVICES - {"canary"} if running[name] != "healthy"} == set()


def test_no_container_of_ours_runs_as_root(compose: Compose) -> None:
    for service in SERVICES - {"postgres"}:
        assert compose("exec", "-T", service, "id", "-u").strip() != "0", service


def test_only_loopback_is_published(compose: Compose) -> None:
    for line in compose("ps", "--format", "json").splitlines():
        for port in json.loads(line)["Publishers"] or []:
            assert port["URL"] in {"127.0.0.1", ""}, line


def test_alarms_and_dashboards_are_applied_and_metrics_flow(contained: Stack) -> None:
    cloudwatch = contained.aws("cloudwatch")
    eventually(
        lambda: len(cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])["MetricAlarms"]) >= 2,
        30,
        "the alarms",
    )
    assert len(cloudwatch.list_dashboards()["DashboardEntries"]) >= 2
    eventually(
        lambda: cloudwatch.list_metrics(Namespace="Shop", MetricName="Requests")["Metrics"], 60, "metrics of the shop"
    )


def test_the_orders_are_in_postgresql(compose: Compose) -> None:
    def orders() -> int:
        found = compose(
            "exec", "-T", "postgres", "psql", "-U", "shop", "-d", "shop", "-Atc", "select count(*) from orders"
        )
        return int(found.strip() or 0)

    eventually(lambda: orders() > 0, 60, "an order", every_s=2)


def test_a_fault_that_is_set_from_the_host_breaks_the_checkout(contained: Stack) -> None:
    done = contained.kit("fault", "set", "payment-errors", "--percent", "100", "--expires", "60")
    assert done.returncode == 0, done.stderr

    def faults() -> float:
        answer = contained.aws("cloudwatch").get_metric_statistics(
            Namespace="Shop",
            MetricName="Fault",
            Dimensions=[
                {"Name": "Service", "Value": "shop"},
                {"Name": "Environment", "Value": "local"},
                {"Name": "Operation", "Value": "POST /checkout"},
            ],
            StartTime=time.time() - 60,
            EndTime=time.time() + 60,
            Period=60,
            Statistics=["Sum"],
        )
        return sum((float(point["Sum"]) for point in answer["Datapoints"]), 0.0)

    eventually(lambda: faults() > 0, 40, "failed checkouts in the metrics", every_s=1)
    assert contained.kit("fault", "lift", "--all").returncode == 0
