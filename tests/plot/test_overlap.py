"""Who shares with whom: cells, order, colours and sentences equal the table."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from regviz import analysis, plot
from regviz.plot.canvas import Picture
from regviz.plot.kin import Pairs, clustered
from regviz.plot.overlap import describe_sharing
from regviz.plot.palette import ON_SCALE, SCALE
from regviz.read import read
from tests.conftest import ROOT
from tests.plot.drawn import hold_legible, hold_marks, texts_of
from tests.plot.made import LONG, STRANGE

KIB = 1024
Rows = list[tuple[str, str, int, float]]


def pairs_table(rows: Rows, count: int | None = None, grain: str = "repository") -> pd.DataFrame:
    """Rows of one, other, bytes that both have, and those in parts of what either has."""
    table = pd.DataFrame(
        {
            grain: pd.Series([row[0] for row in rows], dtype="str"),
            f"other_{grain}": pd.Series([row[1] for row in rows], dtype="str"),
            "shared_blobs": pd.Series([1] * len(rows), dtype="Int64"),
            "shared_bytes": pd.Series([row[2] for row in rows], dtype="Int64"),
            "jaccard": pd.Series([0.5] * len(rows), dtype="Float64"),
            "weighted_jaccard": pd.Series([row[3] for row in rows], dtype="Float64"),
        }
    )
    table.attrs |= {"grain": grain, "rows": len({name for row in rows for name in row[:2]}) if count is None else count}
    return table


THREE: Rows = [("a", "b", 8 * KIB, 0.8), ("a", "c", 2 * KIB, 0.1), ("b", "c", KIB, 0.05)]


@pytest.mark.parametrize("world", ["world-distribution.tar.gz", "world-v1.tar.gz"])
def test_cells_are_the_pairs_that_share_bytes(world: str) -> None:
    table = analysis.sharing(read(ROOT / "data" / world))
    told = describe_sharing(table)
    sharing = table[table["shared_bytes"] > 0]
    expected = {
        frozenset(row[:2]): row[2]
        for row in sharing[["repository", "other_repository", "weighted_jaccard"]].itertuples(index=False)
    }
    found = {frozenset((told.names[cell.row], told.names[cell.column])): cell.value for cell in told.cells}
    assert found == pytest.approx(expected, rel=1e-6)
    assert all(cell.row > cell.column for cell in told.cells)
    in_bytes = describe_sharing(table, measure="shared_bytes")
    assert sum(cell.value for cell in in_bytes.cells) == sharing["shared_bytes"].sum()
    assert in_bytes.names == told.names


def test_the_picture_is_what_is_told() -> None:
    table = pairs_table(THREE)
    told, axes = describe_sharing(table), plot.sharing(table)
    cells = axes.collections[0]
    assert isinstance(cells, PathCollection)
    assert cells.get_gid() == "marks:pairs"
    assert [to_hex(colour) for colour in cells.get_facecolor()] == [cell.colour for cell in told.cells]
    corners = [tuple(path.vertices[0]) for path in cells.get_paths()]
    assert corners == [(told.left + cell.column * told.across, told.top + cell.row * told.down) for cell in told.cells]
    assert {"80 %", "10 %", "5 %", "a", "b", "c"} <= set(texts_of(axes))
    assert isinstance(axes, Picture)
    marks = {frozenset(mark.repositories): mark.label for mark in axes.marks["pairs"]}
    assert marks[frozenset("ab")].split("\n") == [
        "a and b",
        "8,192 of 10,240 bytes that either has, 80 %",
        "1 shared blob",
    ]
    hold_marks(axes)


def test_colours_go_from_little_to_much() -> None:
    told = describe_sharing(pairs_table(THREE))  # the scale ends at 80 %, a step is 10 %
    assert {cell.value: cell.colour for cell in told.cells} == {0.8: SCALE[7], 0.1: SCALE[1], 0.05: SCALE[0]}
    assert [colour for *_, colour in told.key] == list(SCALE)
    in_bytes = describe_sharing(pairs_table(THREE), measure="shared_bytes")
    assert {cell.value: cell.colour for cell in in_bytes.cells} == {
        8 * KIB: SCALE[7],
        2 * KIB: SCALE[2],
        KIB: SCALE[1],
    }


def luminance(colour: str) -> float:
    """By WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_text_can_be_read_on_every_step_of_the_scale_on_light_and_dark_pages() -> None:
    css = (ROOT / "regviz" / "report" / "static" / "page.css").read_text()
    dark = dict(re.findall(r"--rv-((?:scale|on)-\w+): (#\w+);", css))
    dark_scale = [dark[f"scale-{step}"] for step in range(1, 9)]
    assert dark_scale[:5] == list(SCALE[:2:-1])
    for scale, (little, much) in ((SCALE, ON_SCALE), (dark_scale, (dark["on-little"], dark["on-much"]))):
        brightness = [luminance(colour) for colour in scale]
        assert brightness in (sorted(brightness), sorted(brightness, reverse=True))
        for step, ground in enumerate(brightness):
            text = luminance(little if step < 4 else much)
            assert (max(text, ground) + 0.05) / (min(text, ground) + 0.05) > 4.5


def test_what_shares_most_lies_side_by_side() -> None:
    rows = [("a", "d", 9, 0.9), ("b", "e", 9, 0.9), ("c", "f", 9, 0.9), ("a", "e", 1, 0.1), ("b", "f", 1, 0.1)]
    names = describe_sharing(pairs_table(rows)).names
    assert {frozenset(pair) for pair in (names[:2], names[2:4], names[4:])} == {
        frozenset("ad"),
        frozenset("be"),
        frozenset("cf"),
    }


@pytest.mark.parametrize("seed", range(5))
def test_what_is_joined_by_average_linkage(seed: int) -> None:
    """Worked out again by the definition; and what is joined lies together."""
    shares = np.random.default_rng(seed).random((7, 7))
    shares = (shares + shares.T) / 2
    np.fill_diagonal(shares, 1)
    order, joined = clustered(shares)
    groups: dict[int, tuple[int, ...]] = {leaf: (leaf,) for leaf in range(7)}
    places = {leaf: at for at, leaf in enumerate(order)}
    for number, (one, other, far) in enumerate(joined):
        apart = {
            (a, b): float(np.mean([1 - shares[x, y] for x in groups[a] for y in groups[b]]))
            for a, b in combinations(groups, 2)
        }
        assert apart[min(one, other), max(one, other)] == pytest.approx(min(apart.values()))
        assert far == pytest.approx(min(apart.values()))
        groups[7 + number] = groups.pop(one) + groups.pop(other)
        span = sorted(places[leaf] for leaf in groups[7 + number])
        assert span == list(range(span[0], span[0] + len(span)))
    assert sorted(order) == list(range(7))


def test_the_tail_is_left_out_and_said() -> None:
    rows = [(f"a{number}", f"b{number}", (9 - number) * KIB, 0.5) for number in range(9)]
    told = describe_sharing(pairs_table(rows, count=21), most=5)
    assert sorted(told.names) == ["a0", "a1", "b0", "b1"]
    assert told.explanation.endswith(
        "Left out: 14 others (no pair left out shares more than 7.00 KiB), 3 that share nothing."
    )


@pytest.mark.parametrize(
    ("rows", "count", "title"),
    [
        ([], 0, "There is no repository"),
        ([], 1, "There is one repository, and none that it could share with"),
        ([], 7, "No two of 7 repositories share any bytes"),
        ([("a", "b", 0, 0.0)], 2, "No two of 2 repositories share any bytes"),
        (THREE, 3, "a and b share 80 % of their bytes (8.00 KiB)"),
        ([("a", "b", 5, 0.0001)], 2, "a and b share under 1 % of their bytes (5 B)"),
    ],
)
def test_the_title_says_what_is_found(rows: Rows, count: int, title: str) -> None:
    table = pairs_table(rows, count)
    assert describe_sharing(table).title == title
    assert plot.sharing(table).get_title(loc="left") == title


def test_other_grains_are_named() -> None:
    assert describe_sharing(pairs_table([], 3, "platform")).title == "No two of 3 platforms share any bytes"
    table = analysis.sharing(read(ROOT / "data" / "world-distribution.tar.gz"), by="tag")
    pair = Pairs(table, 40).order[0]
    assert {pair.one, pair.other} == {
        ":".join(table[[f"{lead}repository", f"{lead}tag"]].iloc[0]) for lead in ("", "other_")
    }
    assert set(pair.repositories) == set(table[["repository", "other_repository"]].iloc[0])


@pytest.mark.parametrize("names", [STRANGE, LONG, tuple(f"group/app{number}" for number in range(60))])
@pytest.mark.parametrize("measure", ["weighted_jaccard", "shared_bytes"])
def test_any_names(names: tuple[str, ...], measure: str) -> None:
    rows = [
        (one, other, 1 + (at * 7919) % 10**9, ((at * 31) % 100 + 1) / 101)
        for at, (one, other) in enumerate((a, b) for a in names for b in names if a < b)
    ]
    axes = plot.sharing(pairs_table(rows), measure=measure)  # type: ignore[arg-type]
    hold_legible(axes)
    hold_marks(axes)
