"""The environment of the stock variant: made at its first use, below ``.kit/peers``."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

STOCK = (
    "boto3==1.44.5",
    "flask==3.1.3",
    "opentelemetry-exporter-otlp-proto-http==1.45.1",
    "opentelemetry-instrumentation-flask==0.66b1",
    "opentelemetry-instrumentation-sqlite3==0.66b1",
    "opentelemetry-sdk==1.45.1",
    "python-json-logger==4.2.0",
    "watchtower==3.4.0",
)


def stock(peers: Path) -> Path:
    """The environment's Python. Raises CalledProcessError or OSError if it can't be had."""
    home = peers / "stock-telemetry"
    python, done = home / "bin" / "python", home / "installed"
    wanted = "\n".join(STOCK)
    if not done.exists() or done.read_text(encoding="utf-8") != wanted:
        print(f"bench: installing stock instrumentation into {home} (once)", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *STOCK], check=True, capture_output=True)
        done.write_text(wanted, encoding="utf-8")
    return python
