"""`.kit-check.yaml`: what a team has looked at and lets stand, each with its reason.

    allow:
      - rule: alarm/one-failure
        files: alarms/refund-lost.json
        why: One lost refund is one too many.

``files`` is a glob as findings name the files, `*` all. What AWS would refuse can't be allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from kit.definitions.checks.findings import Finding
from kit.definitions.checks.registry import all_rules, found_while_reading
from kit.errors import KitError

NAME = ".kit-check.yaml"
KEYS = ("rule", "files", "why")
UNUSED = "config/unused-allowance"

found_while_reading(
    UNUSED,
    "note",
    finds=f"an entry of {NAME} that allows nothing any more",
    why="left behind, it will one day hide something new",
)


@dataclass(frozen=True, slots=True)
class Allowance:
    """One entry: findings of ``rule`` in ``files`` stand, because of ``why``."""

    rule: str
    files: str
    why: str

    def covers(self, finding: Finding) -> bool:
        return finding.rule == self.rule and fnmatchcase(finding.file, self.files)


def read_allowances(root: Path) -> tuple[Allowance, ...]:
    """The entries of ``root``/.kit-check.yaml; none if there is no such file. Raises KitError for a bad one."""
    path = root / NAME
    if not path.is_file():
        return ()
    try:
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, OSError, ValueError) as error:
        raise KitError(str(path), f"cannot be read: {error}", "Mend the YAML.") from error
    if not isinstance(value, dict) or set(value) != {"allow"} or not isinstance(value["allow"], list):
        raise KitError(str(path), "holds something else than a list under allow:", f"Give each {', '.join(KEYS)}.")
    return tuple(_allowance(entry, f"{path}#/allow/{index}") for index, entry in enumerate(value["allow"]))


def _allowance(entry: Any, where: str) -> Allowance:
    if (
        not isinstance(entry, dict)
        or set(entry) != set(KEYS)
        or not all(isinstance(entry[key], str) and entry[key].strip() for key in KEYS)
    ):
        raise KitError(where, "is not an object of three texts", f"Give {', '.join(KEYS)}.")
    rule = all_rules().get(entry["rule"])
    if rule is None:
        raise KitError(where, f"there is no rule {entry['rule']}", "docs/kit-check.md lists them.")
    if rule.of == "file":
        raise KitError(where, f"{rule.id} cannot be allowed", "Mend the file, or leave it out of what is checked.")
    return Allowance(**entry)


def without_allowed(findings: Iterable[Finding], allowances: Sequence[Allowance]) -> Iterator[Finding]:
    """The findings that nobody has allowed."""
    return (finding for finding in findings if not any(one.covers(finding) for one in allowances))


def unused(findings: Iterable[Finding], allowances: Sequence[Allowance], files: Iterable[str]) -> Iterator[Finding]:
    """A note for each allowance that covers none of the findings, though its files were looked at."""
    found, looked_at = tuple(findings), tuple(files)
    for index, one in enumerate(allowances):
        asked = any(fnmatchcase(file, one.files) for file in looked_at)
        if asked and not any(one.covers(finding) for finding in found):
            problem = f"allows {one.rule} in {one.files}, where it is not found"
            yield Finding(NAME, f"/allow/{index}", UNUSED, "note", problem, "Remove the entry.")
