"""What was read in part says nothing that the rest could change: neither garbage, nor missing, nor within a limit."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

import regviz as rv
from regviz.analysis.collectors import collect
from regviz.errors import RegvizError
from regviz.report import show, words
from regviz.report.summary import things_to_do
from tests.cli.running import run
from tests.helpers import Store, V1Store, as_nobody, image_id
from tests.layouts.oci_store import OciStore

if TYPE_CHECKING:
    from pathlib import Path

DISTRIBUTION = ("distribution-2.8", "distribution-2.8-m", "distribution-3", "distribution-3-m")


def cut(root: Path, folder: Path) -> Path:
    """An archive in the order of names that breaks off before the first repository: blobs and images come first."""
    archive = folder / "cut.tar"
    subprocess.run(["tar", "-C", root, "--sort=name", "-cf", archive, "."], check=True)
    data = archive.read_bytes()
    archive.write_bytes(data[: data.index(b"/repositories/") // 512 * 512 + 100])
    return archive


@pytest.fixture
def distribution(tmp_path: Path) -> Path:
    """A tagged image of a layer, and a blob that nothing refers to; neither repository nor tag is seen."""
    store = Store(tmp_path / "registry")
    store.image("app", [b"tagged"], "1")
    store.blob(b"loose" * 200)
    return cut(store.root, tmp_path)


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    """The same as v1 stored it."""
    store = V1Store(tmp_path / "registry")
    store.chain(image_id(0), image_id(1))
    store.tag("library/app", "1", image_id(1))
    return cut(store.root, tmp_path)


@pytest.fixture(params=["distribution", "v1"])
def archive(request: pytest.FixtureRequest) -> Path:
    made: Path = request.getfixturevalue(request.param)
    return made


def test_nothing_of_it_is_garbage(archive: Path, tmp_path: Path) -> None:
    read = rv.read(archive, links="check", partial=True)
    assert len(read.repositories) == 0
    read.save(tmp_path / "kept.regviz")
    for reg in (read, rv.read(tmp_path / "kept.regviz")):
        assert not reg.complete
        states = rv.states(reg).set_index("state")["bytes"]
        assert states["unknown"] == states.sum() > 0
        garbage = rv.garbage(reg)
        assert (len(garbage), garbage.attrs["freed_bytes"]) == (0, 0)
        names = DISTRIBUTION if "distribution" in reg.source.layouts else ("v1",)
        assert not any(np.any(collect(reg, name).blobs) for name in names)


def test_it_is_told_on_every_command(archive: Path) -> None:
    for command in (["garbage"], ["sizes"], ["table", "blobs"], ["tree"]):
        result = run(command[0], archive, *command[1:], "--partial")
        assert result.exit_code == 0
        assert result.stderr.startswith("regviz: not everything could be read")
    assert "unreferenced" not in result.stdout
    assert "nothing refers to it" not in result.stdout
    assert run("sizes", archive).exit_code == 1


def test_a_tree_does_not_call_its_blobs_unreferenced(distribution: Path) -> None:
    lines = run("tree", distribution, "--partial").stdout.splitlines()
    assert sum("nothing that was read refers to it" in line for line in lines) > 0
    assert run("tree", distribution.parent / "registry").stdout.count("nothing refers to it") == 1


def test_a_limit_is_broken_and_never_held(archive: Path, tmp_path: Path) -> None:
    reg = rv.read(archive, links="check", partial=True)
    whole = rv.read(tmp_path / "registry", links="check")
    for limits in ({"max_unreferenced": 10**9}, {"max_untagged": 10**9}, {"max_growth": 1e6, "baseline": whole}):
        table = rv.check(reg, **limits)  # type: ignore[arg-type]
        assert table.attrs["held"] is None
        assert "there may be more" in table["detail"].iloc[0]
    assert rv.check(whole, max_growth=1e6, baseline=reg).attrs["held"] is None


def test_growth_that_is_seen_is_growth(tmp_path: Path) -> None:
    """What else there is now can only be more."""
    small, large = Store(tmp_path / "small"), Store(tmp_path / "registry")
    small.blob(b"x" * 10)
    large.blob(b"y" * 1000)
    large.image("app", [b"layer"], "1")
    reg = rv.read(cut(large.root, tmp_path), partial=True)
    baseline = rv.read(small.root)
    assert rv.check(reg, max_growth=5, baseline=baseline).attrs["held"] is False
    assert rv.check(baseline, max_growth=5, baseline=reg).attrs["held"] is None


def test_names_alone_that_may_not_be_read_leave_the_sum_of_blobs(open_to_all: Path) -> None:
    """A repository is closed, and every blob was seen: a limit above all of them is held."""
    store = Store(open_to_all / "registry")
    store.image("team/web", [b"one"], "1")
    store.image("other", [b"two"], "1")
    baseline = rv.read(store.root)  # before, as another user may not be allowed to load our modules
    closed = store.v2 / "repositories" / "team"
    closed.chmod(0)
    with as_nobody():
        reg = rv.read(store.root, links="check")
    closed.chmod(0o755)
    assert not reg.complete
    every = int(reg.blobs.loc[reg.blobs["present"], "blob_bytes"].sum())
    assert rv.check(reg, max_unreferenced=every, max_growth=0, baseline=baseline).attrs["held"] is True
    assert rv.check(reg, max_unreferenced=0).attrs["held"] is None


def test_what_a_lost_index_named_is_not_known(tmp_path: Path) -> None:
    """The tag is not said to have gone; every blob was seen, so a limit above all of them is held."""
    store = OciStore(tmp_path / "layout")
    store.add(store.image([b"layer"]), "team/app:1")
    before = rv.read(store.root)
    (store.root / "index.json").write_bytes(b"{")
    reg = rv.read(store.root)
    assert not reg.complete
    assert set(rv.states(reg).query("blobs > 0")["state"]) == {"unknown"}
    every = int(reg.blobs["blob_bytes"].sum())
    assert rv.check(reg, max_unreferenced=every, max_growth=0, baseline=before).attrs["held"] is True
    assert rv.check(reg, max_unreferenced=every - 1).attrs["held"] is None
    changes = rv.compare_registries(before, reg)
    assert changes.loc[changes["what"] == "tag", "change"].isna().all()


def test_what_seems_to_be_missing_may_be_there(tmp_path: Path) -> None:
    """The archive goes on with the blobs, in the order of names backwards."""
    store = Store(tmp_path / "registry")
    store.image("app", [b"tagged"], "1")
    names = [store.v2.relative_to(store.root) / name for name in ("repositories", "blobs")]
    archive = tmp_path / "cut.tar"
    subprocess.run(["tar", "-C", store.root, "-cf", archive, *names], check=True)
    data = archive.read_bytes()
    archive.write_bytes(data[: data.index(b"v2/blobs/") // 512 * 512 + 100])
    reg = rv.read(archive, partial=True)
    table = rv.doctor(reg)
    assert table["rule"].iloc[0] == "archive-truncated"
    [action] = table.loc[table["rule"] == "manifest-missing", "action"]
    assert str(action).startswith("Read all of it first: it may be there.")
    assert str(show.opening(reg)).startswith("In what could be read, ")
    [first, *_] = things_to_do(reg)
    assert (first.what, first.command) == ("Read all of it", f"regviz doctor {archive} --partial")
    assert "may be there" in dict(words.limits(reg))["What could not be read"]
    with pytest.raises(RegvizError, match="could not be read completely"):
        rv.deletion_plan(reg, tags=reg.tags)
