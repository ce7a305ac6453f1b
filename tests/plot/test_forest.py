"""The forest of layers: what is shown, what is left out, where it lies."""

from __future__ import annotations

import math
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.collections import PathCollection

from regviz import plot
from regviz.graph import collapse_chains, layer_graph
from regviz.plot.ancestry import MARKS, describe_forest
from regviz.plot.branches import SEVERAL_REPOSITORIES, branches, choose
from regviz.plot.canvas import figure_of
from regviz.plot.palette import OTHERS, SEVERAL
from regviz.read import read
from tests.conftest import ROOT
from tests.plot.drawn import text_boxes, texts_of
from tests.plot.made import random_forest


def forest_of(parents: dict[str, str | None], tags: dict[str, tuple[str, ...]], **lengths: int) -> nx.DiGraph[Any]:
    graph: nx.DiGraph[Any] = nx.DiGraph()
    for key, parent in parents.items():
        graph.add_node(key, bytes=lengths.get(key, 100), created_by=f"RUN {key}", tags=tags.get(key, ()), images=())
        if parent is not None:
            graph.add_edge(parent, key)
    return graph


# base ─ a ─ b ─┬─ x (one:1)
#               └─ y (two:1, two:2)
SMALL = forest_of(
    {"base": None, "a": "base", "b": "a", "x": "b", "y": "b"},
    {"x": ("one:1",), "y": ("two:1", "two:2")},
    base=400,
    a=100,
)


def test_a_small_forest_as_a_person_would_draw_it() -> None:
    told = describe_forest(SMALL)
    assert told.title == "All 5 layers grow from one root"
    dots = {dot.layers: dot for dot in told.dots}
    assert set(dots) == {("base",), ("a",), ("b",), ("x",), ("y",)}
    base, a, b, x, y = (dots[(key,)] for key in ("base", "a", "b", "x", "y"))
    assert base.x < a.x < b.x < x.x == y.x
    assert base.y == a.y == b.y == pytest.approx((x.y + y.y) / 2)
    assert base.radius == pytest.approx(2 * a.radius)  # four times the bytes, four times the area
    assert {dot.colour for dot in (base, a, b)} == {SEVERAL}
    assert len({x.colour, y.colour, SEVERAL, OTHERS}) == 4
    said = [text.text for text in told.texts]
    assert {"one:1", "two:1, 2", "RUN base", "2 layers, 500 B", "RUN b", "100 B"} <= set(said)
    assert len(told.edges) == 3


def test_what_no_tag_stands_on_is_hollow() -> None:
    graph = forest_of({"base": None, "x": "base", "y": "base"}, {"x": ("one:1",)})
    colours = {dot.layers: dot.colour for dot in describe_forest(graph).dots}
    assert colours["y",] == ""
    assert colours["base",] == colours["x",] != ""


def test_marks_are_drawn_in_the_order_of_the_description() -> None:
    graph = layer_graph(read(ROOT / "data" / "world-v1.tar.gz"))
    axes = plot.forest(graph)
    told = describe_forest(graph, width=720)
    (dots,) = (series for series in axes.collections if isinstance(series, PathCollection))
    assert np.asarray(dots.get_offsets()).tolist() == [[dot.x, dot.y] for dot in told.dots]
    assert [math.sqrt(size) / 2 for size in dots.get_sizes()] == pytest.approx([dot.radius for dot in told.dots])
    assert dots.get_gid() == "marks:layers"
    assert len(axes.patches) == 1  # all edges are one path


def test_every_layer_is_shown_or_counted_as_left_out() -> None:
    graph = random_forest(3_000, ["a", "b", "c"], 1)
    told = describe_forest(graph)
    shown = sum(len(dot.layers) for dot in told.dots)
    hidden = len(graph) - shown
    assert hidden > 0
    assert f"Left out: {hidden:,} layers of smaller branches" in told.explanation
    stubs = [text.text for text in told.texts if text.text.startswith("+ ")]
    assert stubs


def test_a_small_forest_leaves_nothing_out() -> None:
    told = describe_forest(SMALL)
    assert "Left out" not in told.explanation
    assert sum(len(dot.layers) for dot in told.dots) == len(SMALL)


def test_there_are_never_more_marks_than_a_page_can_bear() -> None:
    graph = random_forest(10_000, ["a", "b"], 2)
    assert len(describe_forest(graph, rows=5_000).dots) <= MARKS


def test_a_given_height_is_kept_to() -> None:
    graph = random_forest(500, ["a", "b"], 3)
    assert describe_forest(graph, height=300).height <= 300


@pytest.mark.parametrize("seed", range(4))
def test_no_word_lies_on_a_dot_or_on_a_line(seed: int) -> None:
    graph = random_forest(400, [f"team/app{number}" for number in range(9)], seed)
    axes = plot.forest(graph)
    told = describe_forest(graph, width=720)
    boxes = text_boxes(axes)
    high = figure_of(axes).get_size_inches()[1] * 72
    top = high - (1 - axes.get_position().y1) * high
    for text, (left, low, right, up) in boxes:
        for dot in told.dots:
            x, y = 10 + dot.x, top - dot.y
            near_x, near_y = min(max(x, left), right), min(max(y, low), up)
            assert math.hypot(near_x - x, near_y - y) >= dot.radius - 0.5, text
        for _, y, turn, _, level in told.edges:
            ends = sorted((top - y, top - level))
            crosses = left + 0.5 < 10 + turn < right - 0.5 and low < ends[1] - 0.5 and ends[0] + 0.5 < up
            assert not crosses, text


@pytest.mark.parametrize(
    ("graph", "title"),
    [
        (nx.DiGraph(), "There is no layer"),
        (forest_of({"a": None}, {}), "One layer"),
        (forest_of({"a": None, "b": None}, {}), "2 layers, none on another"),
        (
            forest_of({"a": None, "b": "a", "c": None}, {}, a=200, b=100, c=100),
            "3 layers grow from 2 roots; the largest bears 75 % of their bytes",
        ),
    ],
    ids=["none", "one", "apart", "two"],
)
def test_the_title_says_what_is_found(graph: nx.DiGraph[Any], title: str) -> None:
    assert describe_forest(graph).title == title
    assert title in {text.replace("\n", " ") for text in texts_of(plot.forest(graph))}


@st.composite
def forests(draw: st.DrawFn) -> nx.DiGraph[Any]:
    count = draw(st.integers(1, 40))
    graph: nx.DiGraph[Any] = nx.DiGraph()
    for number in range(count):
        tags = draw(st.sampled_from([(), (), ("a:1",), ("b:1", "b:2"), ("a:1", "b:1")]))
        graph.add_node(str(number), bytes=draw(st.integers(0, 1000)), created_by="x", tags=tags, images=())
        parent = draw(st.integers(-1, number - 1))
        if parent >= 0:
            graph.add_edge(str(parent), str(number))
    return graph


@given(forests())
def test_sums_of_branches_by_walking(graph: nx.DiGraph[Any]) -> None:
    for branch in branches(graph):
        below = {branch.layers[0], *nx.descendants(graph, branch.layers[0])}
        data = [graph.nodes[node] for node in below]
        assert branch.total_layers == len(below)
        assert branch.total_bytes == sum(each["bytes"] for each in data)
        assert branch.total_tags == sum(len(each["tags"]) for each in data)
        repositories = {tag.rpartition(":")[0] for each in data for tag in each["tags"]}
        expected = SEVERAL_REPOSITORIES if len(repositories) > 1 else next(iter(repositories), "")
        assert branch.repository == expected


@given(forests())
def test_branches_come_in_networkx_lexicographical_order(graph: nx.DiGraph[Any]) -> None:
    assert [branch.key for branch in branches(graph)] == list(
        nx.lexicographical_topological_sort(collapse_chains(graph))
    )


@given(forests(), st.integers(1, 30), st.integers(1, 10))
def test_the_choice_fits_its_rows(graph: nx.DiGraph[Any], rows: int, levels: int) -> None:
    found = branches(graph)
    shown = choose(found, rows, levels)
    assert all(found[at].parent < 0 or found[at].parent in shown for at in shown)
    assert all(found[at].level < levels for at in shown)
    roots = [at for at, branch in enumerate(found) if branch.parent < 0]
    taken = int(any(root not in shown for root in roots))
    for at in shown:
        kept = [child for child in found[at].children if child in shown]
        taken += 1 if not kept else int(len(kept) < len(found[at].children))
    assert taken <= max(rows, 1)
    if len(found) <= rows and all(branch.level < levels for branch in found):
        assert len(shown) == len(found)
