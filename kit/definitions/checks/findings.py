"""What `kit check` found, as data."""

from __future__ import annotations

from dataclasses import dataclass

from kit.definitions.checks.registry import Severity
from kit.definitions.complaints import Complaint


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing found. ``pointer`` is a JSON pointer (RFC 6901) into ``file``, '' the whole; ``rule`` a rule's id."""

    file: str
    pointer: str
    rule: str
    severity: Severity
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        said = Complaint(self.file, self.pointer, self.problem, self.remedy)
        return f"{self.severity}: {said} [{self.rule}]"
