"""What the engines write and read again, round by round."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch import kept_metrics
from kit.emulator.cloudwatch.alarm_rules import metric_alarm
from kit.emulator.cloudwatch.engine import Engine as CloudWatch
from kit.emulator.cloudwatch.kept_metrics import KeptMetrics
from kit.emulator.cloudwatch.slots import Packed, Slots
from kit.emulator.cloudwatch.store import Datum, MetricStore
from kit.emulator.keeping import Drop, DropAll, Put, Rows
from kit.evaluation.distribution import Distribution
from kit.evaluation.query import MetricRef, MetricStat
from kit.evaluation.state import AlarmState
from kit.evaluation.statistics import parse_statistic
from tests.emulator.keeping.conftest import REGION, TEN, Kept

FINITE = st.floats(-1e9, 1e9, allow_nan=False)
COUNTS = st.floats(0, 1e6)
SAMPLES = st.lists(st.tuples(st.integers(0, 40), st.lists(st.tuples(FINITE, COUNTS), max_size=8), st.booleans()))


class Shelf:
    """A store of rows without a file."""

    def __init__(self) -> None:
        self.rows: dict[str, bytes] = {}

    def take(self, rows: Rows) -> None:
        for row in rows:
            match row:
                case Put(key, body):
                    self.rows[key] = body
                case Drop(key):
                    self.rows.pop(key, None)
                case DropAll(prefix):
                    self.rows = {key: body for key, body in self.rows.items() if not key.startswith(prefix)}

    def read(self, prefix: str) -> list[tuple[str, bytes]]:
        return [(key, body) for key, body in self.rows.items() if key.startswith(prefix)]


@given(SAMPLES)
def test_slots_that_are_dumped_and_loaded_are_the_same(samples: list[Any]) -> None:
    slots = Slots(60)
    for minute, values, hidden in samples:
        slot = slots.at(TEN + 60 * minute)
        for value, count in values:
            slot.add(value, count)
        if hidden:
            slot.add_set(3, 6, 1, 5)
    loaded = Slots(60)
    for part in range(0, 41, 10):
        dumped = slots.dump(int(TEN) + 60 * part, int(TEN) + 60 * (part + 10))
        if dumped is not None:
            loaded.load(msgspec.msgpack.decode(msgspec.msgpack.encode(dumped), type=Packed))
    assert dict(loaded.between(0, 2**40)) == dict(slots.between(0, 2**40))
    assert sorted(loaded.sums(0, 2**40)) == sorted(slots.sums(0, 2**40))


@pytest.mark.parametrize(
    "changed",
    [{"starts": b""}, {"starts": b"\0" * 7}, {"counts": b"\0" * 8}, {"values": {9: b"\0" * 8}}, {"starts": b"\1" * 16}],
)
def test_slots_that_cannot_have_been_dumped_are_refused(changed: Mapping[str, Any]) -> None:
    slots = Slots(60)
    slots.at(0).add(1)
    slots.at(60).add(2)
    dumped = slots.dump(0, 3600)
    assert dumped is not None
    with pytest.raises((ValueError, IndexError)):
        Slots(60).load(msgspec.structs.replace(dumped, **changed))
    twice = Slots(60)
    twice.load(dumped)
    with pytest.raises(ValueError, match="there already"):
        twice.load(dumped)


def datum(moment: float, value: float, name: str = "m", resolution: Literal[1, 60] = 60) -> Datum:
    return Datum("n", name, (("d", "e"),), moment, "Count", resolution, (value,), (1.0,))


def content(store: MetricStore) -> dict[Any, dict[Any, dict[int, Distribution]]]:
    found: dict[Any, dict[Any, dict[int, Distribution]]] = {}
    for key, channel in store.lanes().items():
        every = (channel._seconds, channel._minutes, channel._fives, channel._hours)
        found[key] = {slots.width: dict(slots.between(0, 2**40)) for slots in every if slots is not None}
    return found


def loaded(shelf: Shelf, clock: ManualClock) -> MetricStore:
    store = MetricStore(clock)
    assert KeptMetrics(store).load(shelf.read) == 0
    return store


@settings(max_examples=25)
@given(st.integers(0, 2**32))
def test_at_every_round_the_rows_hold_what_the_store_holds(seed: int) -> None:
    chance = random.Random(seed)
    clock, shelf = ManualClock(TEN), Shelf()
    store = MetricStore(clock)
    room = KeptMetrics(store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_metrics, "_ROUNDS", 4)
        patch.setattr(kept_metrics, "_DATA", 60)
        patch.setattr(kept_metrics, "_MANY", 25)
        patch.setattr(kept_metrics, "_SERIES_A_ROUND", 2)
        for _ in range(30):
            for _ in range(chance.choice((0, 1, 5, 40))):
                late = chance.choice((0, 0, 60, 4000, 86_400 * 13))
                name, resolution = chance.choice("abcde"), chance.choice((1, 60))
                item = datum(clock.now() - late, chance.randint(0, 5), name, resolution)
                if chance.random() < 0.1:
                    item = msgspec.structs.replace(item, values=(), counts=(), statistic_set=(2.0, 5.0, 1.0, 4.0))
                store.record([item])
            clock.advance(chance.choice((1, 30, 3600, 86_400 * 3)))
            if chance.random() < 0.3:
                store.roll()
            shelf.take(room.changes())
            if chance.random() < 0.1:  # the store is written anew, as after a disk was full
                shelf.rows.clear()
                shelf.take(room.everything())
            if chance.random() < 0.2:  # killed, and started again
                again = loaded(shelf, clock)
                again.roll()
                store.roll()
                assert content(again) == content(store)
            if chance.random() < 0.1:
                store = MetricStore(clock)
                room = KeptMetrics(store)
                room.load(shelf.read)


def test_of_metrics_long_gone_no_row_is_left() -> None:
    clock, shelf = ManualClock(TEN), Shelf()
    store = MetricStore(clock)
    room = KeptMetrics(store)
    store.record([datum(TEN, 1, resolution=1)])
    for _ in range(460):
        clock.advance(86_400)
        store.roll()
        for _ in range(2):
            room._rounds_since = kept_metrics._ROUNDS
            shelf.take(room.changes())
    assert not shelf.rows
    assert not room._numbers


def feed(kept: Kept, minutes: int, chance: random.Random) -> None:
    """An hour is 60 of these: 20 series, 2 streams, 30 traces a minute."""
    logs, xray, cloudwatch = (of(REGION) for of in (kept.engines.logs, kept.engines.xray, kept.engines.cloudwatch))
    group = logs.group("g")
    for _ in range(minutes):
        now = kept.clock.advance(60)
        cloudwatch.record([datum(now, chance.random(), f"m{n}") for n in range(20)])
        for name in ("a", "b"):
            lines = [(int(now * 1000), chance.randbytes(150).hex().encode()) for _ in range(50)]
            logs.append(group, group.stream(name), lines)
        for _ in range(30):
            number = chance.getrandbits(96)
            segment = {"id": "0" * 16, "trace_id": f"1-00000001-{number:024x}", "name": "s", "start_time": now}
            xray.put(msgspec.json.encode(segment | {"end_time": now + 1, "metadata": {"x": f"{number:x}" * 20}}))
        cloudwatch.run_due(now)
        if chance.random() < 0.5:
            assert kept.keeper.flush()


def test_the_file_stays_within_a_bound_over_days(tmp_path: Path) -> None:
    chance = random.Random(1)
    with Kept(tmp_path) as kept:
        # a fiftieth of the caps, which are full after a quarter of the time
        kept.engines.logs(REGION)._cap = 1_000_000
        kept.engines.xray(REGION)._cap = 600_000
        kept.put("g")
        for name in ("a", "b"):
            kept.engines.logs(REGION).create_stream(kept.engines.logs(REGION).group("g"), name)
        sizes = []
        for _ in range(12):
            feed(kept, 20, chance)
            kept.clock.advance(86_400)  # a day without traffic
            assert kept.keeper.flush()
            sizes.append(int(kept.keeper.counts()["file_bytes"]))
        # a log that waits to be carried over, and pages that may stay unused, besides twice what the engines hold
        assert max(sizes) < 8_388_608 + 10_485_760 + 2 * 1_600_000


def test_kept_logs_and_traces_are_the_same_event_by_event(tmp_path: Path) -> None:
    chance = random.Random(2)
    clock = ManualClock(TEN)
    with Kept(tmp_path, clock) as kept:
        kept.put("g")
        for name in ("a", "b"):
            kept.engines.logs(REGION).create_stream(kept.engines.logs(REGION).group("g"), name)
        feed(kept, 30, chance)
        before = told(kept)
    for _ in range(3):
        with Kept(tmp_path, clock) as kept:
            assert told(kept) == before
            feed(kept, 10, chance)
            before = told(kept)


def told(kept: Kept) -> Any:
    logs, xray = kept.engines.logs(REGION), kept.engines.xray(REGION)
    events = sorted(event for _, event in logs.read(logs.group("g"), None, 0, 2**62))
    traces = xray.between(0, 2**40, "TraceId")
    documents = [found[1] for trace in traces if (found := xray.trace(trace.id)) is not None]
    summaries = [xray.summary(trace) for trace in traces]
    return events, [(t.id, t.start, t.end, t.updated, t.revision) for t in traces], documents, summaries


ALARM: dict[str, Any] = {
    "AlarmName": "a",
    "Namespace": "n",
    "MetricName": "m",
    "Dimensions": [{"Name": "d", "Value": "e"}],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
    "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:t"],
    "OKActions": ["arn:aws:sns:us-east-1:123456789012:t"],
}


def tick(kept: Kept, cloudwatch: CloudWatch, minutes: int, value: float | None) -> None:
    for _ in range(minutes):
        if value is not None:
            cloudwatch.record([datum(kept.clock.now(), value)])
        kept.clock.advance(60)
        cloudwatch.run_due(kept.clock.now())
    assert cloudwatch.alarms.actions.wait_idle(5)


@pytest.mark.parametrize(
    ("missing", "state"),
    [("missing", "INSUFFICIENT_DATA"), ("breaching", "ALARM"), ("notBreaching", "OK"), ("ignore", "ALARM")],
)
def test_an_alarm_goes_on_and_tells_no_state_twice(tmp_path: Path, missing: str, state: str) -> None:
    put = {**ALARM, "TreatMissingData": missing}
    clock = ManualClock(TEN + 5)
    with Kept(tmp_path, clock) as kept:
        cloudwatch = kept.engines.cloudwatch(REGION)
        cloudwatch.alarms.put_metric(put, metric_alarm(put), {"k": "v"})
        tick(kept, cloudwatch, 5, 2.0)
        assert len(kept.notified) == 1
        was = cloudwatch.alarms.all()[0].described()
        history = len(cloudwatch.alarms.history.find())
    with Kept(tmp_path, clock) as kept:  # still breaching: nothing to tell
        cloudwatch = kept.engines.cloudwatch(REGION)
        assert cloudwatch.alarms.all()[0].described() == was
        assert cloudwatch.alarms.all()[0].tags == {"k": "v"}
        tick(kept, cloudwatch, 3, 2.0)
        assert cloudwatch.alarms.all()[0].state.value == "ALARM"
        assert not kept.notified
        assert len(cloudwatch.alarms.history.find()) == history
    with Kept(tmp_path, clock) as kept:
        clock.advance(7200)  # as if it had been down, and without data since
        cloudwatch = kept.engines.cloudwatch(REGION)
        tick(kept, cloudwatch, 2, None)
        assert cloudwatch.alarms.all()[0].state.value == state
        assert len(kept.notified) == (state == "OK")


def test_history_that_is_too_old_leaves_the_file(tmp_path: Path) -> None:
    clock = ManualClock(TEN)
    with Kept(tmp_path, clock) as kept:
        book = kept.engines.cloudwatch(REGION).alarms
        alarm = book.put_metric(ALARM, metric_alarm(ALARM), {})
        for day in range(20):
            states: tuple[Literal["OK", "ALARM"], ...] = ("OK", "ALARM")
            clock.advance(86_400)
            book.enter([(alarm, AlarmState(states[day % 2], since=clock.now()))])
            assert book.actions.wait_idle(5)
            assert kept.keeper.flush()
        shown = [(number, record.at, record.summary) for number, record in book.history.find()]
        rows = kept.keeper._database.read(f"alarms {REGION}", "h/")
        assert sorted(int(key[2:]) for key, _ in rows) == sorted(number for number, *_ in shown)
    with Kept(tmp_path, clock) as kept:
        book = kept.engines.cloudwatch(REGION).alarms
        assert [(number, record.at, record.summary) for number, record in book.history.find()] == shown


def test_a_percentile_is_the_same_after_a_restart(tmp_path: Path) -> None:
    clock = ManualClock(TEN)
    stat = MetricStat(MetricRef("n", "m", (("d", "e"),)), 300, parse_statistic("p99"))

    def p99(kept: Kept) -> Any:
        return kept.engines.cloudwatch(REGION).metrics.series(stat, int(TEN), int(TEN) + 3600)

    with Kept(tmp_path, clock) as kept:
        chance = random.Random(3)
        for _ in range(60):
            kept.engines.cloudwatch(REGION).record([datum(clock.advance(55), chance.random()) for _ in range(50)])
        before = p99(kept)
    with Kept(tmp_path, clock) as kept:
        assert p99(kept) == before
