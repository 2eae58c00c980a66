"""The template, filled: Markdown from the facts, and the page from the Markdown.

What comes from telemetry or from people is escaped as it goes into the template (``finalize``), so that an alarm's
name can be no heading and a note no tag. The page is made from the Markdown as it stands on the disk, with what people
wrote into it; raw HTML in there stays text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from kit.gameday.postmortem import words
from kit.gameday.postmortem.facts import Facts
from kit.gameday.postmortem.impact import Budget
from kit.gameday.postmortem.model import Change, Missing
from kit.gameday.postmortem.pictures import Chart, Marked
from kit.gameday.postmortem.words import Ready

_TEMPLATES = PackageLoader("kit.gameday.postmortem")
_SCHEMES = {"http", "https", "mailto", ""}
# The colours of a printed chart, as the page's own: so they follow light and dark.
_COLORS = {
    "#1b2430": "--ink",
    "#5d6978": "--muted",
    "#e6e9ee": "--grid",
    "#c3cad3": "--axis",
    "#2563c9": "--s1",
    "#d98200": "--s2",
    "#0a8f72": "--s3",
    "#672060": "--s4",
    "#c8202f": "--alarm",
    "#ffffff": "--bg",
}


def markdown(facts: Facts, charts: Sequence[Chart] | Missing, marks: Sequence[Marked]) -> str:
    """postmortem.md as the template makes it."""
    environment = Environment(
        loader=_TEMPLATES,
        autoescape=False,  # noqa: S701 - this is Markdown: ``finalize`` escapes, HTML's rules would not do
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["missing"] = lambda value: isinstance(value, Missing)
    environment.filters["ready"] = Ready
    shown = [] if isinstance(charts, Missing) else charts
    fired = _fired(facts.changes)
    promises = facts.promises
    periods = [0, 0] if isinstance(promises, Missing) else [each.period_s for each in promises[0].budgets]
    text = environment.get_template("postmortem.md.j2").render(
        facts=facts,
        promises=promises,
        longest_period=periods[0],
        practice_period=periods[1],
        agreement=facts.agreement,
        absent=facts.absent,
        moments=facts.moments,
        durations=facts.durations(),
        movers=facts.movers,
        changes=facts.changes,
        fired=[each for each in fired if each["severity"]],
        silent=len({each["alarm"] for each in fired if not each["severity"]}),
        expected=facts.expected,
        incidents=facts.incidents,
        stories=facts.stories,
        example=facts.example,
        scenario=facts.scenario,
        charts=[
            {"title": c.title, "file": Ready(f"charts/{c.name}.svg"), "alt": f"{c.title} over time"} for c in shown
        ],
        no_charts=charts if isinstance(charts, Missing) else Missing("no series has data"),
        marks=marks,
        summary=summary(facts),
        trace_alt="The trace as a waterfall",
        left=_left,
        signal=_signal,
        clock=words.clock,
        day=words.day,
        length=words.length,
        percent=words.percent,
        took=words.took,
        count=words.count,
        number=words.number,
    )
    return _without_gaps(text)


def summary(facts: Facts) -> str:
    """The sentences that can be said without knowing why."""
    told = []
    if isinstance(facts.promises, Missing):
        told.append(f"Who was hurt is {facts.promises}.")
    else:
        worst = max(facts.promises, key=lambda each: each.hurt.bad / each.objective.budget if each.hurt.total else 0)
        o, h = worst.objective, worst.hurt
        told.append(
            f"{words.count(h.bad)} of {words.count(h.total)} {o.events} {o.failed} ({words.percent(h.share)}; "
            f"{words.percent(o.budget)} may)."
        )
    if not isinstance(facts.absent, Missing) and facts.absent.number >= 1:
        told.append(f"About {words.count(facts.absent.number)} more never reached the service, which is an estimate.")
    took = facts.durations()
    if not isinstance(took["detect"], Missing):
        told.append(f"It was detected after {words.length(took['detect'])}.")
    elif not isinstance(facts.moments.began, Missing):
        told.append(f"When it was detected is {took['detect']}.")
    if not isinstance(took["mitigate"], Missing):
        told.append(f"Customers felt it for {words.length(took['mitigate'])}.")
    return " ".join(told)


def page(text: str, title: str, pictures: Mapping[str, str]) -> str:
    """postmortem.html from the Markdown ``text``. ``pictures`` are SVGs by their file name in it, put in its place."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.validateLink = _harmless  # type: ignore[method-assign]  # the library's documented way to restrict links

    def image(tokens: Any, index: int, _options: Any, _env: Any) -> str:
        token = tokens[index]
        svg = pictures.get(str(token.attrGet("src")))
        return f'<span class="picture">{_themed(svg)}</span>' if svg is not None else escape(token.content)

    parser.renderer.rules["image"] = image  # type: ignore[attr-defined]  # how the library lets one render otherwise
    tokens = parser.parse(text)
    for token in tokens:
        if "right" in str(token.attrs.pop("style", "")):
            token.attrs["class"] = "right"
    body = Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - the renderer has escaped it
    environment = Environment(loader=_TEMPLATES, autoescape=True, undefined=StrictUndefined)
    return environment.get_template("page.html.j2").render(title=title, body=body)


def _finalize(value: object) -> object:
    return Ready(words.escaped(value))


def _left(budget: Budget) -> str:
    """What is left, and since when that is known."""
    if isinstance(budget.left, Missing):
        return str(budget.left)
    known = f" (data of {words.length(budget.covered_s)})" if budget.covered_s < 0.95 * budget.period_s else ""
    return words.percent(budget.left) + known


def _signal(signal: Mapping[str, Any]) -> str:
    rest = [str(value) for key, value in signal.items() if key != "metric"]
    return f"{signal.get('metric', '')} of {', '.join(rest)}" if rest else str(signal.get("metric", ""))


def _fired(changes: Sequence[Change] | Missing) -> list[dict[str, Any]]:
    """Each time an alarm went to ALARM, and when it came back."""
    known = () if isinstance(changes, Missing) else changes
    found = []
    for number, change in enumerate(known):
        if change.after != "ALARM":
            continue
        later = [each.at for each in known[number + 1 :] if each.alarm == change.alarm]
        back = later[0] if later else None
        found.append({"alarm": change.alarm, "severity": change.severity, "at": change.at, "back": back})
    return found


def _without_gaps(text: str) -> str:
    """At most one empty line at a time."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() or (lines and lines[-1].strip()):
            lines.append(line.rstrip())
    return "\n".join(lines).rstrip() + "\n"


def _themed(svg: str) -> str:
    for color, name in _COLORS.items():
        svg = svg.replace(f'"{color}"', f'"var({name})"')
    return svg


def _harmless(url: str) -> bool:
    try:
        return urlsplit(url.strip()).scheme.casefold() in _SCHEMES
    except ValueError:
        return False
