"""Delivery of anything to anywhere: it knows records, bytes and counts, nothing of logs, metrics or spans.

    request thread: Intake.append ─▶ deque ─▶ Encoder ─▶ Packer ─▶ Outbox: memory ─▶ Sender ─▶ Transport
                                     (one thread, small chunks)      │   ▲    (a thread a signal)
                                                                     ▼   │
                                                                 Spill: files on disk

- The request thread appends and counts, and does nothing else. No lock, no wake-up of a thread.
- A signal is one outbox with one sender: an endpoint that hangs holds up its own signal, never the encoder.
- An outbox that is full spills to disk. Records are dropped only past both caps, and counted by cause.
- At least once: what was sent without an answer is sent again, and counted as possibly there twice.
- Counts lie in a mapped file, which outlives a killed process. The next one takes over its spill, and tells its loss.
"""

from .batch import Batch, Outcome, Record, Transport
from .intake import Intake

__all__ = ["Batch", "Intake", "Outcome", "Record", "Transport"]
