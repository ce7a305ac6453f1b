"""The article's registry step by step, and the first push: counted by hand, and by what each event may change."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from regviz.errors import RegvizError
from regviz.world import (
    Collect,
    DeleteManifest,
    FileTree,
    Index,
    Push,
    World,
    article_world,
    first_push_world,
    index_of,
    platforms,
    storage_tree,
    unfolding,
)
from tests.conftest import ROOT
from tests.world.zoo import AMD64, ARM64, NOON

if TYPE_CHECKING:
    from pathlib import Path

DATA = ROOT / "data"
V2 = "docker/registry/v2"
NAMES = ["0-started", "1-pushed", "2-shared", "3-overwritten", "4-untagged", "5-collected"]


def members(name: str) -> dict[str, bytes]:
    """The files of a shipped archive."""
    with tarfile.open(DATA / name) as opened:
        return {file.name: opened.extractfile(file).read() for file in opened if file.isfile()}  # type: ignore[union-attr]


def states(layout: str) -> list[FileTree]:
    return [tree for _, tree in unfolding(layout)]


# ------------------------------------------------------------------------------------------ the first push


def test_the_first_push_in_v1() -> None:
    """The article's listing in small: three images of five files, one name of four."""
    found = members("first-push.tar.gz")
    assert len(found) == 19
    images = {path.split("/")[2] for path in found if path.startswith("registry/images/")}
    assert {path for path in found if path.startswith("registry/images/")} == {
        f"registry/images/{image}/{file}"
        for image in images
        for file in ("ancestry", "json", "layer", "_checksum", "_files")
    }
    assert len(images) == 3
    names = {path.removeprefix("registry/repositories/library/") for path in found if "/repositories/" in path}
    assert names == {f"hello/{file}" for file in ("_index_images", "json", "tag_latest", "taglatest_json")}


def test_the_first_push_in_distribution_has_the_same_layers() -> None:
    v1, distribution = members("first-push.tar.gz"), members("first-push-distribution.tar.gz")
    top = v1["registry/repositories/library/hello/tag_latest"].decode()
    chain = json.loads(v1[f"registry/images/{top}/ancestry"])
    layers = [v1[f"registry/images/{image}/layer"] for image in reversed(chain)]
    tags = f"registry/{V2}/repositories/hello/_manifests/tags/latest/current/link"
    encoded = distribution[tags].decode().removeprefix("sha256:")
    manifest = json.loads(distribution[f"registry/{V2}/blobs/sha256/{encoded[:2]}/{encoded}/data"])
    assert [layer["digest"] for layer in manifest["layers"]] == [
        f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers
    ]
    assert len(layers) == 3
    assert all(len(gzip.decompress(layer)) > 1_024 for layer in layers)
    # Five blobs and four links to them; a revision; a tag, and what it pointed to.
    assert len(distribution) == 5 + 4 + 1 + 2


# -------------------------------------------------------------------------------------------- the article


@pytest.mark.parametrize(("layout", "count"), [("v1", 5), ("distribution", 6)])
def test_the_archives_hold_each_step(layout: str, count: int) -> None:
    found = members(f"unfolding-{layout}.tar.gz")
    unfolded = unfolding(layout)
    assert [name for name, _ in unfolded] == NAMES[:count]
    assert found == {f"{name}/{path}": tree[path] for name, tree in unfolded for path in tree}


def test_a_directory_stands_before_what_is_in_it() -> None:
    for archive in DATA.glob("*.tar*"):
        met = {""}
        with tarfile.open(archive) as opened:
            for member in opened:
                assert member.name.rpartition("/")[0] in met or archive.name.startswith("world-capture"), member.name
                met.add(member.name)


def test_what_each_step_changed_in_v1() -> None:
    started, pushed, shared, overwritten, untagged = states("v1")
    assert list(started) == started.directories == []
    # Four of the sixteen steps change no file, so the server has no list of their files.
    assert len(list(pushed)) == 16 * 5 - 4 + 4
    assert set(shared) - set(pushed) == {
        *(path for path in shared if path.startswith("repositories/library/python/")),
        *(path for path in shared if path.split("/")[1] in fresh(pushed, shared)),
    }
    assert len(fresh(pushed, shared)) == 3
    assert len(fresh(shared, overwritten)) == 3
    assert {path for path in shared if shared[path] != overwritten[path]} == {
        f"repositories/library/nodejs/{file}" for file in ("_index_images", "json", "tag_latest", "taglatest_json")
    }
    assert set(overwritten) - set(untagged) == {
        f"repositories/library/python/{file}" for file in ("tag_2.7", "tag2.7_json")
    }
    assert set(untagged) < set(overwritten)


def fresh(before: FileTree, after: FileTree) -> set[str]:
    return {*after.children("images")} - {*before.children("images")}


def test_what_each_step_changed_in_distribution() -> None:
    started, pushed, shared, overwritten, untagged, collected = states("distribution")
    assert list(started) == started.directories == []

    def blobs(tree: FileTree) -> set[str]:
        return {path for path in tree if path.startswith(f"{V2}/blobs/")}

    # Seven layers with files in the base, five above; one configuration, one manifest.
    assert len(blobs(pushed)) == 7 + 5 + 2
    # python has one layer of its own, and eight are linked; the rebuilt image has three of its own.
    assert len(blobs(shared) - blobs(pushed)) == 1 + 2
    links = [path for path in shared if path.startswith(f"{V2}/repositories/python/_layers/")]
    assert len(links) == 8 + 1
    assert len(blobs(overwritten) - blobs(shared)) == 3 + 2
    tag = f"{V2}/repositories/nodejs/_manifests/tags/latest"
    assert {path for path in shared if shared[path] != overwritten[path]} == {f"{tag}/current/link"}
    assert [len(tree.children(f"{tag}/index/sha256")) for tree in (pushed, shared, overwritten)] == [1, 1, 2]
    # The revision's link, the tag's link and what it pointed to are gone; all bytes are still there.
    assert len(set(overwritten) - set(untagged)) == 3
    assert blobs(untagged) == blobs(overwritten)
    # Of python its own layer, its configuration and its manifest; what nodejs named before is a revision, and stays.
    assert blobs(untagged) - blobs(collected) == blobs(shared) - blobs(pushed)
    assert set(untagged) - set(collected) == blobs(shared) - blobs(pushed)


def test_each_step_has_the_times_of_its_events() -> None:
    for layout, year in (("v1", 2014), ("distribution", 2016)):
        for name, tree in unfolding(layout):
            times = [
                dt.datetime.fromtimestamp(tree.changed_at(path), dt.UTC) for path in ["", *tree.directories, *tree]
            ]
            assert {time.year for time in times} == {year}, name
        assert article_world().events_in(layout)[-1].at == max(times)


def test_the_worlds_are_these_archives() -> None:
    for layout, last in (("v1", "4-untagged"), ("distribution", "5-collected")):
        tree = storage_tree(article_world(), layout)
        assert {path: tree[path] for path in tree} == {path: dict(unfolding(layout))[last][path] for path in tree}
    assert len(list(storage_tree(first_push_world(), "distribution"))) == 12


def test_a_layout_in_which_it_does_not_unfold() -> None:
    with pytest.raises(RegvizError, match=r"'oci'; there are v1, distribution"):
        unfolding("oci")


# ---------------------------------------------------------------------------------------------- collecting


def collected(*, delete_untagged: bool) -> tuple[FileTree, FileTree, Index]:
    """Two images under one tag, and a third that was deleted, before and after."""
    index, seen = index_of(AMD64, ARM64), frozenset({"distribution"})
    events = (
        Push(repository="app", at=NOON, content=index, layouts=seen),
        Push(repository="app", at=NOON, content=AMD64, tags=("moved",), layouts=seen),
        Push(repository="app", at=NOON, content=ARM64, tags=("moved",), layouts=seen),
        Push(repository="gone", at=NOON, content=AMD64, layouts=seen),
        DeleteManifest(repository="gone", at=NOON, content=AMD64, layouts=seen),
        Collect(at=NOON, delete_untagged=delete_untagged),
    )
    world = World("collected", events)
    return storage_tree(world.first(5), "distribution"), storage_tree(world, "distribution"), index


def test_plain_collection_keeps_what_is_linked_anywhere() -> None:
    before, after, _ = collected(delete_untagged=False)
    assert list(after) == list(before)


def test_collecting_untagged_manifests_breaks_an_index() -> None:
    """The child that no tag names loses its link and its configuration; its manifest is named by the index, and stays."""
    before, after, index = collected(delete_untagged=True)
    revisions = f"{V2}/repositories/app/_manifests/revisions/sha256"
    assert len(before.children(revisions)) == 3
    assert len(after.children(revisions)) == 2
    gone = [path for path in before if path not in after]
    assert len([path for path in gone if "/revisions/" in path]) == 1
    assert len([path for path in gone if path.endswith("/data")]) == 1
    # What the tag pointed to before was deleted from its history too.
    assert len([path for path in gone if "/tags/moved/index/" in path]) == 1
    assert len(gone) == 3
    assert len(index.children) == 2


def test_no_other_server_collects() -> None:
    world = World("collected", (Collect(at=NOON, layouts=frozenset({"v1", "distribution"})),))
    with pytest.raises(RegvizError, match="no collector"):
        storage_tree(world, "v1")
    with pytest.raises(RegvizError, match="collector of server 3 cannot be imitated"):
        storage_tree(world, "distribution", server="3")


def test_trees_are_apart_when_copied(tmp_path: Path) -> None:
    tree = FileTree(NOON)
    tree.write("a/b", b"1", NOON)
    tree.link("l", "a/b", NOON)
    copied = tree.copy()
    tree.write("a/c", b"2", NOON)
    tree.remove("l", NOON)
    assert list(copied) == ["a/b", "l"]
    whole = FileTree()
    whole.put("one", copied)
    whole.put("other", tree)
    assert list(whole) == ["one/a/b", "one/l", "other/a/b", "other/a/c"]
    assert whole.children("one") == ["a", "l"]
    assert whole.save(tmp_path / "whole").joinpath("other/a/c").read_bytes() == b"2"


# ------------------------------------------------------------------------------------ one tag, two platforms


def test_one_tag_for_two_platforms() -> None:
    found = members("platforms.tar.gz")
    states = platforms()
    assert found == {f"{name}/{path}": tree[path] for name, tree in states for path in tree}
    (plain, before), (attested, after) = states
    assert (plain, attested) == ("1-platforms", "2-attested")
    # An index, two manifests, two configurations, two layers and the one that both have; five links to what is no
    # manifest; three revisions; the tag, and what it points to.
    assert len(list(before)) == 8 + 5 + 3 + 2
    # Of each attestation a manifest, a configuration and a statement, and another index; four links, three revisions;
    # what the tag points to now.
    assert len(list(after)) == len(list(before)) + 7 + 4 + 3 + 1
    assert set(before) < set(after)
    tag = f"{V2}/repositories/app/_manifests/tags/1.0/current/link"
    assert [path for path in before if before[path] != after[path]] == [tag]
    encoded = after[tag].decode().removeprefix("sha256:")
    entries = json.loads(after[f"{V2}/blobs/sha256/{encoded[:2]}/{encoded}/data"])["manifests"]
    images = [entry["digest"] for entry in entries if "annotations" not in entry]
    assert [
        entry["annotations"]["vnd.docker.reference.digest"] for entry in entries if "annotations" in entry
    ] == images
    assert [entry["platform"]["architecture"] for entry in entries] == ["amd64", "arm64", "unknown", "unknown"]


def test_what_lessons_lay_out_fits_where_paths_are_short() -> None:
    """Below a folder of a person's own, and where case does not count."""
    for archive in DATA.glob("*.tar.gz"):
        if archive.name.startswith("world-"):
            continue
        paths = [f"lesson-data/{archive.name.split('.')[0]}/{path}" for path in members(archive.name)]
        assert max(map(len, paths)) < 200, archive.name
        assert len({path.casefold() for path in paths}) == len(paths)
        assert not any(set(path) & set(':*?"<>|\\') for path in paths)
