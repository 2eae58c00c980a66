"""X-Ray over the wire, by PutTraceSegments."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

XRay = Any

_ids = itertools.count(random.randrange(2**60))


def new_id() -> str:
    return f"{next(_ids):016x}"


def new_trace_id() -> str:
    return f"1-{int(time.time()):08x}-{random.randbytes(12).hex()}"


def segment(trace_id: str, name: str = "shop", **more: Any) -> dict[str, Any]:
    now = time.time()
    return {"id": new_id(), "trace_id": trace_id, "name": name, "start_time": now - 0.5, "end_time": now} | more


@pytest.fixture
def xray(client: Callable[..., Any]) -> XRay:
    return client("xray")


def put(xray: XRay, *documents: Any) -> list[dict[str, Any]]:
    texts = [d if isinstance(d, str) else json.dumps(d) for d in documents]
    refused: list[dict[str, Any]] = xray.put_trace_segments(TraceSegmentDocuments=texts)["UnprocessedTraceSegments"]
    return refused


def get(xray: XRay, trace_id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    (trace,) = xray.batch_get_traces(TraceIds=[trace_id])["Traces"]
    return trace, [json.loads(s["Document"]) for s in trace["Segments"]]


def summaries(xray: XRay, trace_ids: set[str], expression: str = "", **more: Any) -> dict[str, dict[str, Any]]:
    now = time.time()
    arguments = {"StartTime": now - 3600, "EndTime": now + 3600, "FilterExpression": expression} | more
    pages = xray.get_paginator("get_trace_summaries").paginate(**arguments)
    return {s["Id"]: s for page in pages for s in page["TraceSummaries"] if s["Id"] in trace_ids}


def test_a_trace_spans_its_services_and_lasts_from_first_start_to_last_end(xray: XRay) -> None:
    trace_id, base = new_trace_id(), time.time() - 10
    call = {"id": new_id(), "name": "payments", "namespace": "remote", "start_time": base + 0.2, "end_time": base + 0.9}
    shop = segment(trace_id, start_time=base, end_time=base + 1.25, subsegments=[call])
    payments = segment(trace_id, "payments", parent_id=call["id"], start_time=base + 0.25, end_time=base + 2.0)
    assert put(xray, payments, shop) == []
    trace, segments = get(xray, trace_id)
    assert trace["Duration"] == pytest.approx(2.0)
    assert trace["LimitExceeded"] is False
    assert [s["name"] for s in segments] == ["shop", "payments"]
    assert segments[0] == shop
    summary = summaries(xray, {trace_id})[trace_id]
    assert summary["Duration"] == pytest.approx(2.0)
    assert summary["ResponseTime"] == pytest.approx(1.25)
    assert summary["EntryPoint"]["Name"] == "shop"
    assert [s["Name"] for s in summary["ServiceIds"]] == ["shop", "payments"]
    assert summary["StartTime"].timestamp() == pytest.approx(base, abs=0.001)


def test_a_summary_holds_flags_http_annotations_and_users(xray: XRay) -> None:
    trace_id = new_trace_id()
    http = {
        "request": {"method": "POST", "url": "http://shop/checkout", "user_agent": "ua", "client_ip": "10.0.0.1"},
        "response": {"status": 503},
    }
    annotations = {"operation": "POST /checkout", "attempt": 2, "member": True}
    aws = {"ec2": {"instance_id": "i-1", "availability_zone": "us-east-1a"}}
    sub = {"id": new_id(), "name": "db", "start_time": 1.0, "end_time": 2.0, "annotations": {"rows": 9}}
    root = segment(trace_id, fault=True, http=http, annotations=annotations, user="u1", aws=aws, subsegments=[sub])
    put(xray, root)
    summary = summaries(xray, {trace_id})[trace_id]
    assert (summary["HasFault"], summary["HasError"], summary["HasThrottle"], summary["IsPartial"]) == (
        True,
        False,
        False,
        False,
    )
    assert summary["Http"] == {
        "HttpURL": "http://shop/checkout",
        "HttpStatus": 503,
        "HttpMethod": "POST",
        "UserAgent": "ua",
        "ClientIp": "10.0.0.1",
    }
    values = {key: [one["AnnotationValue"] for one in found] for key, found in summary["Annotations"].items()}
    assert values == {
        "operation": [{"StringValue": "POST /checkout"}],
        "attempt": [{"NumberValue": 2.0}],
        "member": [{"BooleanValue": True}],
        "rows": [{"NumberValue": 9.0}],
    }
    assert summary["Annotations"]["rows"][0]["ServiceIds"][0]["Name"] == "shop"
    assert summary["Users"][0]["UserName"] == "u1"
    assert summary["InstanceIds"] == [{"Id": "i-1"}]
    assert summary["AvailabilityZones"] == [{"Name": "us-east-1a"}]


def test_a_fault_set_to_false_is_no_fault_and_a_callees_fault_is_not_the_traces(xray: XRay) -> None:
    trace_id = new_trace_id()
    root = segment(trace_id, fault=False, error=False)
    put(xray, root, segment(trace_id, "payments", parent_id=root["id"], fault=True, throttle=True))
    summary = summaries(xray, {trace_id})[trace_id]
    assert (summary["HasFault"], summary["HasError"], summary["HasThrottle"]) == (False, False, True)


def test_a_complete_segment_replaces_one_in_progress_in_either_order(xray: XRay) -> None:
    first, second = new_trace_id(), new_trace_id()
    for trace_id, late in ((first, False), (second, True)):
        complete = segment(trace_id)
        progress = {k: v for k, v in complete.items() if k != "end_time"} | {"in_progress": True}
        for document in (complete, progress) if late else (progress, complete):
            put(xray, document)
        assert get(xray, trace_id)[1] == [complete]
        assert summaries(xray, {trace_id})[trace_id]["IsPartial"] is False


def test_a_trace_in_progress_is_partial_and_has_no_end(xray: XRay) -> None:
    trace_id = new_trace_id()
    document = segment(trace_id, in_progress=True)
    del document["end_time"]
    put(xray, document)
    summary = summaries(xray, {trace_id})[trace_id]
    assert summary["IsPartial"] is True
    assert "Duration" not in summary
    assert "ResponseTime" not in summary


def test_subsegments_sent_alone_come_back_under_their_parents(xray: XRay) -> None:
    trace_id = new_trace_id()
    root = segment(trace_id)
    child = segment(trace_id, "charge", parent_id=root["id"], type="subsegment", namespace="remote")
    grandchild = segment(trace_id, "retry", parent_id=child["id"], type="subsegment")
    put(xray, grandchild, child)
    assert {s["name"] for s in get(xray, trace_id)[1]} == {"charge", "retry"}  # the parent has not come yet
    put(xray, root)
    (assembled,) = get(xray, trace_id)[1]
    (inner,) = assembled["subsegments"]
    assert (inner["name"], inner["id"]) == ("charge", child["id"])
    assert not {"type", "trace_id", "parent_id"} & inner.keys()
    assert [s["name"] for s in inner["subsegments"]] == ["retry"]


def test_subsegments_that_are_each_others_parents_are_shown_and_do_not_hang(xray: XRay) -> None:
    trace_id = new_trace_id()
    one, two = new_id(), new_id()
    put(
        xray,
        segment(trace_id),
        segment(trace_id, "a", id=one, parent_id=two, type="subsegment"),
        segment(trace_id, "b", id=two, parent_id=one, type="subsegment"),
    )
    assert {s["name"] for s in get(xray, trace_id)[1]} == {"shop", "a", "b"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id": None}, "MissingId"),
        ({"id": "xyz"}, "InvalidId"),
        ({"trace_id": None}, "MissingTraceId"),
        ({"trace_id": "abc"}, "InvalidTraceId"),
        ({"name": None}, "MissingName"),
        ({"name": "a<b>"}, "InvalidName"),
        ({"name": "x" * 201}, "InvalidName"),
        ({"start_time": None}, "MissingStartTime"),
        ({"start_time": "now"}, "ParseError"),
        ({"end_time": None}, "MissingEndTime"),
        ({"end_time": 1.0}, "EndTimeBeforeStartTime"),
        ({"start_time": 1e300, "end_time": 1e300}, "InvalidStartTime"),
        ({"start_time": -1}, "InvalidStartTime"),
        ({"end_time": 1e300}, "InvalidEndTime"),
        ({"type": "subsegment"}, "MissingParentId"),
        ({"metadata": "x" * 65_536}, "SegmentSizeExceeded"),
    ],
)
def test_a_bad_document_is_named_and_the_others_are_kept(xray: XRay, changes: dict[str, Any], code: str) -> None:
    trace_id = new_trace_id()
    bad = {k: v for k, v in (segment(trace_id) | changes).items() if v is not None}
    (refused,) = put(xray, bad, segment(trace_id))
    assert refused["ErrorCode"] == code
    assert len(get(xray, trace_id)[1]) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"id": 1}'])
def test_what_is_no_document_is_a_parse_error(xray: XRay, text: str) -> None:
    assert put(xray, text)[0]["ErrorCode"] in ("ParseError", "MissingId")


def test_a_w3c_trace_id_is_taken_whatever_time_it_names(xray: XRay) -> None:
    trace_id = f"1-{random.randbytes(4).hex()}-{random.randbytes(12).hex()}"
    put(xray, segment(trace_id))
    assert trace_id in summaries(xray, {trace_id})


def test_unknown_traces_are_unprocessed_and_bad_ids_refused(xray: XRay) -> None:
    unknown = new_trace_id()
    answer = xray.batch_get_traces(TraceIds=[unknown])
    assert (answer["Traces"], answer["UnprocessedTraceIds"]) == ([], [unknown])
    for ids in (["nonsense"], [new_trace_id() for _ in range(6)]):
        with pytest.raises(ClientError, match="InvalidRequestException"):
            xray.batch_get_traces(TraceIds=ids)


def test_a_trace_over_its_quota_says_so(xray: XRay) -> None:
    trace_id = new_trace_id()
    for _ in range(9):
        put(xray, segment(trace_id, metadata={"n": {"text": "x" * 63_000}}))
    trace, segments = get(xray, trace_id)
    assert trace["LimitExceeded"] is True
    assert len(segments) == 8


def test_summaries_are_paged_and_chosen_by_time(xray: XRay) -> None:
    base = int(time.time()) - 1800.0  # clients send whole seconds
    ids = {new_trace_id(): base + n for n in range(230)}
    texts = [segment(i, start_time=at, end_time=at + 0.1, annotations={"batch": "paged"}) for i, at in ids.items()]
    for begin in range(0, len(texts), 50):
        put(xray, *texts[begin : begin + 50])
    expression = 'annotation.batch = "paged"'
    assert set(summaries(xray, set(ids), expression)) == set(ids)
    part = summaries(xray, set(ids), expression, StartTime=base + 10, EndTime=base + 19)
    assert len(part) == 10
    by_update = {"StartTime": time.time() - 60, "EndTime": time.time() + 60}
    assert len(summaries(xray, set(ids), expression, TimeRangeType="Event", **by_update)) == 230
    assert summaries(xray, set(ids), expression, TimeRangeType="TraceId", **by_update) == {}


@pytest.mark.parametrize(
    "arguments",
    [
        {"StartTime": 2000, "EndTime": 1000},
        {"StartTime": 0, "EndTime": 6 * 3600 + 1},
        {"StartTime": 0, "EndTime": 1, "NextToken": "x"},
        {"StartTime": 0, "EndTime": 1, "FilterExpression": 'service("shop")'},
        {"StartTime": 0, "EndTime": 1, "TimeRangeType": "Never"},
        {"StartTime": 0},
    ],
)
def test_a_bad_question_is_refused(xray: XRay, arguments: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="InvalidRequestException"):
        xray.get_trace_summaries(**arguments)
