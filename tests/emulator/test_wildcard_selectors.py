"""Selectors of JSON filter patterns with a wildcard: on single messages, and over the wire.

Rows that are examples of the Amazon CloudWatch Logs User Guide, "Filter pattern syntax", say so.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from kit.emulator.logs.patterns import parse_pattern
from kit.emulator.protocol import AwsError

# the guide's first event, with some members more
EVENT = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "cluster.name": "c",
    "coordinates": [[0, 1, 2], [4, 5, 6]],
    "by": {"x": {"n": 1}, "y": {"n": 2, "deep": {"n": 9}}, "*": "star"},
    "flags": [False, None, 3],
    "none": [],
    "odd name": {"list": ["z"]},
}


def matches(pattern: str, event: Any) -> bool:
    return parse_pattern(pattern).matches(json.dumps(event).encode())


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        # the guide: any element of an array, any field of an object
        ("{ $.arrayKey[*] = %val.{2}% }", True),
        (r"{ $.* = %111\.111\.111\.1[0-9]{1,2}% }", True),
        (r"{ $.* = %222\.222\.222\.1[0-9]{1,2}% }", False),
        ('{ $.arrayKey[*] = "another value" }', True),
        ('{ $.arrayKey[*] = "no value" }', False),
        ("{ $.arrayKey[*] = another* }", True),
        ("{ $.objectList[*].id = 2 }", True),
        ("{ $.objectList[*].id > 2 }", False),
        ('{ $.objectList[*].name = "b" && $.objectList[*].id = 1 }', True),
        ("{ $.objectList[ * ].id = 2 }", True),
        ("{$.objectList.[*].id=2}", True),
        ("{ $.coordinates[*][1] = 5 }", True),
        ("{ $.coordinates[1][*] >= 6 }", True),
        ("{ $.coordinates[0][*] >= 6 }", False),
        ("{ $.by.*.n = 2 }", True),
        ("{ $.by.*.n = 9 }", False),
        ("{ $.by.* = star }", True),
        ("{ $['odd name'].list[*] = z }", True),
        # one level only, and each wildcard for its own kind
        ("{ $.* = 2 }", False),
        ("{ $.arrayKey.* = value }", False),
        ("{ $.by[*].n = 2 }", False),
        ("{ $.eventType[*] = UpdateTrail }", False),
        ("{ $.missing[*] = 1 }", False),
        # in quotes it is a name
        ("{ $.by['*'] = star }", True),
        ("{ $['*'] = UpdateTrail }", False),
        # what is no value counts for nothing, here too
        ("{ $.coordinates[*] != 1 }", False),
        ("{ $.flags[*] != 3 }", True),
        ("{ $.flags[2] != 3 }", False),
        ("{ $.objectList[*].id != 1 }", True),
        ("{ $.none[*] != 1 }", False),
        ("{ $.flags[*] IS NULL }", True),
        ("{ $.flags[*] IS FALSE }", True),
        ("{ $.flags[*] IS TRUE }", False),
        ("{ $.* IS NULL }", True),
        ("{ $.objectList[*].name IS NULL }", False),
        ("{ $.none[*] NOT EXISTS }", True),
        ("{ $.by.*.deep NOT EXISTS }", False),
        ("{ $.by.*.deeper NOT EXISTS }", True),
        ("{ $.flags[*] NOT EXISTS }", False),
    ],
)
def test_a_wildcard_selects_any_element_or_any_field(pattern: str, expected: bool) -> None:
    assert matches(pattern, EVENT) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.a[*].b = 1 || $.*.c = 2 || $.d[*] = 3 }",
        "{ $.a[*] = 1 && $.a[*] = 2 && $.a[*] = 3 && $.a = 4 }",
        "{ $.a['*']['*'] = 1 && $['*'] = * }",
    ],
)
def test_a_pattern_takes_three_wildcards(pattern: str) -> None:
    assert parse_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("{ $.a[*][*] = 1 }", "a property selector can hold wildcard selectors up to 1."),
        ("{ $.*.b[*] = 1 }", "a property selector can hold wildcard selectors up to 1."),
        ("{ $.*.* NOT EXISTS }", "a property selector can hold wildcard selectors up to 1."),
        ("{ $.a[*] = 1 || $.b[*] = 1 || $.c[*] = 1 || $.d.* = 1 }", "a filter pattern can hold wildcard selectors up"),
        ("{ $.a[*] = 1 || $.a[*] = 2 || $.a[*] = 3 || $.a[*] = 4 }", "a filter pattern can hold wildcard selectors up"),
        ("{ $.a* = 1 }", "unexpected '*' in"),
        ("{ $.*a = 1 }", "unexpected 'a' in"),
        ("{ $.** = 1 }", "unexpected '*' in"),
        ("{ $* = 1 }", "unexpected '$*' in"),
        ("{ $.a[1*] = 1 }", "unexpected '1*' in"),
    ],
)
def test_more_wildcards_than_the_quotas_and_parts_of_names_are_refused(pattern: str, why: str) -> None:
    with pytest.raises(AwsError) as raised:
        parse_pattern(pattern)
    assert raised.value.code == "InvalidParameterException"
    assert raised.value.message.startswith(f"Invalid filter pattern: {why}")


def test_a_selector_with_a_wildcard_names_no_value() -> None:
    pattern = parse_pattern('{ $.objectList[*].name = "b" && $.by.x.n = 1 }')
    assert pattern.extract(json.dumps(EVENT).encode()) == {"$.by.x.n": "1"}
    assert pattern.names == {"$.by.x.n"}
    assert pattern.name_of("$.objectList[*].name") is None


scalars = st.integers(-3, 3) | st.sampled_from(["x", "y", None, True])
inner = st.dictionaries(st.sampled_from("kl"), scalars, max_size=2)
nodes = scalars | inner | st.lists(scalars | inner, max_size=3)


@given(
    st.lists(nodes, max_size=4) | st.dictionaries(st.sampled_from("pqrs"), nodes, max_size=4) | scalars,
    st.sampled_from(["", ".k", "[1]"]),
    st.sampled_from(["= 1", "!= 1", "> 0", "= x", "= *", "IS NULL", "IS TRUE"]),
)
def test_a_wildcard_is_the_alternative_of_all_that_it_stands_for(holder: Any, rest: str, comparison: str) -> None:
    event = {"a": holder}
    elements = range(len(holder)) if isinstance(holder, list) else ()
    fields = holder if isinstance(holder, dict) else ()
    assert matches(f"{{ $.a[*]{rest} {comparison} }}", event) is any(
        matches(f"{{ $.a[{index}]{rest} {comparison} }}", event) for index in elements
    )
    assert matches(f"{{ $.a.*{rest} {comparison} }}", event) is any(
        matches(f"{{ $.a.{name}{rest} {comparison} }}", event) for name in fields
    )
    assert matches(f"{{ $.a[*]{rest} NOT EXISTS }}", event) is all(
        matches(f"{{ $.a[{index}]{rest} NOT EXISTS }}", event) for index in elements
    )


@pytest.fixture
def logs(client: Callable[..., Any]) -> Any:
    return client("logs")


@pytest.fixture
def orders(logs: Any) -> str:
    """A group with three orders."""
    name = f"/wildcards/{uuid.uuid4()}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    return name


ORDERS = [
    json.dumps({"order": 1, "items": [{"sku": "a", "n": 1}, {"sku": "x", "n": 2}], "by": {"web": 1, "app": 0}}),
    json.dumps({"order": 2, "items": [{"sku": "b", "n": 5}], "by": {"web": 0, "app": 0}}),
    json.dumps({"order": 3, "items": []}),
]


def put_orders(logs: Any, group: str) -> None:
    now = int(time.time() * 1000)
    events = [{"timestamp": now + n, "message": message} for n, message in enumerate(ORDERS)]
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ('{ $.items[*].sku = "x" }', [1]),
        ("{ $.items[*].n > 1 }", [1, 2]),
        ("{ $.by.* = 1 }", [1]),
        ("{ $.items[*] NOT EXISTS }", [3]),
        ('{ $.items[*].sku = "b" || $.by.* = 1 }', [1, 2]),
    ],
)
def test_events_are_found_by_any_element_over_the_wire(logs: Any, orders: str, pattern: str, found: list[int]) -> None:
    put_orders(logs, orders)
    events = logs.filter_log_events(logGroupName=orders, filterPattern=pattern)["events"]
    assert [json.loads(event["message"])["order"] for event in events] == found
    tried = logs.test_metric_filter(filterPattern=pattern, logEventMessages=ORDERS)["matches"]
    assert [match["eventNumber"] for match in tried] == found
    assert all(match["extractedValues"] == {} for match in tried)


def put_filter(logs: Any, group: str, pattern: str, **transformation: Any) -> None:
    logs.put_metric_filter(
        logGroupName=group,
        filterName="f",
        filterPattern=pattern,
        metricTransformations=[{"metricNamespace": "Wild", "metricName": group, "metricValue": "1"} | transformation],
    )


def test_a_metric_filter_counts_an_event_once_however_many_elements_match(
    logs: Any, orders: str, client: Callable[..., Any]
) -> None:
    put_filter(logs, orders, "{ $.items[*].n > 0 }")
    put_orders(logs, orders)
    now = time.time()
    (point,) = client("cloudwatch").get_metric_statistics(
        Namespace="Wild", MetricName=orders, StartTime=now - 120, EndTime=now + 120, Period=3600, Statistics=["Sum"]
    )["Datapoints"]
    assert point["Sum"] == 2


@pytest.mark.parametrize(
    ("pattern", "transformation", "said"),
    [
        ("{ $.items[*].n > 0 }", {"metricValue": "$.items[*].n"}, "neither a number nor a field of the filter pattern"),
        ("{ $.by.* = 1 }", {"dimensions": {"By": "$.by.*"}}, "is not a field of the filter pattern"),
        ("{ $.items[*].parts[*] = 1 }", {}, "a property selector can hold wildcard selectors up to 1."),
    ],
)
def test_a_metric_filter_can_not_take_a_value_by_a_wildcard(
    logs: Any, orders: str, pattern: str, transformation: dict[str, Any], said: str
) -> None:
    with pytest.raises(ClientError) as raised:
        put_filter(logs, orders, pattern, **transformation)
    error = raised.value.response["Error"]
    assert error["Code"] == "InvalidParameterException"
    assert said in error["Message"]
