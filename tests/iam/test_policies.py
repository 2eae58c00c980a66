"""Each policy of iam/ allows the calls that are really made, and nothing that isn't."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from werkzeug.serving import make_server

from kit.cli import main
from kit.console.app import create_app
from kit.settings import load, read_stage

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "iam").glob("*.json"))
WRITES = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments"}
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
MOST_CHARACTERS = 6144
"""Of a managed policy, without white space ("IAM and AWS STS quotas")."""

# Started as in the stack, but the sampler asks for targets at once instead of every 10 s.
GUNICORN = """
from aws_xray_sdk.core.sampling.target_poller import TargetPoller
from gunicorn.app.wsgiapp import run
start = TargetPoller.__init__
def soon(poller, *given):
    start(poller, *given)
    poller._interval = 1
TargetPoller.__init__ = soon
run()
"""


@pytest.fixture
def project(tmp_path: Path, recorder: Any) -> Path:
    """A copy of the project with a stage that the recorder stands before; its names are those of the files."""
    for folder in ("alarms", "dashboards", "stages", "iam"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    stage = {
        "account": "123456789012",
        "region": "us-east-1",
        "endpoint_url": recorder.url,
        "environment": "production",
        "scale": "practice",
        "actions": {name: f"arn:aws:sns:us-east-1:123456789012:{name}" for name in ("page", "ticket")},
        "protected": False,
    }
    # One composite with its children stands for all: each alarm costs the same calls.
    for path in (tmp_path / "alarms").glob("*.json"):
        if not path.name.startswith("shop-checkout-availability-page-fast"):
            path.unlink()
    (tmp_path / "stages" / "account.yaml").write_text(yaml.safe_dump(stage), encoding="utf-8")
    return tmp_path


@pytest.fixture
def kit(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Run a verb on that stage; it must end with one of the codes."""
    monkeypatch.chdir(project)
    for name in [name for name in os.environ if name.startswith(("AWS_", "KIT_"))]:
        monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")

    def run(*argv: str, codes: tuple[int, ...] = (0,)) -> None:
        code = main([*argv, "--stage", "account"])
        told = capsys.readouterr()
        assert code in codes, told.out + told.err

    return run


def test_the_service_may_do_what_it_does_and_no_more(recorder: Any, policy: Any, tmp_path: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "OTEL_", "TELEMETRY_", "KIT_"))} | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": recorder.url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_XRAY_DAEMON_ADDRESS": f"tcp:127.0.0.1:{recorder.port} udp:127.0.0.1:{recorder.daemon_port}",
        "OTEL_SERVICE_NAME": "payments",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=production",
        "OTEL_TRACES_SAMPLER": "xray",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'payments.db'}",
        "HOST": "127.0.0.1",
        "PORT": "0",
        "PYTHONUNBUFFERED": "1",
    }
    port = _free_port()
    argv = [sys.executable, "-c", GUNICORN, "-c", "python:service.gunicorn_conf", "service.payments.wsgi:app"]
    with subprocess.Popen(
        argv, cwd=ROOT, env=environ | {"PORT": str(port)}, stderr=subprocess.PIPE, text=True
    ) as served:
        try:
            expected = {action for action, _ in policy("service").grants}
            _drive(f"http://127.0.0.1:{port}/charges", lambda: recorder.actions >= expected)
        finally:
            served.terminate()
            _, log = served.communicate(timeout=20)
    _agree(policy("service"), recorder.needs, log)


def test_apply_may_do_what_it_does_and_no_more(
    kit: Callable[..., None], project: Path, recorder: Any, policy: Any
) -> None:
    # what was applied is remembered in tags: of so many widgets in two of them, of one widget in one
    boards = project / "dashboards"
    text = {"type": "text", "properties": {"markdown": "x"}}
    (boards / "many.json").write_text(json.dumps({"widgets": [text] * 70}), encoding="utf-8")
    kit("plan", codes=(0, 2))
    kit("apply", "--yes", "--create-topics", "--email", "someone@example.com")
    # an update of each kind, tags that go, a delete
    path = project / "alarms" / "shop-checkout-availability-page-fast-long.json"
    alarm = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(alarm | {"Threshold": 0.2, "Tags": alarm["Tags"][:2]}), encoding="utf-8")
    (boards / "many.json").write_text(json.dumps({"widgets": [text]}), encoding="utf-8")
    (boards / "slo.json").unlink()
    kit("apply", "--yes", "--max-change", "100")
    kit("drift", codes=(0, 2))
    kit("pull", "practice-shop-checkout-availability-page-fast-long", "--overwrite", codes=(0, 1))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("click.prompt", lambda *_, **__: "account")
        kit("destroy", "--topics", "--yes")
    _agree(policy("apply", read_stage(project, "account")), recorder.needs)


@pytest.fixture
def console_needs(recorder: Any, project: Path, kit: Callable[..., None]) -> list[Any]:
    """What every page and every answer of the console needs, of an account with all there is to show."""
    kit("apply", "--yes", "--create-topics")
    logs = _client(recorder, "logs")
    for service in ("shop", "payments", "canary"):
        logs.create_log_group(logGroupName=f"/shop/production/{service}/logs")
    recorder.needs.clear()
    client = create_app(load(KEYS, project, stage="account")).test_client()
    boards = [f"practice-{path.stem}" for path in (project / "dashboards").glob("*.json")]
    alarm = "practice-shop-checkout-availability-page-fast"
    rules = [str(rule) for rule in client.application.url_map.iter_rules() if "GET" in (rule.methods or ())]
    for rule in rules:
        for name in [*boards, alarm] if "<" in rule and not rule.startswith("/static") else [alarm]:
            client.get(re.sub(r"<[^>]*>", name, rule), query_string={"name": name})
    needs: list[Any] = recorder.needs
    return needs


def test_the_console_may_read_what_it_shows_and_no_more(console_needs: list[Any], policy: Any) -> None:
    _agree(policy("console"), console_needs)
    verbs = {action.split(":")[1] for action, _ in policy("console").grants}
    assert all(
        verb.startswith(("Describe", "Get", "List", "Batch", "Filter", "StartQuery", "StopQuery")) for verb in verbs
    )


def test_a_game_day_may_do_what_it_does_and_no_more(
    console_needs: list[Any], recorder: Any, project: Path, kit: Callable[..., None], policy: Any
) -> None:
    now = time.time()
    _something_to_write_up(recorder, now - 30)
    for _ in range(2):  # the second time at another address: the first is taken back
        inbox = make_server("127.0.0.1", 0, create_app(load(KEYS, project, stage="account")), threaded=True)
        threading.Thread(target=inbox.serve_forever, daemon=True).start()
        try:
            kit("page", "subscribe", "--url", f"http://127.0.0.1:{inbox.server_port}")
            kit("page", "list", codes=(0, 2))
        finally:
            inbox.shutdown()
            inbox.server_close()
    for name in ("slos", "service"):
        (project / name).symlink_to(ROOT / name)
    since, until = (f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (now - 600, now))
    kit("postmortem", "--from", since, "--to", until, "--out", str(project / "postmortem"))
    _agree(policy("gameday", read_stage(project, "account")), [n for n in recorder.needs if n.action not in WRITES])


def _client(recorder: Any, service: str) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]  # boto3-stubs knows services by their literal names
        endpoint_url=recorder.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def _something_to_write_up(recorder: Any, now: float) -> None:
    logs, group = _client(recorder, "logs"), {"logGroupName": "/shop/production/shop/logs"}
    logs.create_log_stream(**group, logStreamName="s")
    line = {"level": "ERROR", "message": "payments failed", "operation": "POST /checkout", "status": 503}
    logs.put_log_events(
        **group, logStreamName="s", logEvents=[{"timestamp": int(now * 1000), "message": json.dumps(line)}]
    )
    segment = {
        "id": "1" * 16,
        "trace_id": f"1-{int(now):08x}-{'2' * 24}",
        "name": "shop",
        "start_time": now - 1,
        "end_time": now,
        "fault": True,
        "http": {"request": {"method": "POST", "url": "http://shop/checkout"}, "response": {"status": 503}},
        "annotations": {"service": "shop", "environment": "production", "operation": "POST /checkout"},
    }
    _client(recorder, "xray").put_trace_segments(TraceSegmentDocuments=[json.dumps(segment)])


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_fits_into_a_managed_policy_and_names_each_action(name: str, policy: Any) -> None:
    text = (ROOT / "iam" / f"{name}.json").read_text(encoding="utf-8")
    assert len("".join(text.split())) <= MOST_CHARACTERS
    assert not any("*" in action for action, _ in policy(name).grants)


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_is_rendered_for_its_stage(
    name: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    text = (project / "stages" / "sandbox.yaml.example").read_text(encoding="utf-8")
    (project / "stages" / "sandbox.yaml").write_text(text.replace("us-east-1", "eu-west-1"), encoding="utf-8")
    assert main(["render", "iam", name, "--stage", "sandbox"]) == 0
    rendered = capsys.readouterr().out
    assert json.loads(rendered)["Version"] == "2012-10-17"
    assert "123456789012" not in rendered
    assert "us-east-1" not in rendered
    assert "/production/" not in rendered
    if name == "apply":
        assert "arn:aws:sns:eu-west-1:111122223333:sandbox-page*" in rendered


def test_the_evaluator_matches_action_resource_and_condition_together(policy: Any, need: Any) -> None:
    judge = policy(
        {
            "Statement": [
                {"Effect": "Allow", "Action": "logs:Put*", "Resource": "arn:aws:logs:*:1:log-group:/shop/*"},
                {
                    "Effect": "Allow",
                    "Action": "sns:Subscribe",
                    "Resource": "arn:t",
                    "Condition": {"StringEquals": {"sns:Protocol": "email"}},
                },
            ]
        }
    )
    group = "arn:aws:logs:us-east-1:1:log-group:/shop/x"
    refused = [
        need("logs:PutLogEvents", "arn:aws:logs:us-east-1:1:log-group:/other"),
        need("logs:CreateLogGroup", group),
        need("logs:PutLogEvents"),  # an action without a resource needs "*"
        need("sns:Subscribe", "arn:t", {"sns:Protocol": "http"}),
        need("sns:Subscribe", "arn:t"),
    ]
    allowed = [need("logs:PutLogEvents", group), need("sns:Subscribe", "arn:t", {"sns:Protocol": "email"})]
    assert judge.refused(refused + allowed) == set(refused)
    assert judge.idle(allowed[:1]) == {("sns:Subscribe", "arn:t")}
    with pytest.raises(AssertionError):
        policy({"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})


def _agree(policy: Any, needs: list[Any], log: str = "") -> None:
    assert needs, log
    assert policy.refused(needs) == set(), log
    assert policy.idle(needs) == set(), log


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _drive(url: str, enough: Callable[[], bool], seconds: float = 15) -> None:
    """Ask again until there is enough; what is missing then, the policy's test will tell."""
    deadline = time.monotonic() + seconds
    while not enough() and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, data=b"{}", timeout=2).close()
        time.sleep(0.1)
