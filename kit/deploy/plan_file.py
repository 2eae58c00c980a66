"""A plan on paper: read by a person, applied later only if nothing has moved meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kit.deploy.canonical import digest
from kit.deploy.live import Live, tags_of
from kit.deploy.normalise import comparable_alarm, comparable_composite
from kit.deploy.plan import Change
from kit.deploy.render import change_json
from kit.deploy.stage import Prepared
from kit.errors import KitError

KIND = "kit plan"
VERSION = 1


def document(prepared: Prepared) -> dict[str, Any]:
    """The plan as JSON takes it: where it belongs, digests of both sides, and each change."""
    account = prepared.account
    return {
        "kind": KIND,
        "version": VERSION,
        "stage": account.settings.stage.name,
        "account": account.settings.stage.account,
        "region": account.settings.region,
        "set": account.owner.set,
        "adopted": sorted(account.owner.adopted),
        "desired": desired_digest(prepared.changes),
        "live": live_digest(prepared.changes, prepared.live),
        "topics": list(prepared.topics),
        "changes": [change_json(change) for change in prepared.changes],
    }


def desired_digest(changes: Sequence[Change]) -> str:
    """A digest of everything that the changes would put, tags included."""
    return digest([[one.kind, one.name, one.action == "delete", one.wanted, one.tags] for one in changes])


def live_digest(changes: Sequence[Change], live: Live) -> str:
    """A digest of what stands where the changes would write, states and times apart."""
    return digest([[one.kind, one.name, _standing(one.name, live)] for one in changes])


def read_plan_file(path: Path) -> Mapping[str, Any]:
    """The document in ``path``. KitError when it is no plan file of this version."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KitError(str(path), f"cannot be read: {error.strerror}", "Make it with: kit plan --out FILE") from error
    except ValueError as error:
        raise KitError(str(path), "is not a plan file", "Make it with: kit plan --out FILE") from error
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise KitError(str(path), "is not a plan file", "Make it with: kit plan --out FILE")
    if found.get("version") != VERSION:
        raise KitError(str(path), f"is of version {found.get('version')!r}, not {VERSION}", "Plan again.")
    return found


def adopted(found: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """The names that the plan adopts."""
    names = found.get("adopted", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise KitError(str(path), "adopted: must be a list of names", "Plan again.")
    return tuple(names)


def require_match(found: Mapping[str, Any], path: Path, prepared: Prepared) -> None:
    """Refuse a plan that was made for elsewhere, or before something changed."""
    now = document(prepared)
    for key in ("stage", "account", "region", "set"):
        if found.get(key) != now[key]:
            raise KitError(str(path), f"was made for the {key} {found.get(key)}, not {now[key]}", "Plan again.")
    for key, what in (("desired", "the files have"), ("live", "the live alarms or dashboards have")):
        if found.get(key) != now[key]:
            raise KitError(str(path), f"{what} changed since it was made: nothing was written", "Plan again.")
    if found.get("topics") != now["topics"]:
        raise KitError(str(path), "the topics have changed since it was made: nothing was written", "Plan again.")


def _standing(name: str, live: Live) -> Any:
    board = live.dashboards.get(name)
    return [
        [comparable_alarm(live.alarms[name]), tags_of(live.alarms[name])] if name in live.alarms else None,
        [comparable_composite(live.composites[name]), tags_of(live.composites[name])]
        if name in live.composites
        else None,
        [board.body, tags_of(board)] if board else None,
    ]
