"""``TELEMETRY_EMF=strict``: every document that a running service sends is within the published schema."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from .conftest import FakeDaemon, FakeLogs

ROOT = Path(__file__).parents[2]
SCHEMA = Draft202012Validator(json.loads(Path(__file__).with_name("emf_schema.json").read_text(encoding="utf-8")))
REQUESTS = 150
PROGRAM = f"""
import random, time
from flask import Flask
from service.telemetry import instrument

app = Flask("shop")
telemetry = instrument(
    app, sli_operations=("POST /checkout",), events=("CheckoutMismatch",), remotes=("payments",), latency_objective_ms=5
)

@app.post("/checkout")
def checkout():
    with telemetry.dependency("payments", "POST", "/charges") as call:
        time.sleep(random.expovariate(100))
        call.status(random.choice((200, 503)))
    telemetry.count("CheckoutMismatch")
    return "", random.choice((201, 400, 500))

client = app.test_client()
for _ in range({REQUESTS}):
    client.post("/checkout")
client.get("/nowhere")
telemetry.close()
"""


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What such a service sent, and nothing that an earlier one, strict or not, has left on disk."""
    aws, daemon = FakeLogs(), FakeDaemon()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environ = {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_XRAY_DAEMON_ADDRESS": daemon.address,
        "TELEMETRY_EMF": "strict",
        "TELEMETRY_SPILL_DIR": str(tmp_path_factory.mktemp("spill")),
    }
    try:
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env={**kept, **environ},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        found: list[dict[str, Any]] = aws.messages("/emf")
        return found
    finally:
        aws.close()
        daemon.close()


def metrics_of(document: dict[str, Any]) -> dict[str, Any]:
    return {
        metric["Name"]: document[metric["Name"]]
        for directive in document["_aws"]["CloudWatchMetrics"]
        for metric in directive["Metrics"]
    }


def test_every_document_is_within_the_published_schema(documents: list[dict[str, Any]]) -> None:
    assert documents
    for document in documents:
        SCHEMA.validate(document)


def test_every_dimension_names_a_member_that_is_a_string(documents: list[dict[str, Any]]) -> None:
    for document in documents:
        for directive in document["_aws"]["CloudWatchMetrics"]:
            assert all(isinstance(document[key], str) for keys in directive["Dimensions"] for key in keys)


def test_the_arrays_hold_every_request_and_every_call(documents: list[dict[str, Any]]) -> None:
    values: dict[str, int] = {"Latency": 0, "DependencyLatency": 0}
    for document in documents:
        if document.get("Operation") == "POST /checkout" or "RemoteService" in document:
            for name, value in metrics_of(document).items():
                if name in values:
                    assert isinstance(value, (int, float, list))
                    values[name] += len(value) if isinstance(value, list) else 1
    assert values == {"Latency": REQUESTS, "DependencyLatency": REQUESTS}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("_aws"),
        lambda document: document.update(
            Latency={"Values": [1], "Counts": [1], "Min": 1, "Max": 1, "Count": 1, "Sum": 1}
        ),
        lambda document: document.update(Latency=[0.5] * 101),
        lambda document: document["_aws"].update(Timestamp=1_795_341_600),
        lambda document: document["_aws"].update(LogGroupName="x"),
        lambda document: document["_aws"]["CloudWatchMetrics"][0]["Metrics"][0].update(Unit="Furlongs"),
        lambda document: document["_aws"]["CloudWatchMetrics"][0]["Metrics"][0].update(StorageResolution=5),
        lambda document: document["_aws"]["CloudWatchMetrics"][0].pop("Dimensions"),
    ],
)
def test_the_schema_refuses_a_spoilt_document(documents: list[dict[str, Any]], spoil: Any) -> None:
    spoilt = json.loads(json.dumps(documents[0]))
    spoil(spoilt)
    with pytest.raises(ValidationError):
        SCHEMA.validate(spoilt)
