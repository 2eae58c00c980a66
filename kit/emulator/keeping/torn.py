"""What a killed process left unfinished at the end of SQLite's write-ahead log.

SQLite itself drops it without a word: transactions count only with their last frame, and frames only with the right
check sum. Source: SQLite, "Database File Format", section 4, "The Write-Ahead Log".
"""

from __future__ import annotations

from pathlib import Path

_HEADER = 32
_FRAME_HEADER = 24


def written_frames(log: Path) -> tuple[int, int]:
    """How many frames of the newest run the log holds, and how many bytes follow them; call before SQLite opens it.

    Behind the newest run there may be frames of an older one, with other salts: these are no loss.
    """
    try:
        with log.open("rb") as file:
            header = file.read(_HEADER)
            if len(header) < _HEADER:
                return 0, len(header)
            size = log.stat().st_size
            frame = _FRAME_HEADER + int.from_bytes(header[8:12], "big")
            salts = header[16:24]
            count = 0
            while True:
                begin = _HEADER + count * frame
                file.seek(begin)
                if file.read(_FRAME_HEADER)[8:16] != salts:
                    return count, 0 if size - begin >= frame else size - begin
                if size - begin < frame:
                    return count, size - begin
                count += 1
    except OSError:
        return 0, 0
