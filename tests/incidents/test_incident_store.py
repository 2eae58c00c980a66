"""The store of the inbox as several processes see it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from kit.incidents.inbox import Inbox

OPENERS = 8


def test_a_store_that_many_open_at_once_is_made_once_and_waited_for(tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def look(inbox: Inbox, together: threading.Barrier) -> None:
        together.wait()
        try:
            inbox.incidents(time.time())
            inbox.set_mark("looked", 1.0)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
            failed.append(error)

    for number in range(20):
        together = threading.Barrier(OPENERS)
        threads = [
            threading.Thread(target=look, args=(Inbox(tmp_path / str(number), "local"), together))
            for _ in range(OPENERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
