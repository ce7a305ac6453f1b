"""Text on marks can be read in a light page and in a dark one, and every colour that turns has a dark value."""

from __future__ import annotations

import re

import pytest

from regviz.plot.palette import CSS, EXCLUSIVE, GROUND, INK, ON_SHARED, RULE, SHARED
from tests.conftest import ROOT

_PAGE = (ROOT / "regviz" / "report" / "static" / "page.css").read_text(encoding="utf-8")
_DARK_BLOCK = _PAGE.partition("prefers-color-scheme: dark) {")[2].partition("\n}")[0]
DARK = dict(re.findall(r"--rv-([a-z0-9-]+): (#[0-9a-f]{3,6});", _DARK_BLOCK))


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    said = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in said)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def in_the_dark(colour: str) -> str:
    """What a dark page makes of a colour."""
    if CSS[colour] == "currentColor":
        return DARK["ink"]
    found = re.fullmatch(r"var\(--rv-([a-z0-9-]+),#[0-9a-f]{6}\)", CSS[colour])
    assert found, colour
    return DARK[found[1]]


def test_the_formula_gives_the_published_ends() -> None:
    assert contrast("#000000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the well-known grey that just fails


@pytest.mark.parametrize(("text", "mark"), [(GROUND, EXCLUSIVE), (ON_SHARED, SHARED)])
def test_text_on_cells_contrasts(text: str, mark: str) -> None:
    assert contrast(text, mark) >= 4.5
    assert contrast(in_the_dark(text), in_the_dark(mark)) >= 4.5


def test_text_on_cells_contrasts_in_a_dark_page_without_our_colours() -> None:
    fallbacks = {colour: CSS[colour] for colour in (GROUND, EXCLUSIVE, ON_SHARED, SHARED)}
    assert all(said.endswith(f",{colour})") for colour, said in fallbacks.items())  # both or none of a pair turn


def test_text_on_what_is_not_there_contrasts() -> None:
    assert contrast(INK, RULE) >= 4.5
    paper, ink = (DARK[name] for name in ("paper", "ink"))
    parts = [(int(paper[at : at + 2], 16), int(ink[at : at + 2], 16)) for at in (1, 3, 5)]
    thinned = "#" + "".join(f"{round(ground * 0.8 + shade * 0.2):02x}" for ground, shade in parts)
    assert contrast(ink, thinned) >= 4.5


@pytest.mark.parametrize("colour", CSS)
def test_every_colour_that_turns_has_a_dark_value(colour: str) -> None:
    assert luminance(in_the_dark(colour)) >= 0
