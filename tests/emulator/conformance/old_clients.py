"""Environments of other clients than the project's own: a boto3 of 2023, which speaks the query protocol, and the CLI.

``python -m tests.emulator.conformance.old_clients FOLDER`` makes them (a minute); then
``KIT_TEST_OLD_CLIENTS=FOLDER pytest tests/emulator/conformance`` runs the calls with them too.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

# boto3 1.28.0 is of July 2023. The CLI pins the botocore it needs; it is pinned itself so that a run can be repeated.
ENVIRONMENTS = {"boto3-2023": "boto3==1.28.0", "awscli": "awscli==1.46.3"}


def interpreter(folder: Path, name: str) -> Path:
    """Where the Python of one of ENVIRONMENTS is, or will be."""
    return folder / name / "bin" / "python"


def main() -> int:
    """Make the environments that aren't there yet."""
    if len(sys.argv) != 2:
        sys.stderr.write("Give the folder to make them in: python -m tests.emulator.conformance.old_clients FOLDER\n")
        return 1
    folder = Path(sys.argv[1]).resolve()
    for name, requirement in ENVIRONMENTS.items():
        python = interpreter(folder, name)
        if not python.exists():
            venv.create(folder / name, with_pip=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", requirement], check=True)
        sys.stdout.write(f"{requirement}: {python}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
