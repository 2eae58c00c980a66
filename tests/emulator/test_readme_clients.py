"""What the README tells to export is all that a client needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from kit.emulator.server import Emulator

README = Path(__file__).parents[2] / "README.md"


def test_the_export_line_of_the_readme_is_all_that_boto3_needs(emulator: Emulator, tmp_path: Path) -> None:
    (line,) = re.findall(r"^export (AWS_ENDPOINT_URL=.*)$", README.read_text(encoding="utf-8"), re.MULTILINE)
    exported = dict(word.split("=", 1) for word in line.split())
    exported["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{emulator.port}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    ask = "import boto3; print(boto3.client('logs').describe_log_groups()['ResponseMetadata']['HTTPStatusCode'])"
    asked = subprocess.run(
        [sys.executable, "-c", ask],
        env={**kept, **exported, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (asked.returncode, asked.stdout.strip()) == (0, "200"), asked.stderr
