"""Colours. Red is for ALARM alone; the eight series colours stay apart under the common colour-vision deficiencies."""

from __future__ import annotations

from dataclasses import dataclass

FONT = 'Inter, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours as CSS takes them; in ``own_colors``, ``{0}`` is a colour that stands in a dashboard."""

    ink: str
    muted: str
    grid: str
    axis: str
    surface: str
    alarm: str
    quiet: str
    series: tuple[str, ...]
    own_colors: str = "{0}"

    def own(self, color: str) -> str:
        """A colour that a dashboard's author chose, fit for this theme's background."""
        return self.own_colors.format(color)


SCREEN = Theme(
    ink="var(--ink)",
    muted="var(--muted)",
    grid="var(--grid)",
    axis="var(--axis)",
    surface="var(--surface)",
    alarm="var(--alarm)",
    quiet="var(--quiet)",
    series=tuple(f"var(--s{n})" for n in range(1, 9)),
    # Authors choose colours on white; on a dark page a dark one is lifted to be seen, in its own hue.
    own_colors="light-dark({0}, oklch(from {0} max(l, 0.66) c h))",
)
"""The page's own variables, so that light and dark need no second drawing."""

PRINT = Theme(
    ink="#1b2430",
    muted="#5d6978",
    grid="#e6e9ee",
    axis="#c3cad3",
    surface="#ffffff",
    alarm="#c8202f",
    quiet="#e3e7ec",
    series=("#2563c9", "#d98200", "#0a8f72", "#672060", "#d093c7", "#1d1091", "#8caa66", "#14501e"),
)
"""For pictures: the light colours of the page."""
