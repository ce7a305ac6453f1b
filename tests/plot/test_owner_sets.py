"""Exact sets of owners: columns, rows, dots, bars and sentences equal the table."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from regviz import analysis, plot
from regviz.plot.canvas import Picture
from regviz.plot.palette import EXCLUSIVE, SHARED
from regviz.plot.upset import COLUMNS, ROWS, describe_owner_sets
from regviz.read import read
from tests.conftest import ROOT
from tests.plot.drawn import hold_legible, hold_marks, texts_of
from tests.plot.made import LONG, STRANGE

KIB = 1024


def sets_table(sets: dict[tuple[str, ...], int], grain: str = "repository") -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "owners": pd.Series(list(sets), dtype=object),
            "owner_count": pd.Series([len(owners) for owners in sets], dtype="Int64"),
            "blobs": pd.Series([1] * len(sets), dtype="Int64"),
            "bytes": pd.Series(list(sets.values()), dtype="Int64"),
        }
    )
    table.attrs |= {"grain": grain, "reached_bytes": sum(sets.values())}
    return table


FOUR = {("a", "b"): 4 * KIB, ("a",): 3 * KIB, ("c",): 2 * KIB, ("a", "b", "c"): KIB}


def test_columns_and_rows_by_hand() -> None:
    told = describe_owner_sets(sets_table(FOUR))
    assert [(each.owners, each.rows, each.bytes) for each in told.sets] == [
        (("a", "b"), (0, 1), 4 * KIB),
        (("a",), (0,), 3 * KIB),
        (("c",), (2,), 2 * KIB),
        (("a", "b", "c"), (0, 1, 2), KIB),
    ]
    assert [(owner.name, owner.alone, owner.shared) for owner in told.owners] == [
        ("a", 3 * KIB, 5 * KIB),
        ("b", 0, 5 * KIB),
        ("c", 2 * KIB, KIB),
    ]


def test_the_picture_is_what_is_told() -> None:
    table = sets_table(FOUR)
    axes, told = plot.owner_sets(table), describe_owner_sets(table)
    series = {str(each.get_gid()): each for each in axes.collections if each.get_gid()}
    bars = [path.get_extents() for path in series["marks:sets"].get_paths()]
    assert [bar.height / bars[0].height for bar in bars] == pytest.approx([1, 3 / 4, 2 / 4, 1 / 4])
    assert [to_hex(colour) for colour in series["marks:sets"].get_facecolor()] == [SHARED, EXCLUSIVE, EXCLUSIVE, SHARED]
    rows = [path.get_extents() for path in series["marks:owners"].get_paths()]
    assert [row.width / rows[0].width for row in rows] == pytest.approx([1, 5 / 8, 3 / 8])
    dots = [path.get_extents() for path in series["marks:dots"].get_paths()]
    places = [(told.across[at], told.down[row]) for at, each in enumerate(told.sets) for row in each.rows]
    assert [((dot.x0 + dot.x1) / 2, (dot.y0 + dot.y1) / 2) for dot in dots] == [pytest.approx(at) for at in places]
    [dark] = [each for each in axes.collections if len(each.get_paths()) == 2 and each.get_gid() is None][-1:]
    assert [path.get_extents().width / rows[0].width for path in dark.get_paths()] == pytest.approx([3 / 8, 2 / 8])
    assert {"a", "b", "c", "4.00 KiB", "8.00 KiB", "of one repository alone", "of several"} <= set(texts_of(axes))
    assert isinstance(axes, Picture)
    assert axes.marks["sets"][0].label == "4,096 bytes in 1 blob, of exactly these 2: a, b"
    assert axes.marks["owners"][0].label == "a\n8,192 bytes, 3,072 of them alone"
    assert axes.marks["dots"][1].below == (("sets", 0), ("owners", 1))
    assert axes.marks["dots"][1].repositories == ("b",)
    hold_marks(axes)


@pytest.mark.parametrize("by", ["repository", "tag", "namespace", "platform"])
@pytest.mark.parametrize("world", ["world-distribution.tar.gz", "world-v1.tar.gz"])
def test_bytes_of_the_shipped_worlds(world: str, by: analysis.members.Grain) -> None:
    """A row has what `sizes` says of it; the columns are the table's first rows."""
    reg = read(ROOT / "data" / world)
    table, sizes = analysis.owner_sets(reg, by=by), analysis.sizes(reg, by=by)
    told = describe_owner_sets(table)
    keys = ["repository", "tag"] if by == "tag" else [by]
    names = sizes[keys].astype(object).where(sizes[keys].notna(), "—").agg(":".join, axis=1)
    expected = dict(zip(names, zip(sizes["exclusive_bytes"], sizes["unique_bytes"], strict=True), strict=True))
    assert {owner.name: (owner.alone, owner.alone + owner.shared) for owner in told.owners}.items() <= expected.items()
    hold_legible(plot.owner_sets(table))


def test_the_legend_names_what_occurs() -> None:
    assert [words for _, words in describe_owner_sets(sets_table({("a",): 5, ("b",): 3})).legend] == [
        "of one repository alone"
    ]
    assert [words for _, words in describe_owner_sets(sets_table({("a", "b"): 5})).legend] == ["of several"]


def test_one_owner_is_a_title() -> None:
    told = describe_owner_sets(sets_table({("a",): 5}))
    assert (told.title, told.owners) == ("All 5 B belong to one repository", ())


def test_the_tail_is_counted_and_said() -> None:
    sets = {(f"app{number:02}",): (50 - number) * KIB for number in range(30)}
    sets[tuple(f"app{number:02}" for number in range(30))] = 100
    told = describe_owner_sets(sets_table(sets))
    assert len(told.owners) == ROWS - 1
    assert len(told.sets) == ROWS <= COLUMNS  # what has no row has no column
    assert (told.sets[-1].rows, told.sets[-1].others) == (tuple(range(ROWS - 1)), 11)
    # 31 to 21 KiB of 50 + 49 + … + 21 = 1,065 KiB
    assert told.explanation.endswith(
        "Left out: 11 other sets with 286 KiB, 27 % of all, and 11 repositories without a row."
    )
    assert {"11 others", "11"} <= {text.text for text in told.texts}


@pytest.mark.parametrize(
    ("sets", "title"),
    [
        ({}, "No repository reaches any bytes"),
        ({("a",): 0}, "No repository reaches any bytes"),
        ({("a",): KIB}, "All 1.00 KiB belong to one repository"),
        ({("a",): KIB, ("b",): KIB}, "All 2.00 KiB belong to one repository each: nothing is shared"),
        ({("a", "b"): KIB}, "All 1.00 KiB are shared; the largest shared set, 1.00 KiB, has 2 owners"),
        (FOUR, "50 % of the 10.0 KiB belong to one repository each; the largest shared set, 4.00 KiB, has 2 owners"),
        (
            {("a",): 1, ("a", "b"): 1023},
            "Under 1 % of the 1.00 KiB belong to one repository each; the largest shared set, 1023 B, has 2 owners",
        ),
    ],
)
def test_the_title_says_what_is_found(sets: dict[tuple[str, ...], int], title: str) -> None:
    assert describe_owner_sets(sets_table(sets)).title == title
    assert plot.owner_sets(sets_table(sets)).get_title(loc="left").replace("\n", " ") == title


@pytest.mark.parametrize("names", [STRANGE, LONG, tuple(f"group/app{number}" for number in range(2_000))])
def test_any_names(names: tuple[str, ...]) -> None:
    sets = {names[:at]: at * 7919 for at in (*range(1, min(40, len(names))), len(names))}
    axes = plot.owner_sets(sets_table(sets | {(name,): 5 for name in names[1:]}))
    hold_legible(axes)
    hold_marks(axes)
