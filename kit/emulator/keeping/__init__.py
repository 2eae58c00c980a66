"""What the emulator was given, mirrored into one SQLite file, so that it survives a restart and ``kill -9``.

The engines stay what is read. Twice a second the keeper's thread asks each of them which rows changed and writes these
in one transaction: a killed process loses at most its last second. How the pieces meet:

    keeper = Keeper(folder, account)      # the folder is ours from here on: KitError if it can't be
    keeper.restore(House(engines, kept))  # kit.emulator.house; fills the engines, before anything is served
    keeper.start()                        # from here on they are mirrored
    ...
    keeper.reset()                        # after the engines were emptied
    keeper.counts()                       # for the health page
    keeper.stop()                         # writes what is left and closes the file
"""

from __future__ import annotations

from kit.emulator.keeping.keeper import Keeper
from kit.emulator.keeping.rows import Drop, DropAll, Put, Read, Room, Row, Rows

__all__ = ["Drop", "DropAll", "Keeper", "Put", "Read", "Room", "Row", "Rows"]
