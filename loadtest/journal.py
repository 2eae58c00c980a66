"""``locust.jsonl`` in the run folder: what was done to the services and to the load, a line each, as it happens.

``{"t": RFC 3339 UTC with ms, "kind": "fault.set" | "fault.lifted" | "load.stage" | "end", "data": {…}}``. It names the
faults of a blind round too, so only its owner may read it.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from time import time
from typing import Any

from loadtest.ledger import stamp

logger = logging.getLogger(__name__)


class Journal:
    """Appends to the file; without a folder it keeps nothing. Its trouble stops nobody: a full disk breaks no run."""

    def __init__(self, folder: Path | None) -> None:
        """Raises OSError when the file cannot be written."""
        self._file: int | None = None
        if folder is not None:
            self._file = os.open(folder / "locust.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def note(self, kind: str, *, at: float | None = None, **data: Any) -> None:
        """Write a line; ``at`` (seconds since the epoch) when it happened earlier than now."""
        if self._file is None:
            return
        line = {"t": stamp(time() if at is None else at), "kind": kind, "data": data}
        try:
            # One write a line: a reader beside it sees whole lines.
            os.write(self._file, (json.dumps(line, ensure_ascii=False) + "\n").encode())
        except OSError as error:
            logger.error("locust.jsonl: a line is lost: %s", error.strerror)
