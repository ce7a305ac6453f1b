"""Figures as SVG elements: well-formed, stable, closed in themselves, readable with any font and on any ground."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from regviz import plot
from regviz.analysis import layer_sizes, sizes, tag_images
from regviz.graph import layer_graph
from regviz.plot.ancestry import describe_forest
from regviz.plot.canvas import Picture, figure_of
from regviz.plot.labels import text_width
from regviz.plot.svg import to_svg
from regviz.read import read
from tests.conftest import ROOT
from tests.plot.made import STRANGE, many_sizes, random_forest

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

SVG = "{http://www.w3.org/2000/svg}"
DRAWINGS: dict[str, Callable[[], Axes]] = {
    "sizes": lambda: plot.sizes(sizes(world())),
    "forest": lambda: plot.forest(layer_graph(world())),
    "tag_map": lambda: plot.tag_map(tag_images(world())),
    "layer_sizes": lambda: plot.layer_sizes(layer_sizes(world())),
    "strange names": lambda: plot.forest(random_forest(120, list(STRANGE))),
}


def world():  # type: ignore[no-untyped-def]  # noqa: ANN201
    return read(ROOT / "data" / "world-distribution.tar.gz")


def _parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  # our own text


def svg_of(axes: Axes) -> str:
    return to_svg(figure_of(axes), title=axes.get_title(loc="left"), description="what is seen")


@pytest.fixture(params=DRAWINGS)
def drawing(request: pytest.FixtureRequest) -> Axes:
    return DRAWINGS[request.param]()


def test_it_is_one_element_that_a_screen_reader_can_name(drawing: Axes) -> None:
    root = _parsed(svg_of(drawing))
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    named = {each.get("id"): each.text for each in root if each.tag in (f"{SVG}title", f"{SVG}desc")}
    assert [named[name] for name in (root.get("aria-labelledby") or "").split()] == [
        drawing.get_title(loc="left"),
        "what is seen",
    ]


def test_a_page_can_tell_the_title_from_the_rest(drawing: Axes) -> None:
    """Its lines are drawn one by one."""
    [title] = [each for each in _parsed(svg_of(drawing)).iter(f"{SVG}g") if each.get("class") == "title"]
    assert "".join(title.itertext()) == drawing.get_title(loc="left").replace("\n", "")


def test_the_same_figure_gives_the_same_bytes(drawing: Axes) -> None:
    assert svg_of(drawing) == svg_of(drawing)


def test_a_figure_made_again_gives_the_same_bytes() -> None:
    for make in DRAWINGS.values():
        assert svg_of(make()) == svg_of(make())


def test_it_fetches_nothing_and_runs_nothing(drawing: Axes) -> None:
    text = svg_of(drawing)
    assert set(re.findall(r"https?://[^\"]*", text)) == {"http://www.w3.org/2000/svg"}
    root = _parsed(text)
    assert not {each.tag for each in root.iter()} & {
        f"{SVG}{name}" for name in ("script", "image", "a", "foreignObject")
    }
    for each in root.iter():
        assert not any(name.lower().startswith("on") for name in each.attrib)
        assert "style" not in each.attrib
        assert all(value.startswith("#") for name, value in each.attrib.items() if name.endswith("href"))


def test_ids_are_its_own_and_lead_somewhere() -> None:
    texts = [svg_of(make()) for make in DRAWINGS.values()]
    ids = [re.findall(r' id="([^"]+)"', text) for text in texts]
    every = [name for names in ids for name in names]
    assert len(every) == len(set(every))
    for text, names in zip(texts, ids, strict=True):
        used = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', text)
        assert {one or other for one, other in used} <= set(names)
        assert all(
            rule.startswith(f"#{names[0]}") for rule in re.findall(r"([^{}>]+)\{", text.partition("</style>")[0])
        )


def test_text_is_text_as_long_as_it_was_measured(drawing: Axes) -> None:
    root = _parsed(svg_of(drawing))
    rules = dict(re.findall(r"\.(c\d+)\{([^}]*)\}", root.find(f"{SVG}style").text or ""))  # type: ignore[union-attr]
    wide = float((root.get("viewBox") or "").split()[2])
    texts = list(root.iter(f"{SVG}text"))
    assert texts
    for text in texts:
        style = rules[text.get("class") or ""]
        size = float(re.search(r"font-size:([\d.]+)px", style)[1])  # type: ignore[index]
        length = float(text.get("textLength") or "nan")
        assert length == pytest.approx(text_width(text.text or "", size, bold="font-weight:700" in style), abs=0.06)
        start = float(text.get("x") or "nan")
        start -= length if "text-anchor:end" in style else length / 2 if "text-anchor:middle" in style else 0
        assert start >= 0
        assert start + length <= wide


def test_text_and_structure_take_the_colour_of_the_page(drawing: Axes) -> None:
    text = svg_of(drawing)
    assert "currentColor" in text
    for shade in ("#1f2328", "#5b646d", "#d3d9df"):
        assert shade not in text
    assert "font-family" in text.partition("</style>")[0]
    assert text.count("font-family") == 1


def test_marks_stand_in_the_order_of_the_description() -> None:
    graph = layer_graph(world())
    axes = plot.forest(graph)
    told = describe_forest(graph, width=720)
    root = _parsed(svg_of(axes))
    (group,) = (each for each in root.iter(f"{SVG}g") if each.get("data-marks") == "layers")
    circles = list(group)
    assert {each.tag for each in circles} == {f"{SVG}circle"}
    assert len(circles) == len(told.dots)
    top = float((root.get("viewBox") or "").split()[3]) - told.height - 10
    for circle, dot in zip(circles, told.dots, strict=True):
        assert float(circle.get("cx") or 0) == pytest.approx(dot.x + 10, abs=0.02)
        assert float(circle.get("cy") or 0) == pytest.approx(dot.y + top, abs=0.02)
        assert float(circle.get("r") or 0) == pytest.approx(dot.radius, abs=0.02)


def test_hostile_names_stay_text() -> None:
    text = svg_of(plot.sizes(many_sizes(list(STRANGE))))
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    said = {each.text for each in _parsed(text).iter(f"{SVG}text")}
    assert {"a$x^2$/b", "<script>alert(1)</script>/&amp;", "]]>/--><!--", "עברית/ספרייה"} <= said


@settings(max_examples=15)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_title_and_description(title: str, description: str) -> None:
    text = to_svg(Figure(figsize=(1, 1)), title=title, description=description)
    assert _parsed(text).tag == f"{SVG}svg"


def test_a_lone_surrogate_in_a_title_is_shown_escaped() -> None:
    assert "<title" in to_svg(Figure(figsize=(1, 1)), title="\ud800<")
    assert "\\ud800&lt;" in to_svg(Figure(figsize=(1, 1)), title="\ud800<")


def test_a_persons_own_figure_keeps_its_hatches_and_clips() -> None:
    figure = Figure(figsize=(3, 2))
    axes = figure.add_subplot()
    axes.bar([1, 2], [3, 4], hatch="//", facecolor="none")
    axes.plot([0, 5], [0, 9], "s", markersize=3)
    axes.text(1, 1, "turned", rotation=90)
    axes.set_xlim(1, 2)
    text = to_svg(figure, title="own")
    root = _parsed(text)
    assert list(root.iter(f"{SVG}pattern"))
    assert list(root.iter(f"{SVG}clipPath"))
    assert list(root.iter(f"{SVG}use"))
    assert "rotate(-90" in text


def marked(figure: Figure) -> dict[str, list[ET.Element]]:
    """The elements of each series, in the order of the document."""
    found: dict[str, list[ET.Element]] = {}
    for group in _parsed(to_svg(figure, title="own")).iter(f"{SVG}g"):
        if name := group.get("data-marks"):
            found.setdefault(name, []).extend(group)
    return found


def test_whatever_draws_a_series_each_mark_is_one_element() -> None:
    figure = Figure(figsize=(4, 3))
    axes = figure.add_subplot()
    alike = axes.scatter(range(40), range(40), s=30, marker="s")  # one shape, used forty times
    circles = axes.scatter(range(3), range(3), s=[4, 5, 6], facecolors="none", linewidths=0)  # nothing to be seen
    cells = axes.pcolormesh([[1.0, 2.0, 3.0], [4.0, float("nan"), 6.0]], cmap="cividis")
    hatched = axes.fill([0, 1, 1], [0, 0, 1], [2, 3, 3], [0, 0, 1], hatch="//", facecolor="none")
    for name, series in {"alike": alike, "circles": circles, "cells": cells}.items():
        series.set_gid(f"marks:{name}")
    for bar in (*hatched, *axes.barh([0, 1, 2], [0, 5, 9])):
        bar.set_gid("marks:bars" if bar not in hatched else "marks:hatched")
    found = marked(figure)
    assert {name: len(elements) for name, elements in found.items()} == {
        "alike": 40,
        "circles": 3,
        "cells": 6,
        "hatched": 2,
        "bars": 3,
    }
    assert {element.tag for element in found["alike"]} <= {f"{SVG}use", f"{SVG}g"}
    assert {element.tag for element in found["cells"]} == {f"{SVG}path"}


def test_a_persons_own_picture_of_pixels_stays_whole() -> None:
    figure = Figure(figsize=(2, 2))
    figure.add_subplot().imshow([[0, 1], [1, 0]])
    [image] = _parsed(to_svg(figure, title="own")).iter(f"{SVG}image")
    head, _, encoded = (image.get("href") or "").partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(encoded, validate=True).startswith(b"\x89PNG")


def test_a_notebook_shows_the_axes_as_svg() -> None:
    axes = plot.layer_sizes(layer_sizes(world()))
    assert isinstance(axes, Picture)
    shown = axes._repr_html_()
    assert shown.startswith("<svg ")
    assert axes.description in shown


def test_nobodys_settings_change_or_matter() -> None:
    before = dict(mpl.rcParams)
    plain = svg_of(DRAWINGS["sizes"]())
    assert dict(mpl.rcParams) == before
    with mpl.rc_context({"font.size": 30, "axes.grid": True, "lines.linewidth": 9, "text.color": "red"}):
        assert svg_of(DRAWINGS["sizes"]()) == plain


def test_no_figure_is_kept_by_pyplot() -> None:
    code = "import sys, regviz.plot, regviz.plot.svg; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT).returncode == 0


def test_a_large_forest_stays_small() -> None:
    text = svg_of(plot.forest(random_forest(10_000, [f"group/app{number}" for number in range(200)])))
    assert len(text) < 120_000
