"""The Distribution storage as files alone: what holds in every storage, and what each event does to it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import uuid

import pytest

from regviz.errors import RegvizError
from regviz.world import (
    AbortPush,
    DeleteManifest,
    DeleteTag,
    FileTree,
    Image,
    MakePrivate,
    Push,
    World,
    document,
    small_world,
    storage_tree,
    synthetic_world,
)
from tests.world.zoo import AMD64, APP, ARM64, BASE, NOON, SHA512, ZOO

BLOBS, REPOSITORIES = "docker/registry/v2/blobs", "docker/registry/v2/repositories"
WORLDS = [small_world(), ZOO, synthetic_world(repositories=5, tags=9, layers=30, seed=3)]
by_world = pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)


def _tree(*events: Push | AbortPush | DeleteManifest | DeleteTag, server: str = "2.8") -> FileTree:
    return storage_tree(World("test", events), "distribution", server=server)


def _push(content: Image, *tags: str, repository: str = "app", day: int = 0, mount_from: str = "") -> Push:
    at = NOON + dt.timedelta(days=day)
    return Push(repository=repository, at=at, content=content, tags=tags, mount_from=mount_from)


def _hex(content: Image) -> str:
    return document(content).digest.removeprefix("sha256:")


@by_world
def test_every_blob_lies_under_its_sha256(world: World) -> None:
    tree = storage_tree(world, "distribution")
    blobs = [path for path in tree if path.startswith(BLOBS)]
    assert blobs
    for path in blobs:
        name = hashlib.sha256(tree[path]).hexdigest()
        assert path == f"{BLOBS}/sha256/{name[:2]}/{name}/data"


@by_world
def test_every_link_names_a_blob_that_is_there(world: World) -> None:
    tree = storage_tree(world, "distribution")
    links = [path for path in tree if path.endswith("/link")]
    assert links
    for path in links:
        assert re.fullmatch(rb"sha256:[0-9a-f]{64}", tree[path])
        name = tree[path].decode().removeprefix("sha256:")
        assert f"{BLOBS}/sha256/{name[:2]}/{name}/data" in tree
        algorithm, directory = path.split("/")[-3:-1]
        if directory != "current" and algorithm == "sha256":
            assert directory == name


@by_world
def test_every_tag_is_a_revision_and_every_revision_s_blobs_are_linked(world: World) -> None:
    tree = storage_tree(world, "distribution")
    for path in tree:
        repository, _, rest = path.partition("/_manifests/")
        kind = rest.split("/")[0]
        name = tree[path].decode().removeprefix("sha256:") if kind else ""
        if rest.endswith("/current/link"):
            assert f"{repository}/_manifests/revisions/sha256/{name}/link" in tree
            assert f"{path.removesuffix('/current/link')}/index/sha256/{name}/link" in tree
        elif kind == "revisions":
            manifest = json.loads(tree[f"{BLOBS}/sha256/{name[:2]}/{name}/data"])
            named = [manifest.get("config"), *manifest.get("layers", ()), *manifest.get("fsLayers", ())]
            for blob in filter(None, named):
                algorithm, encoded = blob.get("digest", blob.get("blobSum")).split(":")
                assert ("urls" in blob) != (f"{repository}/_layers/{algorithm}/{encoded}/link" in tree)


@by_world
def test_the_storage_has_exactly_the_tags_of_the_world(world: World) -> None:
    tree = storage_tree(world, "distribution")
    found: dict[str, dict[str, str]] = {}
    for path in tree:
        if match := re.fullmatch(rf"{REPOSITORIES}/(.+)/_manifests/tags/([^/]+)/current/link", path):
            found.setdefault(match[1], {})[match[2]] = tree[path].decode()
    described = {
        repository: {tag: document(content, repository, tag).digest for tag, content in tags.items()}
        for repository, tags in world.tags("distribution").items()
        if tags
    }
    assert found == described


def test_an_overwritten_tag_remembers_what_it_was() -> None:
    tree = _tree(_push(AMD64, "1"), _push(ARM64, "1", day=1))
    tag = f"{REPOSITORIES}/app/_manifests/tags/1"
    assert tree[f"{tag}/current/link"] == document(ARM64).digest.encode()
    assert tree.children(f"{tag}/index/sha256") == sorted([_hex(AMD64), _hex(ARM64)])
    first, second = (tree.changed_at(f"{tag}/index/sha256/{_hex(image)}/link") for image in (AMD64, ARM64))
    assert second - first == 86_400
    assert tree.changed_at(f"{tag}/current/link") == second
    assert f"{REPOSITORIES}/app/_manifests/revisions/sha256/{_hex(AMD64)}/link" in tree


def test_a_blob_keeps_the_time_it_first_came() -> None:
    tree = _tree(_push(AMD64, "1"), _push(AMD64, "1", repository="other", day=1), _push(AMD64, "2", day=2))
    assert tree.changed_at(f"{BLOBS}/sha256/{_hex(AMD64)[:2]}/{_hex(AMD64)}/data") == int(NOON.timestamp())
    revision = f"{REPOSITORIES}/app/_manifests/revisions/sha256/{_hex(AMD64)}/link"
    assert tree.changed_at(revision) == int(NOON.timestamp()) + 2 * 86_400


def test_a_deleted_manifest_leaves_an_empty_folder_its_blobs_and_other_tags_history() -> None:
    deleted = DeleteManifest(repository="app", content=AMD64, at=NOON + dt.timedelta(days=3))
    before = _tree(_push(AMD64, "1", "2"), _push(ARM64, "2", day=1))
    after = _tree(_push(AMD64, "1", "2"), _push(ARM64, "2", day=1), deleted)
    manifests = f"{REPOSITORIES}/app/_manifests"
    assert after.children(f"{manifests}/revisions/sha256/{_hex(AMD64)}") == []
    assert f"{manifests}/revisions/sha256/{_hex(AMD64)}" in after
    assert after.children(f"{manifests}/tags") == ["2"]
    assert f"{manifests}/tags/2/index/sha256/{_hex(AMD64)}/link" in after
    gone = set(before) - set(after)
    assert gone == {
        f"{manifests}/revisions/sha256/{_hex(AMD64)}/link",
        f"{manifests}/tags/1/current/link",
        f"{manifests}/tags/1/index/sha256/{_hex(AMD64)}/link",
    }
    assert not set(after) - set(before)
    assert after.changed_at(f"{manifests}/tags") == int(deleted.at.timestamp())


def test_the_last_deleted_tag_leaves_the_folder_of_tags() -> None:
    tree = _tree(_push(AMD64, "1"), DeleteManifest(repository="app", content=AMD64, at=NOON))
    assert tree.children(f"{REPOSITORIES}/app/_manifests/tags") == []
    assert f"{REPOSITORIES}/app/_manifests/tags" in tree


def test_a_tag_is_deleted_by_server_3_alone() -> None:
    delete = DeleteTag(repository="app", tag="1", at=NOON)
    with pytest.raises(RegvizError, match=r"2\.8 cannot delete the tag 1"):
        _tree(_push(AMD64, "1"), delete)
    tree = _tree(_push(AMD64, "1"), delete, server="3")
    assert tree.children(f"{REPOSITORIES}/app/_manifests/tags") == []
    assert f"{REPOSITORIES}/app/_manifests/revisions/sha256/{_hex(AMD64)}/link" in tree


def test_what_is_not_there_cannot_be_deleted() -> None:
    with pytest.raises(RegvizError, match="DeleteManifest"):
        _tree(_push(AMD64, "1"), DeleteManifest(repository="app", content=ARM64, at=NOON))
    with pytest.raises(RegvizError, match="DeleteTag"):
        _tree(_push(AMD64, "1"), DeleteTag(repository="app", tag="2", at=NOON), server="3")


def test_a_mounted_blob_is_a_link_and_no_upload() -> None:
    tree = _tree(_push(AMD64, "1"), _push(AMD64, "1", repository="mounted", mount_from="app"))
    assert tree.children(f"{REPOSITORIES}/app") == ["_layers", "_manifests", "_uploads"]
    assert tree.children(f"{REPOSITORIES}/mounted") == ["_layers", "_manifests"]
    layers = [tree.children(f"{REPOSITORIES}/{name}/_layers/sha256") for name in ("app", "mounted")]
    assert layers[0] == layers[1]


def test_a_sha512_digest_is_a_link_to_the_sha256() -> None:
    tree = _tree(_push(SHA512, "1"))
    name = hashlib.sha512(BASE.blob).hexdigest()
    content = tree[f"{REPOSITORIES}/app/_layers/sha512/{name}/link"]
    assert content == b"sha256:" + hashlib.sha256(BASE.blob).hexdigest().encode()
    assert len(tree.children(f"{REPOSITORIES}/app/_layers/sha256")) == 3
    assert tree.children(BLOBS) == ["sha256"]


def test_a_push_that_died_leaves_blobs_without_a_manifest_and_an_upload() -> None:
    image = Image((BASE, APP))
    tree = _tree(AbortPush(repository="app", image=image, layers=1, sent=17, at=NOON))
    assert tree.children(f"{REPOSITORIES}/app") == ["_layers", "_uploads"]
    assert tree.children(f"{REPOSITORIES}/app/_layers/sha256") == [hashlib.sha256(BASE.blob).hexdigest()]
    (name,) = tree.children(f"{REPOSITORIES}/app/_uploads")
    assert uuid.UUID(name).version == 4
    upload = f"{REPOSITORIES}/app/_uploads/{name}"
    assert [path for path in tree if path.startswith(upload)] == [
        f"{upload}/data",
        f"{upload}/hashstates/sha256/0",
        f"{upload}/startedat",
    ]
    assert tree[f"{upload}/data"] == APP.blob[:17]
    assert tree[f"{upload}/startedat"] == b"2020-02-03T12:00:00Z"
    assert len(tree[f"{upload}/hashstates/sha256/0"]) == 108


@pytest.mark.parametrize(("layers", "sent"), [(0, 1_000_000), (5, 0)])
def test_no_more_can_arrive_than_was_sent(layers: int, sent: int) -> None:
    with pytest.raises(RegvizError, match=f"upload {layers} has"):
        _tree(AbortPush(repository="app", image=AMD64, layers=layers, sent=sent, at=NOON))


def test_there_is_no_private_repository_and_no_other_server() -> None:
    private = MakePrivate(repository="app", at=NOON, layouts=frozenset({"distribution"}))
    with pytest.raises(RegvizError, match="MakePrivate"):
        storage_tree(World("test", (private,)), "distribution")
    with pytest.raises(RegvizError, match=r"'2\.7'.*2\.8, 3"):
        _tree(server="2.7")
