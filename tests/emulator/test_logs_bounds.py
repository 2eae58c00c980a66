"""What the logs engine keeps, and what it lets go."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.emulator.clock import ManualClock
from kit.emulator.logs.engine import DAY_MS, Engine
from kit.emulator.logs.events import Chunks
from kit.emulator.protocol import AwsError

START = 1_795_341_600.0


def engine_with(cap_bytes: int) -> tuple[Engine, ManualClock]:
    clock = ManualClock(START)
    engine = Engine("us-east-1", "123456789012", clock, lambda _data: None, cap_bytes)
    engine.create_group("g", "STANDARD")
    return engine, clock


def messages(engine: Engine) -> list[str]:
    found = sorted((event, stream.name) for stream, event in engine.read(engine.group("g"), None, 0, 2**62))
    return [event.message.decode() for event, _ in found]


def test_over_the_cap_the_oldest_events_are_cut_and_counted() -> None:
    noise = random.Random(7)
    cap = 2_000_000
    engine, _ = engine_with(cap)
    group = engine.group("g")
    for name in ("a", "b"):
        engine.create_stream(group, name)
    for n in range(4000):
        stream = group.stream("ab"[n % 2])
        engine.append(group, stream, [(int(START * 1000) + n, f"{n} {noise.randbytes(500).hex()}".encode())])
    counts = engine.counts()
    kept = [int(message.split()[0]) for message in messages(engine)]
    assert cap * 0.8 < counts["bytes"] <= cap
    assert counts["events_received"] == 4000
    assert counts["events_held"] == len(kept)
    assert counts["events_cut"] == 4000 - len(kept) > 0
    assert kept[-1] == 3999
    # chunks of the two streams overlap, so the cut is sharp to within one chunk of each
    assert kept == sorted(kept)
    assert kept[0] > 4000 - len(kept) - 300


def test_what_is_counted_is_what_is_held() -> None:
    engine, _ = engine_with(50_000_000)
    group = engine.group("g")
    for name in ("a", "b"):
        engine.create_stream(group, name)
        engine.append(group, group.stream(name), [(int(START * 1000), b"x" * 1000)] * 200)
    held = sum(stream.events.cost for stream in group.streams.values())
    assert engine.counts()["bytes"] == held == engine.stored_bytes(group) > 0
    engine.delete_stream(group, "a")
    assert engine.counts()["bytes"] == engine.stored_bytes(group)
    engine.delete_group("g")
    assert engine.counts()["bytes"] == 0


def test_repetitive_lines_are_kept_compressed() -> None:
    engine, _ = engine_with(50_000_000)
    group = engine.group("g")
    engine.create_stream(group, "a")
    line = b'{"level":"INFO","service":"shop","operation":"GET /items/{item_id}","status":200,"duration_ms":'
    for n in range(100):
        engine.append(group, group.stream("a"), [(int(START * 1000), line + b"%d}" % i) for i in range(n, n + 100)])
    assert engine.counts()["bytes"] < 10_000 * len(line) / 2
    assert len(messages(engine)) == 10_000


def test_retention_hides_and_then_drops_what_is_older() -> None:
    engine, clock = engine_with(50_000_000)
    group = engine.group("g")
    engine.create_stream(group, "a")
    engine.append(group, group.stream("a"), [(int(START * 1000), b"old")])
    engine.set_retention(group, 1)
    clock.advance(DAY_MS / 1000 + 1)
    assert messages(engine) == []
    engine.set_retention(group, 1)
    assert engine.counts()["bytes"] == 0


def test_a_reader_is_not_disturbed_by_a_writer() -> None:
    engine, _ = engine_with(50_000_000)
    group = engine.group("g")
    engine.create_stream(group, "a")
    stream = group.stream("a")
    engine.append(group, stream, [(1, b"first"), (2, b"second")])
    reading = engine.read(group, None, 0, 2**62)
    assert next(reading)[1].message == b"first"
    engine.append(group, stream, [(3, b"x" * 70_000), (4, b"y")])  # seals the chunk that is being read
    assert [event.message for _, event in reading] == [b"second"]


@pytest.mark.parametrize("what", ["groups", "streams"])
def test_even_empty_groups_and_streams_are_bounded(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"kit.emulator.logs.engine._MOST_{what.upper()}", 3)
    engine, _ = engine_with(1_000)
    group = engine.group("g")

    def make(n: int) -> None:
        if what == "groups":
            engine.create_group(f"g{n}", "STANDARD")
        else:
            engine.create_stream(group, f"s{n}")

    for n in range(2 if what == "groups" else 3):
        make(n)
    with pytest.raises(AwsError, match="LimitExceededException"):
        make(9)


@settings(max_examples=40)
@given(st.lists(st.lists(st.tuples(st.integers(0, 1000), st.binary(max_size=9000)), max_size=10), max_size=12))
def test_chunks_give_back_exactly_what_they_were_given(batches: Sequence[Sequence[tuple[int, bytes]]]) -> None:
    chunks = Chunks(first_sequence=100)
    expected: list[Any] = []
    for batch in batches:
        chunks.extend(batch, ingested=5)
        expected += batch
    held = [event for chunk in chunks.snapshot() for event in chunk.events(0, 2000)]
    assert [(event.timestamp, event.message) for event in held] == expected
    assert [event.sequence for event in held] == list(range(100, 100 + len(expected)))
    assert chunks.cost == sum(chunk.cost for chunk in chunks.snapshot())
    part = [event for chunk in chunks.snapshot() for event in chunk.events(200, 500)]
    assert [event.timestamp for event in part] == [t for t, _ in expected if 200 <= t < 500]


def test_an_event_of_a_full_chunk_takes_few_bytes_besides_its_message() -> None:
    chunks = Chunks(first_sequence=1)
    count = 20_000
    chunks.extend(((n * 17, b"x" * 100) for n in range(count)), ingested=5)
    assert chunks.cost / count < 8
    (last,) = [event for chunk in chunks.snapshot() for event in chunk.events((count - 1) * 17, 2**62)]
    assert (last.sequence, last.ingested, last.message) == (count, 5, b"x" * 100)
