"""A set of definitions as a shell script of plain AWS CLI calls, in the order in which AWS takes them.

Each JSON document goes through a file, by a here-document with a quoted end mark: the shell expands nothing in it, and
as JSON writes a line break as ``\\n`` no line of it can be the mark. A dashboard may be longer than an argument can be.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kit.definitions import Definitions
from kit.definitions.composite_rules import in_order
from kit.definitions.stage import partition
from kit.deploy.ownership import Owner, set_name, tagged
from kit.settings import Stage

MARK = "END_OF_JSON"


def cli_script(definitions: Definitions, stage: Stage, region: str, endpoint_url: str | None = None) -> str:
    """The script for ``definitions``, which are fit for ``stage`` already; the same set gives the same text.

    It stops at the first call that fails, and may be run again. Credentials are those of whoever runs it; it refuses
    another account than the stage's.
    """
    return "\n".join(_lines(definitions, stage, region, endpoint_url)) + "\n"


def _lines(definitions: Definitions, stage: Stage, region: str, endpoint_url: str | None) -> Iterator[str]:
    yield "#!/bin/sh"
    yield f"# Alarms and dashboards of stage {stage.name}, for account {stage.account} in {region}."
    yield "# Made by `kit render cli`; make it again rather than changing it."
    yield "set -eu"
    yield f"export AWS_REGION={shlex.quote(region)} AWS_DEFAULT_REGION={shlex.quote(region)} AWS_PAGER=''"
    if endpoint_url:
        yield f"export AWS_ENDPOINT_URL={shlex.quote(endpoint_url)}"
    # PutMetricAlarm and its kin take 3 calls a second ("CloudWatch service quotas"); the CLI waits and tries again.
    yield 'export AWS_RETRY_MODE="${AWS_RETRY_MODE:-standard}" AWS_MAX_ATTEMPTS="${AWS_MAX_ATTEMPTS:-8}"'
    yield ""
    yield 'account="$(aws sts get-caller-identity --query Account --output text)"'
    yield f'if [ "$account" != {shlex.quote(stage.account)} ]; then'
    yield f'  echo "These credentials belong to account $account; this script is for {stage.account}." >&2'
    yield "  exit 1"
    yield "fi"
    yield 'document="$(mktemp)"'
    yield "trap 'rm -f \"$document\"' EXIT"
    owner = Owner(set_name(definitions), stage.name)
    arn = f"arn:{partition(region)}:cloudwatch:{region}:{stage.account}:alarm:"
    composites = in_order(definitions.composites)
    for operation, alarms in (("put-metric-alarm", definitions.alarms), ("put-composite-alarm", composites)):
        for alarm in alarms:
            tags = tagged(alarm.request, owner)
            call = ("aws", "cloudwatch", operation, "--cli-input-json")
            yield ""
            yield from _with_document(call, {**alarm.request, "Tags": tags})
            yield from _tag(arn + alarm.name, tags)
    for dashboard in definitions.dashboards:
        yield ""
        put = ("aws", "cloudwatch", "put-dashboard", "--dashboard-name", dashboard.name, "--dashboard-body")
        yield from _with_document(put, dashboard.body)
        yield from _tag(
            f"arn:{partition(region)}:cloudwatch::{stage.account}:dashboard/{dashboard.name}", tagged({}, owner)
        )


def _tag(arn: str, tags: list[dict[str, str]]) -> Iterator[str]:
    """Of what is there already Put ignores the Tags, and older clients of PutDashboard know none."""
    call = ("aws", "cloudwatch", "tag-resource", "--cli-input-json")
    yield from _with_document(call, {"ResourceARN": arn, "Tags": tags})


def _with_document(call: Iterable[str], document: Mapping[str, Any]) -> Iterator[str]:
    # As ASCII: what a shell and the CLI take for the encoding of their input depends on the locale.
    yield f"cat >\"$document\" <<'{MARK}'"
    yield json.dumps(document, indent=2)
    yield MARK
    yield f'{shlex.join(call)} "file://$document"'
