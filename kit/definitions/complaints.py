"""What is wrong with a definition, said so that a person can mend it, and all of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kit.errors import KitError


@dataclass(frozen=True, slots=True, order=True)
class Complaint:
    """One thing wrong. ``file`` is relative to the project; ``pointer`` is a JSON pointer (RFC 6901), '' the whole."""

    file: str
    pointer: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.file}#{self.pointer}" if self.pointer else self.file
        return str(KitError(place, self.problem, self.remedy))


class DefinitionsError(KitError):
    """Every complaint about a set of files, a line each. Raised before anything is done with any of them."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(sorted(complaints))
        first = self.complaints[0]
        super().__init__(first.file, first.problem, first.remedy)

    def __str__(self) -> str:
        lines = [str(complaint) for complaint in self.complaints]
        if len(lines) == 1:
            return lines[0]
        return "\n  ".join([f"{len(lines)} complaints about the definitions:", *lines])
