"""Delivery while it runs: intake, encoder, packer, and a sender whose endpoint is a transport of the test's."""

import sys
import threading
import time
from pathlib import Path

import pytest

from service.telemetry.delivery import Batch, Intake, Outcome
from service.telemetry.delivery.batch import Record
from service.telemetry.delivery.counts import UNANSWERED, Counts
from service.telemetry.delivery.encoder import Encoder
from service.telemetry.delivery.packer import Packer

from .conftest import wait_for
from .telemetry_ways import SIGNALS, Ways, refused, unanswered


def test_nothing_starts_before_the_first_batch(ways: Ways) -> None:
    assert ways().sender._thread is None


def test_a_failing_endpoint_is_tried_again_until_it_heals(ways: Ways, caplog: pytest.LogCaptureFixture) -> None:
    way = ways()
    way.endpoint.mode = refused
    way.put(1)
    wait_for(lambda: way.endpoint.calls >= 3)
    way.put(2)
    way.endpoint.mode = None
    wait_for(lambda: way.acknowledged() == 2)
    assert way.endpoint.taken == ["1", "2"]
    assert len(caplog.records) == 2, "one line when it starts to fail, one when it is well"
    assert way.counts.get("logs", UNANSWERED) == 0


def test_a_transport_that_raises_does_not_end_its_sender(ways: Ways) -> None:
    def broken(_: Batch) -> Outcome:
        raise KeyError("no")

    way = ways()
    way.endpoint.mode = broken
    way.put(1)
    wait_for(lambda: way.endpoint.calls >= 2)
    way.endpoint.mode = None
    wait_for(lambda: way.acknowledged() == 1)


def test_what_is_sent_again_after_a_call_without_an_answer_is_counted_once(ways: Ways) -> None:
    way = ways()
    way.endpoint.mode = unanswered
    way.put(1, 2, 3)
    wait_for(lambda: way.endpoint.calls >= 3)
    way.endpoint.mode = None
    wait_for(lambda: way.acknowledged() == 3)
    assert way.counts.get("logs", UNANSWERED) == 3


def test_the_one_record_that_spoils_a_call_is_found_and_the_others_arrive(ways: Ways) -> None:
    def poisoned(batch: Batch) -> Outcome:
        bad = any(record.text == "13" for record in batch.records)
        return Outcome.refuse(batch, "InvalidParameterException") if bad else Outcome()

    way = ways()
    way.endpoint.mode = poisoned
    way.put(*range(20))
    wait_for(lambda: way.acknowledged() == 19)
    assert sorted(map(int, way.endpoint.taken)) == [n for n in range(20) if n != 13]
    assert way.counts.dropped("logs")["refused"] == 1


def test_a_part_that_the_service_left_is_sent_again_and_what_it_refuses_is_not(ways: Ways) -> None:
    answers = [Outcome(refused=[0], again=[1, 3]), Outcome(again=[0]), Outcome()]
    way = ways()
    way.endpoint.mode = lambda _: answers.pop(0)
    way.put(0, 1, 2, 3)
    wait_for(lambda: way.acknowledged() == 3)
    assert way.endpoint.taken == ["2", "3", "1"]
    assert way.counts.dropped("logs")["refused"] == 1


def test_without_a_disk_what_is_left_at_the_end_is_dropped_and_counted(ways: Ways) -> None:
    way = ways(None)
    way.endpoint.mode = refused
    way.put(1, 2)
    wait_for(lambda: way.endpoint.calls)
    way.close(0.2)
    assert way.counts.dropped("logs")["closed"] == 2


def test_an_intake_beyond_its_capacity_drops_the_new_and_counts_both(tmp_path: Path) -> None:
    counts = Counts(tmp_path / "a.counts", SIGNALS)
    intake = Intake(5, counts.offered("lines"), counts.refused("lines"))
    for number in range(12):
        intake.append(number)
    assert list(intake.items) == [0, 1, 2, 3, 4]
    assert (counts.accepted("logs"), counts.dropped("logs")["queue"], counts.unsettled("logs")) == (12, 7, 5)
    counts.remove()


def test_an_intake_counts_right_from_many_threads() -> None:
    counts = Counts(None, SIGNALS)
    intake = Intake(10**6, counts.offered("lines"), counts.refused("lines"))

    def work() -> None:
        for number in range(5_000):
            intake.append(number)

    threads = [threading.Thread(target=work) for _ in range(8)]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # the count has no lock: it relies on where CPython changes threads
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(usual)
    assert counts.accepted("logs") == len(intake.items) == 40_000


def test_a_packer_makes_batches_of_a_size_and_an_age() -> None:
    made: list[Batch] = []
    packer = Packer(made.append, linger=1.0, most=3)
    for number in range(4):
        packer.add(Record(number, "x"))
    assert [len(one) for one in made] == [3]
    packer.flush(10.0)
    packer.flush(10.9)
    assert len(made) == 1
    packer.flush(11.0)
    assert [len(one) for one in made] == [3, 1]
    packer.add(Record(0, "x" * 200_000))
    packer.add(Record(0, "x" * 200_000))
    assert len(made) == 3


def test_the_encoder_survives_a_record_that_cannot_be_encoded_and_works_off_the_rest_at_the_end() -> None:
    intake = Intake(100_000, memoryview(bytearray(512)).cast("Q"), memoryview(bytearray(512)).cast("Q"))
    done: list[int] = []
    failed: list[str] = []

    def work(item: int) -> None:
        if item == 3:
            raise ValueError(item)
        done.append(item)

    one = Encoder(
        [("lines", intake.items, work)], lambda _: None, lambda: float("inf"), lambda name, _: failed.append(name)
    )
    one.start()
    for number in range(20_000):
        intake.append(number)
    one.close(time.monotonic() + 5)
    assert done == [number for number in range(20_000) if number != 3]
    assert failed == ["lines"]
