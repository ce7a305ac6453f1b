"""The waterfall of reconcile: each bar begins where the one before it ended, and every byte is the table's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from regviz import plot
from regviz.analysis import reconcile
from regviz.plot.palette import OTHERS, SHARED, STATES
from regviz.plot.waterfall import MINUS, describe_reconcile
from regviz.read import read
from tests.conftest import ROOT
from tests.plot.drawn import hold_legible, hold_marks, texts_of

KIB = 1024


def steps(*rows: tuple[str, int | None, str | None]) -> pd.DataFrame:
    """Name, bytes and subtotal of each step; what it comes to is added up here."""
    running: list[int | None] = []
    for _, size, _ in rows:
        before = running[-1] if running else 0
        running.append(None if before is None or size is None else before + size)
    columns: dict[str, Any] = {
        "step": pd.Series([row[0] for row in rows], dtype="str"),
        "bytes": pd.Series([row[1] for row in rows], dtype="Int64"),
        "running_bytes": pd.Series(running, dtype="Int64"),
        "rows": pd.Series([1] * len(rows), dtype="Int64"),
        "subtotal": pd.Series([row[2] for row in rows], dtype="str"),
        "listed_in": pd.Series(["blobs"] * len(rows), dtype="str"),
        "meaning": pd.Series([f"what {row[0]} is" for row in rows], dtype="str"),
    }
    return pd.DataFrame(columns)


# On paper: two tags of 6 and 4 KiB share 2 KiB; a blob of 1 KiB is left over, links take 512 bytes, blocks are unknown.
SMALL = steps(
    ("tags", 10 * KIB, None),
    ("shared within repositories", -2 * KIB, None),
    ("shared across repositories", 0, "tagged bytes"),
    ("unreferenced", KIB, "blobs, each once"),
    ("links", 512, "files"),
    ("blocks of files", None, "disk"),
)


def test_bars_lead_from_sum_to_sum() -> None:
    told = describe_reconcile(SMALL)
    assert [(rung.name, rung.start, rung.end, rung.value) for rung in told.rungs] == [
        ("all tags", 0, 10 * KIB, "10.0 KiB"),
        ("shared within repositories", 10 * KIB, 8 * KIB, f"{MINUS}2.00 KiB"),
        ("tagged bytes", 0, 8 * KIB, "8.00 KiB"),
        ("unreferenced", 8 * KIB, 9 * KIB, "+1.00 KiB"),
        ("blobs, each once", 0, 9 * KIB, "9.00 KiB"),
        ("links", 9 * KIB, 9 * KIB + 512, "+512 B"),
        ("files", 0, 9 * KIB + 512, "9.50 KiB"),
    ]
    assert told.title == "Tags add up to 10.0 KiB; sharing saves 20 % of it; the files take 9.50 KiB"
    assert "Not known of this source: blocks of files." in told.explanation
    assert "Left out: 1 step of 0 bytes." in told.explanation


def test_colours_say_what_keeps_the_bytes() -> None:
    colours = {rung.name: rung.colour for rung in describe_reconcile(SMALL).rungs}
    assert colours["unreferenced"] == STATES["unreferenced"]
    assert colours["shared within repositories"] == SHARED
    assert colours["links"] == OTHERS
    assert colours["all tags"] == colours["tagged bytes"] == STATES["tagged"]


def test_what_follows_an_unknown_step_has_its_value_and_no_bar() -> None:
    table = steps(
        ("tags", KIB, "tagged bytes"),
        ("unreferenced", KIB, "blobs, each once"),
        ("other", 0, "objects"),
        ("unfinished multipart uploads", None, None),
        ("noncurrent versions", 3 * KIB, "objects, uploads and versions"),
    )
    told = describe_reconcile(table)
    assert told.title == "Tags add up to 1.00 KiB and share nothing; the objects take 2.00 KiB"
    last = told.rungs[-1]
    assert (last.name, last.end, last.value) == ("noncurrent versions", None, "+3.00 KiB")
    axes = plot.reconcile(table)
    assert {"noncurrent versions", "+3.00 KiB"} <= set(texts_of(axes))
    hold_legible(axes)
    hold_marks(axes)


def test_bars_are_drawn_where_the_table_says() -> None:
    table = reconcile(read(ROOT / "data" / "world-distribution.tar.gz", measure=True))
    told, axes = describe_reconcile(table), plot.reconcile(table)
    (series,) = (each for each in axes.collections if isinstance(each, PathCollection))
    point = axes.get_xlim()[1] / 300  # what is smaller is drawn as a hair
    for rung, path in zip(told.rungs, series.get_paths(), strict=True):
        left, right = np.asarray(path.vertices)[:, 0].min(), np.asarray(path.vertices)[:, 0].max()
        assert left == min(rung.start or 0, rung.end or 0)
        assert right - left == pytest.approx(abs((rung.end or 0) - (rung.start or 0)), abs=2 * point)
        assert right > left
    added = table.loc[table["bytes"] != 0, "bytes"].tolist()
    assert [rung.bytes for rung in told.rungs if not rung.is_sum or rung.name == "all tags"] == [
        size for size in added if size is not pd.NA
    ]
    files = table.loc[table["subtotal"] == "files", "running_bytes"].item()
    assert told.rungs[-1].end == files
    assert {rung.value for rung in told.rungs} <= set(texts_of(axes))


def test_marks_have_exact_bytes_and_the_meaning() -> None:
    label = describe_reconcile(SMALL).rungs[1].mark.label
    assert label.split("\n") == [
        "shared within repositories",
        f"{MINUS}2,048 bytes, 1 row",
        "what shared within repositories is",
    ]


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        ([("tags", 0, "tagged bytes"), ("x", 0, "blobs, each once"), ("y", 0, "files")], "No blob is stored"),
        (
            [("tags", 0, "tagged bytes"), ("x", 0, "blobs, each once"), ("y", KIB, "files")],
            "No blob is stored; the files take 1.00 KiB",
        ),
        (
            [("tags", 0, "tagged bytes"), ("untagged", KIB, "blobs, each once"), ("y", 0, "files")],
            "No tag reaches any of the 1.00 KiB in blobs; the files take 1.00 KiB",
        ),
    ],
)
def test_titles(rows: list[tuple[str, int | None, str | None]], title: str) -> None:
    assert describe_reconcile(steps(*rows)).title == title


def test_from_nothing_to_the_largest_and_below_zero() -> None:
    hold_legible(plot.reconcile(steps(("tags", 2**60, "tagged bytes"), ("recent", 1, "blobs, each once"))))
    odd = steps(("tags", KIB, "tagged bytes"), ("x", 0, "blobs, each once"), ("blocks of files", -2 * KIB, "disk"))
    axes = plot.reconcile(odd)
    assert axes.get_xlim()[0] == -KIB
    hold_legible(axes)
