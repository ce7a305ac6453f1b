"""The OCI layout as files alone, and as the same world that the Distribution storage holds."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from regviz.errors import RegvizError
from regviz.read import read
from regviz.world import (
    AbortPush,
    DeleteManifest,
    DeleteTag,
    FileTree,
    MakePrivate,
    Push,
    World,
    document,
    small_world,
    storage_tree,
    write,
)
from tests.helpers import plain_tables, rows
from tests.world.zoo import AMD64, ARM64, NESTED, NOON, ZOO

if TYPE_CHECKING:
    from pathlib import Path

REF = "org.opencontainers.image.ref.name"
by_world = pytest.mark.parametrize("world", [small_world(), ZOO], ids=lambda world: world.name)


def entries(tree: FileTree) -> list[tuple[str, str | None]]:
    listed: list[dict[str, Any]] = json.loads(tree["index.json"])["manifests"]
    return [(entry["digest"], entry.get("annotations", {}).get(REF)) for entry in listed]


def layout(*events: Any) -> FileTree:
    return storage_tree(World("test", events), "oci")


def push(content: Any, *tags: str, day: int = 0) -> Push:
    return Push(repository="app", at=NOON + dt.timedelta(days=day), content=content, tags=tags)


@by_world
def test_every_blob_lies_under_its_digest_and_every_entry_is_there(world: World) -> None:
    tree = storage_tree(world, "oci")
    for path in tree:
        if path.startswith("blobs/"):
            _, algorithm, encoded = path.split("/")
            assert hashlib.new(algorithm, tree[path]).hexdigest() == encoded
    listed = json.loads(tree["index.json"])["manifests"]
    assert listed
    for entry in listed:
        assert entry["size"] == len(tree[f"blobs/{entry['digest'].replace(':', '/')}"])
    assert json.loads(tree["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}


@by_world
def test_every_tag_is_a_name(world: World) -> None:
    named = {name: digest for digest, name in entries(storage_tree(world, "oci")) if name}
    assert named == {
        f"{repository}:{tag}": document(content, repository, tag).digest
        for repository, tags in world.tags("distribution").items()
        for tag, content in tags.items()
    }


def test_a_name_that_moves_leaves_its_entry_behind() -> None:
    old, new = document(AMD64).digest, document(ARM64).digest
    assert entries(layout(push(AMD64, "1"), push(ARM64, "1", day=1))) == [(old, None), (new, "app:1")]
    assert entries(layout(push(AMD64, "1"), push(ARM64, "1"), push(AMD64, "1"))) == [(old, "app:1"), (new, None)]
    assert entries(layout(push(AMD64), push(AMD64, "1", "2"))) == [(old, "app:1"), (old, "app:2")]


def test_children_are_not_listed() -> None:
    tree = layout(push(NESTED, "1"))
    assert entries(tree) == [(document(NESTED).digest, "app:1")]
    for child in document(NESTED).children:
        assert f"blobs/{child.digest.replace(':', '/')}" in tree


def test_what_is_deleted_goes_from_the_index_and_its_blobs_stay() -> None:
    pushed = (push(AMD64, "1", "2"), push(ARM64, "3"))
    by_digest = layout(*pushed, DeleteManifest(repository="app", content=AMD64, at=NOON))
    assert entries(by_digest) == [(document(ARM64).digest, "app:3")]
    assert f"blobs/{document(AMD64).digest.replace(':', '/')}" in by_digest
    by_tag = layout(*pushed, DeleteTag(repository="app", tag="1", at=NOON))
    assert [name for _, name in entries(by_tag)] == ["app:2", "app:3"]


def test_a_copy_that_dies_leaves_blobs_and_no_entry() -> None:
    tree = layout(AbortPush(repository="app", image=ARM64, at=NOON, layers=1))
    assert entries(tree) == []
    assert tree.children("blobs/sha256") == [document(ARM64).uploads[0].digest.removeprefix("sha256:")]


def test_what_a_layout_does_not_know_is_said() -> None:
    distribution = frozenset({"distribution"})
    with pytest.raises(RegvizError, match="knows no MakePrivate"):
        layout(MakePrivate(repository="app", at=NOON, layouts=distribution))
    with pytest.raises(RegvizError, match="lists no app:9"):
        layout(DeleteTag(repository="app", tag="9", at=NOON))
    with pytest.raises(RegvizError, match="no OCI layout of version '2'"):
        storage_tree(small_world(), "oci", server="2")


@by_world
def test_the_same_world_as_in_distribution(world: World, tmp_path: Path) -> None:
    """Read out of both: equal tags, forest, configurations, histories, labels, references and blob bytes."""
    oci = read(write(world, tmp_path / "oci", "oci"))
    registry = read(write(world, tmp_path / "registry", "distribution"))
    assert rows(oci.tags, "repository", "tag", "manifest") == rows(registry.tags, "repository", "tag", "manifest")
    # a layout has a sha512 blob under that digest, Distribution under its sha256
    stored_under = ("manifests.config", "manifest_layers.blob") if _under_another_digest(world) else ()
    ours, theirs = plain_tables(oci, *stored_under), plain_tables(registry, *stored_under)
    # what was deleted is history to a registry, and nothing to a layout
    gone = {
        document(event.content, event.repository, event.tag).digest
        for event in world.events_in("distribution")
        if isinstance(event, DeleteManifest)
    }
    unlisted = {row[0] for row in theirs["manifests"]} - {row[0] for row in ours["manifests"]}
    assert unlisted <= gone
    for name in ("manifests", "manifest_layers", "history", "labels", "manifest_references"):
        assert ours[name] == [row for row in theirs[name] if row[0] not in unlisted], name
    assert ours["layers"] == [row for row in theirs["layers"] if row[0] in {row[0] for row in ours["layers"]}]
    stored = [dict(rows(reg.blobs[reg.blobs["present"]], "blob", "blob_bytes")) for reg in (oci, registry)]
    assert stored[0].keys() ^ stored[1].keys() == _under_another_digest(world)
    assert [stored[0][blob] for blob in stored[0].keys() & stored[1]] == [
        stored[1][blob] for blob in stored[0].keys() & stored[1]
    ]


def _under_another_digest(world: World) -> set[str]:
    """Digests that one of both stores under: Distribution stores everything as sha256, a layout as it is named."""
    named = {
        (upload.digest, f"sha256:{hashlib.sha256(upload.data).hexdigest()}")
        for event in world.events_in("distribution")
        if isinstance(event, Push)
        for upload in document(event.content, event.repository).uploads
        if upload.data is not None
    }
    others = {pair for pair in named if pair[0] != pair[1]}
    also = {digest for digest, stored in named if digest == stored}
    return {digest for pair in others for digest in pair} - also
