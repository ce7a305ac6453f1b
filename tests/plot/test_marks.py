"""What marks stand for: whole names, exact bytes, and what leads to what, held against the tables and the graph."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import networkx as nx
import pytest
from matplotlib.colors import to_hex

from regviz import plot
from regviz.analysis import layer_sizes, sizes, tag_images
from regviz.graph import layer_graph
from regviz.plot.ancestry import describe_forest
from regviz.plot.canvas import figure_of
from regviz.plot.flow import describe_tag_map
from regviz.plot.palette import UNKNOWN
from regviz.plot.svg import to_svg
from tests.plot.drawn import texts_of
from tests.plot.made import random_forest, random_tags, sizes_table
from tests.plot.registries import SHIPPED, registry
from tests.plot.test_forest import SMALL, forest_of

if TYPE_CHECKING:
    from regviz.plot.marks import Mark


def reached(marks: dict[str, tuple[Mark, ...]], start: tuple[str, int]) -> set[tuple[str, int]]:
    """A mark and all it stands on, by way of `below`."""
    found, waiting = {start}, [start]
    while waiting:
        name, row = waiting.pop()
        new = set(marks[name][row].below) - found
        found |= new
        waiting += new
    return found


@pytest.mark.parametrize("kind", SHIPPED)
def test_the_path_of_a_dot_is_the_path_in_the_graph(kind: str) -> None:
    graph = layer_graph(registry(kind))
    told = describe_forest(graph)
    for row, (dot, mark) in enumerate(zip(told.dots, told.marks, strict=True)):
        path = {at for _, at in reached({"layers": told.marks}, ("layers", row))}
        on_path = {layer for at in path for layer in told.dots[at].layers}
        assert on_path == set(dot.layers) | nx.ancestors(graph, dot.layers[0])
        standing = nx.descendants(graph, dot.layers[-1]) | {dot.layers[-1]}
        tags = [tag for layer in standing for tag in graph.nodes[layer]["tags"]]
        assert list(mark.repositories) == sorted({tag.rpartition(":")[0] for tag in tags})
        assert dot.layers[-1] in mark.label
        assert f"{dot.bytes:,} byte" in mark.label or "not here" in mark.label
        own = graph.nodes[dot.layers[-1]]["tags"]
        assert set(own) <= set(mark.words)
        assert ("further up" in mark.label) == (len(tags) > len(own))
        found_by = f"{mark.label} {' '.join(mark.words)}"
        for layer in dot.layers:
            assert layer.rpartition(":")[2][:12] in found_by
            assert all(blob.rpartition(":")[2][:12] in found_by for blob in graph.nodes[layer]["blobs"])


def test_a_run_of_layers_that_is_one_dot_says_so() -> None:
    told = describe_forest(random_forest(2_000, ["a", "b"]))
    runs = [(dot, mark) for dot, mark in zip(told.dots, told.marks, strict=True) if len(dot.layers) > 1]
    assert runs
    for dot, mark in runs:
        assert mark.label.startswith(f"{len(dot.layers):,} layers in a row, ")


def test_a_tag_leads_to_what_the_table_says() -> None:
    table = tag_images(registry(SHIPPED[0]))
    told = describe_tag_map(table)
    columns = {"tags": told.tags, "images": told.images, "layers": told.layers}
    for row, box in enumerate(told.tags):
        rows = table[table["repository"] + ":" + table["tag"] == box.key]
        reach = {
            (name, columns[name][at].key) for name, at in reached(dict(told.marks), ("tags", row)) if name in columns
        }
        shown = {layer.key for layer in told.layers}
        blobs = {blob if blob in shown else "" for blob in rows["blob"].dropna()}
        assert reach == {("tags", box.key)} | {("images", image) for image in rows["image"]} | {
            ("layers", blob) for blob in blobs
        }
        assert told.marks["tags"][row].repositories == (rows["repository"].iloc[0],)
    for box, mark in zip(told.layers[:-1], told.marks["layers"], strict=False):
        rows = table[table["blob"] == box.key]
        assert list(mark.repositories) == sorted(set(rows["repository"]))
        assert f"In {rows['image'].nunique()} image" in mark.label
    assert all(mark.joins for mark in told.marks["ribbons"])
    assert not any(mark.joins for name in columns for mark in told.marks[name])


def test_layers_that_share_a_box_are_found_by_their_digests() -> None:
    told = describe_tag_map(random_tags(["a", "b"], 60))
    small = told.marks["layers"][-1]
    count = int(small.label.split(" ", 1)[0])
    assert len(small.words[0].split()) == count > 0


def test_bars_say_whole_names_and_exact_bytes() -> None:
    name = "team/" + "x" * 250
    axes = plot.sizes(sizes_table([(name, 5000, 300, 5100), ("b", 0, 300, 200), ("c", 0, 0, 0)]))
    exclusive, shared = axes.marks["exclusive"], axes.marks["shared"]  # type: ignore[attr-defined]
    assert [mark.label.split("\n")[0] for mark in exclusive] == [name, "c"]
    assert [mark.label.split("\n")[0] for mark in shared] == [name, "b"]
    assert exclusive[0].label.split("\n")[1:] == [
        "5,300 bytes (5.18 KiB) reached",
        "Exclusive: 5,000 bytes (4.88 KiB)",
        "Shared: 300 bytes",
        "Its fair share: 5,100 bytes (4.98 KiB)",
    ]
    assert [mark.below for mark in shared] == [(("exclusive", 0),), ()]
    by_tag = plot.sizes(sizes(registry(SHIPPED[0]), by="tag"))
    table = sizes(registry(SHIPPED[0]), by="tag")
    owners = {mark.label.split("\n")[0]: mark.repositories for row in by_tag.marks.values() for mark in row}  # type: ignore[attr-defined]
    assert owners == {f"{row.repository}:{row.tag}": (row.repository,) for row in table.itertuples()}


def test_classes_of_lengths_say_their_blobs() -> None:
    table = layer_sizes(registry(SHIPPED[0]))
    marks = plot.layer_sizes(table).marks  # type: ignore[attr-defined]
    said = {name: [mark.label.partition("\n")[0] for mark in rows] for name, rows in marks.items()}
    counted = {name: sum(int(line.rpartition(": ")[2]) for line in lines) for name, lines in said.items()}
    here = table[table["present"]]
    assert counted == {"tagged": (here["tags"] > 0).sum(), "others": (here["tags"] == 0).sum()}


def test_ages_go_from_the_oldest_to_the_newest() -> None:
    graph = forest_of({"base": None, "a": "base", "b": "base", "c": "base"}, {"b": ("one:1",)})
    first = dt.datetime(2014, 1, 1, tzinfo=dt.UTC)
    for key, days in {"base": 0, "a": 50, "b": 100}.items():
        graph.nodes[key]["created"] = first + dt.timedelta(days=days)
    told = describe_forest(graph, colour="age")
    colours = {dot.layers[-1]: dot.colour for dot in told.dots}
    # matplotlib's cividis: its first, its middle and its last colour; the first is next to one of the palette's
    assert colours == {"base": "#00224f", "a": "#7d7c78", "b": "#fee838", "c": UNKNOWN}
    assert told.ages == (
        ("#00224f", "made 2014-01-01, the oldest"),
        ("#7d7c78", "2014-02-20"),
        ("#fee838", "2014-04-11, the newest"),
        (UNKNOWN, "not known"),
    )
    axes = plot.forest(graph, colour="age")
    assert {words for _, words in told.ages} <= set(texts_of(axes))
    drawn = next(iter(axes.collections)).get_facecolor()
    assert [to_hex(colour) for colour in drawn] == [dot.colour for dot in told.dots]  # type: ignore[union-attr]
    by_repository = describe_forest(graph)
    assert [(dot.x, dot.y, dot.radius) for dot in told.dots] == [
        (dot.x, dot.y, dot.radius) for dot in by_repository.dots
    ]


def test_ages_of_a_few_hours_are_told_by_the_clock() -> None:
    graph = forest_of({"base": None, "a": "base"}, {})
    for key, hour in {"base": 8, "a": 20}.items():
        graph.nodes[key]["created"] = dt.datetime(2014, 1, 1, hour, 30, tzinfo=dt.UTC)
    words = [words for _, words in describe_forest(graph, colour="age").ages]
    assert words == ["made 2014-01-01 08:30, the oldest", "2014-01-01 14:30", "2014-01-01 20:30, the newest"]


def test_where_no_age_is_known_all_is_grey() -> None:
    told = describe_forest(SMALL, colour="age")
    assert {dot.colour for dot in told.dots} == {UNKNOWN}
    assert told.ages == ((UNKNOWN, "none says when it was made"),)
    one = forest_of({"a": None}, {})
    one.nodes["a"]["created"] = dt.datetime(2020, 2, 3, tzinfo=dt.UTC)
    assert describe_forest(one, colour="age").ages == (("#fee838", "made 2020-02-03"),)
    assert describe_forest(nx.DiGraph(), colour="age").ages == ()


def test_a_forest_of_ten_thousand_layers_is_small() -> None:
    graph = random_forest(10_000, [f"group{number % 7}/app{number:05}" for number in range(200)])
    assert len(to_svg(figure_of(plot.forest(graph)), title="forest")) <= 1_000_000
