"""The table of operations in docs/fidelity.md tells what the code does."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kit.emulator.clock import ManualClock
from kit.emulator.engines import Engines
from kit.emulator.operations_table import BEGIN, END, LIMITS, PAGE, main, missing, render
from kit.emulator.protocol import Context, Request
from kit.emulator.services import build_services

SERVICES = build_services()


def test_the_page_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_a_stale_table_is_said_to_be_and_the_rest_of_the_page_is_left_alone(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "fidelity.md"
    monkeypatch.setattr("kit.emulator.operations_table.PAGE", page)
    page.write_text(f"# Before\n\n{BEGIN}\nold\n{END}\n\n## After\n", encoding="utf-8")
    assert main(["--check"]) == 1
    assert "is stale" in capsys.readouterr().err
    assert main([]) == main(["--check"]) == 0
    assert page.read_text(encoding="utf-8") == f"# Before\n\n{BEGIN}\n{render()}{END}\n\n## After\n"
    assert main(["--chek"]) == 2
    page.write_text("# No marks\n", encoding="utf-8")
    assert main([]) == main(["--check"]) == 1
    assert page.read_text(encoding="utf-8") == "# No marks\n"


@pytest.mark.parametrize("name", list(SERVICES))
def test_every_operation_is_listed_once_and_answers_as_it_is_listed(name: str) -> None:
    service = SERVICES[name]
    title = {"cloudwatch": "CloudWatch", "logs": "CloudWatch Logs", "xray": "X-Ray"}[name]
    section = (
        PAGE.read_text(encoding="utf-8").split(f"### {title}: operations\n")[1].split("\n## ")[0].split("\n### ")[0]
    )
    here = re.findall(r"^\| (\w+) \| (?:yes|partly) \|", section, re.MULTILINE)
    absent = re.findall(r"`(\w+)`", section[section.index("\nNo: ") :])
    assert sorted([*here, *absent]) == sorted(service.model.operations)

    clock = ManualClock(1_795_341_600)
    engines = Engines("123456789012", clock, lambda *_: None)
    engine = engines.of(name, "us-east-1")
    context = Context("us-east-1", "123456789012", clock, "request-1")
    for operation in service.model.operations:
        http = service.model.operations[operation].http
        headers = {"x-amz-target": f"{service.model.metadata.target_prefix}.{operation}"}
        answer = service.answer(Request(http.method, http.request_uri, "", headers, b"{}"), engine, context)
        unknown = b"not in this emulator" in answer.body
        assert unknown == (operation in absent), operation
        assert answer.status < 500
    engines.close()


def test_limits_are_of_operations_that_are_here() -> None:
    for service, operation in LIMITS:
        assert operation in SERVICES[service].operations


def test_what_no_module_mentions_is_missing_and_what_one_does_is_not() -> None:
    unread, _ = missing(SERVICES["cloudwatch"], "PutMetricData")
    assert "EntityMetricData.Entity" in unread
    assert not {"Namespace", "MetricData", "MetricData.Values"} & set(unread)
