"""A checkout through shop, payments and their databases, read back from X-Ray and compared field by field."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from werkzeug.serving import make_server

from kit.emulator.server import Binding, Emulator
from service.payments.app import create_app as create_payments
from service.settings import ServiceSettings, ShopSettings
from service.shop.app import create_app as create_shop

from .conftest import wait_for

ID = re.compile("[0-9a-f]{16}")
TRACE_ID = re.compile("1-[0-9a-f]{8}-[0-9a-f]{24}")
DB = re.compile(r"(shop|payments)\.db")


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    running = Emulator(Binding(port=0, xray_port=0))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def environment(emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{emulator.port}",
        "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{emulator.xray_port}",
        "OTEL_RESOURCE_ATTRIBUTES": "service.version=1.2,deployment.environment.name=local",
        "TELEMETRY_SPILL_DIR": str(tmp_path / "spill"),
    }.items():
        monkeypatch.setenv(name, value)
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield monkeypatch
    root.handlers[:] = before
    root.setLevel(level)


@contextmanager
def served(app: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def checkout(tmp_path: Path) -> tuple[str, str, str]:
    """Buy a mug. Gives the trace's id, the order's, and where payments listened."""
    payments = create_payments(ServiceSettings(f"sqlite:///{tmp_path}/payments.db"))
    with served(payments) as url:
        shop = create_shop(ShopSettings(f"sqlite:///{tmp_path}/shop.db", payments_url=url))
        client = shop.test_client()
        cart_id = client.post("/carts").get_json()["cart_id"]
        client.post(f"/carts/{cart_id}/lines", json={"item_id": "enamel-mug", "quantity": 2})
        paid = client.post(
            "/checkout",
            json={"cart_id": cart_id, "card_token": "tok_visa_4242", "email": "jo@shop.example"},
            headers={"User-Agent": "browser/1"},
        )
        assert paid.status_code == 201
        shop.extensions["shop"].payments.close()
        for app, name in ((shop, "shop"), (payments, "payments")):
            app.extensions["telemetry"].close()
            app.extensions[name].database.engine.dispose()
    trace_id = re.fullmatch(r"Root=(1-[0-9a-f-]+);Sampled=1", paid.headers["X-Amzn-Trace-Id"])
    assert trace_id is not None
    return trace_id[1], paid.get_json()["order_id"], url


def documents(emulator: Emulator, trace_id: str, number: Callable[[list[Any]], bool]) -> list[dict[str, Any]]:
    xray: Any = boto3.session.Session().client(
        "xray", endpoint_url=f"http://127.0.0.1:{emulator.port}", region_name="us-east-1"
    )

    def look() -> list[dict[str, Any]]:
        found = []
        for trace in xray.batch_get_traces(TraceIds=[trace_id])["Traces"]:
            for segment in trace["Segments"]:
                found += list(flat(json.loads(segment["Document"])))
        return found if number(found) else []

    try:
        found: list[dict[str, Any]] = wait_for(look)
        return found
    finally:
        xray.close()


def flat(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    subs = document.pop("subsegments", [])
    yield document
    for sub in subs:
        # X-Ray puts what came alone into its parent.
        yield from flat({**sub, "parent_id": document["id"], "trace_id": document["trace_id"]})


def changing(document: dict[str, Any]) -> dict[str, Any]:
    """The document without its ids and times, which are looked at here."""
    rest = dict(document)
    assert ID.fullmatch(rest.pop("id"))
    assert TRACE_ID.fullmatch(rest.pop("trace_id"))
    assert 1.7e9 < rest.pop("start_time") <= rest.pop("end_time")
    rest.pop("parent_id", None)
    rest.pop("type", None)
    return rest


def of_service(name: str) -> dict[str, Any]:
    group = f"/shop/local/{name}/logs"
    return {
        "name": name,
        "service": {"version": "1.2"},
        "aws": {"cloudwatch_logs": [{"log_group": group}], "xray": {"sdk": "opentelemetry for python"}},
    }


def resource(name: str) -> dict[str, Any]:
    return {
        "otel.resource.service.name": name,
        "otel.resource.service.version": "1.2",
        "otel.resource.deployment.environment.name": "local",
        "otel.resource.aws.log.group.names": f"/shop/local/{name}/logs",
    }


@pytest.mark.parametrize("spans", ["light", "sdk"])
@pytest.mark.parametrize("delivery", ["daemon", "api"])
def test_a_checkouts_trace_is_what_the_rules_demand(
    emulator: Emulator, environment: pytest.MonkeyPatch, tmp_path: Path, spans: str, delivery: str
) -> None:
    environment.setenv("TELEMETRY_SPANS", spans)
    environment.setenv("XRAY_DELIVERY", delivery)
    trace_id, order_id, payments_url = checkout(tmp_path)
    found = documents(
        emulator, trace_id, lambda all_of_it: {"shop", "payments"} <= {one["name"] for one in all_of_it if "aws" in one}
    )
    by_id = {one["id"]: one for one in found}
    assert len(by_id) == len(found)

    (shop,) = [one for one in found if one["name"] == "shop" and "aws" in one]
    assert "parent_id" not in shop
    assert changing(shop) == {
        **of_service("shop"),
        "http": {
            "request": {
                "method": "POST",
                "url": "http://localhost/checkout",
                "user_agent": "browser/1",
                "client_ip": "127.0.0.1",
            },
            "response": {"status": 201},
        },
        "annotations": {
            "service": "shop",
            "environment": "local",
            "release": "1.2",
            "operation": "POST /checkout",
            "order_id": order_id,
        },
        "metadata": {
            "default": {**resource("shop"), "http.route": "/checkout", "network.protocol.version": "1.1"},
        },
    }

    (call,) = [one for one in found if one["name"] == "payments" and "aws" not in one]
    assert call["parent_id"] == shop["id"]
    assert changing(call) == {
        "name": "payments",
        "namespace": "remote",
        "http": {"request": {"method": "POST", "url": f"{payments_url}/charges"}, "response": {"status": 201}},
        # What the shop itself notes of a call: which attempt it was.
        "annotations": {"attempt": 1},
        "metadata": {"default": {"url.template": "/charges"}},
    }

    (payments,) = [one for one in found if one["name"] == "payments" and "aws" in one]
    assert payments["parent_id"] == call["id"]
    told = changing(payments)
    assert told["http"]["request"].pop("user_agent").startswith("python-urllib3")
    assert told == {
        **of_service("payments"),
        "http": {
            "request": {"method": "POST", "url": f"{payments_url}/charges", "client_ip": "127.0.0.1"},
            "response": {"status": 201},
        },
        "annotations": {
            "service": "payments",
            "environment": "local",
            "release": "1.2",
            "operation": "POST /charges",
            **({"order_id": order_id} if "order_id" in told["annotations"] else {}),
        },
        "metadata": {
            "default": {**resource("payments"), "http.route": "/charges", "network.protocol.version": "1.1"},
        },
    }

    statements = [one for one in found if DB.fullmatch(one["name"])]
    assert {one["name"]: by_id[one["parent_id"]]["name"] for one in statements} == {
        "shop.db": "shop",
        "payments.db": "payments",
    }
    for one in statements:
        text = one["sql"]["sanitized_query"]
        summary = one["metadata"]["default"]["db.query.summary"]
        assert changing(one) == {
            "name": one["name"],
            "namespace": "remote",
            "sql": {"database_type": "sqlite", "sanitized_query": text},
            "metadata": {
                "default": {
                    "db.namespace": one["name"],
                    "db.operation.name": text.split(" ")[0],
                    "db.query.summary": summary,
                }
            },
        }
        parent = by_id[one["parent_id"]]
        assert parent["start_time"] <= one["start_time"] <= one["end_time"] <= parent["end_time"]
    assert {shop["id"], call["id"], payments["id"], *(one["id"] for one in statements)} == by_id.keys()
    everything = json.dumps(found)
    assert "tok_visa" not in everything
    assert "jo@shop" not in everything


def test_a_failing_checkout_is_a_fault_with_its_cause_from_where_it_happened(
    emulator: Emulator, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shop = create_shop(ShopSettings(f"sqlite:///{tmp_path}/shop.db", payments_url="http://127.0.0.1:1"))
    client = shop.test_client()
    cart_id = client.post("/carts").get_json()["cart_id"]
    client.post(f"/carts/{cart_id}/lines", json={"item_id": "enamel-mug", "quantity": 2})
    failed = client.post("/checkout", json={"cart_id": cart_id, "card_token": "tok_visa_4242"})
    assert failed.status_code == 503
    shop.extensions["shop"].payments.close()
    shop.extensions["telemetry"].close()
    shop.extensions["shop"].database.engine.dispose()
    trace_id = failed.headers["X-Amzn-Trace-Id"].partition("Root=")[2].partition(";")[0]
    found = documents(emulator, trace_id, lambda all_of_it: any("aws" in one for one in all_of_it))
    (segment,) = [one for one in found if "aws" in one]
    assert (segment["fault"], segment["http"]["response"]["status"]) == (True, 503)
    calls = [one for one in found if one["name"] == "payments"]
    assert calls
    for call in calls:
        (exception, *_) = call["cause"]["exceptions"]
        assert (call["fault"], exception["remote"]) == (True, True)
        assert exception["type"].endswith("NewConnectionError")
        assert exception["stack"][0]["path"].endswith(".py")
