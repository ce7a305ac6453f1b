"""What goes with tags that are deleted, counted by hand and on random storages with Python's own sets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from regviz.analysis.deletion import removal
from regviz.read import read
from tests.helpers import OCI_INDEX, OCI_MANIFEST, Store, descriptor, encode
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from regviz.registry import Registry


def index_of(store: Store, *digests: str) -> bytes:
    entries = [descriptor(store.blob_path(digest).read_bytes(), OCI_MANIFEST) for digest in digests]
    return encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})


def tags_of(reg: Registry, rows: NDArray[np.bool_]) -> list[str]:
    tags = reg.tags[rows]
    return [f"{repository}:{tag}" for repository, tag in zip(tags["repository"], tags["tag"], strict=True)]


def mask(reg: Registry, *names: str) -> NDArray[np.bool_]:
    every = tags_of(reg, np.ones(len(reg.tags), np.bool_))
    assert {*names} <= {*every}
    return np.array([name in names for name in every], np.bool_)


@pytest.fixture
def shop(tmp_path: Path) -> tuple[Store, Registry]:
    store = Store(tmp_path)
    amd = store.image("app", [b"amd"], "1-amd64", "same")
    arm = store.image("app", [b"arm"], "1-arm64", architecture="arm64")
    store.push("app", index_of(store, amd, arm), "1")
    store.image("app", [b"amd"])
    store.image("other", [b"amd"], "1-amd64")
    store.tag("app", "gone", "sha256:" + "0" * 64)
    store.image("broken", [b"x"], "1")
    store.tag("broken", "odd", arm, content=b"no digest")
    return store, read(tmp_path)


def test_a_manifest_takes_every_tag_of_its_repository_along(shop: tuple[Store, Registry]) -> None:
    reg = shop[1]
    chosen = mask(reg, "app:1-amd64")
    gone = removal(reg, chosen, "manifest", np.zeros_like(chosen))
    assert tags_of(reg, gone.tags) == ["app:1-amd64", "app:same"]
    assert tags_of(reg, gone.along) == ["app:same"]
    assert reg.repository_manifests[gone.manifests]["repository"].tolist() == ["app"]
    assert not gone.stuck.any()


def test_a_tag_goes_alone(shop: tuple[Store, Registry]) -> None:
    reg = shop[1]
    gone = removal(reg, mask(reg, "app:1-amd64", "app:gone"), "tag", mask(reg, "app:same"))
    assert tags_of(reg, gone.tags) == ["app:1-amd64", "app:gone"]
    assert not np.concatenate([gone.manifests, gone.along, gone.stuck]).any()


@pytest.mark.parametrize(
    ("spared", "by"),
    [(["app:same"], "app:same"), (["app:1"], "app:1"), (["app:1", "app:same"], "app:same"), (["other:1-amd64"], "")],
)
def test_what_a_tag_that_stays_needs_stays(shop: tuple[Store, Registry], spared: list[str], by: str) -> None:
    reg = shop[1]
    gone = removal(reg, mask(reg, "app:1-amd64"), "manifest", mask(reg, *spared))
    [row] = np.flatnonzero(mask(reg, "app:1-amd64"))
    assert (gone.spared_by[row] >= 0) == bool(by) == (not gone.tags.any()) == (not gone.manifests.any())
    if by:
        assert tags_of(reg, np.arange(len(reg.tags)) == gone.spared_by[row]) == [by]


def test_what_no_request_can_delete_is_told(shop: tuple[Store, Registry]) -> None:
    reg = shop[1]
    chosen = mask(reg, "app:gone", "broken:1", "broken:odd")  # at the last of which a server would stop half-way
    gone = removal(reg, chosen, "manifest", np.zeros(len(reg.tags), np.bool_))
    assert tags_of(reg, gone.stuck) == ["app:gone", "broken:1", "broken:odd"]
    assert not gone.tags.any()
    assert removal(reg, chosen, "tag", np.zeros_like(chosen)).tags.tolist() == chosen.tolist()


def test_a_manifest_that_is_not_stored_cannot_be_deleted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.blob_path(store.image("app", [b"x"], "1")).unlink()
    reg = read(tmp_path)
    assert removal(reg, mask(reg, "app:1"), "manifest", np.zeros(1, np.bool_)).stuck.tolist() == [True]


def test_a_registry_without_manifests(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.tag("app", "1", "sha256:" + "0" * 64)
    reg = read(tmp_path)
    assert removal(reg, np.ones(1, np.bool_), "manifest", np.zeros(1, np.bool_)).stuck.tolist() == [True]


def needed(store: Store, digest: str) -> set[str]:
    """A manifest and all that its indexes list."""
    path = store.blob_path(digest)
    content = path.read_bytes() if path.exists() else b""
    document: dict[str, Any] = json.loads(content) if content.startswith(b"{") else {}  # a build cache lists layers
    found = {digest}
    for entry in document.get("manifests", []):
        found |= needed(store, entry["digest"])
    return found


@pytest.mark.parametrize("seed", range(40))
def test_random_storages(tmp_path: Path, seed: int) -> None:
    made = random_registry(tmp_path, seed)
    store, folder = made.store, made.store.v2 / "repositories"
    current = {
        (str(path.relative_to(folder)).partition("/_manifests/")[0], path.parts[-3]): path.read_text()
        for path in folder.rglob("_manifests/tags/*/current/link")
    }
    reg = read(tmp_path)
    names = list(zip(reg.tags["repository"], reg.tags["tag"], strict=True))
    assert set(names) == set(current)
    chosen = {name for name in names if made.chance(0.5)}
    spared = {name for name in set(names) - chosen if made.chance(0.5)}
    linked = {
        (str(path.relative_to(folder)).partition("/_manifests/")[0], f"{path.parts[-3]}:{path.parts[-2]}")
        for path in folder.rglob("_manifests/revisions/*/*/link")
    }
    held = {(name[0], digest) for name in spared for digest in needed(store, current[name])}
    expected = {(name[0], current[name]) for name in chosen} & linked - held
    gone = removal(
        reg,
        np.array([name in chosen for name in names], np.bool_),
        "manifest",
        np.array([name in spared for name in names], np.bool_),
    )
    links = reg.repository_manifests[gone.manifests]
    assert set(zip(links["repository"], links["manifest"], strict=True)) == expected
    assert {name for name, goes in zip(names, gone.tags, strict=True) if goes} == {
        name for name in names if (name[0], current[name]) in expected
    }
