"""From facts to the folder."""

from __future__ import annotations

from pathlib import Path

from kit.errors import KitError
from kit.gameday.postmortem.charts import charts, marks
from kit.gameday.postmortem.document import markdown
from kit.gameday.postmortem.facts import Facts, as_json
from kit.gameday.postmortem.folder import Written, write
from kit.gameday.postmortem.model import Missing
from kit.gameday.postmortem.pictures import Chart, drawing
from kit.gameday.postmortem.svg import drawn
from kit.gameday.postmortem.waterfall import bars, picture


def make(facts: Facts, folder: Path, *, force: bool = False) -> Written:
    """Draw, fill the template and write. Raises KitError when the folder cannot be written."""
    marked = marks(facts)
    planned = charts(facts)
    shown: list[Chart] | Missing = planned
    pictures: dict[str, str] = {}
    try:
        svgs = drawn([drawing(chart, facts.window, marked) for chart in planned])
        pictures |= {f"charts/{chart.name}.svg": svg for chart, svg in zip(planned, svgs, strict=True)}
    except KitError as error:
        shown = Missing(f"they {error.problem}")
    if not isinstance(facts.example, Missing):
        pictures["trace.svg"] = picture(bars(facts.example.documents))
    text = markdown(facts, shown, marked)
    return write(folder, text, facts.title, as_json(facts), pictures, force=force)
