"""Every figure of every registry: no text cut or on another, whatever the names, however much there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx
import pytest
from matplotlib.figure import Figure

from regviz import plot
from regviz.errors import NotKnowableError
from regviz.plot.canvas import figure_of
from regviz.read import read
from tests.plot.drawn import hold_legible, hold_marks
from tests.plot.figures import FIGURES, UNKNOWABLE
from tests.plot.made import (
    LONG,
    STRANGE,
    layer_table,
    many_sizes,
    random_forest,
    random_tags,
    sizes_table,
    tag_table,
)
from tests.plot.registries import DUMPS, KINDS, SHIPPED, registry

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [f"group{number % 7}/app{number:05}" for number in range(200)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("figure", FIGURES)
def test_every_kind_of_registry(kind: str, figure: str) -> None:
    if kind in UNKNOWABLE.get(figure, ()):
        with pytest.raises(NotKnowableError):
            FIGURES[figure](registry(kind))
        return
    axes = FIGURES[figure](registry(kind))
    hold_legible(axes)
    hold_marks(axes)
    if kind == "empty":
        assert figure_of(axes).get_size_inches()[1] < 1.5


@pytest.mark.parametrize("name", DUMPS)
@pytest.mark.parametrize("figure", FIGURES)
def test_real_dumps(shared_dumps: Path, name: str, figure: str) -> None:
    hold_legible(FIGURES[figure](read(shared_dumps / name, measure=True)))


def test_no_layer_at_all() -> None:
    axes = plot.forest(nx.DiGraph())
    assert axes.get_title(loc="left") == "There is no layer"
    hold_legible(axes)


@pytest.mark.parametrize("names", [STRANGE, LONG, NAMES], ids=["strange", "long", "many"])
def test_any_names(names: tuple[str, ...]) -> None:
    hold_legible(plot.sizes(many_sizes(list(names))))
    hold_legible(plot.tag_map(random_tags(list(names), 3 * len(names))))
    hold_legible(plot.forest(random_forest(300, list(names))))


@pytest.mark.parametrize("seed", range(6))
def test_forests_of_any_shape(seed: int) -> None:
    hold_legible(plot.forest(random_forest(3 ** (seed + 1), NAMES[: seed + 1], seed)))


def test_ten_thousand_layers() -> None:
    graph = random_forest(10_000, NAMES)
    axes = plot.forest(graph)
    hold_legible(axes)
    assert sum(len(series.get_offsets()) for series in axes.collections) <= 3_000


def test_a_chain_and_a_comb_that_are_far_too_deep() -> None:
    chain: nx.DiGraph[Any] = nx.path_graph(300, create_using=nx.DiGraph)
    comb = nx.DiGraph(chain)
    for node in list(comb):
        comb.add_edge(node, f"leaf{node}")
    for graph in (chain, comb):
        named = nx.relabel_nodes(graph, str)
        for node, data in named.nodes(data=True):
            data.update(bytes=1000, created_by="RUN make", tags=() if node.isdigit() else (f"app:{node}",), images=())
        hold_legible(plot.forest(named))


@pytest.mark.parametrize(
    "lengths",
    [
        [0],
        [0, 0, 0],
        [1],
        [0, 1],
        [7] * 1000,
        [2**power for power in range(45)],
        [100] * 99 + [2**40],
        [5, 6],
        [31, 32],
    ],
    ids=lambda lengths: f"{len(lengths)}-{max(lengths)}",
)
def test_lengths_of_any_spread(lengths: list[int]) -> None:
    hold_legible(plot.layer_sizes(layer_table(lengths)))


def test_extreme_sizes() -> None:
    hold_legible(plot.sizes(sizes_table([("a", 0, 0, 0)])))
    hold_legible(plot.sizes(sizes_table([("a", 2**60, 2**60, 2**60), ("b", 1, 0, 1)])))
    hold_legible(plot.tag_map(tag_table({("a", "1"): {"image": [("layer", 0)]}, ("b", "1"): {"other": []}})))
    hold_legible(plot.tag_map(tag_table({("a", "1"): {"image": [("huge", 2**60), ("tiny", 1), ("gone", -1)]}})))


@pytest.mark.parametrize("dpi", [50, 72, 100, 144, 220])
def test_at_any_resolution(dpi: int) -> None:
    axes = plot.forest(random_forest(200, list(LONG) + list(STRANGE)))
    figure_of(axes).set_dpi(dpi)
    hold_legible(axes)


@pytest.mark.parametrize("figure", FIGURES)
def test_on_an_axes_that_is_given(figure: str) -> None:
    paper = Figure(figsize=(12, 9), dpi=144)
    given = paper.add_axes((0.2, 0.1, 0.75, 0.75))
    assert FIGURES[figure](registry(SHIPPED[0]), ax=given) is given
    assert tuple(paper.get_size_inches()) == (12, 9)
    assert given.get_position().bounds == pytest.approx((0.2, 0.1, 0.75, 0.75))
    hold_legible(given)
