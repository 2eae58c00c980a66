"""``--reset``: deleting what an emulator has kept in a folder, and nothing else that lies there."""

from __future__ import annotations

import re
from pathlib import Path

from kit.emulator.keeping.database import NAME
from kit.emulator.keeping.lock import FolderLock
from kit.errors import KitError

# The database, its log and index, and the damaged ones that were moved aside.
_OURS = re.compile(rf"{re.escape(NAME)}(\.damaged-\d)?(-wal|-shm)?")


def empty_folder(folder: Path) -> int:
    """Delete the files of ours in a folder, and return how many there were.

    Raises KitError if another process has the folder, or if a file can't be deleted.
    """
    lock = FolderLock(folder)
    try:
        ours = [path for path in folder.iterdir() if _OURS.fullmatch(path.name) and path.is_file()]
        for path in ours:
            path.unlink()
    except OSError as error:
        raise KitError(str(folder), f"can't be emptied: {error.strerror}", "See to its rights.") from error
    finally:
        lock.close()
    return len(ours)
