"""What differs between registries, and what is lost to layers made again: bars and words equal the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex

from regviz import plot
from regviz.analysis import churn, compare_registries
from regviz.plot.changes import ROWS, describe_compare_registries
from regviz.plot.palette import APPEARED, CERTAIN, SUSPECTED, WENT
from regviz.plot.remaking import describe_churn
from regviz.read import read
from tests.conftest import ROOT
from tests.helpers import Store
from tests.plot.drawn import hold_legible, hold_marks

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

WORLD = ROOT / "data" / "world-distribution.tar.gz"


def widths(axes: Axes, name: str) -> list[tuple[float, float]]:
    """From where to where the bars of a series reach, from the left."""
    found = []
    for series in axes.collections:
        if series.get_gid() == f"marks:{name}":
            assert isinstance(series, PathCollection)
            boxes = [path.get_extents() for path in series.get_paths()]
            found += [(box.x0, box.x1) for box in boxes]
    return found


def two_registries(root: Path) -> pd.DataFrame:
    """One is only in the old, one only in the new, in one a tag moved, and one stays."""
    old, new = Store(root / "old"), Store(root / "new")
    for store in (old, new):
        store.image("stays", [b"same" * 100], "1")
        store.image("team/web", [b"base" * 5000], "1.0")
    old.image("goes", [bytes(range(256)) * 30], "1")
    old.image("team/web", [b"base" * 5000, b"before"], "latest")
    new.image("team/web", [b"base" * 5000, bytes(range(255)) * 20], "latest")
    new.image("comes", [bytes(range(254)) * 40], "1")
    new.image("comes", [bytes(range(253)) * 40], "2")
    return compare_registries(read(root / "old"), read(root / "new"))


@pytest.fixture
def roots(tmp_path: Path) -> Path:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_bars_go_left_for_what_went_and_right_for_what_came(roots: Path) -> None:
    table = two_registries(roots)
    told = describe_compare_registries(table)
    rows = table[table["what"] == "repository"].set_index("repository")
    assert {change.repository: (change.went, change.came) for change in told.changes} == {
        name: (rows["missing_bytes"].fillna(0)[name], rows["added_bytes"].fillna(0)[name])
        for name in ("goes", "comes", "team/web")
    }
    order = [change.went + change.came for change in told.changes]
    assert order == sorted(order, reverse=True)
    notes = {change.repository: change.note for change in told.changes}
    assert notes == {
        "goes": "gone repository; tags: 1 gone",
        "comes": "new repository; tags: 2 new",
        "team/web": "tags: 1 moved, 1 the same",
    }
    assert "Left out: 1 repository without a change." in told.explanation
    axes = plot.compare_registries(table)
    went, came = widths(axes, "went"), widths(axes, "came")
    axis = came[0][0]
    assert {round(end, 6) for _, end in went} == {round(start, 6) for start, _ in came} == {round(axis, 6)}
    longest = max(change.came for change in told.changes)
    unit = max(end - start for start, end in came) / longest
    assert [end - start for start, end in came] == pytest.approx(
        [change.came * unit for change in told.changes if change.came]
    )
    assert [end - start for start, end in went] == pytest.approx(
        [max(0.8, change.went * unit) for change in told.changes if change.went]
    )
    colours = {each.get_gid(): to_hex(each.get_facecolor()[0]) for each in axes.collections if each.get_gid()}  # type: ignore[index]
    assert colours == {"marks:went": WENT, "marks:came": APPEARED}
    hold_legible(axes)
    hold_marks(axes)


def test_the_title_has_the_sums_of_the_answer(roots: Path) -> None:
    table = two_registries(roots)
    table.attrs |= {"added_bytes": 2048, "missing_bytes": 1024, "new_bytes": 5120}
    title = "2.00 KiB came, 1.00 KiB went and 3.00 KiB stayed; tags: 2 new, 1 moved, 1 gone"
    assert describe_compare_registries(table).title == title


def test_registries_that_name_content_differently_are_compared_by_tags() -> None:
    table = compare_registries(read(WORLD), read(ROOT / "data" / "world-v1.tar.gz"))
    told = describe_compare_registries(table)
    tags = table[table["what"] == "tag"]
    gone = tags[tags["change"] == "went"].groupby("repository").size().to_dict()
    assert told.unit == "tags"
    assert {change.repository: change.went for change in told.changes if change.went} == gone
    assert told.title == f"Tags: {sum(gone.values())} gone, 11 unknown; their bytes cannot be compared"
    assert "by name alone" in told.explanation
    hold_legible(plot.compare_registries(table))
    hold_marks(plot.compare_registries(table))


def test_many_repositories_are_summed_up_without_a_sum(roots: Path) -> None:
    new = Store(roots / "new")
    Store(roots / "old")
    for number in range(40):
        new.image(f"app{number:02}", [bytes([number, 1, 2]) * (number + 1) * 999], "1")
    told = describe_compare_registries(compare_registries(read(roots / "old"), read(roots / "new")))
    assert len(told.changes) == ROWS - 1
    assert told.rest.startswith("17 other repositories, with at most ")
    smallest_shown = told.changes[-1].came
    assert all(change.came >= smallest_shown for change in told.changes)


def test_incomplete_registries_say_so(roots: Path) -> None:
    table = two_registries(roots)
    table.attrs["complete"] = False
    assert "Not everything could be read" in describe_compare_registries(table).explanation


def remade(rows: list[tuple[str, str | None, str, int]], layers: int = 1 << 20) -> pd.DataFrame:
    """Groups of kind, repository, instruction and bytes lost."""
    count = len(rows)
    table = pd.DataFrame(
        {
            "kind": pd.Series([row[0] for row in rows], dtype="str"),
            "repository": pd.Series([row[1] for row in rows], dtype="str"),
            "created_by": pd.Series([row[2] for row in rows], dtype="str"),
            **{name: pd.Series([2] * count, dtype="Int64") for name in ("blobs", "repositories", "images", "tags")},
            "lost_bytes": pd.Series([row[3] for row in rows], dtype="Int64"),
            "blob": pd.Series([f"sha256:{number:064x}" for number in range(count)], dtype="str"),
        }
    )
    sums = {kind: sum(row[3] for row in rows if row[0] == kind) for kind in ("recompressed", "rebuilt")}
    table.attrs |= {f"{kind}_bytes": size for kind, size in sums.items()}
    table.attrs |= {"lost_bytes": sum(sums.values()), "layer_bytes": layers}
    return table


def test_bars_of_layers_made_again_are_the_rows_of_the_table() -> None:
    table = remade(
        [("rebuilt", "team/web", "/bin/sh -c npm ci", 3000), ("recompressed", None, "RUN make # buildkit", 1000)]
    )
    told = describe_churn(table)
    assert [(loss.label, loss.certain, loss.suspected) for loss in told.losses] == [
        ("RUN npm ci", 0, 3000),
        ("RUN make", 1000, 0),
    ]
    assert [loss.note for loss in told.losses] == [
        "built again, it seems, in team/web: 2 blobs, 2 images, 2 tags",
        "compressed again in 2 repositories: 2 blobs, 2 images, 2 tags",
    ]
    axes = plot.churn(table)
    bars = widths(axes, "losses")
    assert (bars[0][1] - bars[0][0]) / (bars[1][1] - bars[1][0]) == pytest.approx(3)
    series = next(each for each in axes.collections if each.get_gid() == "marks:losses")
    assert [to_hex(colour) for colour in series.get_facecolor()] == [SUSPECTED, CERTAIN]  # type: ignore[union-attr]
    hold_legible(axes)
    hold_marks(axes)


@pytest.mark.parametrize(
    ("rows", "title"),
    [
        ([], "No layer seems to have been made again without need"),
        (
            [("recompressed", None, "x", 1 << 19)],
            "512 KiB are lost to layers that were compressed again, 50 % of the 1.00 MiB in layers",
        ),
        (
            [("rebuilt", None, "x", 1 << 18)],
            "256 KiB seem lost to layers that were built again, 25 % of the 1.00 MiB in layers",
        ),
        (
            [("rebuilt", None, "x", 1 << 18), ("recompressed", None, "x", 1 << 10)],
            "257 KiB seem lost to layers made again, 25 % of the 1.00 MiB in layers; 1.00 KiB certainly",
        ),
    ],
)
def test_the_title_says_what_is_lost(rows: list[Any], title: str) -> None:
    assert describe_churn(remade(rows)).title == title
    hold_legible(plot.churn(remade(rows)))


def test_of_many_groups_the_tail_is_one_sentence() -> None:
    told = describe_churn(remade([("rebuilt", None, f"RUN step {n}", 1024) for n in range(50)]))
    assert len(told.losses) == 19
    assert told.rest == "31 other groups: together 31.0 KiB, 62 % of what is lost"


def test_repositories_lose_what_the_answer_says() -> None:
    table = churn(read(WORLD), by="repository")
    told = describe_churn(table)
    lost = table[table["lost_bytes"] > 0]
    assert [(loss.label, loss.certain, loss.suspected) for loss in told.losses] == list(
        zip(lost["repository"], lost["recompressed_bytes"], lost["rebuilt_bytes"], strict=True)
    )
    assert sum(loss.bytes for loss in told.losses) == table.attrs["lost_bytes"]
    axes = plot.churn(table)
    both = [loss for loss in told.losses if loss.certain and loss.suspected]
    inner = [each for each in axes.collections if isinstance(each, PathCollection) and not each.get_gid()]
    assert [len(each.get_paths()) for each in inner] == [len(both)]
    hold_marks(axes)
