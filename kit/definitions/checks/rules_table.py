"""``python -m kit.definitions.checks.rules_table`` writes the table of rules into docs/kit-check.md, between its marks.

``--check`` only says whether the table is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from kit.definitions.checks.registry import all_rules

PAGE = Path(__file__).resolve().parents[3] / "docs" / "kit-check.md"
BEGIN, END = "<!-- rules: made by python -m kit.definitions.checks.rules_table -->", "<!-- end of rules -->"


def render() -> str:
    """What stands between the marks."""
    lines = ["| rule | severity | finds | because |", "|---|---|---|---|"]
    for rule in all_rules().values():
        name = f"`{rule.id}`{' ¹' if rule.ours else ''}"
        lines.append(f"| {name} | {rule.severity} | {rule.finds} | {rule.why} |")
    return "\n".join(lines)


def page_with_table(page: str) -> str:
    """The page with the table of now. Raises ValueError if a mark is missing."""
    begin, end = page.index(BEGIN) + len(BEGIN), page.index(END)
    return f"{page[:begin]}\n{render()}\n{page[end:]}"


def main(arguments: Sequence[str]) -> int:
    """Write or check the page; returns the exit code."""
    page = PAGE.read_text(encoding="utf-8")
    wanted = page_with_table(page)
    if list(arguments) == ["--check"]:
        return 0 if page == wanted else 1
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
