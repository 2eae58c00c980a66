"""Fit definitions to a stage. Files stay pasteable: all hold the same stand-ins, and only these are replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from kit.definitions.model import Definitions
from kit.definitions.structure import Flaw, step
from kit.errors import KitError
from kit.settings import DEFAULT_REGION, LOCAL_ACCOUNT, Stage

ACCOUNT = LOCAL_ACCOUNT
REGION = DEFAULT_REGION
ENVIRONMENT = "production"
TOPICS = ("page", "ticket")

_TOPIC = re.compile(rf"arn:aws:sns:{REGION}:{ACCOUNT}:({'|'.join(TOPICS)})(?![\w-])")
_ARN = re.compile(rf"arn:aws:([a-z0-9-]+):({REGION})?:{ACCOUNT}:")
_ANY_ARN = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:([a-z0-9-]*):(\d{12}):")
_LOG_GROUP = re.compile(rf"(/[\w.-]+)/{ENVIRONMENT}/")
_IN_PATTERN = re.compile(rf"(\\b|^|[^\w\\-]){ENVIRONMENT}(?![\w-])")
_IN_SEARCH = re.compile(rf'(Environment=\\?"?){ENVIRONMENT}\b')


def for_stage(definitions: Definitions, stage: Stage, region: str) -> Definitions:
    """``definitions`` with the stage's account, topics and environment, and ``region``.

    Raises KitError when a definition tells a topic that the stage doesn't name.
    """
    fit = _Fit(stage, region)
    return Definitions(
        alarms=tuple(replace(alarm, request=fit.mapping(alarm.request)) for alarm in definitions.alarms),
        composites=tuple(replace(one, request=fit.mapping(one.request)) for one in definitions.composites),
        dashboards=tuple(replace(board, body=fit.mapping(board.body)) for board in definitions.dashboards),
    )


def stand_in_flaws(value: Any, pointer: str = "") -> Iterator[Flaw]:
    """Yield ARNs of a real account or of another Region: such a file would not follow its stage."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from stand_in_flaws(inner, step(pointer, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from stand_in_flaws(inner, step(pointer, index))
    elif isinstance(value, str):
        for region, account in _ANY_ARN.findall(value):
            if account != ACCOUNT:
                remedy = f"Write {ACCOUNT}; the stage says which account it is."
                yield Flaw(pointer, f"names the account {account}", remedy)
            if region not in ("", REGION):
                yield Flaw(pointer, f"names the Region {region}", f"Write {REGION}; the stage says which Region it is.")


def partition(region: str) -> str:
    """The partition of a Region's ARNs: ``aws``, ``aws-cn`` or ``aws-us-gov``."""
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(re.split(r"-[a-z]+-\d", region)[0], "aws")


def _names_it(pattern: object) -> bool:
    return isinstance(pattern, str) and _IN_PATTERN.search(pattern) is not None


class _Fit:
    """Walks a definition and replaces the stand-ins."""

    def __init__(self, stage: Stage, region: str) -> None:
        self._stage = stage
        self._region = region
        self._partition = partition(region)

    def mapping(self, value: Mapping[str, Any]) -> dict[str, Any]:
        fitted = {key: self._member(key, inner) for key, inner in value.items()}
        if value.get("Name") == "Environment" and value.get("Value") == ENVIRONMENT:
            fitted["Value"] = self._stage.environment
        return fitted

    def _member(self, key: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return self.mapping(value)
        if isinstance(value, list):
            if key == "metrics":
                return [self._row(row) for row in value]
            if key == "variables":
                return [self._variable(one) for one in value]
            return [self._member("", inner) for inner in value]
        return self._text(key, value) if isinstance(value, str) else value

    def _row(self, row: Any) -> Any:
        """A widget's metric row: the cell after Environment is its value; so is one that only repeats the row above."""
        if not isinstance(row, list):
            return self._member("", row)
        return [
            self._stage.environment
            if cell == ENVIRONMENT and index > 0 and row[index - 1] in ("Environment", ".", "...")
            else self._member("", cell)
            for index, cell in enumerate(row)
        ]

    def _variable(self, variable: Any) -> Any:
        """A dashboard's variable: that of the environment offers, begins with and looks for the stage's own."""
        fitted = self._member("", variable)
        pattern = isinstance(fitted, dict) and fitted.get("pattern")
        if not isinstance(fitted, dict) or not (fitted.get("property") == "Environment" or _names_it(pattern)):
            return fitted
        if isinstance(pattern, str):
            own = re.escape(self._stage.environment)
            fitted["pattern"] = _IN_PATTERN.sub(lambda match: match[1] + own, pattern)
        if fitted.get("defaultValue") == ENVIRONMENT:
            fitted["defaultValue"] = self._stage.environment
        values = fitted.get("values")
        if isinstance(values, list):
            fitted["values"] = [self._value(value) for value in values]
        return fitted

    def _value(self, value: Any) -> Any:
        if not isinstance(value, dict) or value.get("value") != ENVIRONMENT:
            return value
        label = {"label": self._stage.environment} if value.get("label") == ENVIRONMENT else {}
        return {**value, "value": self._stage.environment, **label}

    def _text(self, key: str, text: str) -> str:
        if key == "region" and text == REGION:
            return self._region
        if key in ("accountId", "AccountId") and text == ACCOUNT:
            return self._stage.account
        if key == "query":
            text = _LOG_GROUP.sub(lambda match: f"{match[1]}/{self._stage.environment}/", text)
        if key in ("expression", "Expression", "search"):
            text = _IN_SEARCH.sub(lambda match: match[1] + self._stage.environment, text)
        # One pass for each: what the stage names is never read as a stand-in again.
        return _TOPIC.sub(self._topic, text) if _TOPIC.search(text) else _ARN.sub(self._arn, text)

    def _topic(self, match: re.Match[str]) -> str:
        topic = match.group(1)
        if topic not in self._stage.actions:
            raise KitError(
                f"stages/{self._stage.name}.yaml",
                f"actions: {topic} is missing, and alarms tell it",
                f"Add the ARN of the {topic} topic.",
            )
        return self._stage.actions[topic]

    def _arn(self, match: re.Match[str]) -> str:
        service, region = match.groups()
        return f"arn:{self._partition}:{service}:{self._region if region else ''}:{self._stage.account}:"
