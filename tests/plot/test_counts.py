"""Layers of images and users of layers: classes, pins and sentences equal the table."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from regviz import plot
from regviz.plot.canvas import Picture
from regviz.plot.counts import describe_layer_counts, describe_layer_references
from regviz.plot.palette import OTHERS, STATES
from regviz.plot.upright import Bar, short_count
from tests.plot.drawn import hold_legible, hold_marks, texts_of

KIB = 1024


def images(layers: list[int | None], tags: list[int] | None = None) -> pd.DataFrame:
    counts = [1] * len(layers) if tags is None else tags
    return pd.DataFrame({"layers": pd.Series(layers, dtype="Int64"), "tags": pd.Series(counts, dtype="Int64")})


def blobs(users: list[int], lengths: list[int] | None = None, tags: list[int] | None = None) -> pd.DataFrame:
    made = {"images": users, "tags": users if tags is None else tags, "blob_bytes": lengths or [KIB] * len(users)}
    table = pd.DataFrame({name: pd.Series(values, dtype="Int64") for name, values in made.items()})
    return table.assign(repositories=table["images"], present=pd.Series([True] * len(users), dtype="boolean"))


def test_images_are_in_the_class_of_their_layers() -> None:
    told = describe_layer_counts(images([2, 3, 3, 5], tags=[1, 2, 0, 1]))
    assert told.first == 2
    assert told.bars == (Bar(1, 0, "2 layers"), Bar(1, 1, "3 layers"), Bar(0, 0, "4 layers"), Bar(1, 0, "5 layers"))
    assert told.ticks == ((2.5, "2"), (3.5, "3"), (4.5, "4"), (5.5, "5"))
    assert told.pins == ((3.5, "half of the images have at most 3 layers"), (5.5, "90 % have at most 5"))


def test_many_numbers_of_layers_share_classes() -> None:
    told = describe_layer_counts(images([0, 1, 5, 6, 127]))
    assert [(bar.words, bar.count) for bar in told.bars if bar.count] == [
        ("0 layers", 1),
        ("1–5 layers", 2),
        ("6–10 layers", 1),
        ("126–130 layers", 1),
    ]
    assert [place for place, _ in told.pins] == [1.5, 26.5]


@pytest.mark.parametrize(
    ("layers", "title"),
    [
        ([], "There is no image"),
        ([None], "Of no image it is known how many layers it has"),
        ([1], "One image of 1 layer"),
        ([4, 4, 4], "All 3 images have 4 layers"),
        ([1, 2, 9, 12], "Half of the 4 images have at most 2 layers; the deepest has 12"),
    ],
)
def test_the_title_of_layer_counts(layers: list[int | None], title: str) -> None:
    assert describe_layer_counts(images(layers)).title == title
    assert plot.layer_counts(images(layers)).get_title(loc="left") == title


def test_unknown_images_are_left_out_and_said() -> None:
    told = describe_layer_counts(images([3, 4, None, None]))
    assert sum(bar.count for bar in told.bars) == 2
    assert told.explanation.endswith("Left out: 2 images that cannot be read far enough.")


def test_layers_are_in_the_class_of_their_users() -> None:
    told = describe_layer_references(blobs([0, 1, 1, 2, 3, 4, 9], tags=[0, 1, 0, 1, 1, 1, 1]))
    assert told.first == -1
    assert told.bars == (
        Bar(0, 1, "in 0 images"),
        Bar(1, 1, "in 1 image"),
        Bar(2, 0, "in 2–3 images"),
        Bar(1, 0, "in 4–7 images"),
        Bar(1, 0, "in 8–15 images"),
    )


@pytest.mark.parametrize(
    ("users", "title"),
    [
        ([], "There is no layer"),
        ([5], "One layer blob, in 5 images"),
        ([1, 1, 0], "None of 3 layer blobs is in more than one image"),
        ([2, 2, 7], "No layer blob is in one image alone; the most used of 3 is in 7"),
        ([1, 1, 1, 12], "75 % of 4 layer blobs are in one image alone; the most used is in 12"),
        ([1, 3, 3], "One of 3 layer blobs is in one image alone; the most used is in 3"),
    ],
)
def test_the_title_of_layer_references(users: list[int], title: str) -> None:
    assert describe_layer_references(blobs(users)).title == title
    assert plot.layer_references(blobs(users)).get_title(loc="left") == title


def test_bytes_of_what_one_has_alone() -> None:
    told = describe_layer_references(blobs([1, 2, 1], [KIB, 2 * KIB, KIB]), of="repositories")
    assert "Those of one repository alone have 50 % of the 4.00 KiB." in told.explanation


def test_bars_are_the_classes() -> None:
    axes = plot.layer_references(blobs([1, 1, 1, 2, 4], tags=[1, 1, 0, 1, 1]))
    assert [bar.get_height() for bar in axes.patches] == [2, 1, 1, 1, 0, 0]
    assert [to_hex(bar.get_facecolor()) for bar in axes.patches] == [STATES["tagged"]] * 3 + [OTHERS] * 3
    assert {"3", "1", "4–7"} <= set(texts_of(axes))
    assert isinstance(axes, Picture)
    assert [mark.label for mark in axes.marks["tagged"]] == [
        "in 1 image: 2\nlayer blobs in tagged images",
        "in 2–3 images: 1\nlayer blobs in tagged images",
        "in 4–7 images: 1\nlayer blobs in tagged images",
    ]
    assert [mark.label for mark in axes.marks["others"]] == ["in 1 image: 1\nin no tagged image"]
    hold_marks(axes)


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=50))
def test_pins_by_counting(counts: list[int]) -> None:
    for told in (describe_layer_counts(images(list(counts))), describe_layer_references(blobs(counts))):
        if len(set(counts)) == 1:
            assert not told.bars  # the title says it all
            continue
        assert sum(bar.count for bar in told.bars) == len(counts)
        for (place, _), share in zip(told.pins, (0.5, 0.9), strict=True):
            row = int(place - told.first)
            assert sum(bar.count for bar in told.bars[: row + 1]) >= share * len(counts)
            assert sum(bar.count for bar in told.bars[:row]) < share * len(counts)


@pytest.mark.parametrize(
    "counts",
    [[0], [1], [0, 1], [7] * 50_000, [*range(41)] * 3_000, [1] * 99 + [127], [1] * 10 + [2**31]],
    ids=lambda counts: f"{len(counts)}-{max(counts)}",
)
def test_counts_of_any_spread(counts: list[int]) -> None:
    hold_legible(plot.layer_references(blobs(counts)))
    if max(counts) < 1000:
        hold_legible(plot.layer_counts(images(list(counts))))


def test_counts_are_as_exact_as_there_is_room() -> None:
    assert [short_count(12_345, room) for room in (40, 26, 20, 5)] == ["12,345", "12.3k", "12k", ""]
    assert short_count(999, 3) == ""
