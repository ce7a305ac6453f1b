"""Bytes freed against tags deleted: every point is a row of the table, and the title is counted."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from regviz import plot
from regviz.analysis import delete_together, what_if_curve
from regviz.plot.freed import describe_delete_together, describe_what_if_curve
from regviz.plot.palette import STATES
from regviz.read import read
from tests.conftest import ROOT
from tests.plot.drawn import hold_legible, hold_marks, texts_of

KIB = 1024


def curve_table(rows: list[tuple[str, int, int, Any]], tags: int, most: int, **facts: Any) -> pd.DataFrame:
    """Policy, tags, bytes and what the policy says of each point."""
    table = pd.DataFrame(
        {
            "policy": pd.Series([row[0] for row in rows], dtype="str"),
            "tags": pd.Series([row[1] for row in rows], dtype="Int64"),
            "freed_bytes": pd.Series([row[2] for row in rows], dtype="Int64"),
            "steps": pd.Series([row[3] if row[0] == "together" else None for row in rows], dtype="Int64"),
            "pushed_before": pd.Series(
                [row[3] if row[0] == "oldest" else None for row in rows], dtype="datetime64[us, UTC]"
            ),
            "keep_last": pd.Series([row[3] if row[0] == "keep-last" else None for row in rows], dtype="Int64"),
        }
    )
    known = {"collected_today_bytes": 0, "undated": 0, "abort": None, "collector": "distribution-2.8"}
    table.attrs |= known | {"tags": tags, "freeable_bytes": most} | facts
    return table


DAY = pd.Timestamp("2020-05-01", tz="UTC")
SMALL = curve_table(
    [
        ("together", 0, 0, 0),
        ("together", 2, 3 * KIB, 1),
        ("together", 10, 4 * KIB, 2),
        ("oldest", 0, 0, DAY),
        ("oldest", 7, 2 * KIB, DAY),
        ("oldest", 10, 4 * KIB, DAY),
        ("keep-last", 8, KIB, 3),
    ],
    10,
    4 * KIB,
    collected_today_bytes=512,
    undated=1,
)


def test_points_are_the_rows_of_the_table() -> None:
    told = describe_what_if_curve(SMALL)
    points = {curve.policy: [(point.tags, point.bytes) for point in curve.points] for curve in told.curves}
    assert points == {
        "together": [(0, 0), (2, 3 * KIB), (10, 4 * KIB)],
        "oldest": [(0, 0), (7, 2 * KIB), (10, 4 * KIB)],
        "keep-last": [(8, KIB)],
    }
    assert (
        told.title == "Half of the 4.00 KiB that deletion can free goes with 20 % of the tags; oldest first, with 70 %"
    )
    assert "beyond what it would free today (512 B)" in told.explanation
    assert "1 tag with no known time of push stay" in told.explanation


def test_lines_and_marks_are_the_points() -> None:
    table = what_if_curve(read(ROOT / "data" / "world-distribution.tar.gz"))
    axes, told = plot.what_if_curve(table), describe_what_if_curve(table)
    lines = {str(line.get_color()): line for line in axes.lines}
    best = lines[STATES["unreferenced"]]
    rows = table[table["policy"] == "together"]
    assert list(best.get_xdata()) == rows["tags"].tolist()
    assert list(best.get_ydata()) == rows["freed_bytes"].tolist()
    marks: dict[str, Any] = axes.marks  # type: ignore[attr-defined]
    assert {name: len(rows) for name, rows in marks.items()} == table["policy"].value_counts().to_dict()
    assert {curve.words for curve in told.curves} <= set(texts_of(axes))
    hold_marks(axes)


def test_marks_say_what_goes() -> None:
    told = describe_what_if_curve(SMALL)
    labels = {curve.policy: curve.points[-1].mark.label.split("\n") for curve in told.curves}
    assert labels == {
        "together": ["10 tags deleted: 4,096 bytes freed", "after step 2 of those that free most together"],
        "oldest": ["10 tags deleted: 4,096 bytes freed", "pushed before 2020-05-01"],
        "keep-last": ["8 tags deleted: 1,024 bytes freed", "the last 3 of each repository stay"],
    }
    assert "N = 3" in texts_of(plot.what_if_curve(SMALL))


@pytest.mark.parametrize(
    ("table", "title"),
    [
        (curve_table([], 0, 0), "There is no tag to delete"),
        (curve_table([("together", 0, 0, 0)], 3, 0), "Deleting all 3 tags frees nothing"),
        (curve_table([("together", 0, 0, 0)], 1, 0, abort="no link"), "Deleting the tag frees nothing: no link"),
        (curve_table([("together", 0, 0, 0), ("together", 1, KIB, 1)], 1, KIB), "Deleting the tag frees 1.00 KiB"),
        (
            curve_table([("together", 0, 0, 0), ("together", 1, KIB, 1)], 4, KIB),
            "All of the 1.00 KiB that deletion can free goes with 1 tag of 4",
        ),
        (
            curve_table([("oldest", 0, 0, DAY), ("oldest", 3, KIB, DAY)], 4, 2 * KIB),
            "Half of the 2.00 KiB that deletion can free goes with 75 % of the tags",
        ),
        (
            curve_table([("oldest", 0, 0, DAY), ("oldest", 3, 1, DAY)], 4, 2 * KIB),
            "All 4 tags together free 2.00 KiB; no policy frees half of it",
        ),
    ],
)
def test_titles(table: pd.DataFrame, title: str) -> None:
    assert describe_what_if_curve(table).title == title
    hold_legible(plot.what_if_curve(table))


def test_steps_are_the_curve_of_delete_together() -> None:
    table = delete_together(read(ROOT / "data" / "world-distribution.tar.gz"))
    (curve,) = describe_delete_together(table).curves
    steps = table.drop_duplicates("step")
    assert curve.in_steps
    assert [(point.tags, point.bytes) for point in curve.points[1:]] == list(
        zip(steps["running_tags"], steps["running_bytes"], strict=True)
    )
    first = table[table["step"] == 1]
    name = f"{first['repository'].iloc[0]}:{first['tag'].iloc[0]}"
    assert curve.points[1].mark.label.startswith(f"step 1: {name}")
    assert f"{first['step_bytes'].iloc[0]:,} bytes" in curve.points[1].mark.label


def test_of_many_steps_some_have_a_dot() -> None:
    count = 5_000
    table = pd.DataFrame(
        {
            "step": range(1, count + 1),
            "repository": "a",
            "tag": [str(number) for number in range(count)],
            "step_tags": 1,
            "step_bytes": range(count, 0, -1),
            "running_tags": range(1, count + 1),
        }
    )
    table["running_bytes"] = table["step_bytes"].cumsum()
    most = int(table["step_bytes"].sum())
    table.attrs |= {"freeable_bytes": most, "abort": None, "collector": "v1"}
    told = describe_delete_together(table)
    (curve,) = told.curves
    assert len(curve.points) <= 62
    assert not curve.in_steps
    assert (curve.points[0].bytes, curve.points[-1].tags, curve.points[-1].bytes) == (0, count, most)
    assert f"Of 5,000 steps {len(curve.points) - 1} have a dot." in told.explanation
