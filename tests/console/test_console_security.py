"""Hostile names, hostile hosts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from flask.testing import FlaskClient

from kit.console.app import create_app
from kit.settings import Settings

if TYPE_CHECKING:
    from tests.console.conftest import FakeCloudWatch

HOSTILE = "\"><script>alert('x')</script>"


@pytest.mark.parametrize("path", ["/", "/alarm?name=x", "/dashboards/x", "/api/overview", "/api/alarm?name=x", "/nope"])
def test_every_answer_carries_the_policy(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/alarm", "/dashboards/"])
def test_a_name_cannot_break_out_of_a_page(client: FlaskClient, path: str) -> None:
    answer = client.get(path, query_string={"name": HOSTILE}) if path == "/alarm" else client.get(path + HOSTILE[:9])
    assert "<script>alert" not in answer.text
    assert 'data-name=""' not in answer.text


def test_pages_hold_no_script_style_or_address_of_their_own(client: FlaskClient) -> None:
    for path in ("/", "/alarm?name=x", "/dashboards/x"):
        page = client.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", page)
        assert not re.search(r"\sstyle=|<style|\son\w+=", page)
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)


def test_a_hostile_alarm_is_only_data(client: FlaskClient, fake: FakeCloudWatch) -> None:
    fake.put_metric_alarm(HOSTILE, AlarmDescription=HOSTILE, StateReason=HOSTILE)
    answer = client.get("/api/overview")
    assert answer.mimetype == "application/json"
    assert HOSTILE in {alarm["name"] for alarm in answer.get_json()["alarms"]}


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "", "[::1", "a@b", "%00"]
)
def test_a_strange_host_is_refused(client: FlaskClient, host: str) -> None:
    assert client.get("/api/overview", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000"])
def test_this_machine_is_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_allowed_hosts_are_answered(settings: Settings, fake: FakeCloudWatch) -> None:
    app: Flask = create_app(settings, client_for=lambda *_: fake, allowed_hosts=["Console.internal"])
    client = app.test_client()
    assert client.get("/healthz", headers={"Host": "console.internal:8000"}).status_code == 200
    assert client.get("/healthz", headers={"Host": "other.internal"}).status_code == 421


def test_only_reading_is_possible(client: FlaskClient) -> None:
    for path in ("/", "/api/overview", "/api/alarm?name=short"):
        assert client.post(path).status_code == 405
        assert client.delete(path).status_code == 405
