"""Delivery with a disk: what memory cannot hold or a process leaves behind arrives, and what is lost is counted."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.telemetry.delivery import Batch, Outcome
from service.telemetry.delivery.batch import Record, batch
from service.telemetry.delivery.counts import ADOPTED, LOST, UNANSWERED
from service.telemetry.delivery.spill import HEADER, Spill

from .conftest import wait_for
from .telemetry_ways import Ways, left, refused, some


def test_beyond_its_memory_an_outbox_goes_to_disk_and_loses_nothing(ways: Ways, tmp_path: Path) -> None:
    way = ways(max_bytes=20_000)
    way.endpoint.mode = refused
    for number in range(100):
        way.put(number, length=2_000)
    assert way.outbox._bytes <= 20_000
    assert way.desk.spills["logs"].waiting() == 100 - way.outbox.waiting() + way.desk.spills["logs"].waiting()
    assert any(name.endswith(".spill") for name in left(tmp_path))
    way.endpoint.mode = None
    wait_for(lambda: way.acknowledged() == 100)
    assert sorted(int(text) for text in way.endpoint.taken) == list(range(100))
    way.close()
    assert left(tmp_path) == [], "nothing is left behind"


def test_past_both_caps_records_are_dropped_counted_and_told_once(ways: Ways, caplog: pytest.LogCaptureFixture) -> None:
    way = ways(max_bytes=10_000, disk=3_000)
    way.endpoint.mode = refused
    for number in range(200):
        way.put(number, length=1_000)
    dropped = way.counts.dropped("logs")["memory and disk"]
    assert dropped == 200 - way.outbox.waiting() > 100
    assert way.desk.spills["logs"].size() <= 3_000
    assert sum("were dropped" in record.getMessage() for record in caplog.records) == 1
    way.endpoint.mode = None
    wait_for(lambda: way.acknowledged() == 200 - dropped)
    assert way.counts.unsettled("logs") == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
def test_a_full_disk_is_a_cause_of_its_own_and_delivery_goes_on(
    ways: Ways, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    way = ways(max_bytes=10_000)
    way.endpoint.mode = refused
    way.put(0, length=9_000)
    opened = os.open
    monkeypatch.setattr(os, "open", lambda path, *rest: opened("/dev/full", os.O_WRONLY))
    way.put(1, length=9_000)
    monkeypatch.undo()
    assert way.counts.dropped("logs")["disk"] == 1
    assert "No space left" in caplog.text
    way.put(2, length=9_000)
    way.endpoint.mode = None
    wait_for(lambda: way.acknowledged() == 2)


def test_a_folder_that_cannot_be_had_means_memory_only(ways: Ways, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    way = ways(tmp_path / "file" / "spill")
    assert "Not a directory" in way.desk.trouble
    way.put(1)
    wait_for(lambda: way.acknowledged() == 1)


def test_another_users_folder_or_a_link_to_one_is_not_written_to(ways: Ways, tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    assert "not a directory of this user" in ways(tmp_path / "link").desk.trouble


def test_what_a_frame_of_the_disk_lost_in_a_call_comes_again_as_a_whole_and_is_counted_once(ways: Ways) -> None:
    way = ways(max_bytes=1)
    way.endpoint.mode = refused
    way.put(0)  # stays in memory; what follows goes to disk
    way.put(1, 2, 3, 4)
    answers = [Outcome(), Outcome(refused=[0], again=[2, 3]), Outcome()]
    way.endpoint.mode = lambda _: answers.pop(0)
    wait_for(lambda: not answers and way.outbox.waiting() == 0)
    assert (way.acknowledged(), way.counts.dropped("logs")["refused"], way.outbox._bytes) == (4, 1, 0)


def test_what_cannot_be_sent_before_the_end_is_sent_by_the_next_process(ways: Ways, tmp_path: Path) -> None:
    first = ways(max_bytes=5_000)
    first.endpoint.mode = refused
    for number in range(10):
        first.put(number, length=1_000)
    wait_for(lambda: first.endpoint.calls)
    began = time.monotonic()
    first.close(5.0)
    assert time.monotonic() - began < 1, "where nobody listens nobody waits"
    second = ways()
    second.inherit()
    wait_for(lambda: second.acknowledged() == 10)
    assert sorted(int(text) for text in second.endpoint.taken) == list(range(10))
    assert second.counts.get("logs", ADOPTED) == 10
    assert second.counts.get("logs", LOST) == 0
    second.close()
    assert left(tmp_path) == []


def test_a_batch_that_stands_for_no_accepted_record_is_kept_for_the_next_process_too(
    ways: Ways, tmp_path: Path
) -> None:
    first = ways()
    first.endpoint.mode = refused
    first.sender.put(batch([Record(1, "zeros", 0)]))
    wait_for(lambda: first.endpoint.calls)
    first.close(1.0)
    second = ways()
    second.inherit()
    wait_for(lambda: second.endpoint.taken == ["zeros"])
    second.close()
    assert left(tmp_path) == []


def test_a_call_that_hangs_at_the_end_is_kept_and_may_arrive_twice(ways: Ways) -> None:
    first = ways()
    first.endpoint.mode = lambda batch: (first.endpoint.hang.wait(5), Outcome())[1]
    first.put(1, 2)
    wait_for(lambda: first.endpoint.calls)
    first.put(3)
    began = time.monotonic()
    first.close(0.3)
    assert time.monotonic() - began < 0.6
    assert first.counts.get("logs", UNANSWERED) == 2
    second = ways()
    second.inherit()
    wait_for(lambda: second.acknowledged() == 3)
    assert sorted(second.endpoint.taken) == ["1", "2", "3"]


def test_each_call_is_noted_at_once_and_only_the_one_on_its_way_may_arrive_twice(ways: Ways) -> None:
    """A batch is several calls to X-Ray; a process that is killed between them has lost none of those before."""
    first = ways()
    answers = [Outcome(again=range(2, 6)), Outcome(refused=[0], again=range(2, 4))]

    def send(_: Batch) -> Outcome:
        if not answers:
            first.endpoint.hang.wait(5)
        return answers.pop(0) if answers else Outcome()

    first.endpoint.mode = send
    first.put(0, 1, 2, 3, 4, 5)
    wait_for(lambda: first.endpoint.calls == 3)
    assert (first.acknowledged(), first.counts.dropped("logs")["refused"], first.outbox.waiting()) == (3, 1, 2)
    assert first.outbox._bytes == some(4, 5).size
    first.close(0.1)
    assert first.counts.get("logs", UNANSWERED) == 2
    second = ways()
    second.inherit()
    wait_for(lambda: second.acknowledged() == 2)
    assert second.endpoint.taken == ["4", "5"]
    assert second.counts.get("logs", LOST) == 1, "the refused one, of which no metric of the first has told"


def test_a_living_process_is_nobodys_inheritance(ways: Ways) -> None:
    first, second = ways(max_bytes=2_000), ways()
    first.endpoint.mode = refused
    for number in range(5):
        first.put(number, length=1_000)
    second.inherit()
    assert second.counts.get("logs", ADOPTED) == second.counts.get("logs", LOST) == 0
    first.endpoint.mode = None
    wait_for(lambda: first.acknowledged() == 5)


KILLED = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.telemetry.conftest import wait_for
from tests.telemetry.telemetry_ways import Way, refused
way = Way(Path(sys.argv[1]), max_bytes=5_000)
for number in range(30):
    way.put(number, length=1_000)
    wait_for(lambda: way.acknowledged() == number + 1)
way.endpoint.mode = refused
for number in range(30, 60):
    way.put(number, length=1_000)
for number in range(7):
    way.intake.append(number)
print(way.desk.spills["logs"].waiting(), flush=True)
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_took_with_it_is_counted_exactly(ways: Ways, tmp_path: Path) -> None:
    folder = tmp_path / "spill"
    root = str(Path(__file__).parents[2])
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), root], capture_output=True, text=True, check=False, timeout=30
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    spilled = int(ended.stdout)
    assert 0 < spilled < 30
    torn = next(folder.glob("*.spill"))
    with torn.open("ab") as file:
        file.write(HEADER.pack(0x314C5053, 1_000, 0, 9) + b"torn")
    heir = ways()
    heir.inherit()
    wait_for(lambda: heir.acknowledged() == spilled)
    assert heir.counts.get("logs", LOST) == 30 - spilled + 7, "accepted, and neither acknowledged nor on disk"
    assert len(set(heir.endpoint.taken)) == spilled
    heir.close()
    assert [name for name in left(tmp_path) if name.endswith(".spill")] == []


def test_of_two_heirs_one_inherits(ways: Ways, tmp_path: Path) -> None:
    first = ways(max_bytes=1_000)
    first.endpoint.mode = refused
    for number in range(20):
        first.put(number, length=500)
    first.close(0.1)
    heirs = [ways() for _ in range(4)]
    threads = [threading.Thread(target=heir.inherit) for heir in heirs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: sum(heir.acknowledged() for heir in heirs) == 20)
    assert sorted(int(text) for heir in heirs for text in heir.endpoint.taken) == list(range(20))


@given(st.lists(st.lists(st.text(max_size=50), min_size=1, max_size=5), max_size=8), st.integers(0, 400))
def test_a_spill_gives_back_what_it_took_also_after_a_torn_end(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[str]], cut: int
) -> None:
    folder = tmp_path_factory.mktemp("spill")
    spill = Spill(folder / "p", "logs", 1 << 20)
    for texts in batches:
        assert spill.write(batch([Record(1, text) for text in texts]))
    path = next(folder.iterdir(), None)
    if path is not None and cut:
        with path.open("r+b") as file:
            file.truncate(max(0, path.stat().st_size - cut))
    got = []
    while (found := spill.read()) is not None:
        got.append([record.text for record in found[0].records])
        spill.done(found[1], found[2], found[0].weight)
    assert got == batches[: len(got)]
    assert spill.lost + sum(map(len, got)) == sum(map(len, batches))
    if not cut:
        assert got == batches
    spill.seal()
