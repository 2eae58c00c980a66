"""Figures of a run: medians of turns, ratios to bare, and the verdicts on the targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import median
from typing import Any

from rich.table import Table

Turns = list[dict[str, float]]


@dataclass(frozen=True)
class Verdict:
    """A figure beside the target it must not exceed and the aim it should reach."""

    name: str
    value: float | None
    target: float
    aim: float | None

    @property
    def met(self) -> bool:
        return self.value is not None and self.value <= self.target

    def __str__(self) -> str:
        wanted = f"≤ {self.target:g}" + (f", aim {self.aim:g}" if self.aim is not None else "")
        if self.value is None:
            return f"[yellow]{self.name:<58} not measured ({wanted})[/]"
        colour, word = ("green", "ok") if self.met else ("red", "missed")
        return f"[{colour}]{self.name:<58} {self.value:5.2f}  {word} ({wanted})[/]"


@dataclass(frozen=True)
class Figures:
    """One variant: CPU microseconds a request and latencies in microseconds.

    ``whole`` is the CPU of the process from the end of the first round to the end of the last, pauses included, over
    the requests between: exporters that work while others have their turn are in it.
    """

    thread: float
    process: float
    whole: float
    p50: float
    p99: float

    @classmethod
    def of(cls, turns: Turns, requests: int) -> Figures:
        """Of the turns of one variant, of so many requests each."""
        whole = (turns[-1]["cpu"] - turns[0]["cpu"]) / (requests * (len(turns) - 1)) * 1e6
        middle = {name: median(turn[name] for turn in turns[1:]) for name in ("thread", "process", "p50", "p99")}
        return cls(whole=whole, **middle)

    @classmethod
    def middle(cls, launches: Sequence[Figures]) -> Figures:
        """The medians of several launches."""
        return cls(**{one.name: median(getattr(figures, one.name) for figures in launches) for one in fields(cls)})


BY_RULES = "ours, X-Ray's default sampling"
JUDGED = frozenset({"bare", "stock", "ours", BY_RULES})
"""The variants that the targets speak of."""


def verdicts(figures: dict[str, Figures]) -> list[Verdict]:
    """The targets of the telemetry, judged by one run."""
    bare, stock = figures["bare"], figures.get("stock")
    ours, sampled = figures.get("ours"), figures.get(BY_RULES)
    overhead = (ours.whole - bare.whole) / (stock.whole - bare.whole) if ours and stock else None
    by_rules = sampled.whole / bare.whole if sampled else None
    return [
        Verdict("overhead, share of stock's (whole process)", overhead, 0.20, 0.12),
        Verdict("request thread, times bare", ours.thread / bare.thread if ours else None, 1.5, 1.3),
        Verdict("p99, times bare", ours.p99 / bare.p99 if ours else None, 1.5, None),
        Verdict("default sampling, whole process, times bare", by_rules, 1.7, 1.4),
    ]


def beside(launches: Sequence[dict[str, Figures]]) -> dict[str, dict[str, Figures]]:
    """For each variant, the figures of all in those launches that it was part of."""
    names = launches[0]

    def figures(name: str) -> dict[str, Figures]:
        there = [one for one in launches if name in one]
        return {other: Figures.middle([one[other] for one in there if other in one]) for other in names}

    return {name: figures(name) for name in names}


def table(told: dict[str, dict[str, Figures]], arrived: dict[str, dict[str, float]]) -> Table:
    """A line a variant; ratios to what ran beside it."""
    made = Table(title="What a request costs: CPU µs, medians of one run's interleaved turns; in brackets times bare")
    for name in ("", "request thread", "whole process", "of stock's overhead", "p50 µs", "p99 µs", "arrived"):
        made.add_column(name, justify="right" if name else "left")
    for name, here in told.items():
        one, bare, stock = here[name], here["bare"], here.get("stock")
        share = (one.whole - bare.whole) / (stock.whole - bare.whole) if stock and name != "bare" else None
        came = ", ".join(f"{part} {value:.1%}" for part, value in arrived.get(name, {}).items())
        made.add_row(
            name,
            _cell(one.thread, bare.thread),
            _cell(one.whole, bare.whole),
            f"{share:.2f}" if share is not None else "–",
            _cell(one.p50, bare.p50),
            _cell(one.p99, bare.p99),
            came or "–",
        )
    return made


def as_json(
    figures: dict[str, Figures], arrived: dict[str, dict[str, float]], failed: dict[str, str], judged: list[Verdict]
) -> dict[str, Any]:
    """The same for programs."""
    rows = {name: {**vars(one), "arrived": arrived.get(name)} for name, one in figures.items()}
    told = [{"name": v.name, "value": v.value, "target": v.target, "aim": v.aim, "met": v.met} for v in judged]
    return {"rows": rows, "not_measured": failed, "verdicts": told}


def _cell(value: float, bare: float) -> str:
    return f"{value:,.0f} ({value / bare:.2f}×)"
