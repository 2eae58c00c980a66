"""StartQuery."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kit.emulator.logs.engine import Engine, Group
from kit.emulator.logs.insights.query import MOST_RESULTS, parse_query
from kit.emulator.logs.insights.run import run
from kit.emulator.protocol import AwsError, Context

_MOST_GROUPS = 50


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Run a Logs Insights query over some groups; start and end are epoch seconds, both included."""
    if params.get("queryLanguage", "CWLI") != "CWLI":
        raise AwsError("InvalidParameterException", "The query language here is CWLI.")
    start, end = params["startTime"], params["endTime"]
    if start > end:
        raise AwsError("InvalidParameterException", "Query's end time is before its start time.")
    groups = _groups(engine, params)
    query = parse_query(params["queryString"])
    query = replace(query, limit=min(query.limit, params.get("limit", MOST_RESULTS)))
    answer = run(query, engine, groups, start * 1000, (end + 1) * 1000)
    names = tuple(group.name for group in groups)
    return {"queryId": engine.queries.keep(params["queryString"], names, engine.now_ms(), answer)}


def _groups(engine: Engine, params: dict[str, Any]) -> list[Group]:
    """The groups of exactly one of the three members. Raises InvalidParameterException or ResourceNotFoundException."""
    given = [
        names
        for names in (
            [params["logGroupName"]] if "logGroupName" in params else None,
            params.get("logGroupNames"),
            params.get("logGroupIdentifiers"),
        )
        if names
    ]
    if len(given) != 1 or len(given[0]) > _MOST_GROUPS:
        text = f"Name up to {_MOST_GROUPS} groups, by one of logGroupName, logGroupNames and logGroupIdentifiers."
        raise AwsError("InvalidParameterException", text)
    return list({group.name: group for group in map(engine.group, given[0])}.values())
