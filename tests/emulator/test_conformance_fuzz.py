"""A slice of ``bench.fuzz_requests``: whatever is sent, the answer is one that AWS's clients understand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_whatever_is_sent_is_answered_as_aws_would() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.fuzz_requests", "--cases", "500", "--seed", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "500 requests" in done.stdout
    assert "right 200" in done.stdout
    assert "mutated 400" in done.stdout
    assert "behind, right 200" in done.stdout


def test_the_fuzzer_sees_what_is_not_awss() -> None:
    script = (
        "from bench.fuzz_requests import complaint as c\n"
        "ok = {'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'r'}\n"
        'assert c(400, ok, b\'{"__type": "ValidationError", "message": "m"}\') is None\n'
        'assert c(500, ok, b\'{"__type": "InternalFailure", "message": "m"}\')\n'
        "assert c(400, ok, b'{}')\n"
        "assert c(400, ok | {'content-type': 'text/html'}, b'<html></html>')\n"
        "assert c(200, ok | {'content-type': 'text/xml'}, b'{}')\n"
        "assert c(200, ok, b'{}') is None\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
