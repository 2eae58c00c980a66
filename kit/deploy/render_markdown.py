"""A plan as Markdown, for the comment of a pull request. Names and values come from files and from the account, so
nothing in them may be read as Markdown or HTML, or notify a person by ``@``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kit.deploy.plan import Change, needed
from kit.deploy.render import PAST, SIGNS, WORDS, shown, summary

LONGEST = 60_000
"""Characters: GitHub refuses a comment of 65,536."""


def plan_markdown(changes: Sequence[Change], title: str, notes: Sequence[str] = ()) -> str:
    """A heading, what is to be done, and a table of it with the fields below; cut to what a comment takes."""
    lines = [f"### {_escaped(title)}", "", f"{_escaped(summary(changes)).capitalize()}."]
    lines += [f"- {_escaped(note)}" for note in notes]
    todo = needed(tuple(changes))
    if todo:
        lines += ["", "| | kind | name | what |", "|---|---|---|---|"]
    lines += [_row(change) for change in todo]
    for change in todo:
        lines += _fields(change)
    text = "\n".join(lines) + "\n"
    if len(text) <= LONGEST:
        return text
    return text[: text.rindex("\n", 0, LONGEST)] + "\n\n… and more: `kit plan` shows all of it.\n"


def _row(change: Change) -> str:
    what = WORDS[change.action]
    if change.obstacle is not None:
        what = f"**cannot be {PAST[change.action]}**: {_escaped(change.obstacle.problem)}"
    elif change.differences:
        what += f", {len(change.differences)} field{'s' if len(change.differences) > 1 else ''}"
    return f"| {_escaped(SIGNS[change.action])} | {change.kind} | {_code(change.name)} | {what} |"


def _fields(change: Change) -> Iterator[str]:
    if not change.differences:
        return
    yield from ("", f"**{_escaped(change.name)}**", "", "| field | live | wanted |", "|---|---|---|")
    for one in change.differences:
        yield f"| {_code(one.path)} | {_code(shown(one.live))} | {_code(shown(one.wanted))} |"


def _code(text: str) -> str:
    return f"<code>{_escaped(text)}</code>"


def _escaped(text: str) -> str:
    """Letters, digits and harmless signs as they are; line breaks as a space; all else as a character reference."""
    return "".join(
        one if one.isalnum() or one in " ,;/()%" else " " if one.isspace() else f"&#{ord(one)};" for one in text
    )
