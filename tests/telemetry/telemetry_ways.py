"""Counts, outbox and sender of one signal, put together around an endpoint of the test's."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from service.telemetry.delivery import Batch, Intake, Outcome
from service.telemetry.delivery.batch import Record, batch
from service.telemetry.delivery.counts import ACKNOWLEDGED
from service.telemetry.delivery.desk import Desk
from service.telemetry.delivery.outbox import Outbox
from service.telemetry.delivery.sender import Sender

SIGNALS = {"logs": ("lines",)}


class Endpoint:
    """A transport that does as it is told. ``mode``: ok, or what becomes of every call."""

    def __init__(self) -> None:
        self.mode: Callable[[Batch], Outcome] | None = None
        self.taken: list[str] = []
        self.calls = 0
        self.hang = threading.Event()

    def send(self, batch: Batch) -> Outcome:
        self.calls += 1
        outcome = self.mode(batch) if self.mode is not None else Outcome()
        for number, text in enumerate(record.text for record in batch.records):
            if number not in outcome.refused and number not in outcome.again:
                self.taken.append(text)
        return outcome

    def close(self) -> None: ...


def refused(batch: Batch) -> Outcome:
    return Outcome.retry(batch, "NewConnectionError")


def unanswered(batch: Batch) -> Outcome:
    return Outcome.retry(batch, "ReadTimeoutError", unanswered=True)


def some(*numbers: int, length: int = 0) -> Batch:
    return batch([Record(1_000 + number, f"{number}".ljust(length)) for number in numbers])


class Way:
    """Counts, outbox and sender of one signal, as a pipeline puts them together."""

    def __init__(self, folder: Path | None, max_bytes: int = 100_000, disk: int = 1_000_000) -> None:
        self.desk = Desk(folder, SIGNALS, {"logs": disk})
        self.counts = self.desk.counts
        self.endpoint = Endpoint()
        self.outbox = Outbox("logs", self.counts, self.desk.spills.get("logs"), max_bytes)
        self.sender = Sender(self.outbox, self.endpoint)
        self.intake = Intake(1_000_000, self.counts.offered("lines"), self.counts.refused("lines"))

    def put(self, *numbers: int, length: int = 0) -> None:
        """What the encoder does: the records are accepted, then put."""
        for number in numbers:
            self.intake.append(number)
            self.intake.items.clear()
        self.sender.put(some(*numbers, length=length))

    def inherit(self) -> None:
        def found() -> None:
            self.sender.start()
            self.outbox.wake()

        self.desk.inherit(found)
        assert self.desk._thread is not None
        self.desk._thread.join()

    def acknowledged(self) -> int:
        return self.counts.get("logs", ACKNOWLEDGED)

    def close(self, seconds: float = 0.5) -> None:
        self.outbox.begin_close(time.monotonic() + seconds)
        self.sender.close()
        self.desk.close()


Ways = Callable[..., Way]


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "spill").iterdir())
