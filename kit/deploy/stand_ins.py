"""The way back: a live definition with the stand-ins that files hold, for what the stage had put in their place.

The reverse of ``kit.definitions.stage``. That it is one is not assumed: ``pull`` fits the result to the stage again and
compares it with what is live.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kit.definitions.stage import ACCOUNT, ENVIRONMENT, REGION, partition
from kit.settings import Stage


class StandIns:
    """Walks a live definition and puts the stand-ins back."""

    def __init__(self, stage: Stage, region: str) -> None:
        self._stage = stage
        self._region = region
        environment = re.escape(stage.environment)
        self._topics = {arn: name for name, arn in sorted(stage.actions.items(), reverse=True)}
        topics = "|".join(re.escape(arn) for arn in sorted(self._topics, key=len, reverse=True))
        anything = rf"arn:{partition(region)}:([a-z0-9-]+):({region})?:{stage.account}:"
        self._arn = re.compile(
            rf"(?P<topic>(?:{topics})(?![\w-]))|{anything}" if topics else rf"(?P<topic>(?!))|{anything}"
        )
        self._log_group = re.compile(rf"(/[\w.-]+)/{environment}/")
        self._in_pattern = re.compile(rf"(\\b|^|[^\w\\-]){re.escape(environment)}(?![\w-])")
        self._in_search = re.compile(rf'(Environment=\\?"?){environment}(?![\w-])')

    def mapping(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """The whole definition."""
        back = {key: self._member(key, inner) for key, inner in value.items()}
        if value.get("Name") == "Environment" and value.get("Value") == self._stage.environment:
            back["Value"] = ENVIRONMENT
        return back

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
        if not isinstance(row, list):
            return self._member("", row)
        return [
            ENVIRONMENT
            if cell == self._stage.environment and index > 0 and row[index - 1] in ("Environment", ".", "...")
            else self._member("", cell)
            for index, cell in enumerate(row)
        ]

    def _variable(self, variable: Any) -> Any:
        back = self._member("", variable)
        pattern = isinstance(back, dict) and back.get("pattern")
        if isinstance(pattern, str) and self._in_pattern.search(pattern):
            back["pattern"] = self._in_pattern.sub(lambda match: match[1] + ENVIRONMENT, pattern)
        elif not isinstance(back, dict) or back.get("property") != "Environment":
            return back
        if back.get("defaultValue") == self._stage.environment:
            back["defaultValue"] = ENVIRONMENT
        if isinstance(back.get("values"), list):
            back["values"] = [self._value(value) for value in back["values"]]
        return back

    def _value(self, value: Any) -> Any:
        own = self._stage.environment
        if not isinstance(value, dict) or value.get("value") != own:
            return value
        return {**value, "value": ENVIRONMENT, **({"label": ENVIRONMENT} if value.get("label") == own else {})}

    def _text(self, key: str, text: str) -> str:
        if key == "region" and text == self._region:
            return REGION
        if key in ("accountId", "AccountId") and text == self._stage.account:
            return ACCOUNT
        if key == "query":
            text = self._log_group.sub(lambda match: f"{match[1]}/{ENVIRONMENT}/", text)
        if key in ("expression", "Expression", "search"):
            text = self._in_search.sub(lambda match: match[1] + ENVIRONMENT, text)
        return self._arn.sub(self._stand_in, text)

    def _stand_in(self, match: re.Match[str]) -> str:
        if match["topic"]:
            return f"arn:aws:sns:{REGION}:{ACCOUNT}:{self._topics[match['topic']]}"
        return f"arn:aws:{match[2]}:{REGION if match[3] else ''}:{ACCOUNT}:"
