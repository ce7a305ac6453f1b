"""What could go: states add up to the store, bars are the rows of garbage, collectors stand side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from regviz import plot
from regviz.analysis import garbage, states
from regviz.plot.leftovers import describe_collectors, describe_garbage, describe_states
from regviz.plot.palette import STATES, UNKNOWN
from regviz.read import read
from tests.conftest import ROOT
from tests.plot.drawn import hold_legible, hold_marks, texts_of

if TYPE_CHECKING:
    from pathlib import Path

WORLD = ROOT / "data" / "world-distribution.tar.gz"
KIB = 1024
NAMES = ("tagged", "referenced", "untagged", "unreferenced", "recent", "unknown")


def states_table(**sizes: int) -> pd.DataFrame:
    """One blob for each state that is named."""
    table = pd.DataFrame(
        {
            "state": pd.Series(NAMES, dtype="str"),
            "blobs": pd.Series([int(name in sizes) for name in NAMES], dtype="Int64"),
            "bytes": pd.Series([sizes.get(name, 0) for name in NAMES], dtype="Int64"),
            "meaning": pd.Series([f"what {name} is" for name in NAMES], dtype="str"),
        }
    )
    table.attrs["stored_bytes"] = sum(sizes.values())
    return table


def garbage_table(rows: list[tuple[str, int | None, str | None]], **facts: Any) -> pd.DataFrame:
    """Kind, bytes and state of what goes."""
    table = pd.DataFrame(
        {
            "kind": pd.Series([kind for kind, _, _ in rows], dtype="str"),
            "digest": pd.Series([f"sha256:{at:064x}" for at in range(len(rows))], dtype="str"),
            "repository": pd.Series([None] * len(rows), dtype="str"),
            "bytes": pd.Series([size for _, size, _ in rows], dtype="Int64"),
            "state": pd.Series([state for _, _, state in rows], dtype="str"),
            "reason": pd.Series(["why"] * len(rows), dtype="str"),
        }
    )
    counts = {f"{kind}s": sum(row[0] == kind for row in rows) for kind in ("blob", "manifest", "link", "upload")}
    known = {"collector": "distribution-2.8", "abort": None, "error_at_end": None, "unknown_bytes": 0, "breaks": []}
    table.attrs |= known | counts | {"freed_bytes": sum(row[1] or 0 for row in rows)} | facts
    return table


def test_states_add_up_to_the_store() -> None:
    table = states(read(WORLD))
    told = describe_states(table)
    whole, *each = told.rows
    assert whole.spans[-1].end == sum(span.end - span.start for row in each for span in row.spans)
    assert whole.spans[-1].end == table.attrs["stored_bytes"] == table["bytes"].sum()
    assert [row.name for row in each] == table.loc[table["blobs"] > 0, "state"].tolist()
    for span, row in zip(whole.spans, each, strict=True):
        assert (row.spans[0], span.colour) == (span, STATES[row.name])
    assert len(told.joins) == len(each) - 1


@pytest.mark.parametrize(
    ("sizes", "title"),
    [
        ({}, "No blob is stored"),
        ({"tagged": 0}, "All blobs are empty"),
        ({"tagged": 4 * KIB}, "All 4.00 KiB are in use: there is nothing to collect"),
        ({"tagged": 3 * KIB, "unreferenced": KIB}, "Nothing leads to 1.00 KiB, 25 % of the 4.00 KiB stored"),
        (
            {"tagged": 2 * KIB, "unreferenced": KIB, "untagged": KIB},
            "Nothing leads to 1.00 KiB, 25 % of the 4.00 KiB stored; only untagged manifests keep 25 % more",
        ),
        ({"tagged": KIB, "untagged": KIB}, "Only untagged manifests keep 1.00 KiB, 50 % of the 2.00 KiB stored"),
        (
            {"tagged": KIB, "recent": KIB},
            "1.00 KiB of the 2.00 KiB may be of pushes under way; the rest is in use",
        ),
        (
            {"tagged": KIB, "unknown": KIB, "unreferenced": KIB * 2},
            "Of 25 % of the 4.00 KiB nobody can say what keeps them: not all was read",
        ),
    ],
)
def test_titles_of_states(sizes: dict[str, int], title: str) -> None:
    table = states_table(**sizes)
    assert describe_states(table).title == title
    axes = plot.states(table)
    hold_legible(axes)
    hold_marks(axes)


def test_what_nobody_knows_has_its_own_colour() -> None:
    (row,) = describe_states(states_table(unknown=5)).rows
    assert row.spans[0].colour == UNKNOWN


def test_garbage_is_its_rows_blob_by_blob() -> None:
    table = garbage(read(WORLD, links="check"), collector="distribution-2.8-m")
    told = describe_garbage(table)
    drawn = {row.name: [span.end - span.start for span in row.spans] for row in told.rows}
    blobs = table[table["kind"] == "blob"]
    for state, rows in blobs.groupby("state"):
        assert drawn[f"{state} blobs"] == sorted(rows["bytes"].tolist(), reverse=True)
    assert drawn["links of manifests"] == []
    assert sum(map(sum, drawn.values())) == table.attrs["freed_bytes"]
    # 31 blobs, 12 manifests, and 4 indexes that stay and break: what the collector of 2.8 itself does to the world
    assert (
        told.title
        == "Distribution 2.8 with -m would free 107 KiB: 31 blobs, 12 links of manifests, and break 4 manifests that stay"
    )
    labels = {span.mark.label.split("\n")[0] for row in told.rows for span in row.spans}
    assert labels == set(blobs["digest"])
    axes = plot.garbage(table)
    assert {"tagged blobs", "52.6 KiB in 21 blobs"} <= set(texts_of(axes))
    hold_marks(axes)


def test_of_very_many_blobs_the_smaller_share_a_part() -> None:
    table = garbage_table([("blob", size, "unreferenced") for size in range(1, 301)])
    (row,) = describe_garbage(table).rows
    assert len(row.spans) == 201
    assert row.spans[-1].mark.label == "100 smaller blobs\n5,050 bytes"  # 1 + … + 100
    assert row.spans[-1].end == 300 * 301 // 2


@pytest.mark.parametrize(
    ("rows", "facts", "title"),
    [
        ([], {}, "Distribution 2.8 finds nothing to free"),
        ([("link", None, "unreferenced")], {}, "Distribution 2.8 finds nothing to free but 1 layer link"),
        (
            [],
            {"abort": f"manifest sha256:{'ab' * 32} is of schema 1"},
            "Distribution 2.8 stops, and frees nothing: manifest sha256:abababababab is of schema 1",
        ),
        (
            [("blob", KIB, "unreferenced"), ("upload", KIB, None), ("manifest", None, "untagged")],
            {"error_at_end": "it deletes twice", "unknown_bytes": 512},
            "Distribution 2.8 would free 2.00 KiB: 1 blob, 1 upload, 1 link of manifest",
        ),
    ],
)
def test_titles_of_garbage(rows: list[tuple[str, int | None, str | None]], facts: dict[str, Any], title: str) -> None:
    table = garbage_table(rows, **facts)
    told = describe_garbage(table)
    assert told.title == title
    if facts.get("unknown_bytes"):
        assert "In a real run it deletes twice." in told.explanation
        assert "512 B are in no bar" in told.explanation
    hold_legible(plot.garbage(table))


def test_collectors_stand_side_by_side() -> None:
    reg = read(WORLD, links="check")
    names: tuple[Any, ...] = ("reachability", "distribution-2.8", "distribution-2.8-m", "distribution-3")
    answers = [garbage(reg, collector=name) for name in names]
    told = describe_collectors(answers)
    assert [row.name for row in told.rows] == [
        "Collection by reachability",
        "Distribution 2.8",
        "Distribution 2.8 with -m",
        "Distribution 3",
    ]
    for row, table in zip(told.rows, answers, strict=True):
        assert (row.spans[-1].end if row.spans else 0) == table.attrs["freed_bytes"]
    # 3.x does not know schema 1, of which the world has a manifest
    assert told.rows[3].value == "stops, and frees nothing"
    assert told.rows[3].note.endswith("is of schema 1, which 3.x does not know")
    assert told.title == (
        "Collecting frees 21.2 KiB to 107 KiB, depending on the collector; "
        "Distribution 2.8 with -m breaks images; 1 of 4 stop"
    )
    assert [words for _, words in told.legend] == ["tagged", "untagged", "unreferenced", "unfinished uploads"]
    axes = plot.collectors(answers)
    hold_legible(axes)
    hold_marks(axes)


def test_collectors_of_a_broken_index(shared_dumps: Path) -> None:
    reg = read(shared_dumps / "v2-small-filesystem.tar", links="check")
    told = describe_collectors([garbage(reg, collector="distribution-2.8-m")])
    assert told.rows[0].note == "breaks 2 manifests that stay"


def test_no_collector_and_one_that_stops() -> None:
    assert describe_collectors([]).title == "No collector was asked"
    stopped = garbage_table([], abort="no manifest")
    assert describe_collectors([stopped]).title == "The collector stops"
    assert describe_collectors([stopped, stopped]).title == "All 2 collectors stop, and free nothing"
    assert describe_collectors([garbage_table([])]).title == "No collector finds anything to free"
    for answers in ([], [stopped], [garbage_table([])]):
        hold_legible(plot.collectors(answers))
