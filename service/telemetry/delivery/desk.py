"""A process's place on disk: its counts, its spill, and what it inherits from processes that have ended."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from .counts import SUFFIX, Counts
from .heir import adopt
from .spill import Spill

log = logging.getLogger(__name__)


class Desk:
    """Counts and spills of one process, in ``directory``; in memory only, and without spill, where that cannot be had.

    ``signals``: the inputs of each signal. ``caps``: bytes on disk for each signal. Makes the directory and two files;
    nothing else happens before ``inherit``.
    """

    def __init__(self, directory: Path | None, signals: Mapping[str, Sequence[str]], caps: Mapping[str, int]) -> None:
        self.trouble = ""
        self.spills: dict[str, Spill] = {}
        self._directory = directory
        self._thread: threading.Thread | None = None
        if directory is not None:
            try:
                self.counts = self._take(directory, signals)
                prefix = directory / str(self.counts.path and self.counts.path.name.removesuffix(SUFFIX))
                self.spills = {name: Spill(prefix, name, cap) for name, cap in caps.items() if cap}
                return
            except OSError as error:
                self.trouble = f"{directory}: {error.strerror or error}"
                self._directory = None
        self.counts = Counts(None, signals)

    @staticmethod
    def _take(directory: Path, signals: Mapping[str, Sequence[str]]) -> Counts:
        """A counts file of our own, in a directory that is nobody else's."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.lstat()
        if not directory.is_dir() or directory.is_symlink() or found.st_uid != os.geteuid():
            raise OSError(0, "is not a directory of this user")
        while True:
            name = f"{os.getpid()}-{int(time.time())}-{random.getrandbits(32):08x}"
            counts = Counts(directory / (name + SUFFIX), signals)
            if counts.has_its_name():
                return counts
            counts.forget()  # an heir took it for an orphan's between its making and its lock

    def inherit(self, done: Callable[[], None]) -> None:
        """Look for what ended processes have left, in a thread; then ``done()``."""
        if self._directory is not None:
            self._thread = threading.Thread(target=self._inherit, args=(done,), name="telemetry heir", daemon=True)
            self._thread.start()

    def _inherit(self, done: Callable[[], None]) -> None:
        assert self._directory is not None  # noqa: S101 - for mypy: inherit() has looked
        try:
            lost = {name: n for name, n in adopt(self._directory, self.counts, self.spills).items() if n}
        except Exception:
            log.exception("what ended processes have left could not be taken over")
            return
        if lost:
            told = ", ".join(f"{n} of {name}" for name, n in lost.items())
            log.warning("an earlier process took records with it when it ended: %s", told)
        done()

    def close(self) -> None:
        """Remove the counts if they tell nothing more; else leave them to an heir."""
        if self._thread is not None:
            self._thread.join(1.0)
        if self.untold() or not all(spill.empty() for spill in self.spills.values()):
            self.counts.forget()
        else:
            self.counts.remove()

    def untold(self) -> bool:
        """Whether something was lost or dropped that no metric has told."""
        return any(self.counts.untold(name) != (0, 0) for name in self.counts.signals)
