"""The colours of series, seen with other eyes."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest

from kit.charts.theme import PRINT, SCREEN

CSS = (Path(__file__).parents[2] / "kit" / "console" / "static" / "page.css").read_text(encoding="utf-8")
LIGHT, DARK = (re.findall(r"--s\d: (#\w{6});", line) for line in CSS.splitlines() if "--s1:" in line)

# Full deficiencies in linear RGB, after Machado, Oliveira and Fernandes (2009).
EYES = {
    "usual": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
APART = 15.0
"""CIE76 distance; about 2 is the least that can be told side by side."""


def linear(color: str) -> list[float]:
    shares = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]


def lab(color: str, eyes: str) -> tuple[float, float, float]:
    rgb = linear(color)
    r, g, b = (min(max(sum(m * c for m, c in zip(row, rgb, strict=True)), 0), 1) for row in EYES[eyes])
    xyz = (
        0.4124 * r + 0.3576 * g + 0.1805 * b,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        0.0193 * r + 0.1192 * g + 0.9505 * b,
    )
    x, y, z = (
        t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116
        for t in (part / white for part, white in zip(xyz, (0.95047, 1.0, 1.08883), strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_series_can_be_told_apart(colors: list[str], eyes: str) -> None:
    assert len(colors) == len(SCREEN.series) == 8
    nearest = min(math.dist(lab(a, eyes), lab(b, eyes)) for a, b in itertools.combinations(colors, 2))
    assert nearest >= APART


@pytest.mark.parametrize(("colors", "surface"), [(LIGHT, "#ffffff"), (DARK, "#161b22")], ids=["light", "dark"])
def test_series_stand_out_from_their_card(colors: list[str], surface: str) -> None:
    def brightness(color: str) -> float:
        return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear(color), strict=True))

    for color in colors:
        dark, bright = sorted((brightness(color), brightness(surface)))
        assert (bright + 0.05) / (dark + 0.05) >= 2.4, color


def test_no_series_is_red() -> None:
    for color in (*LIGHT, *DARK):
        red, green, blue = linear(color)
        assert not (red > 0.4 and green < 0.1 and blue < 0.1), color


def test_pictures_have_the_light_colours_of_the_page() -> None:
    assert list(PRINT.series) == LIGHT
