"""One stage brought to what the files say: everything is read and planned first, then written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from kit import aws
from kit.definitions import wanted
from kit.deploy.apply import CALLS_A_SECOND, Done, Pace, apply
from kit.deploy.live import read_live
from kit.deploy.plan import Change, plan
from kit.deploy.topics import by_region, create_topic, missing_topics
from kit.settings import Settings


@dataclass(frozen=True, slots=True)
class Prepared:
    """What would be written to a stage: the changes in their order, and the topics that the local stage lacks."""

    changes: tuple[Change, ...]
    topics: tuple[str, ...]
    cloudwatch: Any


def prepare(settings: Settings) -> Prepared:
    """Read and check every file, confirm the account, read what is live and plan; nothing is written.

    Raises KitError (DefinitionsError with every complaint about the files).
    """
    definitions = wanted(settings.root, settings.stage, settings.region)
    if not settings.stage.local:
        aws.confirm_account(settings)
    cloudwatch = aws.client(settings, "cloudwatch")
    with aws.readable_errors(settings, "reading the live alarms and dashboards"):
        changes = plan(definitions, read_live(cloudwatch, definitions))
    return Prepared(changes, _missing_topics(settings), cloudwatch)


def carry_out(settings: Settings, prepared: Prepared) -> Iterator[Done]:
    """Write what was prepared, yielding each change when it is done; KitError at the first that fails."""
    for region, missing in by_region(prepared.topics).items():
        sns = aws.client(replace(settings, region=region), "sns")
        for arn in missing:
            with aws.readable_errors(settings, f"creating the topic {arn}"):
                create_topic(sns, arn)
    pace = Pace(None if _on_this_machine(settings.endpoint_url) else CALLS_A_SECOND)
    for change in prepared.changes:
        with aws.readable_errors(settings, f"applying {change.file}"):
            yield from apply((change,), prepared.cloudwatch, pace)


def _missing_topics(settings: Settings) -> tuple[str, ...]:
    if not settings.stage.local:
        return ()
    missing: list[str] = []
    for region, arns in by_region(settings.stage.actions.values()).items():
        with aws.readable_errors(settings, "reading the topics"):
            missing += missing_topics(aws.client(replace(settings, region=region), "sns"), arns)
    return tuple(missing)


def _on_this_machine(endpoint_url: str | None) -> bool:
    host = urlsplit(endpoint_url).hostname if endpoint_url else None
    return host in ("localhost", "::1", "127.0.0.1")
