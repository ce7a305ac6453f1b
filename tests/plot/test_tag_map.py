"""The map from tags to layers: boxes as high as their bytes, ribbons between those that belong together."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PathCollection

from regviz import plot
from regviz.analysis import tag_images
from regviz.graph import layer_graph
from regviz.plot.ancestry import describe_forest
from regviz.plot.contents import contents_of
from regviz.plot.flow import MOST, describe_tag_map
from regviz.plot.labels import text_width
from regviz.plot.palette import SEVERAL, STATES
from regviz.read import read
from tests.conftest import ROOT
from tests.plot.made import random_tags, tag_table

SMALL = tag_table(
    {
        ("app", "1"): {"one": [("base", 600), ("x", 300)]},
        ("app", "2"): {"two": [("base", 600), ("y", 100)]},
        ("other", "latest"): {"two": [("base", 600), ("y", 100)]},
    }
)


def test_boxes_are_as_high_as_their_bytes() -> None:
    told = describe_tag_map(SMALL)
    heights = {box.key: (box.bytes, box.height) for column in (told.tags, told.images, told.layers) for box in column}
    assert {key: size for key, (size, _) in heights.items()} == {
        "app:1": 900,
        "app:2": 700,
        "other:latest": 700,
        "one": 900,
        "two": 700,
        "base": 600,
        "x": 300,
        "y": 100,
    }
    points = {round(height / size, 6) for size, height in heights.values()}
    assert len(points) == 1


def test_ribbons_join_what_belongs_together() -> None:
    told = describe_tag_map(SMALL)
    joined = {(ribbon.left.key, ribbon.right.key): ribbon for ribbon in told.ribbons}
    assert set(joined) == {
        ("app:1", "one"),
        ("app:2", "two"),
        ("other:latest", "two"),
        ("one", "base"),
        ("one", "x"),
        ("two", "base"),
        ("two", "y"),
    }
    for ribbon in told.ribbons:
        assert ribbon.left.y - 0.01 <= ribbon.y
        assert ribbon.y + ribbon.height <= ribbon.left.y + ribbon.left.height + 0.01
    assert joined["one", "x"].height / joined["one", "base"].height == pytest.approx(0.5)


def test_colours_say_whose_it_is() -> None:
    told = describe_tag_map(SMALL)
    colours = {box.key: box.colour for column in (told.tags, told.images, told.layers) for box in column}
    assert colours["app:1"] == colours["app:2"] == colours["one"] == colours["x"]
    assert colours["two"] == colours["y"] == colours["base"] == SEVERAL
    assert len({colours["app:1"], colours["other:latest"], SEVERAL}) == 3


def test_what_is_not_there_has_no_bytes_and_says_so() -> None:
    told = describe_tag_map(tag_table({("app", "1"): {"one": [("here", 50), ("gone", -1)]}}))
    gone = next(box for box in told.layers if box.key == "gone")
    assert (gone.bytes, gone.colour, gone.label) == (0, STATES["absent"], "absent gone")


@pytest.mark.parametrize(
    ("contents", "title"),
    [
        ({}, "There is no tag"),
        ({("a", "1"): {"one": []}}, "1 tag, and no layer"),
        ({("a", "1"): {"one": [("x", 2048)]}}, "1 tag on 1 layer blob: 2.00 KiB"),
        (
            {("a", "1"): {"one": [("x", 2048)]}, ("b", "1"): {"two": [("y", 1024)]}},
            "2 tags on 2 layer blobs; no two tags share one: 3.00 KiB",
        ),
        (
            {("a", "1"): {"one": [("x", 2048)]}, ("a", "2"): {"one": [("x", 2048)]}},
            "2 tags add up to 4.00 KiB; their 1 layer blob is stored in 2.00 KiB",
        ),
    ],
)
def test_the_title_says_what_is_found(
    contents: dict[tuple[str, str], dict[str, list[tuple[str, int]]]], title: str
) -> None:
    assert describe_tag_map(tag_table(contents)).title == title


def test_of_many_tags_each_repository_has_its_largest() -> None:
    names = [f"team/app{number:02}" for number in range(20)]
    table = random_tags(names, 400)
    told = describe_tag_map(table)
    sizes = contents_of(table).tag_bytes
    shown = {tuple(box.key.rsplit(":", 1)) for box in told.tags}
    assert len(told.tags) == MOST
    for name in names:
        assert max((tag for tag in sizes if tag[0] == name), key=lambda tag: sizes[tag]) in shown
    assert "Left out: 374 other tags" in told.explanation


def test_layers_without_a_box_share_one_and_nothing_is_lost() -> None:
    table = random_tags(["a", "b"], 60)
    told = describe_tag_map(table)
    contents = contents_of(table)
    under = {layer for box in told.images for layer in contents.images[box.key]}
    assert len(told.layers) == MOST + 1
    assert told.layers[-1].key == ""
    assert sum(box.bytes for box in told.layers) == sum(contents.layers[layer] for layer in under)
    assert {box.key for box in told.layers} - {""} <= under


def test_marks_are_drawn_in_the_order_of_the_description() -> None:
    table = tag_images(read(ROOT / "data" / "world-distribution.tar.gz"))
    axes, told = plot.tag_map(table), describe_tag_map(table)
    series = {each.get_gid(): each for each in axes.collections if isinstance(each, PathCollection)}
    for name, column in (("tags", told.tags), ("images", told.images), ("layers", told.layers)):
        corners = [np.asarray(path.vertices).min(axis=0).tolist() for path in series[f"marks:{name}"].get_paths()]
        assert corners == [[box.x, box.y] for box in column]
    assert len(series["marks:ribbons"].get_paths()) == len(told.ribbons)


def test_tags_of_a_repository_stay_together() -> None:
    told = describe_tag_map(random_tags(["a", "b", "c", "d"], 24))
    repositories = [box.key.rsplit(":", 1)[0] for box in told.tags]
    changes = sum(one != other for one, other in zip(repositories, repositories[1:], strict=False))
    assert changes == len(set(repositories)) - 1


def test_boxes_of_a_column_do_not_overlap() -> None:
    told = describe_tag_map(random_tags(["a", "b", "c"], 90))
    for column in (told.tags, told.images, told.layers):
        for above, below in zip(column, column[1:], strict=False):
            assert above.y + above.height < below.y
        assert column[0].y >= 0
        assert column[-1].y + column[-1].height <= told.height


@pytest.mark.parametrize("name", ["world-distribution.tar.gz", "world-v1.tar.gz"])
def test_a_repository_has_one_colour_in_every_figure(name: str) -> None:
    reg = read(ROOT / "data" / name)
    graph = layer_graph(reg)
    map_colours = {box.key.rpartition(":")[0]: box.colour for box in describe_tag_map(tag_images(reg)).tags}
    shared = 0
    for dot in describe_forest(graph).dots:
        tags = graph.nodes[dot.layers[-1]]["tags"]
        repositories = {tag.rpartition(":")[0] for tag in tags}
        if len(repositories) == 1 and dot.colour not in (SEVERAL, ""):
            assert dot.colour == map_colours[repositories.pop()]
            shared += 1
    assert shared >= 3


def test_ribbons_to_the_box_of_all_others_arrive_beside_each_other() -> None:
    told = describe_tag_map(random_tags(["a", "b"], 60))
    rest = told.layers[-1]
    arriving = [ribbon for ribbon in told.ribbons if not ribbon.right.key]
    assert len(arriving) > 1
    y = rest.y
    for ribbon in arriving:
        assert ribbon.to_y == pytest.approx(y)
        y += ribbon.to_height
    assert y == pytest.approx(rest.y + rest.height)
    single = [ribbon for ribbon in told.ribbons if ribbon.right.key]
    assert {(ribbon.to_y, ribbon.to_height) for ribbon in single} == {
        (ribbon.right.y, ribbon.right.height) for ribbon in single
    }


def test_labels_of_images_lie_on_what_goes_straight_or_on_nothing() -> None:
    told = describe_tag_map(tag_images(read(ROOT / "data" / "world-distribution.tar.gz")))
    labels = {text.text: text.x + text_width(text.text, text.size) for text in told.texts}
    images = {box.key: labels[box.label] for box in told.images}
    leaving = [ribbon for ribbon in told.ribbons if ribbon.left.key in images]
    assert any(ribbon.left.height < 4 for ribbon in leaving)
    for ribbon in leaving:
        end = images[ribbon.left.key]
        assert ribbon.bend >= end
        assert ribbon.x >= end or ribbon.left.height > 4


def test_what_is_seen_is_said() -> None:
    assert describe_tag_map(SMALL).description.startswith(
        "Three columns joined by ribbons: 3 tags, 2 images, 3 layer blobs. The largest tag is app:1 with 900 B; "
        "the most used blob, base with 600 B, is in 2 images."
    )
