"""The Distribution reader against a slow and simple one, on every storage there is."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, Literal

import pytest

from regviz.read import read
from tests.conftest import NO_DUMPS, ROOT
from tests.helpers import FORMS, Store, assert_same_tables, level_times, pack, plain_tables, rows
from tests.layouts.plain_distribution import PlainRegistry, files_of_folder, files_of_tar, read_plainly

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry

DUMPS = ROOT.parent / "shared" / "dumps"
ARCHIVES = sorted([*DUMPS.glob("v2-*.tar"), *DUMPS.glob("gc-oracle/*.tar.gz")])
SEEDS = [(seed, seed > 20) for seed in range(1, 31)]
without_dumps = pytest.mark.skipif(not ARCHIVES, reason=f"{NO_DUMPS}: there is no {DUMPS}")


def assert_as_plain(registry: Registry, plain: PlainRegistry) -> None:
    def table(name: str, *columns: str) -> set[tuple[Any, ...]]:
        found = rows(registry.table(name), *columns)
        assert len(found) == len({*found}), f"{name} says something twice"
        return {*found}

    assert table("repositories", "repository", "has_layers", "has_manifests", "has_tags") == plain.repositories
    assert table("tags", "repository", "tag", "manifest", "link_state") == plain.tags
    assert table("tag_history", "repository", "tag", "manifest", "current") == plain.history
    assert table("repository_manifests", "repository", "manifest", "link_state") == plain.revisions
    assert table("repository_blobs", "repository", "link", "blob", "link_state") == plain.links
    assert {name for (name,) in table("uploads", "upload")} == plain.uploads
    blobs = registry.blobs
    assert dict(rows(blobs[blobs["present"].astype(bool)], "blob", "blob_bytes")) == plain.blobs
    manifests = registry.manifests
    assert {m: k for m, k in rows(manifests, "manifest", "kind") if k} == plain.kinds
    assert {m for m, present in rows(manifests, "manifest", "present") if present} == plain.kinds.keys()
    assert table("manifest_references", "manifest", "position", "child", "role") == plain.references
    assert table("manifest_layers", "manifest", "position", "layer", "blob", "digest") == plain.stacks
    assert table("layers", "layer", "parent", "depth", "basis") == plain.layers
    images = registry.images
    assert {m: (os, arch) for m, os, arch in rows(images, "manifest", "os", "architecture")} == plain.platforms


@without_dumps
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.name.partition(".")[0])
def test_every_dump(archive: Path) -> None:
    for links in ("stat", "open"):
        plain = read_plainly(*files_of_tar(archive), open_links=links == "open")
        assert_as_plain(read(archive, links=links), plain)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def random_storages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Random registries, by a tool beside the checkout."""
    tool = ROOT.parent / "shared" / "tools" / "random_registry.py"
    if not tool.is_file():
        pytest.skip(f"{NO_DUMPS}: there is no {tool}")
    folder = tmp_path_factory.mktemp("random")
    for seed, broken in SEEDS:
        command = [sys.executable, tool, str(seed), folder / str(seed), *(["--broken"] if broken else [])]
        subprocess.run(command, check=True)
        level_times(folder / str(seed))
    return {seed: folder / str(seed) for seed, _ in SEEDS}


@pytest.mark.parametrize("links", ["stat", "check", "open"])
@pytest.mark.parametrize("seed", [seed for seed, _ in SEEDS])
def test_random_storages(random_storages: dict[int, Path], seed: int, links: Literal["stat", "check", "open"]) -> None:
    root = random_storages[seed]
    plain = read_plainly(*files_of_folder(root / "docker/registry/v2"), open_links=links != "stat")
    assert_as_plain(read(root, links=links), plain)


@pytest.mark.parametrize("prefix", ["", "./", "registry/", "var/lib/registry/"])
@pytest.mark.parametrize("seed", [seed for seed, _ in SEEDS][::3])
def test_every_form_of_a_storage(random_storages: dict[int, Path], tmp_path: Path, seed: int, prefix: str) -> None:
    root = random_storages[seed]
    whole = read(root)
    for form in FORMS[1:]:
        assert_same_tables(whole, read(pack(root, form, tmp_path, prefix=prefix)))


@pytest.mark.parametrize("given", ["", "docker", "docker/registry", "docker/registry/v2"])
@pytest.mark.parametrize("above", ["", "registry", "var/lib/registry", "docker", "docker/registry"])
def test_the_root_may_be_given_anywhere(tmp_path: Path, given: str, above: str) -> None:
    """Above, at or within ``docker/registry/v2``; a folder on the way may itself be called ``docker``."""
    store = Store(tmp_path / "given" / above)
    store.image("library/app", [b"base", b"app"], "latest", "1.0")
    (store.root / "docker/registry/lockfiles").mkdir()
    whole = read(store.root)
    assert len(whole.tags) == 2
    assert_same_tables(whole, read(store.root / given))
    if not given:
        assert_same_tables(whole, read(tmp_path / "given"))


@pytest.mark.parametrize("cut", ["docker", "docker/registry", "docker/registry/v2"])
@pytest.mark.parametrize("prefix", ["", "./", "backup/"])
@pytest.mark.parametrize("form", FORMS)
def test_the_root_may_be_a_part_of_the_path(tmp_path: Path, cut: str, prefix: str, form: str) -> None:
    """What lies in ``docker/registry/v2`` may have been copied or archived without what is above."""
    store = Store(tmp_path / "whole")
    store.image("library/app", [b"base", b"app"], "latest", "1.0")
    level_times(store.root)
    part = tmp_path / "part"
    (store.root / cut).rename(part)
    found = read(pack(part, form, tmp_path, prefix=prefix))
    other = Store(tmp_path / "other")
    other.image("library/app", [b"base", b"app"], "latest", "1.0")
    level_times(other.root)
    without = ["tags.pushed_at", "tag_history.last_pushed_at", "repository_manifests.linked_at", "blobs.stored_at"]
    assert_same_tables(read(other.root), found, *without)
    assert plain_tables(found)["problems"] == []
