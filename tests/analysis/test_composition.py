"""What the tagged bytes are made of: it adds up to the byte, however it is divided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import regviz as rv
from regviz.analysis.composing import LEVELS, PARTS, composition, fair_shares
from regviz.analysis.reach import incidence
from regviz.errors import RegvizError
from regviz.read import read
from regviz.world import synthetic_world, write
from tests.conftest import ROOT
from tests.helpers import Store

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

SOURCES = ["world-distribution.tar.gz", "world-v1.tar.gz", "world-oci.tar.gz", "world-docker-save.tar.gz"]


def hold(reg: rv.Registry, table: pd.DataFrame) -> None:
    """What must hold of any division."""
    sizes = rv.sizes(reg, by="tag")
    assert table["bytes"].sum() == table.attrs["tagged_bytes"] == sizes.attrs["tagged_bytes"]
    assert (table["bytes"] > 0).all()
    assert set(table["level"]) <= set(LEVELS)
    keys = list(LEVELS)
    whole = table[table["parts"] == 1]
    assert not whole.duplicated(keys).any()
    for level, name in enumerate(keys):
        rows = table[table["level"] == name]
        deeper = keys[level + 1 :]
        assert rows[deeper].isna().all().all()
        assert rows.loc[rows["parts"] > 1, name].isna().all()
        if level:
            assert rows.loc[rows["parts"] == 1, name].notna().all()
    shares = sizes.set_index(["repository", "tag"])["amortised_bytes"]
    divided = table[table["tag"].notna()].groupby(["repository", "tag"], observed=True)["bytes"].sum()
    if len(divided):  # a tag's whole bytes are rounded blob by blob here, and all at once there
        assert ((divided - shares.loc[divided.index]).abs() <= len(reg.blobs)).all()
    by_size = np.sort(shares.to_numpy(dtype=np.int64))[::-1]
    half = next((n for n in range(1, len(by_size) + 1) if 2 * by_size[:n].sum() >= by_size.sum()), 0)
    assert abs(table.attrs["half_tags"] - half) <= 1


@pytest.mark.parametrize("parts", [1, 2, 7, 40, PARTS])
@pytest.mark.parametrize("name", SOURCES)
def test_it_adds_up(name: str, parts: int) -> None:
    reg = read(ROOT / "data" / name)
    table = composition(reg, parts=parts)
    assert len(table) <= parts
    hold(reg, table)


def test_large_registries_stay_small(tmp_path: Path) -> None:
    write(synthetic_world(60, 400, 900), tmp_path, "distribution")
    reg = read(tmp_path)
    for parts in (50, PARTS):
        table = composition(reg, parts=parts)
        assert len(table) <= parts
        hold(reg, table)


def test_on_paper(tmp_path: Path) -> None:
    """Two tags share a layer; an odd byte goes to the first of them."""
    store = Store(tmp_path)
    rng = np.random.default_rng(1)
    base, own = rng.bytes(1001), rng.bytes(300)
    store.image("team/app", [base], "1")
    store.image("team/app", [base, own], "2")
    reg = read(tmp_path)
    length = reg.blobs.set_index("blob")["blob_bytes"].astype(int)
    table = composition(reg)
    assert set(table["namespace"]) == {"team"}
    assert set(table["parts"]) == {1}
    shared = [blob for blob, rows in table.groupby("blob", observed=True) if len(rows) == 2]
    assert len(shared) == 1
    whole = int(length[shared[0]])
    parts = table[table["blob"] == shared[0]].set_index("tag")["bytes"]
    assert (parts["1"], parts["2"]) == (-(-whole // 2), whole // 2)
    alone = table[table["blob"] != shared[0]]
    assert alone["bytes"].tolist() == [int(length[blob]) for blob in alone["blob"]]
    assert table["bytes"].sum() == length.sum()
    layers = table[table["kind"] == "layer"]
    assert layers["created_by"].notna().sum() == 0  # such an image has no history
    assert table.attrs["layer_bytes"] == {"team/app": int(length[[*layers["blob"].unique()]].sum())}


def test_instructions_stand_at_layers() -> None:
    table = composition(read(ROOT / "data" / "world-distribution.tar.gz"))
    made = table.loc[table["kind"] == "layer", "created_by"]
    assert "RUN /bin/sh -c npm ci # buildkit" in set(made)
    assert table.loc[table["kind"] != "layer", "created_by"].isna().all()


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), max_size=40),
    st.lists(st.integers(0, 10**15), min_size=8, max_size=8),
)
def test_shares_of_each_blob_are_its_bytes(pairs: list[tuple[int, int]], stored: list[int]) -> None:
    tag, blob = np.array([*pairs, (-1, -1)]).T
    owned = incidence(tag, blob, (6, 8))
    shares = fair_shares(owned, np.array(stored)).toarray()
    for column in range(8):
        owners = sorted({tag for tag, blob in pairs if blob == column})
        own = shares[:, column]
        assert own.sum() == (stored[column] if owners else 0)
        assert own[owners].max(initial=0) - own[owners].min(initial=10**16) <= 1
        assert list(own[owners]) == sorted(own[owners], reverse=True)


def test_nothing_and_no_part(tmp_path: Path) -> None:
    Store(tmp_path)
    reg = read(tmp_path)
    table = composition(reg)
    assert (len(table), table.attrs["tagged_bytes"], table.attrs["half_tags"]) == (0, 0, 0)
    with pytest.raises(RegvizError, match="parts is 0"):
        composition(reg, parts=0)
