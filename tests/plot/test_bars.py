"""Bytes by repository: bars, order, labels and sentences equal the table."""

from __future__ import annotations

import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from regviz import plot
from regviz.analysis import sizes
from regviz.plot.bars import describe_sizes
from regviz.plot.palette import EXCLUSIVE, SHARED
from regviz.read import read
from tests.conftest import ROOT
from tests.plot.drawn import texts_of
from tests.plot.made import many_sizes, sizes_table

KIB = 1024


def test_bars_are_the_rows_of_the_table() -> None:
    table = sizes(read(ROOT / "data" / "world-distribution.tar.gz"))
    axes = plot.sizes(table)
    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    dark, light = bars[: len(table)], bars[len(table) :]
    assert [bar.get_width() for bar in dark] == table["exclusive_bytes"].tolist()
    assert [bar.get_width() for bar in light] == table["shared_bytes"].tolist()
    assert [bar.get_x() for bar in light] == table["exclusive_bytes"].tolist()
    assert {to_hex(bar.get_facecolor()) for bar in dark} == {EXCLUSIVE}
    assert {to_hex(bar.get_facecolor()) for bar in light} == {SHARED}
    assert [label.get_text() for label in axes.get_yticklabels()] == table["repository"].tolist()
    heights = [bar.get_y() for bar in dark]
    assert heights == sorted(heights)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first row is at the top
    strokes = next(series for series in axes.collections if isinstance(series, LineCollection))
    shared = table[table["shared_bytes"] > 0]
    assert [segment[0][0] for segment in strokes.get_segments()] == shared["amortised_bytes"].tolist()


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        ([], "There is no repository"),
        ([("a", 0, 0, 0), ("b", 0, 0, 0)], "No tag of 2 repositories reaches any bytes"),
        ([("a", 3 * KIB, 0, 3 * KIB)], "All 3.00 KiB belong to one repository"),
        # 10 + 8 of 30 KiB are more than half; no two bars share anything
        (
            [
                ("a", 10 * KIB, 0, 10 * KIB),
                ("b", 8 * KIB, 0, 8 * KIB),
                ("c", 7 * KIB, 0, 7 * KIB),
                ("d", 5 * KIB, 0, 5 * KIB),
            ],
            "Half of the 30.0 KiB belong to 2 of 4 repositories; nothing is shared",
        ),
        # the first has 6 of 10 KiB; 2 of 10 KiB are shared: half and half
        (
            [("team/big", 5 * KIB, 2 * KIB, 6 * KIB), ("b", 3 * KIB, 2 * KIB, 4 * KIB)],
            "team/big has 60 % of the 10.0 KiB in 2 repositories; 20 % is shared",
        ),
    ],
)
def test_the_title_says_what_is_found(rows: list[tuple[str, int, int, int]], title: str) -> None:
    table = sizes_table(rows)
    assert describe_sizes(table).title == title
    assert plot.sizes(table).get_title(loc="left").replace("\n", " ") == title


def test_hidden_rows_do_not_change_the_whole() -> None:
    table = sizes_table([("a", KIB, 0, KIB), ("b", KIB, 0, KIB)], reached=100 * KIB)
    assert describe_sizes(table).title == "2 repositories have 2 % of 100 KiB"


def test_values_stand_at_the_bars() -> None:
    table = sizes_table([("a", 2 * KIB, KIB, 2 * KIB + 512), ("b", KIB, 0, KIB), ("c", 0, KIB, 512)])
    assert [bar.value for bar in describe_sizes(table).bars] == [
        "3.00 KiB, 2.00 KiB exclusive",
        "1.00 KiB",
        "1.00 KiB, none exclusive",
    ]
    assert {"3.00 KiB, 2.00 KiB exclusive", "1.00 KiB"} <= set(texts_of(plot.sizes(table)))


def test_the_tail_is_said_and_adds_up() -> None:
    table = sizes_table([(f"r{number:03}", 10, 0, 10) for number in range(200)])
    told = describe_sizes(table, rows=25)
    assert [bar.label for bar in told.bars] == [f"r{number:03}" for number in range(24)]
    assert told.rest == "176 other repositories: together 1.72 KiB as their fair share, 88 % of all bytes"
    assert told.rest in texts_of(plot.sizes(table))


def test_a_table_that_fits_has_no_tail() -> None:
    assert describe_sizes(many_sizes([f"r{number}" for number in range(25)]), rows=25).rest == ""


def test_a_persons_own_order_is_kept() -> None:
    table = sizes_table([("a", 1, 9, 5), ("b", 3, 0, 3)]).sort_values("shared_bytes", ascending=True)
    assert [bar.label for bar in describe_sizes(table).bars] == ["b", "a"]


@pytest.mark.parametrize(
    ("by", "label"),
    [
        ("tag", "library/nodejs:0.10"),
        ("namespace", "team"),
        ("platform", "linux/arm64"),
        ("layer", "sha256:0197f417485d"),
    ],
)
def test_every_grain_has_its_labels(by: str, label: str) -> None:
    table = sizes(read(ROOT / "data" / "world-distribution.tar.gz"), by=by)  # type: ignore[arg-type]
    assert label in {bar.label for bar in describe_sizes(table, rows=100).bars}


def test_what_has_no_platform_is_named() -> None:
    table = sizes(read(ROOT / "data" / "world-distribution.tar.gz"), by="platform")
    assert "(no platform)" in {bar.label for bar in describe_sizes(table).bars}


def test_layers_say_what_made_them() -> None:
    table = sizes(read(ROOT / "data" / "world-distribution.tar.gz"), by="layer")
    assert table["created_by"].tolist()[2] == "RUN /bin/sh -c apk add nodejs # buildkit"
    bars = describe_sizes(table).bars
    assert (bars[0].note, bars[2].note) == ("", "RUN apk add nodejs")  # the first has no instruction
    assert {"RUN apk add nodejs", "sha256:36bad491cf7c", "sha256:0197f417485d"} <= set(texts_of(plot.sizes(table)))


def test_what_rounds_to_the_whole_is_called_nearly_all() -> None:
    assert describe_sizes(sizes_table([("a", 2**30, 5, 2**30 + 1)])).bars[0].value == "1.00 GiB, nearly all exclusive"
