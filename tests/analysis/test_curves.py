"""What deleting more and more tags frees: every point is an answer of what_if, and of a count on paper."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import regviz as rv
from regviz.analysis.curves import POINTS, what_if_curve
from regviz.errors import NotKnowableError, RegvizError
from regviz.read import read
from regviz.world import synthetic_world, write
from tests.conftest import ROOT
from tests.helpers import Store

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from regviz.registry import Registry

WAYS = [
    {},
    {"collector": "distribution-2.8-m"},
    {"collector": "distribution-3-m", "delete_by": "tag"},
    {"collector": "reachability", "keep": "^latest$"},
]


def hold(reg: Registry, table: pd.DataFrame, how: dict[str, Any]) -> None:
    """What the collector says of each point, asked one by one."""
    best = rv.delete_together(reg, **how)
    for row in list[Any](table.itertuples()):
        if row.policy == "keep-last":
            found = rv.what_if(reg, keep_last=int(row.keep_last), **how)
        elif row.policy == "oldest":
            age = reg.source.read_at - row.pushed_before.to_pydatetime()
            found = rv.what_if(reg, older_than=age, **how)
        else:
            found = rv.what_if(reg, tags=best[best["step"] <= row.steps], **how)
        assert (found.attrs["tags"], found.attrs["freed_bytes"]) == (row.tags, row.freed_bytes), row
    assert table.attrs["freeable_bytes"] == rv.what_if(reg, repositories="*", **how).attrs["freed_bytes"]


@pytest.mark.parametrize("how", WAYS, ids=str)
def test_each_point_is_what_the_collector_says(how: dict[str, Any]) -> None:
    reg = read(ROOT / "data" / "world-distribution.tar.gz", links="check")
    table = what_if_curve(reg, **how)
    assert set(table["policy"]) == {"together", "oldest", "keep-last"}
    hold(reg, table, how)


@pytest.mark.parametrize(
    "name", ["v2-small-filesystem.tar", "v2-small-after-gc-m-broken-index.tar", "v2-distribution-3.1.1.tar"]
)
def test_of_real_registries_too(shared_dumps: Path, name: str) -> None:
    reg = read(shared_dumps / name, links="check", times=True)
    for how in WAYS[:3]:
        hold(reg, what_if_curve(reg, **how), how)


def test_of_v1_too() -> None:
    reg = read(ROOT / "data" / "world-v1.tar.gz")
    hold(reg, what_if_curve(reg), {})


def test_what_a_person_can_count(tmp_path: Path) -> None:
    """Tags a, b and c came in this order; a and c stand on one base, the largest there is."""
    store = Store(tmp_path)
    base = np.random.default_rng(1).bytes(50_000)
    for tag, layers in (("a", [base, b"first"]), ("b", [b"other"]), ("c", [base, b"third"])):
        store.image("app", layers, tag)
    for number, tag in enumerate("abc"):
        link = next(tmp_path.rglob(f"tags/{tag}/current/link"))
        os.utime(link, (1_700_000_000 + number,) * 2)
    reg = read(tmp_path, times=True)
    own = rv.sizes(reg, by="tag").set_index("tag")["exclusive_bytes"]
    shared = int(rv.sizes(reg, by="tag").set_index("tag")["shared_bytes"]["a"])
    a, b, c = (int(own[tag]) for tag in "abc")
    table = what_if_curve(reg)
    points = {name: rows[["tags", "freed_bytes"]].to_numpy().tolist() for name, rows in table.groupby("policy")}
    assert points["oldest"] == [[0, 0], [1, a], [2, a + b], [3, a + b + c + shared]]
    assert points["keep-last"] == points["oldest"]
    assert points["together"] == [[0, 0], [2, a + c + shared], [3, a + b + c + shared]]


def test_points_are_spread_and_not_many(tmp_path: Path) -> None:
    write(synthetic_world(40, 900, 2_000), tmp_path, "distribution")
    reg = read(tmp_path)
    table = what_if_curve(reg)
    for _, rows in table.groupby("policy"):
        assert len(rows) <= POINTS + 10
        assert rows["tags"].is_monotonic_increasing
        assert (rows["tags"].iloc[0], rows["tags"].iloc[-1]) == (0, len(reg.tags))
        assert rows["freed_bytes"].iloc[-1] == table.attrs["freeable_bytes"]


def test_time_is_asked_only_where_it_is_known() -> None:
    reg = read(ROOT / "data" / "world-oci.tar.gz")
    assert set(what_if_curve(reg)["policy"]) == {"together"}
    with pytest.raises(NotKnowableError, match="does not tell when its tags were pushed"):
        what_if_curve(reg, policies=["oldest"])
    with pytest.raises(RegvizError, match="no policy 'newest'"):
        what_if_curve(reg, policies=["newest"])  # type: ignore[list-item]


def test_nothing_at_all(tmp_path: Path) -> None:
    Store(tmp_path)
    table = what_if_curve(read(tmp_path))
    assert (table["freed_bytes"].sum(), table.attrs["tags"], table.attrs["freeable_bytes"]) == (0, 0, 0)
