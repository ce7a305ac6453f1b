"""What the marks of a figure stand for, as a page's script reads it: nothing lost, nothing twice, nothing that ends the block."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

import regviz as rv
from regviz.plot.canvas import Margins, figure_of, new_axes
from regviz.plot.marks import Mark
from regviz.report.display import PAGE_VARIABLE, figure
from regviz.report.explorable import encode, marks_block
from regviz.text import escape_terminal
from tests.plot.made import STRANGE, random_forest
from tests.report.reading import parse


def decode(data: dict[str, Any]) -> dict[str, list[Mark]]:
    """The marks again, as the script has them."""
    digests = base64.b64decode(data["digests"]).hex()
    taken = 0
    texts = []
    for text in data["texts"]:
        parts = text.split("\u00ad")
        made = parts[0]
        for part in parts[1:]:
            made += digests[taken : taken + 64] + part
            taken += 64
        texts.append(made)
    assert taken == len(digests)
    lists = [tuple(texts[at] for at in each) for each in data["lists"]]
    names = list(data["series"])
    return {
        name: [
            Mark(
                "\n".join(lists[label]),
                lists[repositories],
                lists[words],
                tuple((names[below[at]], below[at + 1]) for at in range(0, len(below), 2)),
                joins=bool(joins),
            )
            for label, repositories, words, below, joins in zip(
                columns["label"],
                columns["repositories"],
                columns["words"],
                columns["below"],
                columns.get("joins", [0] * len(columns["label"])),
                strict=True,
            )
        ]
        for name, columns in data["series"].items()
    }


TEXTS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=12)
DIGESTS = st.integers(0, 2**256 - 1).map(lambda number: f"sha256:{number:064x}")
WORDS = st.lists(TEXTS | DIGESTS | st.sampled_from(["</script>", "<!--", "]]>", '"', "\\"]), max_size=3).map(tuple)


@st.composite
def series(draw: st.DrawFn) -> dict[str, list[Mark]]:
    counts = {name: draw(st.integers(1, 4)) for name in ("one", "two")}
    place = st.sampled_from([(name, row) for name, count in counts.items() for row in range(count)])
    return {
        name: [
            Mark(
                "\n".join(draw(st.lists(TEXTS | DIGESTS, min_size=1, max_size=3))),
                draw(WORDS),
                draw(WORDS),
                tuple(draw(st.lists(place, max_size=3))),
                joins=draw(st.booleans()),
            )
            for _ in range(count)
        ]
        for name, count in counts.items()
    }


@given(series())
def test_nothing_is_lost(marks: dict[str, list[Mark]]) -> None:
    data = json.loads(json.dumps(encode([marks], zoom=True)))
    assert decode(data) == marks
    assert len(data["texts"]) == len(set(data["texts"])) or "\u00ad" in "".join(data["texts"])


@given(series(), series())
def test_panels_of_one_figure_go_on(first: dict[str, list[Mark]], second: dict[str, list[Mark]]) -> None:
    made = decode(encode([first, second], zoom=False))
    for name, rows in made.items():
        assert [mark.label for mark in rows] == [mark.label for mark in first[name] + second[name]]
        moved = [tuple((to, row + len(first[to])) for to, row in mark.below) for mark in second[name]]
        assert [mark.below for mark in rows] == [mark.below for mark in first[name]] + moved


@pytest.mark.parametrize("name", [*STRANGE, "</script><script>alert(1)</script>", "<!--<script>", "a\u00adb", "\u2028"])
def test_no_name_ends_the_block(name: str) -> None:
    drawing = Figure()
    drawing.subplots().marks = {"bars": [Mark(name, (name,), (name,))]}
    block = marks_block(drawing)
    assert block.count("<") == 2
    [element] = parse(block).all("script")
    assert element.attributes == {"type": "application/json", "class": "rv-marks"}
    assert all(character.isprintable() for character in element.text)
    [mark] = decode(json.loads(element.text))["bars"]
    assert mark.repositories == mark.words
    assert mark.label.replace("\n", "\\x0a") == mark.words[0] == escape_terminal(name)


def test_only_a_page_has_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    table = rv.sizes(rv.read())
    shown = figure(rv.plot.sizes(table), table=table)
    monkeypatch.delenv(PAGE_VARIABLE, raising=False)
    assert "rv-marks" not in shown._repr_html_()
    assert len(parse(shown._repr_html_()).one("figure").all("svg")) == 1
    monkeypatch.setenv(PAGE_VARIABLE, "1")
    page = parse(shown._repr_html_())
    assert page.one("figure").one("script").has("class", "rv-marks")
    assert len(page.all("table")) == 1


def test_a_figure_whose_marks_stand_for_nothing_has_none() -> None:
    axes = new_axes(100, 50, Margins())
    assert "rv-marks" not in figure(axes).html
    assert marks_block(figure_of(axes)) == ""


def test_the_marks_of_a_forest_of_ten_thousand_layers_are_small() -> None:
    axes = rv.plot.forest(random_forest(10_000, [f"group/app{number}" for number in range(200)]))
    assert len(marks_block(figure_of(axes))) < 100_000
