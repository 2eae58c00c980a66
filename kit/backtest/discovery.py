"""Which files hold cases, and all of them read before the first is run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from kit.definitions.cases import Case, CaseFile
from kit.definitions.cases_alarms import AlarmReader
from kit.definitions.cases_reading import read_cases
from kit.definitions.cases_yaml import Document, read_yaml
from kit.definitions.complaints import Complaint, DefinitionsError
from kit.errors import KitError

SUFFIXES = (".yaml", ".yml")
_NOT_OURS = ("node_modules", "__pycache__", "venv")


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files of cases under these paths: a file that is named, and in a folder every YAML file that has cases.

    Raises KitError for a path that isn't there, and when there is nothing to run.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(file for file in _yaml_files(path) if _has_cases(file))
        elif path.exists():
            found[path] = None
        else:
            raise KitError(str(path), "no such file or folder", "Name files of cases, or folders that hold them.")
    if not found:
        where = ", ".join(map(str, paths))
        raise KitError(where, "no file of cases there", "docs/kit-test.md shows how to write one.")
    return list(found)


def _yaml_files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _NOT_OURS)
        yield from (Path(parent, name) for name in sorted(names) if name.endswith(SUFFIXES))


def _has_cases(path: Path) -> bool:
    """Whether it is ours to read: a folder may hold other YAML. What can't be read but looks ours is, to be told."""
    document = read_yaml(path, str(path))
    if isinstance(document, Document):
        return isinstance(document.value, dict) and bool(document.value.keys() & {"alarms", "cases"})
    try:
        return (
            re.search(r"^(alarms|cases):", path.read_text(encoding="utf-8", errors="replace"), re.MULTILINE) is not None
        )
    except OSError:
        return False


def read_all(files: Sequence[Path], reader: AlarmReader) -> list[CaseFile]:
    """Every file of cases. Raises DefinitionsError with the complaints about all of them."""
    read: list[CaseFile] = []
    complaints: dict[Complaint, None] = {}
    for path in files:
        found = read_cases(path.absolute(), reader)
        if isinstance(found, CaseFile):
            read.append(found)
        else:
            complaints |= dict.fromkeys(found)
    if complaints:
        raise DefinitionsError(complaints)
    return read


def chosen(files: Sequence[CaseFile], text: str | None) -> list[tuple[CaseFile, Case]]:
    """The cases whose file or name holds ``text``, whatever its capitals. Raises KitError when none does."""
    found = [
        (file, case)
        for file in files
        for case in file.cases
        if text is None or text.lower() in f"{file.file}: {case.name}".lower()
    ]
    if not found:
        raise KitError("-k", f"no case's file or name holds {text!r}", "Leave it out to see all cases.")
    return found
