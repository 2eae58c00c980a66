"""The journal: whole lines whatever kills its writer, one number each whoever writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.errors import KitError
from kit.gameday.journal import NAME, Journal, moment, read, stamp


def test_a_line_has_the_agreed_form(tmp_path: Path) -> None:
    Journal(tmp_path, "r1").write("fault.set", 1_800_000_000.5, {"fault": "noop"}, actor="locust", cause=3)
    assert json.loads((tmp_path / NAME).read_text()) == {
        "t": "2027-01-15T08:00:00.500Z",
        "run": "r1",
        "seq": 1,
        "kind": "fault.set",
        "actor": "locust",
        "cause": 3,
        "data": {"fault": "noop"},
    }
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0


@given(st.binary(max_size=60))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_what_a_killed_writer_left_is_cut_off_by_the_next_line(
    tmp_path_factory: pytest.TempPathFactory, torn: bytes
) -> None:
    folder = tmp_path_factory.mktemp("run")
    Journal(folder, "r").write("note", 1.0, {"text": "a"})
    with (folder / NAME).open("ab") as file:
        file.write(torn.replace(b"\n", b" ").replace(b"\r", b" "))
    assert [line.data["text"] for line in read(folder / NAME)] == ["a"]
    line = Journal(folder, "r").write("note", 2.0, {"text": "b"})
    assert line.seq == 2
    assert [line.data["text"] for line in read(folder / NAME)] == ["a", "b"]


def test_several_writers_give_each_line_a_number_of_its_own(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: Journal(tmp_path, "r").write("note", n, {"n": n}), range(60)))
    assert sorted(line.seq for line in read(tmp_path / NAME)) == list(range(1, 61))


WRITER = """
import sys
from pathlib import Path
from kit.gameday.journal import Journal
journal = Journal(Path(sys.argv[1]), "r")
n = 0
while True:
    n += 1
    print(journal.write("note", n, {"n": n, "padding": "x" * 2000}).seq, flush=True)
"""


def test_what_was_said_to_be_written_is_there_after_kill_9(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(20):
            said = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        said = max([said, *(int(line) for line in writer.stdout if line.strip().isdigit())])
    seqs = [line.seq for line in read(tmp_path / NAME)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= said


def test_a_journal_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(KitError, match="cannot be read"):
        read(tmp_path / NAME)


@given(st.integers(0, 4_000_000_000_000))
def test_a_time_survives_its_text_to_the_millisecond(milliseconds: int) -> None:
    assert round(moment(stamp(milliseconds / 1000)) * 1000) == milliseconds


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="no offset"):
        moment("2026-11-22T10:00:00")
    assert time.time() - moment(stamp(time.time())) < 1
