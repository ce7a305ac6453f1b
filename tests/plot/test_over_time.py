"""Figures over time: bars, lanes, ages and readings equal their tables; sentences are counted by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regviz as rv
from regviz import plot
from regviz.errors import RegvizError
from regviz.plot.lanes import describe_tag_history, lanes_of
from regviz.plot.palette import EXCLUSIVE, OTHERS, SHARED, STATES
from regviz.plot.past import describe_history
from regviz.plot.readings import describe_growth
from regviz.plot.sheet import PAPER, Rect
from regviz.plot.spans import past_of
from regviz.plot.stale import describe_stale_tags
from regviz.plot.timeline import UNITS, TimeAxis, count_between, floor, following, midnight, name_of, parse_period
from regviz.share import folder
from tests.plot.drawn import hold_legible, hold_marks, texts_of

KIB = 1024


def history_table(
    rows: list[tuple[str | None, int, int, int]], by: str = "month", basis: str = "pushed"
) -> pd.DataFrame:
    """Periods with their added, exclusive and amortised bytes."""
    table = pd.DataFrame(
        {
            "period": pd.Series([row[0] for row in rows], dtype="str"),
            "basis": pd.Series([basis if row[0] else None for row in rows], dtype="str"),
            "blobs": [1] * len(rows),
            "added_bytes": [row[1] for row in rows],
            "total_bytes": np.cumsum([row[1] for row in rows], dtype=np.int64),
            "tags": [1 if row[3] else 0 for row in rows],
            "unique_bytes": [row[3] for row in rows],
            "exclusive_bytes": [row[2] for row in rows],
            "amortised_bytes": [row[3] for row in rows],
        }
    )
    table.attrs |= {
        "grain": by,
        "stored_bytes": sum(row[1] for row in rows),
        "tagged_bytes": sum(row[3] for row in rows),
    }
    return table


def shares_of(boxes: tuple[Rect, ...]) -> list[float]:
    """Heights as shares of the highest."""
    highest = max(box.height for box in boxes)
    return [box.height / highest for box in boxes]


THREE = [("2018-05", 40, 10, 20), ("2018-07", 20, 15, 25), ("2020-01", 40, 35, 35)]


def test_bars_of_history_are_the_rows() -> None:
    told = describe_history(history_table(THREE))
    stored, kept = told.bars("stored"), told.bars("kept")
    assert shares_of(stored) == pytest.approx([0.4, 0.6, 1])
    assert [box.height / stored[-1].height for box in kept] == pytest.approx([0.2, 0.45, 0.8])
    exclusive, shared = told.bars("exclusive"), told.bars("shared")
    dearest = exclusive[-1].height  # 35 of the 35 that the last one costs
    assert [box.height / dearest for box in exclusive] == pytest.approx([10 / 35, 15 / 35, 1])
    assert [box.height / dearest for box in shared] == pytest.approx([10 / 35, 10 / 35])
    assert [box.y + box.height for box in shared] == pytest.approx([box.y for box in exclusive[:2]])  # on top of them
    assert {box.colour for box in stored} == {OTHERS}
    assert {box.colour for box in kept} == {STATES["tagged"]}
    assert {box.colour for box in exclusive} == {EXCLUSIVE}
    assert {box.colour for box in shared} == {SHARED}


def test_bars_of_history_lie_in_their_months() -> None:
    told = describe_history(history_table(THREE))
    months = [parse_period(row[0]) for row in THREE if row[0]]
    axis_start, axis_end = dt.date(2018, 5, 1), dt.date(2020, 2, 1)
    first = told.bars("stored")[0].x
    unit = (told.bars("stored")[-1].x - first) / (months[-1] - axis_start).days
    for box, month in zip(told.bars("exclusive"), months, strict=True):
        assert first + unit * (month - axis_start).days <= box.x
        assert box.x + box.width <= first + unit * (following(month, "month") - axis_start).days
    last = told.bars("stored")[-1]
    assert last.x + last.width == pytest.approx(first + unit * (axis_end - axis_start).days)


@pytest.mark.parametrize(
    ("rows", "by", "basis", "title"),
    [
        ([], "month", "pushed", "There is no blob"),
        ([("2020-01", 0, 0, 0)], "month", "pushed", "Nothing has a byte that is stored here"),
        ([(None, 3 * KIB, 0, 0)], "month", "pushed", "Nothing tells when the 3.00 KiB came that are stored"),
        ([("2020-01", 3 * KIB, 1, 1)], "month", "pushed", "All 3.00 KiB came in 2020-01"),
        ([("2020-01", 3 * KIB, 1, 1)], "month", "created", "All 3.00 KiB come with images made in 2020-01"),
        ([("2020-01", KIB, 1, 1), (None, KIB, 0, 0)], "month", "pushed", "1.00 KiB of 2.00 KiB came in 2020-01"),
        # 20 before 2019, of which 1.75 years are left, weigh more than 45 before 2020 do, of which one month is left
        (THREE, "month", "pushed", "Pushes before 2019 still cost 45 B, 45 % of what is stored"),
        (THREE, "month", "created", "Images made before 2019 still cost 45 B, 45 % of what is stored"),
        # All within one year: months divide. 50 * 2/3 of the time, against 60 * 1/3.
        (
            [("2020-01", 60, 50, 50), ("2020-02", 20, 10, 10), ("2020-03", 20, 10, 10)],
            "month",
            "pushed",
            "Pushes before 2020-02 still cost 50 B, 50 % of what is stored",
        ),
        # Nothing but the last month is paid for.
        (
            [("2020-01", 60, 0, 0), ("2020-02", 20, 10, 10)],
            "month",
            "pushed",
            "The pushes of 2020-02 cost 10 B of the 80 B stored",
        ),
        (
            [("2019", 60, 0, 0), ("2020", 20, 0, 0)],
            "year",
            "pushed",
            "Half of the 80 B had come by 2019; no tag of a known time reaches any of it",
        ),
    ],
)
def test_the_title_of_history(rows: list[Any], by: str, basis: str, title: str) -> None:
    table = history_table(rows, by, basis)
    assert describe_history(table).title == title
    axes = plot.history(table)
    assert axes.get_title(loc="left").replace("\n", " ") == title
    hold_legible(axes)
    hold_marks(axes)


def months(first: str, count: int, by: str = "month") -> pd.DataFrame:
    day, names = parse_period(first), []
    for _ in range(count):
        names.append(name_of(day, by))
        day = following(day, by)
    return history_table([(name, 10 + number % 7, 2, 5 + number % 3) for number, name in enumerate(names)], by)


@pytest.mark.parametrize(
    ("first", "count", "by", "unit"),
    [
        ("2011-01", 180, "month", "month"),
        ("2001-01", 300, "month", "quarter"),
        ("2014-01-01", 190, "day", "day"),
        ("2014-01-01", 700, "day", "week"),
        ("2014-01-01", 2_500, "day", "month"),
        ("2014-W02", 150, "week", "week"),
        ("2014-W02", 900, "week", "quarter"),
        ("2013", 14, "year", "year"),
    ],
)
def test_long_spans_are_drawn_by_longer_periods(first: str, count: int, by: str, unit: str) -> None:
    table = months(first, count, by)
    told, past = describe_history(table), past_of(table)
    assert past.unit == unit
    assert len(past.spans) <= count
    assert sum(span.added for span in past.spans) == table["added_bytes"].sum()
    assert sum(span.cost for span in past.spans) == table["amortised_bytes"].sum()
    assert min(box.width for box in told.bars("exclusive")) >= 2.4
    assert ("so each bar has the" in told.explanation) == (unit != by)
    hold_legible(plot.history(table))


def test_weeks_that_are_merged_go_to_the_month_of_their_thursday() -> None:
    rows = [(f"2014-W{week:02}", 1, 1, 1) for week in range(1, 53)]
    rows += [(f"2020-W{week:02}", 1, 1, 1) for week in range(1, 54)]
    past = past_of(history_table(rows, "week"), width=300)
    assert past.unit == "month"
    # 2014-W01 begins on 30 December 2013; 2020-W53 ends on 3 January 2021: both by ISO's rule of their own year.
    assert (past.spans[0].name, past.spans[-1].name) == ("2014-01", "2020-12")


def test_what_has_no_time_stands_apart_and_is_said() -> None:
    axes = plot.history(history_table([*THREE, (None, 100, 5, 7)]))
    assert "no time" in texts_of(axes)
    assert "Of 100 B no time is known." in describe_history(history_table([*THREE, (None, 100, 5, 7)])).explanation
    told = describe_history(history_table([*THREE, (None, 100, 5, 7)]))
    assert shares_of(told.bars("stored")) == pytest.approx([0.2, 0.3, 0.5, 1])
    hold_legible(axes)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(0, 160), st.integers(0, 2**44), st.integers(0, 2**40)),
        min_size=1,
        max_size=30,
        unique_by=lambda row: row[0],
    ),
    st.sampled_from([300.0, PAPER]),
)
def test_any_history_is_legible(rows: list[tuple[int, int, int]], width: float) -> None:
    named = [
        (
            name_of(dt.date(2011 + month // 12, month % 12 + 1, 1), "month"),
            added,
            min(added, cost) // 2,
            min(added, cost),
        )
        for month, added, cost in sorted(rows)
    ]
    table = history_table(named)
    told = describe_history(table, width=width)
    assert sum(box.height > 0.8001 for box in told.bars("stored")) <= len(rows)
    for box in (*told.bars("stored"), *told.bars("kept"), *told.bars("exclusive"), *told.bars("shared")):
        assert box.x >= -0.1
        assert box.x + box.width <= width + 0.1
        assert box.height >= 0
    hold_legible(plot.history(table))


@given(st.dates(dt.date(2000, 1, 1), dt.date(2040, 1, 1)), st.sampled_from(UNITS))
def test_periods_follow_each_other(day: dt.date, unit: str) -> None:
    start = floor(day, unit)
    assert start <= day < following(start, unit)
    assert floor(following(start, unit), unit) == following(start, unit)
    assert count_between(start, following(start, unit, 5), unit) == 6
    if unit != "quarter":
        assert parse_period(name_of(start, unit)) == start


@given(
    st.integers(0, 30 * 365 * 86_400),
    st.floats(0.001, 5e8),
    st.sampled_from([120.0, 650.0]),
)
def test_ticks_have_room(first: int, seconds: float, width: float) -> None:
    start = dt.datetime(2000, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=first)
    axis = TimeAxis(start, start + dt.timedelta(seconds=seconds), 10, width)
    ticks = axis.ticks()
    assert ticks
    assert all(9.9 <= x <= 10.1 + width for x, _ in ticks)
    assert len({words for _, words in ticks}) == len(ticks)
    for x, words in ticks:
        if len(words) == 4 and len(ticks) > 1:
            assert axis.x(midnight(dt.date(int(words), 1, 1))) == pytest.approx(x)


def tag_rows(rows: list[tuple[str, str, str, str | None, bool, bool, int]]) -> pd.DataFrame:
    """Repository, tag, manifest, since, current, present, left bytes."""
    names = ["repository", "tag", "manifest", "since", "current", "present", "left_bytes"]
    table = pd.DataFrame(rows, columns=names)
    table["since"] = pd.to_datetime(table["since"], utc=True).astype("datetime64[us, UTC]")
    table.insert(4, "until", table.groupby(["repository", "tag"])["since"].shift(-1))
    return table


MOVED = tag_rows(
    [
        ("app", "latest", "sha256:" + "a" * 64, "2020-01-01", False, False, 0),
        ("app", "latest", "sha256:" + "b" * 64, "2020-03-01", False, True, 3 * KIB),
        ("app", "latest", "sha256:" + "c" * 64, "2020-04-01", True, True, 0),
        ("app", "1", "sha256:" + "c" * 64, "2020-04-01", True, True, 0),
        ("web", "edge", "sha256:" + "c" * 64, "2020-02-01", False, True, 0),
        ("web", "edge", "sha256:" + "d" * 64, "2020-06-01", True, True, 0),
    ]
)


def test_lanes_are_the_tags_that_moved() -> None:
    assert [(lane.name, len(lane.segments)) for lane in lanes_of(MOVED)] == [("app:latest", 3), ("web:edge", 2)]
    told = describe_tag_history(MOVED)
    assert told.title == "2 of 3 tags moved, 3 times in all, and left 3.00 KiB behind"
    assert told.explanation.endswith("Left out: 1 tag that never did.")
    colours = [(box.colour, box.hollow) for box in told.bars("segments")]
    blue, amber = STATES["tagged"], STATES["untagged"]
    # each lane from its current manifest backwards; web:edge pointed to c, which app:latest has
    assert colours == [(blue, False), (amber, False), (STATES["absent"], True), (blue, False), (blue, False)]


def test_segments_are_as_long_as_they_lasted() -> None:
    current, second, first, *_ = describe_tag_history(MOVED).bars("segments")
    days = [(dt.date(2020, 3, 1) - dt.date(2020, 1, 1)).days, (dt.date(2020, 4, 1) - dt.date(2020, 3, 1)).days]
    assert second.width / first.width == pytest.approx(days[1] / days[0])
    assert second.x == pytest.approx(first.x + first.width)
    assert current.x == pytest.approx(second.x + second.width)


def test_moves_whose_time_is_not_known_stand_before_the_others() -> None:
    rows = [
        ("app", "latest", "sha256:" + "a" * 64, None, False, True, 5),
        ("app", "latest", "sha256:" + "b" * 64, "2020-03-01", True, True, 0),
        ("app", "2", "sha256:" + "a" * 64, "2020-01-01", False, True, 0),
        ("app", "2", "sha256:" + "b" * 64, "2020-02-01", True, True, 0),
    ]
    axes = plot.tag_history(tag_rows(rows))
    assert "time unknown" in texts_of(axes)
    hold_legible(axes)
    hold_marks(axes)
    none = tag_rows([(*row[:3], None, *row[4:]) for row in rows])
    assert "No time is known; the last is the current one." in describe_tag_history(none).explanation
    hold_legible(plot.tag_history(none))


@pytest.mark.parametrize("moves", [1, 40, 1_500])
def test_a_tag_that_moved_every_night_has_lanes_of_few_marks(moves: int) -> None:
    start = dt.datetime(2016, 1, 1, tzinfo=dt.UTC)
    rows = [
        (
            f"app{lane}",
            "nightly",
            f"sha256:{lane:032}{move:032}",
            str(start + dt.timedelta(days=move)),
            move == moves,
            True,
            1,
        )
        for lane in range(30)
        for move in range(moves + 1)
    ]
    table = tag_rows(rows)
    told = describe_tag_history(table)
    assert len(told.bars("segments")) <= 3_000
    assert "6 other tags that moved (which left" in told.explanation
    axes = plot.tag_history(table)
    hold_legible(axes)
    hold_marks(axes)
    digests = {word for mark in axes.marks["segments"] for word in mark.words}  # type: ignore[attr-defined]
    assert len(digests) == 24 * (moves + 2)  # every manifest is found, and the name of each tag


def stale_table(
    rows: list[tuple[str, int, int]], older_than: float = 0, stale: int | None = None, unknown: int = 0
) -> pd.DataFrame:
    """Tags with their age in days and their exclusive bytes."""
    table = pd.DataFrame(
        {
            "repository": ["app"] * len(rows),
            "tag": [row[0] for row in rows],
            "basis": ["pushed"] * len(rows),
            "age_days": pd.Series([row[1] for row in rows], dtype="Int64"),
            "exclusive_bytes": pd.Series([row[2] for row in rows], dtype="Int64"),
        }
    )
    table.attrs |= {
        "stale_bytes": sum(row[2] for row in rows) if stale is None else stale,
        "unknown_tags": unknown,
        "older_than": older_than,
    }
    return table


AGES = [("a", 29, KIB), ("b", 30, 2 * KIB), ("c", 89, KIB), ("d", 400, 3 * KIB), ("e", 3_651, KIB)]


def test_tags_are_in_the_class_of_their_age() -> None:
    table = stale_table(AGES, stale=9 * KIB)
    told = describe_stale_tags(table)
    assert shares_of(told.bars("ages")) == [1.0] * 8
    longest = max(box.width for box in told.bars("ages"))  # d: 3 KiB
    assert [round(3 * box.width / longest, 2) for box in told.bars("ages")][:2] == [1, 3]
    (together,) = told.bars("together")
    assert together.width / longest == pytest.approx(1 / 3)
    names = [text.text for text in told.texts]
    assert {"under 30 days", "30 to 90 days", "1 to 2 years", "10 years and more", "several of these"} <= set(names)
    assert {"1.00 KiB, 1 tag", "3.00 KiB, 2 tags", "0 B, 0 tags"} <= set(names)


@pytest.mark.parametrize(
    ("table", "title"),
    [
        (stale_table([]), "There is no tag"),
        (stale_table([], 90), "No tag is older than 90 days"),
        (stale_table([], 90, unknown=3), "Of 3 tags no age is known"),
        (
            stale_table(AGES[3:], 365, stale=9 * KIB),
            "2 tags that nobody pushed for 1 year keep 9.00 KiB that no other tag reaches",
        ),
        (stale_table(AGES), "Of the 8.00 KiB that one tag alone keeps, 50 % is kept by tags of 1 year and more"),
        (stale_table([("a", 3, 0)]), "1 tag, and none keeps bytes that no other reaches"),
    ],
)
def test_the_title_of_stale_tags(table: pd.DataFrame, title: str) -> None:
    assert describe_stale_tags(table).title == title
    axes = plot.stale_tags(table)
    hold_legible(axes)
    hold_marks(axes)


def readings(stored: list[int], gone: list[int] | None = None) -> pd.DataFrame:
    start, change = pd.Timestamp("2026-01-01", tz="UTC"), [None, *(int(each) for each in np.diff(stored))]
    went = gone or [max(0, -(each or 0)) + 1 for each in change]
    table = pd.DataFrame(
        {
            "at": [start + pd.Timedelta(days=10 * number) for number in range(len(stored))],
            "source": [f"/srv/{number}.regviz" for number in range(len(stored))],
            "blobs": [1] * len(stored),
            "stored_bytes": stored,
            "tagged_bytes": [each // 2 for each in stored],
            "new_bytes": pd.Series(
                [None if c is None else c + w for c, w in zip(change, went, strict=True)], dtype="Int64"
            ),
            "gone_bytes": pd.Series([None, *went[1:]], dtype="Int64"),
        }
    )
    table.attrs |= {"grain": "reading", "basis": "read"}
    return table


def test_points_and_bars_of_growth_are_the_readings() -> None:
    told = describe_growth(readings([100, 150, 400], [0, 50, 0]))
    base = told.under[0].points[0][1]  # the line at 0 bytes
    heights = [base - (box.y + box.height / 2) for box in told.bars("stored")]
    assert [height / heights[-1] for height in heights] == pytest.approx([0.25, 0.375, 1])
    assert [base - (box.y + box.height / 2) for box in told.bars("tagged")] == pytest.approx([h / 2 for h in heights])
    first, second, third = (box.x for box in told.bars("stored"))
    assert second - first == pytest.approx(third - second)
    new, (gone,) = told.bars("new"), told.bars("gone")
    assert [box.height / gone.height for box in new] == pytest.approx([2, 5])
    assert gone.hollow
    assert told.title == "Grew from 100 B to 400 B in 20 days"


def test_the_disk_is_full_where_the_line_says() -> None:
    data = folder("data")
    found = [rv.read(data / f"world-{name}.tar.gz") for name in ("v1", "distribution")]
    table, ahead = rv.growth(found), rv.forecast(found, disk=600_000)
    told = describe_growth(table, ahead)
    full = ahead["full_at"].iloc[0]
    assert told.title.endswith(f"at this rate the disk of 586 KiB is full on {full:%Y-%m-%d}")
    (line,) = (stroke for stroke in told.over if stroke.dashed)
    (disk,) = (stroke for stroke in told.over if not stroke.dashed)
    assert line.points[1][1] == pytest.approx(disk.points[0][1])
    at = table["at"].tolist()
    stored = told.bars("stored")
    day = (stored[1].x - stored[0].x) / ((at[1] - at[0]) / pd.Timedelta(days=1))
    assert line.points[1][0] - line.points[0][0] == pytest.approx(
        day * ((full - at[1]) / pd.Timedelta(days=1)), rel=1e-6
    )
    axes = plot.growth(table, forecast=ahead)
    hold_legible(axes)
    hold_marks(axes)


@pytest.mark.parametrize("stored", [[5, 5], [0, 0], [2**40, 1], [*range(1, 91)], [3, 2**50, 1, 2**50]])
def test_any_readings_are_legible(stored: list[int]) -> None:
    axes = plot.growth(readings(stored))
    hold_legible(axes)
    hold_marks(axes)


def test_growth_of_something_else_is_refused() -> None:
    data = folder("data")
    found = [rv.read(data / f"world-{name}.tar.gz") for name in ("v1", "distribution")]
    with pytest.raises(RegvizError, match="drawn by reading, and this is by repository"):
        plot.growth(rv.growth(found, by="repository"))
