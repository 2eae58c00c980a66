"""Traces at rest: what a quiet trace costs, and that nobody can tell that it was put away."""

from __future__ import annotations

import gc
import json
import random
import threading
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.emulator.clock import ManualClock
from kit.emulator.protocol import Context
from kit.emulator.xray.book import Book, Learning
from kit.emulator.xray.engine import Engine
from kit.emulator.xray.operations import batch_get_traces, get_trace_summaries
from kit.emulator.xray.summary import Annotation, HttpFacts, ServiceId, Summary

QUIET = 60.0  # long enough for any trace to count as quiet
DICE = random.Random(3)


class Room:
    """An engine, its clock, and the API's view of it."""

    def __init__(self, **more: Any) -> None:
        self.clock = ManualClock(1_000_000.0)
        self.engine = Engine("us-east-1", "1", self.clock, **more)
        self._context = Context("us-east-1", "1", self.clock, "r")

    def put(self, *documents: dict[str, Any]) -> None:
        for document in documents:
            self.engine.put(json.dumps(document, separators=(",", ":")).encode())

    def settle(self) -> None:
        """Let time pass, and documents of one other trace come, until all that went before is sealed."""
        self.clock.advance(QUIET)
        other = trace_id()
        for _ in range(self.engine.counts()["traces_open"]):
            self.put(segment(other))
        assert self.engine.counts()["traces_open"] <= 1

    def trace(self, wanted: str) -> Any:
        (trace,) = batch_get_traces.handle(self.engine, {"TraceIds": [wanted]}, self._context)["Traces"]
        return trace

    def segments(self, wanted: str) -> list[dict[str, Any]]:
        return [json.loads(one["Document"]) for one in self.trace(wanted)["Segments"]]

    def summaries(self, expression: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        asked = {"StartTime": 990_000.0, "EndTime": 1_010_000.0, "FilterExpression": expression}
        while True:
            answer = get_trace_summaries.handle(self.engine, asked, self._context)
            assert not found.keys() & {one["Id"] for one in answer["TraceSummaries"]}
            found |= {one["Id"]: one for one in answer["TraceSummaries"]}
            if "NextToken" not in answer:
                return found
            asked["NextToken"] = answer["NextToken"]


def an_id(length: int = 16) -> str:
    return f"{DICE.getrandbits(4 * length):0{length}x}"


def trace_id() -> str:
    return f"1-{an_id(8)}-{an_id(24)}"


def segment(of: str, name: str = "shop", at: float = 1_000_000.0, **more: Any) -> dict[str, Any]:
    return {"name": name, "id": an_id(), "trace_id": of, "start_time": at, "end_time": at + 0.25} | more


def checkout(of: str, at: float) -> list[dict[str, Any]]:
    """One checkout as the shop and payments tell it: two servers, a call and three statements."""
    order = an_id(32)
    root, call, charge = an_id(), an_id(), an_id()
    shared = {"environment": "local", "release": "2026.11.22", "order_id": order}
    request = {"method": "POST", "user_agent": "python/gevent-http-client-2.6.1", "client_ip": "127.0.0.1"}
    server = {
        "service": {"version": "2026.11.22"},
        "aws": {"cloudwatch_logs": [{"log_group": "/shop/local/logs"}], "xray": {"sdk": "opentelemetry for python"}},
    }

    def http(url: str, status: int = 201) -> dict[str, Any]:
        return {"http": {"request": request | {"url": f"http://127.0.0.1{url}"}, "response": {"status": status}}}

    def sql(parent: str, table: str) -> dict[str, Any]:
        begin = at + DICE.random() / 10
        query = f"SELECT {table}.id, {table}.total_cents, {table}.status FROM {table} WHERE {table}.id = ?"
        statement = {"sql": {"database_type": "sqlite", "sanitized_query": query}, "namespace": "remote"}
        about = {"metadata": {"default": {"db.operation.name": "SELECT", "db.query.summary": f"SELECT {table}"}}}
        times = {"start_time": begin, "end_time": begin + DICE.random() / 100}
        return segment(of, "shop.db") | times | statement | about | {"type": "subsegment", "parent_id": parent}

    ends = {"end_time": at + 0.1 + DICE.random()}
    return [
        sql(charge, "charges"),
        segment(of, "payments", at + 0.02, id=charge, parent_id=call, **server, **http("/charges"))
        | {"annotations": shared | {"service": "payments", "operation": "POST /charges"}},
        sql(root, "carts"),
        segment(of, "payments", at + 0.01, id=call, parent_id=root, type="subsegment", namespace="remote")
        | http("/charges"),
        sql(root, "orders"),
        segment(of, "shop", at, id=root, **server, **http("/checkout"), **ends)
        | {"annotations": shared | {"service": "shop", "operation": "POST /checkout"}},
    ]


def test_a_sealed_trace_answers_as_it_did_when_it_was_open() -> None:
    room, told = Room(), {}
    for n in range(300):  # some for each: the first book, one that has learned, and none
        of = trace_id()
        room.put(*checkout(of, 1_000_000.0 + n / 10))
        told[of] = (room.trace(of), room.summaries()[of] if n % 20 == 0 else None)
        room.clock.advance(0.1)
    room.settle()
    after = room.summaries()
    for of, (trace, summary) in told.items():
        assert room.trace(of) == trace
        assert summary is None or after[of] == summary


def test_filters_find_sealed_traces_by_what_many_share_and_by_what_is_theirs_alone() -> None:
    room, all_of_them = Room(), {}
    for n in range(200):
        of = trace_id()
        all_of_them[of] = checkout(of, 1_000_000.0 + n / 10)
        room.put(*all_of_them[of])
    room.settle()
    assert all_of_them.keys() <= room.summaries('annotation.operation = "POST /charges"').keys()
    for of in list(all_of_them)[::40]:
        order = all_of_them[of][-1]["annotations"]["order_id"]
        assert list(room.summaries(f'annotation.order_id = "{order}"')) == [of]


def test_a_late_document_joins_its_sealed_trace_which_is_sealed_again() -> None:
    room, of = Room(), trace_id()
    root = segment(of)
    room.put(root)
    room.settle()
    before = room.summaries()[of]
    room.put(segment(of, "payments", parent_id=root["id"], throttle=True, at=1_000_002.0))
    late = room.summaries()[of]
    assert [one["name"] for one in room.segments(of)] == ["shop", "payments"]
    assert (late["Duration"], late["HasThrottle"], late["Revision"]) == (2.25, True, before["Revision"] + 1)
    room.settle()
    assert room.summaries()[of] == late


def test_a_segment_in_progress_is_replaced_after_its_trace_was_sealed_and_never_the_other_way() -> None:
    room, of = Room(), trace_id()
    complete = segment(of)
    progress = {key: value for key, value in complete.items() if key != "end_time"} | {"in_progress": True}
    room.put(progress)
    room.settle()
    assert room.summaries()[of]["IsPartial"] is True
    room.put(complete)
    assert room.segments(of) == [complete]
    room.settle()
    room.put(progress)
    assert room.segments(of) == [complete]
    assert room.summaries()[of]["IsPartial"] is False
    room.settle()
    assert room.segments(of) == [complete]


def test_a_trace_over_its_quota_still_says_so_when_it_was_sealed_and_still_takes_no_more() -> None:
    room, of = Room(), trace_id()
    for _ in range(9):
        room.put(segment(of, metadata={"n": {"text": "x" * 63_000}}))
    room.settle()
    assert room.trace(of)["LimitExceeded"] is True
    room.put(segment(of, metadata={"n": {"text": "x" * 63_000}}))
    assert len(room.segments(of)) == 8


def test_a_quiet_trace_is_sealed_by_what_comes_later_a_few_at_a_time() -> None:
    room = Room()
    for _ in range(100):
        room.put(segment(trace_id()))
    assert room.engine.counts()["traces_open"] == 100
    room.clock.advance(4.9)
    room.put(segment(trace_id()))
    assert room.engine.counts()["traces_open"] == 101
    room.clock.advance(0.1)
    counts = []
    for _ in range(10):
        room.put(segment(trace_id()))
        counts.append(room.engine.counts()["traces_open"])
    steps = [before - after for before, after in zip([101, *counts], counts, strict=False)]
    assert set(steps) == {1}  # two sealed, one opened


def test_over_the_cap_the_oldest_are_dropped_first_sealed_or_open() -> None:
    room = Room(cap_bytes=200_000)
    ids = []
    for n in range(1000):
        ids.append(trace_id())
        room.put(segment(ids[-1], at=1_000_000.0 + n))
        room.clock.advance(1.0)
    counts = room.engine.counts()
    assert counts["bytes"] <= 200_000
    assert counts["traces"] + counts["traces_dropped"] == 1000
    assert counts["traces_dropped"] > 100
    held = [of for of in ids if room.engine.trace(of) is not None]
    assert held == ids[counts["traces_dropped"] :]
    assert set(room.summaries()) == set(held)
    room.put(segment(ids[0]))  # a dropped trace may begin again
    assert len(room.segments(ids[0])) == 1


def test_a_flood_is_sealed_early_before_anything_is_dropped() -> None:
    room = Room(cap_bytes=1_000_000)
    for n in range(180):  # 1.2 MB as they came; the clock stands still
        room.put(*checkout(trace_id(), 1_000_000.0 + n / 100))
    counts = room.engine.counts()
    assert counts["traces_dropped"] == 0
    assert counts["traces_open"] < 70
    assert counts["bytes"] < 500_000


def test_nothing_is_counted_once_everything_but_one_is_gone() -> None:
    room = Room(cap_bytes=1)
    for _ in range(100):
        of = trace_id()
        room.put(*checkout(of, 1_000_000.0))
        room.clock.advance(7.0)
    # what is left is one trace; were bytes lost or counted twice on the way, they would show
    (left,) = room.engine.between(0.0, 2e9, "TraceId")
    assert room.engine.counts()["bytes"] == left.cost
    assert left.id == of


def test_traces_cost_what_the_engine_says_about_two_hundred_bytes_a_document() -> None:
    room, count = Room(), 1200
    for _ in range(200):  # what is paid once: books, decoders
        room.put(*checkout(trace_id(), 1_000_000.0))
    room.settle()
    held = room.engine.counts()
    texts = [json.dumps(d).encode() for n in range(count) for d in checkout(trace_id(), 1_000_000.0 + n / 40)]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number, text in enumerate(texts):
        room.engine.put(bytes(memoryview(text)))  # a copy, which the engine alone holds
        if number % 240 == 239:
            room.clock.advance(1.0)
    room.settle()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    counted = room.engine.counts()["bytes"] - held["bytes"]
    assert room.engine.counts()["traces"] >= held["traces"] + count
    assert grown / len(texts) < 220
    assert 0.8 < counted / grown < 1.25


def test_documents_of_many_threads_all_arrive_while_traces_are_sealed_and_read() -> None:
    room = Room()
    ids = [trace_id() for _ in range(150)]
    documents = [segment(of, name) for of in ids for name in ("a", "b", "c", "d")]
    DICE.shuffle(documents)

    def work(share: list[dict[str, Any]]) -> None:
        for number, document in enumerate(share):
            room.put(document)
            room.clock.advance(1.0)
            if number % 10 == 0:
                room.summaries()

    threads = [threading.Thread(target=work, args=(documents[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for of in ids:
        assert sorted(one["name"] for one in room.segments(of)) == ["a", "b", "c", "d"]
    counted = sum(trace.cost for trace in room.engine.between(0.0, 2e9, "TraceId"))
    assert room.engine.counts()["bytes"] == counted


TEXTS = st.text(max_size=150)
SUMMARIES = st.builds(
    Summary,
    start=st.floats(0, 2e9),
    duration=st.none() | st.floats(0, 1e6),
    response_time=st.none() | st.floats(0, 1e6),
    fault=st.booleans(),
    error=st.booleans(),
    throttle=st.booleans(),
    partial=st.booleans(),
    http=st.builds(HttpFacts, st.none() | TEXTS, st.none() | st.integers(-999, 999), st.none() | TEXTS),
    annotations=st.lists(
        st.builds(
            Annotation,
            st.sampled_from("abc") | TEXTS,
            TEXTS | st.booleans() | st.floats(allow_nan=False),
            st.just([0]),
        ),
        max_size=5,
    ),
    users=st.lists(st.tuples(TEXTS, st.just(0)), max_size=2),
    services=st.just([ServiceId("shop", None, "1")]),
    entry_point=st.just(0),
    resource_arns=st.lists(TEXTS, max_size=2),
    instance_ids=st.just([]),
    zones=st.just([]),
    exceptions=st.lists(st.tuples(st.none() | TEXTS, st.none() | TEXTS), max_size=2),
)


@settings(max_examples=100)
@given(st.lists(SUMMARIES, min_size=1, max_size=8))
def test_a_book_gives_summaries_back(summaries: list[Summary]) -> None:
    book = Book()
    written = [(book.write(summary), summary) for summary in summaries]
    for facts, summary in written:
        read = book.read(facts, summary.start)
        by_key = sorted(summary.annotations, key=repr)
        assert sorted(read.annotations, key=repr) == by_key
        read.annotations = summary.annotations
        assert read == summary


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=300), max_size=5), st.binary(max_size=300))
def test_a_book_gives_documents_back(documents: list[bytes], dictionary: bytes) -> None:
    book = Book(dictionary)
    assert book.unpack(book.pack(documents)) == documents


def test_a_key_with_many_values_and_a_trace_like_no_other_are_spelled_out() -> None:
    book = Book()
    written = []
    for n in range(1000):
        own = [Annotation("order_id", f"o{n}", [0]), Annotation("operation", "GET /", [0])]
        errors: list[tuple[str | None, str | None]] = [("E", f"failure number {n}")]
        http = HttpFacts(f"http://shop/{n}")
        services = [ServiceId("shop", None, "1")]
        summary = Summary(1.0, n, n, True, False, False, False, http, own, [], services, 0, [], [], [], errors)
        written.append((book.write(summary), summary))
    for facts, summary in written:
        read = book.read(facts, 1.0)
        assert (read.http, read.exceptions) == (summary.http, summary.exceptions)
        assert sorted(read.annotations, key=repr) == sorted(summary.annotations, key=repr)
    assert len(book._prototypes) <= 128
    assert all(len(values) <= 32 for values in book._values.values())


@pytest.mark.parametrize("size", [10, 500, 3000])
def test_what_is_learned_stays_small_whatever_comes(size: int) -> None:
    learning, noise = Learning(), random.Random(1)
    for _ in range(100):
        learning.look_at([noise.randbytes(size) for _ in range(5)])
    assert len(learning.dictionary) <= 8192
