"""The grid of images: cells, order and words equal the table; two images side by side do too."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from regviz import plot
from regviz.analysis import compare_images
from regviz.errors import RegvizError
from regviz.plot.columns import MOST, describe_grid
from regviz.plot.pairing import describe_compare_images
from regviz.plot.palette import EXCLUSIVE, RULE, SHARED
from regviz.plot.stacking import deepest, images_of, in_order, runs_of, runs_that_fit
from regviz.read import read
from tests.conftest import ROOT
from tests.helpers import Store
from tests.plot.drawn import hold_legible, hold_marks, texts_of
from tests.plot.registries import registry

if TYPE_CHECKING:
    from pathlib import Path

WORLD = ROOT / "data" / "world-distribution.tar.gz"
Step = tuple[str, int | None]


def compared(images: dict[str, list[Step]], matches: dict[int, str] | None = None, **attrs: Any) -> pd.DataFrame:
    """A comparison as `compare_images` gives it; equal places are one row, and a step is a blob and its bytes."""
    rows = max((len(steps) for steps in images.values()), default=0)
    made: dict[str, Any] = {
        "match": pd.Series([(matches or {}).get(row, "none") for row in range(rows)], dtype="str"),
        "created_by": pd.Series([f"RUN step {row}" for row in range(rows)], dtype="str"),
    }
    for number, steps in enumerate(images.values(), 1):
        spare = [None] * (rows - len(steps))
        made[f"position_{number}"] = pd.Series([*range(len(steps)), *spare], dtype="Int64")
        made[f"bytes_{number}"] = pd.Series([*(size for _, size in steps), *spare], dtype="Int64")
        made[f"blob_{number}"] = pd.Series([*(blob for blob, _ in steps), *spare], dtype="str")
    table = pd.DataFrame(made)
    every = {blob: size or 0 for steps in images.values() for blob, size in steps}
    table.attrs |= {
        "images": [
            {"reference": name, "source": "here", "layer_bytes": sum(size or 0 for _, size in dict.fromkeys(steps))}
            for name, steps in images.items()
        ],
        "distinct_bytes": sum(every.values()),
        "shared_bytes": sum(
            size for blob, size in every.items() if all((blob, size) in steps for steps in images.values())
        ),
        "basis": "compressed",
        **attrs,
    }
    return table


KIB = 1024
THREE = {
    "app:1": [("base", 600 * KIB), ("one", 300 * KIB)],
    "tool:1": [("other", 100 * KIB)],
    "app:2": [("base", 600 * KIB), ("two", 200 * KIB), ("top", 1)],
}


def test_a_layer_on_the_same_layers_is_one_cell_across_its_images() -> None:
    told = describe_grid(compared(THREE))
    assert told.images == ("app:1", "app:2", "tool:1")  # those on one base touch, the larger first
    cells = {mark.words[-2]: cell for mark, cell in zip(told.marks, told.cells, strict=True)}
    assert {name: cell.images for name, cell in cells.items()} == {
        "base": (0, 1),
        "two": (1,),
        "top": (1,),
        "one": (0,),
        "other": (2,),
    }
    assert {name for name, cell in cells.items() if cell.colour == SHARED} == {"base"}
    assert {name for name, cell in cells.items() if cell.colour == EXCLUSIVE} == {"two", "top", "one", "other"}
    assert cells["base"].width == pytest.approx(2 * cells["one"].width)
    assert cells["base"].height / cells["one"].height == pytest.approx(2)
    assert cells["one"].height / cells["two"].height == pytest.approx(1.5)
    assert cells["top"].height == 15  # a line of text
    assert told.title == "3 images add up to 1.76 MiB; sharing layers, they take 1.17 MiB"


def test_cells_stand_on_each_other_without_a_gap() -> None:
    told = describe_grid(compare_images(read(WORLD)))
    base = max(cell.y + cell.height for cell in told.cells)
    for cell, mark in zip(told.cells, told.marks, strict=True):
        below = [told.cells[at] for _, at in mark.below]
        assert cell.y + cell.height == pytest.approx(below[0].y if below else base)
        if below:
            assert set(cell.images) <= set(below[0].images)
        assert [*cell.images] == [*range(cell.images[0], cell.images[-1] + 1)]


def test_every_layer_of_every_image_is_in_one_of_its_cells() -> None:
    table = compare_images(read(WORLD))
    told = describe_grid(table)
    stacks = {}
    for number, image in enumerate(table.attrs["images"], 1):
        there = table[table[f"position_{number}"].notna()]
        stacks[image["reference"]] = list(zip(there[f"blob_{number}"], there[f"bytes_{number}"], strict=True))
    for column, reference in enumerate(told.images):
        own = [
            (mark.words[-2], cell.bytes)
            for mark, cell in zip(told.marks, told.cells, strict=True)
            if column in cell.images
        ]
        named = [(blob, size) for blob, size in own if str(blob).startswith("sha256:")]
        assert [size for _, size in own] == [size for _, size in stacks[reference]], reference
        assert all(pair in stacks[reference] for pair in named)


def test_the_sums_below_the_columns_are_those_of_the_table() -> None:
    images = {image.reference: image for image in images_of(compared(THREE))}
    assert [(image.bytes, image.shared) for image in images.values()] == [
        (900 * KIB, 600 * KIB),
        (100 * KIB, 0),
        (800 * KIB + 1, 600 * KIB),
    ]
    words = {text.text for text in describe_grid(compared(THREE)).texts}
    assert {"900 KiB", "600 KiB shared", "nothing shared", "app:1", "app:2", "tool:1"} <= words


def test_what_is_shared_on_other_layers_is_light_and_not_one_cell() -> None:
    told = describe_grid(
        compared({"a:1": [("x", 5000), ("same", 5000)], "b:1": [("y", 5000), ("same", 5000)]}, {1: "digest"})
    )
    assert sorted((cell.images, cell.colour) for cell in told.cells) == [
        ((0,), EXCLUSIVE),
        ((0,), SHARED),
        ((1,), EXCLUSIVE),
        ((1,), SHARED),
    ]


def test_strips_say_how_other_blobs_go_together() -> None:
    table = compared(
        {"a:1": [("x", 900), ("p", 800), ("q", 9)], "b:1": [("y", 900), ("r", 800)]},
        {0: "diff_id", 1: "instruction"},
    )
    told = describe_grid(table)
    assert sorted(cell.match for cell in told.cells) == ["diff_id", "diff_id", "instruction", "instruction", "none"]
    axes = plot.grid(table)
    strips = [series for series in axes.collections if isinstance(series, LineCollection)]
    assert [len(series.get_segments()) for series in strips] == [2, 2]
    dashes = [[pattern for _, pattern in series.get_linestyles()] for series in strips]  # type: ignore[attr-defined]
    assert dashes[0] == [None]
    assert dashes[1] != [None]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "same content, compressed otherwise",
        "same instruction, other content",
    ]


def test_bytes_that_are_not_known_are_no_bytes() -> None:
    told = describe_grid(compared({"a:1": [("x", None)], "b:1": [("y", 2048)]}))
    unknown = next(cell for cell in told.cells if cell.bytes is None)
    assert (unknown.colour, unknown.height) == (RULE, 15)
    assert "size unknown" in {text.text for text in told.texts}
    hold_legible(plot.grid(compared({"a:1": [("x", None)], "b:1": [("y", 2048)]})))


def test_what_is_not_there_is_hatched(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"base" * 100, b"one" * 50], "1")
    store.image("app", [b"base" * 100, b"two" * 50], "2")
    whole = compare_images(read(tmp_path))
    assert whole.attrs["absent"] == []
    base, gone = whole["blob_1"].tolist()[:2]
    store.blob_path(gone).unlink()
    table = compare_images(read(tmp_path))
    assert table.attrs["absent"] == [gone]
    told = describe_grid(table)
    hatched = [
        (cell.colour, mark.words[1]) for cell, mark in zip(told.cells, told.marks, strict=True) if not cell.there
    ]
    assert hatched == [(RULE, gone)]
    assert base not in {blob for _, blob in hatched}
    axes = plot.grid(table)
    legend = axes.get_legend()
    assert legend is not None
    assert "not there" in [text.get_text() for text in legend.get_texts()]
    hold_legible(axes)
    hold_marks(axes)


def test_images_on_one_base_are_neighbours_in_every_order() -> None:
    steps = {f"app:{n}": [(f"base{n % 3}", 100), (f"mid{n % 6}", 50), (f"top{n}", 10)] for n in range(18)}
    for names in (list(steps), list(steps)[::-1], sorted(steps, key=lambda name: hash(name) % 7)):
        ordered = in_order(images_of(compared({name: steps[name] for name in names})))
        for depth in (0, 1):
            blobs = [image.layers[depth].blob for image in ordered]
            changes = sum(one != other for one, other in pairwise(blobs))
            assert changes == len(set(blobs)) - 1


def test_of_many_images_the_largest_are_drawn_and_the_others_counted() -> None:
    images: dict[str, list[Step]] = {f"app:{n:03}": [("base", 1000), (f"top{n}", n)] for n in range(200)}
    told = describe_grid(compared(images, others=7))
    assert sorted(told.images) == [f"app:{n:03}" for n in range(200 - MOST, 200)]
    assert "Left out: 183 other images." in told.explanation  # 176 of the table, and 7 that it left out itself
    assert told.title.startswith("200 images add up to 215 KiB; sharing layers, they take 20.4 KiB")


def test_small_layers_are_put_together_where_a_stack_is_deep() -> None:
    deep: list[Step] = [(f"blob{n}", 10 if n % 10 else 100_000) for n in range(300)]
    table = compared({"deep:1": deep, "deep:2": deep[:150]})
    told = describe_grid(table)
    assert sum(cell.layers for cell in told.cells) == 300
    assert sum(cell.bytes or 0 for cell in told.cells) == 30 * 100_000 + 270 * 10
    runs, least = runs_that_fit(images_of(table), 40)
    assert deepest(runs) <= 40 < deepest(runs_of(images_of(table)))
    assert least > 10
    assert "are put together" in told.explanation
    hold_legible(plot.grid(table))
    hold_marks(plot.grid(table))


def test_a_stack_that_shares_every_second_layer_fits_too() -> None:
    one: list[Step] = [(f"own{n}" if n % 2 else f"both{n}", 10) for n in range(2000)]
    other: list[Step] = [("first", 10), *((f"both{n}", 10) for n in range(2, 2000, 2))]
    runs, _ = runs_that_fit(images_of(compared({"a:1": one, "b:1": other})), 34)
    assert deepest(runs) <= 34


@pytest.mark.parametrize(
    ("images", "title"),
    [
        ({}, "There is no image with layers to compare"),
        ({"a:1": []}, "There is no image with layers to compare"),
        ({"a:1": [("x", 2048)]}, "One image of 1 layer: 2.00 KiB"),
        ({"a:1": [("x", 2048)], "b:1": [("y", 1024)]}, "No two of 2 images share a layer: 3.00 KiB"),
        (
            {"a:1": [("x", 2**30), ("z", 1)], "b:1": [("y", 2**30), ("z", 1)]},
            "2 images add up to 2.00 GiB; shared layers save 1 B",
        ),
    ],
)
def test_the_title_says_what_is_found(images: dict[str, list[Step]], title: str) -> None:
    assert describe_grid(compared(images)).title == title
    hold_legible(plot.grid(compared(images)))


@pytest.mark.parametrize(
    ("basis", "words"), [("compressed", "are bytes;"), ("uncompressed", "bytes, uncompressed;"), ("mixed", "some of")]
)
def test_what_the_bytes_are_is_said(basis: str, words: str) -> None:
    assert words in describe_grid(compared(THREE, basis=basis)).explanation


def test_an_instruction_of_a_million_characters_is_cut() -> None:
    table = compared(THREE)
    table["created_by"] = "RUN echo " + "x" * 1_000_000
    axes = plot.grid(table)
    hold_legible(axes)
    assert max(len(mark.label) for mark in describe_grid(table).marks) < 2200
    assert max(len(text) for text in texts_of(axes)) < 200


def test_a_mark_has_whole_names_exact_bytes_and_repositories() -> None:
    told = describe_grid(compared(THREE))
    base = next(mark for mark in told.marks if "base" in mark.words)
    assert base.label == "RUN step 0, 600 KiB (614,400 bytes)\nbase\nin app:1, app:2"
    assert (base.repositories, base.below) == (("app",), ())
    top = next(mark for mark in told.marks if "top" in mark.words)
    assert told.marks[top.below[0][1]].words[-2] == "two"


# --- two images


def pair(name: str, **of: Any) -> pd.DataFrame:
    images: dict[str, list[Step]] = {
        "app:1": [("base", 5000), ("one", 700), ("mine", 40)],
        "app:2": [("base", 5000), ("two", 800)],
    }
    return compared(images, {0: "digest", 1: "instruction"}, verdicts=[name], **of)


def test_bands_join_what_goes_together() -> None:
    told = describe_compare_images(pair("rebuilt"))
    assert [(cell.bytes, cell.colour) for cell in told.left] == [(5000, SHARED), (700, EXCLUSIVE), (40, EXCLUSIVE)]
    assert [(cell.bytes, cell.colour) for cell in told.right] == [(5000, SHARED), (800, EXCLUSIVE)]
    assert [(band.match, band.left, band.right) for band in told.bands] == [("digest", 0, 0), ("instruction", 1, 1)]
    assert told.left[0].height == pytest.approx(told.right[0].height)
    assert told.left[0].y + told.left[0].height == pytest.approx(told.right[0].y + told.right[0].height)
    assert told.title == "app:2 is app:1 built again: 4.88 KiB of 5.66 KiB are the same"
    assert [mark.below for mark in told.marks["bands"]] == [(("left", 0), ("right", 0)), (("left", 1), ("right", 1))]
    axes = plot.compare_images(pair("rebuilt"))
    hold_legible(axes)
    hold_marks(axes)


@pytest.mark.parametrize(
    ("verdict", "title"),
    [
        ("same", "app:1 and app:2 are the same image: 5.66 KiB"),
        ("reconfigured", "app:2 has the layers of app:1, and another configuration: 5.66 KiB"),
        ("recompressed", "app:2 has the content of app:1, compressed otherwise: 5.61 KiB became 5.66 KiB"),
        ("derived", "app:2 stands on app:1, and adds 800 B"),
        ("base", "app:1 stands on app:2, and adds 740 B"),
        ("squashed", "app:2 is app:1 squashed: 5.61 KiB became 5.66 KiB"),
        ("unsquashed", "app:2 has the layers that app:1 was squashed from: 5.61 KiB became 5.66 KiB"),
        ("rebased", "app:2 is app:1 on another base: 4.88 KiB of 5.66 KiB are the same"),
        ("changed", "app:2 has steps of app:1 and others: 4.88 KiB of 5.66 KiB are the same"),
        ("different", "app:1 and app:2 have no step in common: 5.61 KiB and 5.66 KiB"),
    ],
)
def test_the_title_says_how_one_came_from_the_other(verdict: str, title: str) -> None:
    assert describe_compare_images(pair(verdict)).title == title


def test_the_worlds_recompressed_image_is_joined_in_every_layer() -> None:
    told = describe_compare_images(compare_images(read(WORLD), ["team/web:2.0", "team/web:2.0-zstd"]))
    assert [(band.match, band.left, band.right) for band in told.bands] == [("diff_id", n, n) for n in range(6)]
    assert {cell.colour for cell in told.left + told.right} == {EXCLUSIVE}  # no byte of them is stored once


def test_deep_stacks_are_put_together_alike_on_both_sides() -> None:
    deep: list[Step] = [(f"blob{n}", 10 if n % 10 else 100_000) for n in range(300)]
    changed = [(f"new{n}" if 40 < n < 60 else blob, size) for n, (blob, size) in enumerate(deep)]
    table = compared({"a:1": deep, "a:2": changed}, dict.fromkeys(range(300), "digest"), verdicts=["changed"])
    told = describe_compare_images(table)
    assert sum(cell.layers for cell in told.left) == sum(cell.layers for cell in told.right) == 300
    assert max(len(told.left), len(told.right)) < 60
    hold_legible(plot.compare_images(table))


def test_only_two_are_drawn_side_by_side() -> None:
    with pytest.raises(RegvizError, match=r"here are 3: compare two, or draw plot\.grid"):
        plot.compare_images(compared(THREE))


# --- which images are compared where nobody names any


def test_of_each_repository_the_largest_is_chosen_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in range(30):
        for size in range(3):
            store.image(f"app{name:02}", [bytes([name]) * 7, b"x" * (size + 1) * 1000 + bytes([name])], f"{size}")
    table = compare_images(read(tmp_path))
    assert len(table.attrs["images"]) == MOST
    assert table.attrs["others"] == 30 * 3 - MOST
    named = [image["reference"] for image in table.attrs["images"]]
    assert len({name.partition(":")[0] for name in named}) == MOST
    assert named == sorted(named)
    few = read(WORLD)
    assert compare_images(few).attrs["others"] == 0


def test_an_image_with_two_names_is_chosen_once() -> None:
    references = [image["reference"] for image in compare_images(read(WORLD)).attrs["images"]]
    assert "library/nodejs:0.10" in references
    assert "library/nodejs:latest" not in references  # the same image
    assert len(references) == 16


def test_none_and_one_are_no_error() -> None:
    assert compare_images(registry("empty")).attrs["images"] == []
    assert [image["reference"] for image in compare_images(registry("one image")).attrs["images"]] == ["app:latest"]
    with pytest.raises(RegvizError, match="two images or more"):
        compare_images(registry("one image"), [])


@pytest.mark.parametrize("platform", ["linux/arm64", "windows/amd64"])
def test_of_a_platform_only_its_images(platform: str) -> None:
    images = compare_images(read(WORLD), platform=platform).attrs["images"]
    assert images
    assert {image["platform"] for image in images} == {platform}
