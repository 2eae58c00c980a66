"""The table of faults in docs/faults.md, from the registry: ``python -m service.failures.catalogue`` writes it anew."""

from __future__ import annotations

from pathlib import Path

from service.failures.registry import Dial, Fault, catalogue

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
BEGIN, END = "<!-- faults: generated -->", "<!-- faults: end -->"


def table() -> str:
    """The faults by name, as a Markdown table."""
    head = "| fault | where | what it does | dials | first signal | how to see it |\n|---|---|---|---|---|---|\n"
    return head + "".join(_row(fault) for fault in catalogue().values())


def page(text: str) -> str:
    """The page with its table anew. Raises ValueError when the marks are not there."""
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"{PAGE.name} lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{table()}\n{END}{after}"


def _row(fault: Fault) -> str:
    where = " and ".join(sorted(fault.services))
    if fault.operation:
        where += f", `{fault.operation}`"
    dials = "<br>".join(_dial(name, dial) for name, dial in fault.dials.items()) or "none"
    cells = (f"`{fault.name}`", where, fault.summary, dials, fault.signal, fault.look)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _dial(name: str, dial: Dial) -> str:
    low = "above 0" if name == "percent" else f"{dial.low:g}"
    return f"`{name}` = {dial.default:g} ({low} to {dial.high:g}): {dial.meaning}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
