"""Stands in for the AWS CLI where there is none: the few forms of its calls that `kit render cli` writes, by boto3.

``KIT_TEST_OLD_CLIENTS`` names a folder with the real one (see tests/emulator/conformance/old_clients.py).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import boto3


def main(service: str, operation: str, *flags: str) -> int:
    """Make one call; as the CLI does, an error is a line on stderr and 254."""
    given = dict(zip(flags[::2], flags[1::2], strict=True))
    params: dict[str, Any] = {}
    if "--cli-input-json" in given:
        params = json.loads(_text(given["--cli-input-json"]))
    if "--dashboard-name" in given:
        params = {"DashboardName": given["--dashboard-name"], "DashboardBody": _text(given["--dashboard-body"])}
    client: Any = boto3
    try:
        answer = getattr(client.client(service, region_name=os.environ["AWS_REGION"]), operation.replace("-", "_"))(
            **params
        )
    except Exception as error:  # noqa: BLE001 - whatever boto3 raises
        sys.stderr.write(f"{error}\n")
        return 254
    if "--query" in given:
        sys.stdout.write(f"{answer[given['--query']]}\n")
    return 0


def _text(source: str) -> str:
    return Path(source.removeprefix("file://")).read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
