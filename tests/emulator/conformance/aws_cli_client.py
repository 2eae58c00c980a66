"""Makes the calls that it reads from standard input with the AWS CLI, all in one process.

``python aws_cli_client.py ENDPOINT``; writes one JSON object like ``boto3_client``. It runs in the CLI's own
environment, so it imports nothing of the project.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from datetime import datetime
from importlib import import_module
from typing import Any

_ERROR = re.compile(r"An error occurred \((\w+)\) when calling the \w+ operation(?: \(.*?\))?: (.*)", re.DOTALL)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)")


def main() -> None:
    endpoint = sys.argv[1]
    os.environ.update(
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_MAX_ATTEMPTS="1",
        AWS_PAGER="",
    )
    driver = import_module("awscli.clidriver").create_clidriver()  # reads the environment while it is imported
    answers = [_call(driver, endpoint, *call) for call in json.load(sys.stdin)]
    json.dump({"protocol": [], "answers": answers}, sys.stdout)


def _call(driver: Any, endpoint: str, service: str, operation: str, params: dict[str, Any]) -> Any:
    name = re.sub(r"(?<!^)(?=[A-Z])", "-", operation).lower()
    arguments = [service, name, "--endpoint-url", endpoint, "--no-paginate", "--output", "json"]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        driver.main([*arguments, "--cli-input-json", json.dumps(params)])
    if err.getvalue().strip():
        found = _ERROR.search(err.getvalue())
        if found is None:
            return {"error": {"Code": None, "Message": err.getvalue()}}
        return {"error": {"Code": found[1], "Message": found[2].removesuffix("\n")}}
    return _plain(json.loads(out.getvalue() or "{}"))


def _plain(value: Any) -> Any:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return datetime.fromisoformat(value).timestamp()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    main()
