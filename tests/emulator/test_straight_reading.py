"""What msgspec decodes in one pass is what the readers make of the same body, or it is left to them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.emulator.protocol.aws_json import JsonLeaves
from kit.emulator.protocol.complaints import Problem
from kit.emulator.protocol.errors import AwsError
from kit.emulator.protocol.model import ServiceModel, load_model
from kit.emulator.protocol.reading import ReaderCompiler
from kit.emulator.protocol.straight import StraightReader
from kit.emulator.services import CLOUDWATCH_RECORDS

MODELS = {name: load_model(name) for name in ("cloudwatch", "logs", "xray")}
STRAIGHT = {name: StraightReader(model) for name, model in MODELS.items()}
READERS = {name: ReaderCompiler(model, JsonLeaves()) for name, model in MODELS.items()}
OPERATIONS = [
    (service, operation)
    for service, names in {
        "cloudwatch": ["PutMetricData", "GetMetricData", "PutMetricAlarm", "ListMetrics", "DescribeAlarmHistory"],
        "logs": ["PutLogEvents", "FilterLogEvents", "PutRetentionPolicy", "CreateLogGroup"],
        "xray": ["PutTraceSegments", "GetTraceSummaries"],
    }.items()
    for operation in names
]

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(["", "NaN", "Milliseconds", "2026-11-22T10:00:00Z", "a" * 300, ":x", "/x", "é\n"]),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.just([]),
    st.just({}),
)


def shaped(model: ServiceModel, name: str, depth: int = 0) -> st.SearchStrategy[Any]:
    """Mostly what the shape asks for, now and then something else."""
    shape = model.shapes[name]
    if shape.type == "structure" and depth < 6:
        members = {member: shaped(model, ref.shape, depth + 1) for member, ref in shape.members.items()}
        needed = {member: members[member] for member in shape.required}
        rest = {member: kind for member, kind in members.items() if member not in needed}
        right: st.SearchStrategy[Any] = st.fixed_dictionaries(needed, optional=rest | {"Unknown": odd})
    elif shape.type == "list" and shape.member is not None and depth < 6:
        right = st.lists(shaped(model, shape.member.shape, depth + 1), max_size=3)
    elif shape.type == "map" and shape.value is not None and depth < 6:
        right = st.dictionaries(st.text(max_size=3), shaped(model, shape.value.shape, depth + 1), max_size=2)
    elif shape.type == "string":
        right = st.sampled_from(shape.enum) if shape.enum else st.sampled_from(["Shop", "a b", "x-1", "p99"])
    elif shape.type == "boolean":
        right = st.booleans()
    else:
        right = st.integers(0, 100) if shape.type in ("integer", "long") else st.floats(0, 2e9)
    return st.integers(0, 19).flatmap(lambda dice: odd if dice == 0 else right)


def by_readers(service: str, operation: str, body: bytes) -> Any:
    """The parameters, or None where something is wrong with them."""
    problems: list[Problem] = []
    shape = MODELS[service].operations[operation].input
    assert shape is not None
    try:
        found = READERS[service].of(shape)(msgspec.json.decode(body), problems)
    except (AwsError, msgspec.DecodeError):
        return None
    return None if problems else found


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_what_is_read_straight_is_what_the_readers_read(service: str, operation: str) -> None:
    shape = MODELS[service].operations[operation].input
    assert shape is not None
    taken = 0

    @settings(max_examples=80)
    @given(shaped(MODELS[service], shape.shape))
    def check(tree: Any) -> None:
        nonlocal taken
        body = json.dumps(tree).encode()
        found = STRAIGHT[service].read(shape, body)
        if found is not None:
            taken += 1
            assert found == by_readers(service, operation, body)

    check()
    assert taken  # else the comparison has compared nothing


@settings(max_examples=150)
@given(shaped(MODELS["cloudwatch"], "PutMetricDataInput"))
def test_records_hold_what_dicts_would(tree: Any) -> None:
    shape = MODELS["cloudwatch"].operations["PutMetricData"].input
    assert shape is not None
    body = json.dumps(tree).encode()
    records = StraightReader(MODELS["cloudwatch"], CLOUDWATCH_RECORDS).read(shape, body)
    assert msgspec.to_builtins(records) == STRAIGHT["cloudwatch"].read(shape, body)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"Namespace":"N","MetricData":null}', b'{"Namespace":"N","Namespace":"N"', b'"\xff"'],
)
def test_what_it_can_not_take_is_left_to_the_readers(body: bytes) -> None:
    shape = MODELS["cloudwatch"].operations["PutMetricData"].input
    assert shape is not None
    assert STRAIGHT["cloudwatch"].read(shape, body) is None
