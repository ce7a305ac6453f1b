"""Treemap and icicle: every area and height is a row of the table, nothing overlaps, nothing is lost."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PathCollection

from regviz import plot
from regviz.analysis import composition
from regviz.plot.icicles import describe_icicle
from regviz.plot.nested import tree_of
from regviz.plot.palette import OTHERS, REPOSITORIES
from regviz.plot.tiles import describe_treemap, squarified
from regviz.read import read
from tests.conftest import ROOT
from tests.plot.drawn import hold_marks
from tests.plot.registries import registry

if TYPE_CHECKING:
    import pandas as pd

KINDS = ["world-distribution.tar.gz", "200 repositories"]


def world() -> pd.DataFrame:
    return composition(read(ROOT / "data" / "world-distribution.tar.gz"))


@settings(max_examples=100)
@given(
    st.lists(st.integers(1, 10**12), min_size=1, max_size=60),
    st.floats(1, 1000),
    st.floats(1, 1000),
)
def test_areas_are_in_proportion_and_fill_the_whole(sizes: list[int], width: float, height: float) -> None:
    sizes = sorted(sizes, reverse=True)
    rects = squarified(sizes, (0.0, 0.0, width, height))
    assert len(rects) == len(sizes)
    unit = width * height / sum(sizes)
    for size, (left, top, right, bottom) in zip(sizes, rects, strict=True):
        assert -1e-6 <= left <= right <= width + 1e-6
        assert -1e-6 <= top <= bottom <= height + 1e-6
        assert (right - left) * (bottom - top) == pytest.approx(size * unit, rel=1e-6, abs=width * height * 1e-9)
    for one, other in combinations(rects, 2):
        wide = min(one[2], other[2]) - max(one[0], other[0])
        high = min(one[3], other[3]) - max(one[1], other[1])
        assert min(wide, high) < 1e-6 * max(width, height)


def test_parts_that_are_equal_are_squares() -> None:
    assert sorted(squarified([1] * 4, (0, 0, 2, 2))) == [(0, 0, 1, 1), (0, 1, 1, 2), (1, 0, 2, 1), (1, 1, 2, 2)]


@pytest.mark.parametrize("kind", KINDS)
def test_tiles_are_the_rows_of_the_table(kind: str) -> None:
    table = composition(registry(kind))
    told = describe_treemap(table)
    assert sorted(tile.bytes for tile in told.tiles) == sorted(table["bytes"].tolist())
    unit = told.width * told.height / table.attrs["tagged_bytes"]
    for tile in told.tiles:
        area = (tile.right - tile.left) * (tile.bottom - tile.top)
        assert area == pytest.approx(tile.bytes * unit, rel=1e-6)
    assert len(told.tiles) <= 2_400


def test_colours_are_those_of_the_largest_repositories() -> None:
    table = world()
    of = {tile.mark.repositories[0]: tile.colour for tile in describe_treemap(table).tiles}
    ranked = sorted(table.attrs["layer_bytes"], key=lambda name: -table.attrs["layer_bytes"][name])
    assert [of[name] for name in ranked] == list(REPOSITORIES)
    assert {colour for name, colour in of.items() if name not in ranked} == {OTHERS}


def test_a_repository_has_the_colour_that_it_has_in_the_tag_map() -> None:
    from regviz.analysis import tag_images
    from regviz.plot.flow import describe_tag_map

    reg = read(ROOT / "data" / "world-distribution.tar.gz")
    in_map = {box.key.rpartition(":")[0]: box.colour for box in describe_tag_map(tag_images(reg)).tags}
    here = {tile.mark.repositories[0]: tile.colour for tile in describe_treemap(composition(reg)).tiles}
    assert {name: in_map[name] for name in here if name in in_map} == {
        name: here[name] for name in here if name in in_map
    }


def test_marks_say_where_and_how_many_bytes() -> None:
    labels = [tile.mark.label for tile in describe_treemap(world()).tiles]
    first = next(label for label in labels if label.startswith("team/web:2.0-zstd\nlayer sha256:9528c78f"))
    assert first.split("\n")[2:] == ["22,899 bytes as the fair share", "RUN /bin/sh -c unpack rootfs # buildkit"]


def test_labels_lie_in_their_tiles_and_on_no_other_label() -> None:
    told = describe_treemap(world())
    assert {"team/web", "137 KiB", "2.0-zstd", "57.1 KiB"} <= {text.text for text in told.texts}
    for text in told.texts:
        assert 0 <= text.x <= told.width
        assert 0 <= text.y <= told.height


@pytest.mark.parametrize("kind", KINDS)
def test_each_part_of_an_icicle_lies_in_the_one_at_its_left(kind: str) -> None:
    table = composition(registry(kind))
    told = describe_icicle(table)
    unit = (told.height - 16) / table.attrs["tagged_bytes"]
    of_column: dict[float, int] = {}
    for tile, above in zip(told.tiles, told.inside, strict=True):
        assert tile.bottom - tile.top == pytest.approx(tile.bytes * unit, rel=1e-6)
        of_column[tile.left] = of_column.get(tile.left, 0) + tile.bytes
        if above >= 0:
            left = told.tiles[above]
            assert left.right == pytest.approx(tile.left)
            assert left.top - 1e-6 <= tile.top
            assert tile.bottom <= left.bottom + 1e-6
    assert of_column[0.0] == table.attrs["tagged_bytes"]
    assert len(told.tiles) <= 3_000


def test_what_is_too_low_shares_a_part_and_is_counted() -> None:
    table = composition(registry("200 repositories"))
    told = describe_icicle(table, height=300)
    low = [above for tile, above in zip(told.tiles, told.inside, strict=True) if tile.bottom - tile.top < 1.29]
    assert len(low) == len(set(low))  # where there is but one, it stands alone
    assert "What is small shares a part with its neighbours:" in told.explanation


def test_the_tree_has_what_the_table_has() -> None:
    table = world()
    whole = tree_of(table)
    assert whole.bytes == table.attrs["tagged_bytes"]
    repositories = {part.label: part.bytes for part in whole.every() if part.level == 1}
    assert repositories == table.groupby("repository", observed=True)["bytes"].sum().to_dict()
    for part in whole.every():
        if part.inner:
            assert part.bytes == sum(inner.bytes for inner in part.inner)


def test_titles() -> None:
    table = world()
    # 6 of 22 tags: 27 %
    assert (
        describe_treemap(table).title == "Half of the 374 KiB that tags reach is the fair share of 6 of 22 tags (27 %)"
    )
    assert describe_icicle(composition(registry("one image"))).title.startswith("One tag has all ")
    assert describe_treemap(composition(registry("empty"))).title == "No tag reaches any bytes"


def test_marks_are_drawn_in_the_order_of_the_description() -> None:
    table = world()
    told, axes = describe_treemap(table), plot.treemap(table)
    (series,) = (each for each in axes.collections if isinstance(each, PathCollection))
    corners = [np.asarray(path.vertices).min(axis=0).tolist() for path in series.get_paths()]
    assert corners == [[tile.left, tile.top] for tile in told.tiles]
    hold_marks(axes)
    hold_marks(plot.icicle(table))
