"""Who it is that acknowledges: as git knows them, else as the system does."""

from __future__ import annotations

import getpass
import subprocess
from functools import cache
from pathlib import Path

NAME_LENGTH = 80
TEXT_LENGTH = 4_000


@cache
def myself(folder: Path) -> str:
    """git's user.name for ``folder``, else the login name."""
    try:
        told = subprocess.run(
            ["git", "config", "user.name"], cwd=folder, capture_output=True, text=True, timeout=5, check=False
        ).stdout
    except (OSError, subprocess.SubprocessError):
        told = ""
    try:
        return tidy(told, NAME_LENGTH) or tidy(getpass.getuser(), NAME_LENGTH) or "somebody"
    except (KeyError, OSError):  # a container's user may have no name
        return "somebody"


def tidy(text: str, length: int) -> str:
    """Without control characters, in ``length`` characters at most; line breaks stay."""
    kept = "".join(c for c in text if c.isprintable() or c == "\n").strip()
    return kept if len(kept) <= length else kept[: length - 1] + "…"
