"""What stands on which base: rows, order, bars and sentences equal the table."""

from __future__ import annotations

import pandas as pd
import pytest

from regviz import analysis, plot
from regviz.plot.canvas import Picture
from regviz.plot.footing import ROWS, describe_bases
from regviz.read import read
from tests.conftest import ROOT
from tests.plot.drawn import hold_legible, hold_marks, texts_of
from tests.plot.made import LONG, STRANGE

KIB = 1024
Row = tuple[str, str | None, int, int, int]


def bases_table(rows: list[Row], images: int = 9, with_base: int = 8, platforms: int = 1) -> pd.DataFrame:
    """Rows of a name, which is its layer as well, that of the base below, own bytes, bytes on it, and images."""
    count = len(rows)
    texts = {
        "repository": [row[0] for row in rows],
        "tag": ["1"] * count,
        "platform": [f"linux/{at % platforms}" for at in range(count)],
        "manifest": [f"sha256:{at:064x}" for at in range(count)],
        "layer": [row[0] for row in rows],
        "base_layer": [row[1] for row in rows],
    }
    numbers = {
        "images": [row[4] for row in rows],
        "repositories": [1] * count,
        "bytes": [row[3] for row in rows],
        "base_bytes": [row[2] for row in rows],
        "layers": [2] * count,
        "names": [1] * count,
    }
    table = pd.DataFrame(
        {name: pd.Series(values, dtype="str") for name, values in texts.items()}
        | {name: pd.Series(values, dtype="Int64") for name, values in numbers.items()}
    )
    table.attrs |= {"images": images, "images_with_base": with_base}
    return table


FOUR: list[Row] = [
    ("base", None, KIB, 8 * KIB, 6),
    ("other", None, 2 * KIB, 3 * KIB, 2),
    ("node", "base", 2 * KIB, 2 * KIB, 3),
    ("app", "node", 3 * KIB, KIB, 1),
]


def test_a_base_stands_below_what_it_stands_on() -> None:
    told = describe_bases(bases_table(FOUR))
    assert [(base.name, base.under, base.depth) for base in told.bases] == [
        ("base:1", -1, 0),
        ("node:1", 0, 1),
        ("app:1", 1, 2),
        ("other:1", -1, 0),
    ]
    indents = {text.text: text.x for text in told.texts}
    assert indents["base:1"] < indents["node:1"] < indents["app:1"]
    assert indents["other:1"] == indents["base:1"]


def test_a_base_whose_own_base_is_left_out_goes_below_the_next_one() -> None:
    rows: list[Row] = [
        ("base", None, 1, 90, 5),
        ("app", "node", 3, 80, 2),
        ("b", None, 1, 70, 1),
        ("node", "base", 2, 60, 2),
    ]
    told = describe_bases(bases_table(rows), rows=3)
    assert [(base.name, base.under) for base in told.bases] == [("base:1", -1), ("app:1", 0), ("b:1", -1)]
    assert told.explanation.endswith("Left out: 1 other base, with 60 B on it.")
    several = describe_bases(bases_table(rows), rows=2)
    assert several.explanation.endswith("Left out: 2 other bases, none with more than 70 B on it.")


@pytest.mark.parametrize("world", ["world-distribution.tar.gz", "world-v1.tar.gz"])
def test_rows_are_those_of_the_table(world: str) -> None:
    table = analysis.bases(read(ROOT / "data" / world))
    told = describe_bases(table)
    keys = ["base_bytes", "bytes", "images", "repositories"]
    expected = sorted(tuple(map(int, row)) for row in table[keys].to_numpy().tolist())
    assert sorted((base.own, base.above, base.images, base.repositories) for base in told.bases) == expected
    layers = dict(zip(table["layer"], table["repository"] + ":" + table["tag"], strict=True))
    below = {
        (name, layers.get(layer))
        for name, layer in zip(table["repository"] + ":" + table["tag"], table["base_layer"], strict=True)
    }
    names = [base.name.partition(" (")[0] for base in told.bases]
    found = {
        (name, names[base.under] if base.under >= 0 else None) for name, base in zip(names, told.bases, strict=True)
    }
    assert found == below


def test_the_picture_is_what_is_told() -> None:
    table = bases_table(FOUR)
    axes, told = plot.bases(table), describe_bases(table)
    own, on_it = ([path.get_extents() for path in series.get_paths()] for series in axes.collections[:2])
    assert [box.x0 for box in own] == [told.left] * 4
    assert [box.width for box in own] == pytest.approx([base.own * told.unit for base in told.bases])
    assert [box.x0 for box in on_it] == pytest.approx([box.x1 for box in own])
    assert [box.width for box in on_it] == pytest.approx([base.above * told.unit for base in told.bases])
    assert {"base:1", "images", "repositories", "6", "1.00 KiB + 8.00 KiB", "layers on it"} <= set(texts_of(axes))
    assert isinstance(axes, Picture)
    assert axes.marks["on"][1].label.split("\n") == [
        "node:1 linux/0",
        "its own: 2,048 bytes in 2 layers",
        "on it: 2,048 bytes, 3 images in 1 repository",
    ]
    assert axes.marks["on"][1].below == (("own", 0),)
    hold_marks(axes)


@pytest.mark.parametrize(
    ("rows", "images", "with_base", "title"),
    [
        ([], 0, 0, "There is no tagged image"),
        ([], 3, 0, "No tagged image stands on another"),
        (FOUR[:1], 7, 6, "6 of 7 tagged images stand on a base: base:1"),
        (FOUR, 9, 8, "8 of 9 tagged images stand on a base; 6 on base:1"),
        (FOUR, 9, 6, "6 of 9 tagged images stand on a base; all of them on base:1"),
        (FOUR, -1, 0, "4 bases; 6 images on base:1"),
    ],
)
def test_the_title_says_what_is_found(rows: list[Row], images: int, with_base: int, title: str) -> None:
    table = bases_table(rows, images, with_base)
    assert describe_bases(table).title == title
    assert plot.bases(table).get_title(loc="left") == title


def test_platforms_are_named_where_there_are_several() -> None:
    assert {base.name for base in describe_bases(bases_table(FOUR, platforms=2)).bases} == {
        "base:1 (linux/0)",
        "other:1 (linux/1)",
        "node:1 (linux/0)",
        "app:1 (linux/1)",
    }


@pytest.mark.parametrize("names", [STRANGE, LONG])
def test_any_names_however_deep(names: tuple[str, ...]) -> None:
    rows: list[Row] = [
        (name, names[at - 1] if at else None, at, 2**60 // (at + 1), at) for at, name in enumerate(names)
    ]
    hold_legible(plot.bases(bases_table(rows, platforms=2)))
    chain: list[Row] = [(f"n{at}", f"n{at - 1}" if at else None, 5, 500 - at, 1) for at in range(200)]
    axes = plot.bases(bases_table(chain))
    assert len(axes.collections[0].get_paths()) == ROWS
    hold_legible(axes)
