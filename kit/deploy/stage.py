"""One stage brought to what the files say: all is read, planned and allowed first, then written, then read back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from kit import aws
from kit.definitions import Definitions, wanted
from kit.definitions.practice import PREFIX
from kit.deploy.apply import Done, apply, calls_of
from kit.deploy.calls import CALLS_A_SECOND, Caller, Pace
from kit.deploy.guards import require_no_obstacle, require_own_region
from kit.deploy.live import Live, Wanted, read_live
from kit.deploy.ownership import Owner, set_name
from kit.deploy.permissions import missing_permissions, missing_topic_permissions
from kit.deploy.plan import Change, needed, plan
from kit.deploy.render import difference_line
from kit.deploy.topics import by_region, create_topic, missing_topics
from kit.errors import KitError
from kit.settings import Settings

PATIENCE_S = 90.0
"""How long one call is tried again while AWS throttles; the client's own tries are off."""

LOCAL_PATIENCE_S = 10.0
"""The embedded AWS throttles nobody; it may be starting again."""

READ_BACK_AFTER_S = (0.0, 1.0, 3.0)
"""CloudWatch may show what was written a moment later ("eventually consistent"); then it is a finding."""


@dataclass(frozen=True, slots=True)
class Account:
    """A stage's CloudWatch, reached: the client, how it is called, and whose things are ours there."""

    settings: Settings
    definitions: Definitions
    owner: Owner
    cloudwatch: Any
    call: Caller

    def read(self, also: Iterable[str] = ()) -> Live:
        """What is live now, under any of the names ``also`` too. KitError when AWS refuses or doesn't answer."""
        boards = {board.name for board in self.definitions.dashboards}
        prefixes = (f"{PREFIX}{self.owner.set}-" if self.practice else f"{self.owner.set}-",)
        more = frozenset(also)
        wanted_names = Wanted(self.definitions.alarm_names | more, more | boards, prefixes)
        with aws.readable_errors(self.settings, "reading the live alarms and dashboards"):
            return read_live(self.cloudwatch, wanted_names, self.call)

    @property
    def practice(self) -> bool:
        """Whether the stage has the set at practice scale."""
        return self.settings.stage.scale == "practice"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What would be written to a stage: the changes in their order, and the topics that it lacks."""

    account: Account
    live: Live
    changes: tuple[Change, ...]
    topics: tuple[str, ...]

    @property
    def paced(self) -> bool:
        """Whether AWS's pace is kept; an address on this machine needs none."""
        return self.account.call.pace.gap > 0

    def seconds_left(self, changes: Iterable[Change]) -> float:
        """How long ``changes`` will take at the pace that holds now."""
        return sum(map(calls_of, changes)) * self.account.call.pace.gap


def reach(settings: Settings, adopted: Iterable[str] = ()) -> Account:
    """Read and check every file, and confirm the account and the Region; nothing else is read yet.

    Raises KitError (DefinitionsError with every complaint about the files).
    """
    require_own_region(settings)
    definitions = wanted(settings.root, settings.stage, settings.region)
    local = settings.stage.local
    owner = Owner(set_name(definitions), settings.stage.name, frozenset(adopted), adopts_all=local)
    if not local:
        aws.confirm_account(settings)
    pace = Pace(None if _on_this_machine(settings.endpoint_url) else CALLS_A_SECOND)
    cloudwatch = aws.client(settings, "cloudwatch", attempts=1)
    return Account(settings, definitions, owner, cloudwatch, Caller(pace, LOCAL_PATIENCE_S if local else PATIENCE_S))


def prepare(settings: Settings, adopted: Iterable[str] = ()) -> Prepared:
    """Reach the stage, read what is live and plan; nothing is written. KitError as ``reach``."""
    account = reach(settings, adopted)
    unknown = account.owner.adopted - _names(account.definitions)
    if unknown:
        raise KitError("--adopt", f"no file defines {', '.join(sorted(unknown))}", "Name an alarm or a dashboard.")
    live = account.read()
    return Prepared(account, live, plan(account.definitions, live, account.owner), _missing_topics(account))


def allow(prepared: Prepared, *, create_topics: bool = False, email: str | None = None) -> None:
    """Refuse, before the first write, what would end halfway: an obstacle, a topic or a permission that is missing."""
    settings = prepared.account.settings
    require_no_obstacle(prepared.changes)
    if settings.stage.local:
        return
    if prepared.topics and not create_topics:
        remedy = "Create it, or let kit do it: kit apply --create-topics"
        raise KitError(f"stages/{settings.stage.name}.yaml", f"the topic {prepared.topics[0]} does not exist", remedy)
    with aws.readable_errors(settings, "asking for permissions"):
        refused = missing_permissions(needed(prepared.changes), prepared.account.cloudwatch, prepared.account.call)
        if email or prepared.topics:
            arn = own_topics(settings)[0]
            sns = sns_client(settings, settings.region)
            creates = bool(prepared.topics)
            refused += missing_topic_permissions(
                sns, arn, prepared.account.call, creates=creates, subscribes=bool(email)
            )
    if refused:
        raise aws.denied(settings, refused)


def create_topics(prepared: Prepared) -> Iterator[str]:
    """Create the topics that the stage lacks, yielding each ARN when it is there."""
    account = prepared.account
    for region, missing in by_region(prepared.topics).items():
        sns = sns_client(account.settings, region)
        for arn in missing:
            with aws.readable_errors(account.settings, f"creating the topic {arn}"):
                create_topic(sns, arn, account.owner, account.call)
            yield arn


def carry_out(prepared: Prepared) -> Iterator[Done]:
    """Write what was prepared, yielding each change when it is done, then read it back field by field.

    Raises KitError at the first that fails; it says how far it came.
    """
    account = prepared.account
    todo = needed(prepared.changes)
    done: list[Change] = []
    for change in prepared.changes:
        try:
            with aws.readable_errors(account.settings, f"applying {change.file or change.name}"):
                yield from apply((change,), account.cloudwatch, account.call)
        except KitError as error:
            raise _halfway(error, todo, len(done)) from error
        done += [change] if change.action != "unchanged" else []
    if todo:
        verify(account)


def verify(account: Account, sleep: Callable[[float], None] = time.sleep) -> None:
    """Read back and plan again. KitError when something still differs from what was written."""
    for wait in READ_BACK_AFTER_S:
        sleep(wait)
        left = needed(plan(account.definitions, account.read(), account.owner))
        if not left:
            return
    first = left[0]
    field = difference_line(first.differences[0]) if first.differences else first.action
    more = f" (and {len(left) - 1} more)" if len(left) > 1 else ""
    raise KitError(
        f"{first.kind} {first.name}",
        f"was written, and reads back otherwise: {field}{more}",
        "Someone else may be writing; see `kit plan`.",
    )


def sns_client(settings: Settings, region: str) -> Any:
    """A client for the topics of a Region, called in the same way."""
    return aws.client(replace(settings, region=region), "sns", attempts=1)


def own_topics(settings: Settings) -> tuple[str, ...]:
    """The topics of the stage that are of its own account; those of another one are never looked at."""
    return tuple(arn for arn in settings.stage.actions.values() if arn.split(":")[4] == settings.stage.account)


def _missing_topics(account: Account) -> tuple[str, ...]:
    missing: list[str] = []
    for region, arns in by_region(own_topics(account.settings)).items():
        with aws.readable_errors(account.settings, "reading the topics"):
            missing += missing_topics(sns_client(account.settings, region), arns, account.call)
    return tuple(missing)


def _halfway(error: KitError, todo: tuple[Change, ...], done: int) -> KitError:
    left = [change.name for change in todo[done:]]
    names = ", ".join(left[:3]) + (", …" if len(left) > 3 else "")
    progress = f"{done} of {len(todo)} changes are done, not yet {names}."
    if not done:
        progress = "Nothing was changed."
    return KitError(error.where, error.problem, f"{error.remedy} {progress} Run it again for the rest.".strip())


def _names(definitions: Definitions) -> frozenset[str]:
    return definitions.alarm_names | {board.name for board in definitions.dashboards}


def _on_this_machine(endpoint_url: str | None) -> bool:
    host = urlsplit(endpoint_url).hostname if endpoint_url else None
    return host in ("localhost", "::1", "127.0.0.1")
