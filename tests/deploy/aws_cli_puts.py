"""Puts alarm and dashboard files with the AWS CLI, as they are, all in one process.

``python aws_cli_puts.py ENDPOINT FILE...``; prints a JSON object of what the CLI complained of, by file. It runs in the
CLI's own environment, so it imports nothing of the project.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from importlib import import_module
from pathlib import Path


def main() -> None:
    endpoint, *files = sys.argv[1:]
    os.environ.update(
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_MAX_ATTEMPTS="1",
        AWS_PAGER="",
    )
    driver = import_module("awscli.clidriver").create_clidriver()  # reads the environment while it is imported
    complaints = {}
    for file in files:
        said, complained = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
            code = driver.main(["cloudwatch", *_command(Path(file)), "--endpoint-url", endpoint])
        # A dashboard's validation messages are no error: PutDashboard answers with them.
        if code or complained.getvalue().strip() or '"Message"' in said.getvalue():
            complaints[file] = f"{code}: {complained.getvalue()}{said.getvalue()}"
    json.dump(complaints, sys.stdout)


def _command(file: Path) -> list[str]:
    if file.parent.name == "dashboards":
        return ["put-dashboard", "--dashboard-name", file.stem, "--dashboard-body", f"file://{file}"]
    composite = "AlarmRule" in json.loads(file.read_text(encoding="utf-8"))
    return ["put-composite-alarm" if composite else "put-metric-alarm", "--cli-input-json", f"file://{file}"]


if __name__ == "__main__":
    main()
