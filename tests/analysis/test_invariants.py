"""What must hold of the sizes of any registry: of every dump, every shipped archive, and random storages."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from regviz.analysis import clusters, owner_sets, sharing, sizes
from regviz.analysis.members import Grain
from regviz.analysis.states import blob_states
from regviz.read import read
from tests.analysis.test_sharing import hold_against_sets
from tests.analysis.test_sizes import hold_against_oracle
from tests.conftest import ROOT
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry

ENGINES = ("docker-root-0.9.0-graph.tar", "dockerd-20.10-image-meta.tar")
DUMPS = (
    "docker-archive-skopeo-web.tar",
    "docker-save-0.9.0-nodejs.tar",
    "docker-save-20.10-small.tar",
    "docker-save-20.10-x.tar",
    "docker-save-28.5.2-containerd.tar",
    "docker-save-28.5.2-overlay2.tar",
    "oci-archive-zstd.tar",
    "oci-layout-small.tar",
    "v1-article-0.6.6.tar",
    "v1-docker-1.3.3-registry-0.9.1.tar",
    "v1-family-0.6.6.tar",
    "v1-pypi-registry-0.9.1-nodejs.tar",
    "v2-distribution-3.1.1.tar",
    "v2-small-after-gc-m-broken-index.tar",
    "v2-small-filesystem.tar",
    *ENGINES,
)
SHIPPED = sorted(path.name for path in (ROOT / "data").glob("world-*"))
SEEDS = range(30)


def hold(reg: Registry) -> None:
    """What adds up, of every grain."""
    logical = int(sizes(reg, by="tag")["logical_bytes"].sum())
    for by in get_args(Grain):
        table, sets, pairs = sizes(reg, by=by), owner_sets(reg, by=by), sharing(reg, by=by)
        reached, tagged = table.attrs["reached_bytes"], table.attrs["tagged_bytes"]
        assert tagged <= logical
        assert table["exclusive_bytes"].sum() <= table["amortised_bytes"].sum() == reached
        assert reached == tagged or by in ("layer", "manifest")
        assert sets["bytes"].sum() == reached
        assert sets["owners"].is_unique
        assert (sets["owners"].map(len) == sets["owner_count"]).all()
        assert sets[sets["owner_count"] == 1]["bytes"].sum() == table["exclusive_bytes"].sum()
        assert (sets["bytes"] * sets["owner_count"]).sum() == table["unique_bytes"].sum()
        assert pairs["jaccard"].between(0, 1, inclusive="right").all()
        assert pairs["weighted_jaccard"].dropna().between(0, 1).all()
        grouped = clusters(reg, by=by).drop_duplicates("cluster")
        assert grouped["members"].sum() == len(table)
        assert reached <= grouped["cluster_bytes"].sum()
    present = reg.blobs["present"].to_numpy(bool)
    assert ((blob_states(reg) >= 0) == present).all()


@pytest.mark.parametrize("name", DUMPS)
def test_every_dump(shared_dumps: Path, name: str) -> None:
    hold(read(shared_dumps / name))


def test_no_dump_is_left_out(shared_dumps: Path) -> None:
    assert {path.name for path in shared_dumps.glob("*.tar")} == {*DUMPS}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_archive(name: str) -> None:
    hold(read(ROOT / "data" / name))


@pytest.mark.parametrize("seed", SEEDS)
def test_random_storages(seed: int, tmp_path: Path) -> None:
    random_registry(tmp_path / "storage", seed)
    hold(read(tmp_path / "storage"))
    hold_against_sets(tmp_path / "storage")
    hold_against_oracle(tmp_path / "storage")


@pytest.mark.parametrize("seed", SEEDS)
def test_random_storages_that_are_broken(seed: int, tmp_path: Path) -> None:
    random_registry(tmp_path / "storage", seed, broken=True)
    hold(read(tmp_path / "storage"))
