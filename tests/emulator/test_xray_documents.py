"""Whatever a document holds besides its head, it must not spoil its trace."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kit.emulator.clock import ManualClock
from kit.emulator.protocol import Context
from kit.emulator.services import build_services
from kit.emulator.xray.documents import DocumentError
from kit.emulator.xray.engine import Engine
from kit.emulator.xray.operations import batch_get_traces, get_trace_summaries

TRACE_ID = "1-00000000-" + "a" * 24
CLOCK = ManualClock(1000.0)
CONTEXT = Context("us-east-1", "1", CLOCK, "r")
XRAY = build_services()["xray"]

MEMBERS = ["http", "request", "response", "status", "url", "annotations", "a", "cause", "exceptions", "type", "message"]
MEMBERS += ["aws", "ec2", "instance_id", "account_id", "origin", "user", "subsegments", "id", "name", "fault", "error"]
MEMBERS += ["in_progress", "end_time", "resource_arn", "metadata"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=150)
@given(st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=6), st.booleans())
@example({"metadata": 10**40, "annotations": {"a": 10**400}}, False)
@example({"subsegments": [{"id": ["x"]}, {"id": {}}]}, False)
def test_a_document_is_refused_or_comes_back_and_is_summarised(more: dict[str, Any], alone: bool) -> None:
    head = {"id": "0" * 16, "trace_id": TRACE_ID, "name": "shop", "start_time": 1.0, "end_time": 2.0}
    if alone:
        head |= {"type": "subsegment", "parent_id": "1" * 16}
    check(json.dumps(more | head).encode())


@pytest.mark.parametrize("levels", [1, 100, 400, 800, 1000, 4000])
def test_a_deep_document_is_refused_or_comes_back(levels: int) -> None:
    head = f'{{"id":"{"0" * 16}","trace_id":"{TRACE_ID}","name":"shop","start_time":1.0,"end_time":2.0'
    tail = ',"subsegments":[{"id":"a"' * levels + "}]" * levels + "}"
    check((head + tail).encode())


def check(document: bytes) -> None:
    engine = Engine("us-east-1", "1", CLOCK)
    try:
        engine.put(document)
    except DocumentError:
        return
    traces = batch_get_traces.handle(engine, {"TraceIds": [TRACE_ID]}, CONTEXT)
    (segment,) = traces["Traces"][0]["Segments"]
    assert msgspec.json.decode(segment["Document"])["name"] == "shop"
    found = get_trace_summaries.handle(engine, {"StartTime": 0.0, "EndTime": 10.0}, CONTEXT)
    assert found["TraceSummaries"][0]["Duration"] == 1.0
    for operation, answer in (("BatchGetTraces", traces), ("GetTraceSummaries", found)):
        assert XRAY.codecs[0].write(XRAY.model.operations[operation], answer, "r").status == 200
