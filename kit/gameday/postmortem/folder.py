"""The folder of a write-up: postmortem.md, postmortem.html, facts.json, charts.

postmortem.md belongs to people from the moment it is there. Made again, it is replaced only while it is word for word
what was made before; else what would be new goes beside it, into postmortem.new.md, and ``force`` keeps the people's
version as postmortem.before.md. The page is always made from the postmortem.md that stands there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from kit.errors import KitError
from kit.gameday.postmortem.document import page

TEXT, PAGE, FACTS, NEW, BEFORE = (
    "postmortem.md",
    "postmortem.html",
    "facts.json",
    "postmortem.new.md",
    "postmortem.before.md",
)


@dataclass(frozen=True, slots=True)
class Written:
    """``kept`` says that people's text stayed; ``beside`` is where the new one is then."""

    folder: Path
    kept: bool
    beside: Path | None


def write(
    folder: Path, text: str, title: str, facts: Any, pictures: Mapping[str, str], *, force: bool = False
) -> Written:
    """Write all of it. Raises KitError when the folder cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write(folder, text, title, facts, pictures, force=force)
    except (OSError, UnicodeDecodeError) as error:
        raise KitError(str(folder), f"cannot be written: {error}", "Choose another folder with --out.") from error


def _write(folder: Path, text: str, title: str, facts: Any, pictures: Mapping[str, str], *, force: bool) -> Written:
    for name, svg in pictures.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        _put(path, svg)
    mine = _edited(folder) and (folder / TEXT).read_text(encoding="utf-8") != text
    beside = None
    if mine and force:
        (folder / TEXT).replace(folder / BEFORE)
    if mine and not force:
        beside = folder / NEW
        _put(beside, text)
    else:
        _put(folder / TEXT, text)
        (folder / NEW).unlink(missing_ok=True)
    made = _digest(text) if beside is None else _made(folder)
    _put(folder / FACTS, json.dumps({**facts, "made": {TEXT: made}}, indent=2, ensure_ascii=False) + "\n")
    _put(folder / PAGE, page((folder / TEXT).read_text(encoding="utf-8"), title, pictures))
    return Written(folder, mine and not force, beside)


def _edited(folder: Path) -> bool:
    path = folder / TEXT
    return path.exists() and _digest(path.read_text(encoding="utf-8")) != _made(folder)


def _made(folder: Path) -> str | None:
    """The digest of the text as it was made last."""
    try:
        made = json.loads((folder / FACTS).read_text(encoding="utf-8"))["made"][TEXT]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return made if isinstance(made, str) else None


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _put(path: Path, text: str) -> None:
    """Whole or not at all."""
    half = path.with_name(f".{path.name}.half")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
