"""PutDashboard: stores a dashboard whose body is valid; a body with errors is refused, naming each."""

from __future__ import annotations

import json
import re
from typing import Any

from kit.emulator.cloudwatch.dashboard_body import examine
from kit.emulator.cloudwatch.dashboard_checks import Finding
from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.tags import checked
from kit.emulator.protocol import AwsError, Context

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")


def handle(engine: Engine, params: dict[str, Any], context: Context) -> dict[str, Any]:
    name, body = params["DashboardName"], params["DashboardBody"]
    if not _NAME.fullmatch(name):
        text = f"The value {name[:300]!r} for field DashboardName contains invalid characters. "
        raise AwsError(
            "InvalidParameterInput", text + "It can only contain alphanumerics, dash (-) and underscore (_)."
        )
    findings = examine(body)
    errors = [finding for finding in findings if finding.error]
    if errors:
        raise _refusal(errors)
    engine.dashboards.put(name, context.account, body, context.clock.now(), checked(params.get("Tags", ())))
    return {"DashboardValidationMessages": [_shown(finding) for finding in findings]}


def _shown(finding: Finding) -> dict[str, str]:
    return {"DataPath": finding.path, "Message": finding.message}


def _refusal(errors: list[Finding]) -> AwsError:
    listed = json.dumps([{"dataPath": finding.path, "message": finding.message} for finding in errors], indent=2)
    text = f"The dashboard body is invalid, there are {len(errors)} validation errors:\n{listed}"
    fields = {"dashboardValidationMessages": [_shown(finding) for finding in errors]}
    return AwsError("InvalidParameterInput", text, fields=fields)
