"""The same line again and again is sampled, and counted."""

from __future__ import annotations

import json
import logging

from service.telemetry import unpacking
from service.telemetry.lines import Lines
from service.telemetry.logs import snapshot
from service.telemetry.repeats import FIRST, ONE_OF, WINDOW_SECONDS, Repeats

from .telemetry_lines import SETTINGS


def test_of_a_burst_of_the_same_line_some_are_written_and_all_are_counted() -> None:
    encoder, total = Lines(SETTINGS), 1_234
    record = logging.makeLogRecord({"name": "shop", "msg": "again", "levelname": "INFO"})
    told = [found for _ in range(total) if (found := encoder.record(unpacking.line(snapshot(record)))) is not None]
    told += encoder.repeated(record.created, end=True)
    assert len(told) == FIRST + (total - FIRST) // ONE_OF + 1
    assert sum(record.weight for record in told) == total
    assert sum(1 + json.loads(record.text).get("repeated", 0) for record in told) == total


def test_lines_that_differ_in_a_field_or_in_time_are_no_burst() -> None:
    encoder = Lines(SETTINGS)
    for number in range(FIRST * 3):
        record = logging.makeLogRecord({"name": "shop", "msg": "placed", "levelname": "INFO", "order_id": number})
        assert encoder.record(unpacking.line(snapshot(record))) is not None
    repeats: Repeats[str] = Repeats()
    repeats.over(0.0)
    for second in range(10):
        for _ in range(FIRST):
            assert repeats.held_back("key", "line") == 0
        assert repeats.over(second * WINDOW_SECONDS + WINDOW_SECONDS) == []
