"""The same calls with a boto3 of 2023 and with the AWS CLI; see ``old_clients`` for how to have them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.conformance.cases import CASES
from tests.emulator.conformance.old_clients import interpreter

Converse = Callable[..., dict[str, Any]]

FOLDER = os.environ.get("KIT_TEST_OLD_CLIENTS")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="no boto3 of 2023 and no AWS CLI: KIT_TEST_OLD_CLIENTS names no folder that has them"
)


def test_a_boto3_of_2023_gets_the_same_answers(converse: Converse, json_answers: dict[str, Any]) -> None:
    spoken = converse(str(interpreter(Path(FOLDER or ""), "boto3-2023")), "boto3_client.py")
    assert spoken["protocol"] == ["application/x-www-form-urlencoded; charset=utf-8"]
    for case, answer, wanted in zip(CASES, spoken["answers"], json_answers["answers"], strict=True):
        assert answer == wanted, case


def test_the_aws_cli_gets_the_same_answers(converse: Converse, json_answers: dict[str, Any]) -> None:
    spoken = converse(str(interpreter(Path(FOLDER or ""), "awscli")), "aws_cli_client.py")
    for case, answer, wanted in zip(CASES, spoken["answers"], json_answers["answers"], strict=True):
        shown = {key: value for key, value in wanted.items() if key != "status"}  # the CLI doesn't show it
        assert answer == shown, case
