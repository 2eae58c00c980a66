"""Logs Insights over the wire: StartQuery and GetQueryResults with boto3."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from kit.emulator.logs.insights.query import parse_query
from kit.emulator.protocol import AwsError

NOW = int(time.time()) // 60 * 60 - 600
LINES: list[dict[str, Any] | str] = [
    {"level": "INFO", "operation": "GET /items", "duration_ms": 12, "status": 200, "http": {"host": "a"}},
    {"level": "INFO", "operation": "POST /checkout", "duration_ms": 400.5, "status": 201, "ok": True},
    {"level": "ERROR", "operation": "POST /checkout", "duration_ms": 90, "status": 503, "tags": ["x", "y"]},
    {"level": "WARNING", "operation": "POST /checkout", "duration_ms": "250", "status": 504, "a.b": 1},
    "plain text, no JSON",
]


@pytest.fixture(scope="module")
def group(client: Callable[..., Any]) -> str:
    """Five events, half a minute apart."""
    logs, name = client("logs"), f"/insights/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    events = [
        {"timestamp": (NOW + 30 * n) * 1000, "message": line if isinstance(line, str) else json.dumps(line)}
        for n, line in enumerate(LINES)
    ]
    logs.put_log_events(logGroupName=name, logStreamName="s", logEvents=events)
    return name


@pytest.fixture
def ask(client: Callable[..., Any], group: str) -> Callable[..., list[dict[str, str]]]:
    def ask(text: str, **more: Any) -> list[dict[str, str]]:
        logs = client("logs")
        asked = {"logGroupNames": [group], "startTime": NOW - 60, "endTime": NOW + 600, "queryString": text, **more}
        answer = logs.get_query_results(queryId=logs.start_query(**asked)["queryId"])
        assert answer["status"] == "Complete"
        return [{cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"} for row in answer["results"]]

    return ask


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ('level = "ERROR"', [2]),
        ("level = 'ERROR'", [2]),
        ('level != "INFO"', [2, 3, 4]),
        ("duration_ms > 100", [1, 3]),
        ("duration_ms >= 90 and duration_ms <= 250", [2, 3]),
        ("status = 503 or status = 504", [2, 3]),
        ("status in [200, 504]", [0, 3]),
        ("status not in [200, 504]", [1, 2, 4]),
        ('operation like "checkout"', [1, 2, 3]),
        ("operation like /^get/", []),
        ("operation like /(?i)^get/", [0]),
        ("operation =~ /check.*t$/", [1, 2, 3]),
        ('operation not like "checkout"', [0, 4]),
        ("not (status >= 500 or level = 'INFO')", [4]),
        ("ispresent(status) and not ispresent(ok)", [0, 2, 3]),
        ('http.host = "a"', [0]),
        ('tags.1 = "y"', [2]),
        ("`a.b` = 1", [3]),
        ("a.b = 1", [3]),
        ('ok = "true"', [1]),
        ('@message like "no JSON"', [4]),
        ('@logStream = "s" # a | comment\n', [0, 1, 2, 3, 4]),
    ],
)
def test_a_filter_finds(ask: Any, condition: str, found: list[int]) -> None:
    rows = ask(f"filter {condition} | fields @timestamp | sort @timestamp asc")
    assert [row["@timestamp"] for row in rows] == [moment(NOW + 30 * n) for n in found]


def moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S.000", time.gmtime(seconds))


def test_without_commands_of_its_own_a_query_lists_time_and_message_newest_first(ask: Any) -> None:
    rows = ask("limit 2")
    assert rows[0] == {"@timestamp": moment(NOW + 120), "@message": "plain text, no JSON"}
    assert json.loads(rows[1]["@message"]) == LINES[3]


def test_rows_are_sorted_by_numbers_and_lack_what_an_event_lacks(ask: Any) -> None:
    rows = ask("fields operation as op, duration_ms | sort duration_ms desc")
    assert [row.get("duration_ms") for row in rows] == ["400.5", "250", "90", "12", None]
    assert rows[4] == {}
    assert ask("fields level | sort level asc, duration_ms desc | limit 3")[0] == {"level": "ERROR"}
    assert [row["d"] for row in ask("fields duration_ms as d | sort d asc | limit 2")] == ["12", "90"]


def test_display_narrows_the_columns(ask: Any) -> None:
    assert ask("fields level as l, status | filter status = 503 | display l") == [{"l": "ERROR"}]


def test_stats_by_a_bin_and_a_field(ask: Any) -> None:
    rows = ask("stats count(*) as lines, avg(duration_ms) as mean by bin(1m) as minute | sort minute asc")
    assert rows == [
        {"minute": moment(NOW), "lines": "2", "mean": "206.25"},
        {"minute": moment(NOW + 60), "lines": "2", "mean": "170"},
        {"minute": moment(NOW + 120), "lines": "1"},
    ]
    by_level = ask("filter ispresent(level) | stats count(*), max(duration_ms), pct(duration_ms, 50) by level")
    assert by_level == [
        {"level": "ERROR", "count(*)": "1", "max(duration_ms)": "90", "pct(duration_ms, 50)": "90"},
        {"level": "INFO", "count(*)": "2", "max(duration_ms)": "400.5", "pct(duration_ms, 50)": "12"},
        {"level": "WARNING", "count(*)": "1", "max(duration_ms)": "250", "pct(duration_ms, 50)": "250"},
    ]


def test_stats_without_a_group_and_sorted_by_what_they_count(ask: Any) -> None:
    assert ask("stats count(status) as n, count_distinct(level) as levels, sum(duration_ms) as s, stddev(status)") == [
        {"n": "4", "levels": "3", "s": "752.5", "stddev(status)": "151.5008"}
    ]
    assert ask("filter level = 'none' | stats count(*)") == [{"count(*)": "0"}]
    rows = ask("filter ispresent(level) | stats count(*) by level | sort count(*) desc | limit 1")
    assert rows == [{"level": "INFO", "count(*)": "2"}]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "expected one of fields, display, filter, sort, limit, stats"),
        ("parse @message '*' as x", "expected one of"),
        ("fields strlen(@message)", "the function strlen is not computed here, found '(' at character 14"),
        ("filter level ~ 3", "expected a comparison"),
        ("filter (level = 3", "expected ')'"),
        ("filter level like /(/", "cannot be read"),
        ("limit many", "expected a number"),
        ("limit 0", "from 1 to 10000"),
        ("stats median(x)", "median is not one of"),
        ("stats count(*) by bin(5 m)", "expected a word"),
        ("stats count(*) by bin(5y)", "bin takes a period"),
        ("stats count(*) | filter x = 1", "filter after stats is not here"),
        ("filter " + "(" * 50 + "a = 1" + ")" * 50, "nest up to 40"),
        ("fields a b", "expected '|'"),
    ],
)
def test_what_is_not_here_is_refused_with_its_place(
    ask: Any, client: Callable[..., Any], query: str, says: str
) -> None:
    with pytest.raises(client("logs").exceptions.MalformedQueryException) as refused:
        ask(query)
    assert says in refused.value.response["Error"]["Message"]
    assert "startCharOffset" in refused.value.response["queryCompileError"]["location"]


def test_the_time_range_and_the_limit_of_the_call_count(ask: Any) -> None:
    assert len(ask("fields level", startTime=NOW + 30, endTime=NOW + 60)) == 2
    assert len(ask("fields level | limit 4", limit=3)) == 3


def test_bad_calls_are_refused_as_aws_does(client: Callable[..., Any], ask: Any, group: str) -> None:
    logs = client("logs")
    for wrong, code in (
        ({"startTime": NOW + 1, "endTime": NOW}, "InvalidParameterException"),
        ({"logGroupName": group}, "InvalidParameterException"),
        ({"logGroupNames": ["/nobody"]}, "ResourceNotFoundException"),
        ({"queryLanguage": "SQL"}, "InvalidParameterException"),
    ):
        with pytest.raises(ClientError) as refused:
            ask("limit 1", **wrong)
        assert refused.value.response["Error"]["Code"] == code
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.get_query_results(queryId="none")


def test_queries_are_described_paged_and_cannot_be_stopped_after_their_end(
    client: Callable[..., Any], group: str
) -> None:
    logs = client("logs")
    asked = {"startTime": NOW - 60, "endTime": NOW + 600, "queryString": "fields level"}
    id_ = logs.start_query(logGroupIdentifiers=[group], **asked)["queryId"]
    newest = logs.describe_queries(logGroupName=group, maxResults=1)["queries"][0]
    assert (newest["queryId"], newest["queryString"], newest["status"]) == (id_, "fields level", "Complete")
    assert logs.describe_queries(status="Running")["queries"] == []
    first = logs.get_query_results(queryId=id_, maxItems=2)
    rest = logs.get_query_results(queryId=id_, nextToken=first["nextToken"])
    assert (len(first["results"]), len(rest["results"]), rest["statistics"]["recordsScanned"]) == (2, 3, 5)
    with pytest.raises(logs.exceptions.InvalidParameterException, match="already ended"):
        logs.stop_query(queryId=id_)


PIECES = re.findall(r"\S+", "fields filter stats by | , ( ) = like /a/ 'b' 1 bin ( 5m ) [ ] and not in x # \n")


@given(st.text(max_size=60) | st.lists(st.sampled_from(PIECES)).map(" ".join))
def test_any_text_is_a_query_or_malformed(text: str) -> None:
    refused = ""
    try:
        parse_query(text)
    except AwsError as error:
        refused = error.code
    assert refused in ("", "MalformedQueryException")
