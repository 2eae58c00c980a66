"""One process a folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from kit.errors import KitError

NAME = "lock"
_OWNER_ONLY = 0o600


class FolderLock:
    """Held from when it is made until it is closed, or until its process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder. Raises KitError, which names the process that holds it, or why it can't be used."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, _OWNER_ONLY)
        except OSError as error:
            raise KitError(str(folder), f"can't be opened: {error.strerror}", "Choose another folder.") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._file, 20).decode(errors="replace").strip()
            os.close(self._file)
            whose = f"another process (pid {holder})" if holder.isdigit() else "another process"
            remedy = "Stop that one, or choose another folder."
            raise KitError(str(folder), f"is in use by {whose}", remedy) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let another process have it."""
        os.close(self._file)
