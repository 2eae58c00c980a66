"""The same calls in every protocol that CloudWatch speaks have the same answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import jmespath  # type: ignore[import-untyped]  # it has no types
import pytest

from tests.emulator.conformance.cases import CASES

Converse = Callable[..., dict[str, Any]]


def test_the_calls_are_answered_as_the_table_says(json_answers: dict[str, Any]) -> None:
    assert json_answers["protocol"] == ["application/x-amz-json-1.0"]
    for case, answer in zip(CASES, json_answers["answers"], strict=True):
        if case.error is None:
            assert "error" not in answer, (case, answer)
        else:
            assert answer.get("error", {}).get("Code") == case.error, (case, answer)
        for path, wanted in case.expect.items():
            assert jmespath.search(path, answer) == wanted, (path, answer)


@pytest.mark.parametrize(
    ("protocol", "content_type"),
    [
        ("smithy-rpc-v2-cbor", "application/cbor"),
        ("query", "application/x-www-form-urlencoded; charset=utf-8"),
    ],
)
def test_the_answers_are_the_same_in_every_protocol(
    protocol: str, content_type: str, converse: Converse, json_answers: dict[str, Any]
) -> None:
    spoken = converse(sys.executable, "boto3_client.py", protocol)
    assert spoken["protocol"] == [content_type]
    for case, answer, wanted in zip(CASES, spoken["answers"], json_answers["answers"], strict=True):
        assert answer == wanted, case
