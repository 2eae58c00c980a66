"""The state file and its readers: whatever happens to the file, no fault outlives its end."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from service.failures.state import Reader, Scope, Setting, State, load, save

T = 1_800_000_000.0


def test_what_is_saved_is_read_back(state: Path) -> None:
    written = State(
        faults={"noop": Setting(expires_at=T, percent=12.5, scope=Scope(operation="GET /items", client="c"), run="r")},
        runs={"r": T},
    )
    save(state, written)
    assert load(state) == written


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[]", b'{"version": 2}', b'{"faults": {"noop": {"percent": 1}}}']
)
def test_a_file_that_cannot_be_understood_means_no_faults(state: Path, content: bytes) -> None:
    state.parent.mkdir()
    state.write_bytes(content)
    assert load(state) == State()


def test_a_missing_file_means_no_faults(state: Path, clock: Any) -> None:
    assert not Reader(state, clock).active()


def test_a_reader_obeys_within_a_second_and_does_not_look_at_each_request(state: Path, clock: Any) -> None:
    reader = Reader(state, clock)
    assert not reader.active()
    save(state, State(faults={"noop": Setting(expires_at=clock.now + 60)}))
    clock.now += 0.1
    assert not reader.active()
    clock.now += 0.2
    assert list(reader.active()) == ["noop"]
    save(state, State())
    clock.now += 0.3
    assert not reader.active()


def test_a_reader_ends_a_fault_on_time_though_nobody_rewrites_the_file(state: Path, clock: Any) -> None:
    save(state, State(faults={"noop": Setting(expires_at=clock.now + 60)}))
    reader = Reader(state, clock)
    clock.now += 59.9
    assert list(reader.active()) == ["noop"]
    clock.now += 0.1
    assert not reader.active()


def test_a_reader_ends_the_faults_of_a_run_that_fell_silent(state: Path, clock: Any) -> None:
    save(state, State(faults={"noop": Setting(expires_at=clock.now + 600, run="r")}, runs={"r": clock.now + 10}))
    reader = Reader(state, clock)
    assert list(reader.active()) == ["noop"]
    clock.now += 10
    assert not reader.active()


def test_a_fault_of_an_unknown_run_is_not_in_force(state: Path, clock: Any) -> None:
    save(state, State(faults={"noop": Setting(expires_at=clock.now + 600, run="gone")}))
    assert not Reader(state, clock).active()


def test_a_clock_set_back_does_not_blind_the_reader(state: Path, clock: Any) -> None:
    reader = Reader(state, clock)
    reader.active()
    clock.now -= 3600
    save(state, State(faults={"noop": Setting(expires_at=clock.now + 60)}))
    assert list(reader.active()) == ["noop"]


def test_readers_never_see_half_a_file(state: Path) -> None:
    large = State(faults={f"fault-{n}": Setting(expires_at=T) for n in range(200)})
    save(state, large)
    seen: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.append(len(load(state).faults))

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(100):
        save(state, large)
    done.set()
    thread.join()
    assert set(seen) == {200}
    assert [path.name for path in state.parent.iterdir()] == [state.name]
