"""What a deletion would free and break: counted by hand, and by doing it to the files and reading again."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

import regviz as rv
from regviz.analysis.collectors import collect
from regviz.errors import NotKnowableError, RegvizError
from regviz.read import read
from regviz.world import small_world, write
from tests.analysis.test_deletion import index_of
from tests.every_source import listing_of_world
from tests.helpers import Store, V1Store, image_id, rows
from tests.live.servers import serving, small_shop
from tests.random_registry import random_registry

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from regviz.analysis.collectors import CollectorName
    from regviz.registry import Registry

COLLECTORS = ("distribution-2.8", "distribution-2.8-m", "distribution-3", "distribution-3-m", "reachability")


def bytes_of(store: Store, *digests: str) -> int:
    return sum(store.blob_path(digest).stat().st_size for digest in digests)


def parts(table: pd.DataFrame, cause: str, kind: str) -> list[tuple[Any, ...]]:
    chosen = table[(table["cause"] == cause) & (table["kind"] == kind)]
    return rows(chosen, "repository", "tag" if kind == "tag" else "digest")


class TestByHand:
    """Two tags on one base, one with a second name, and an index of two images."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        store = Store(tmp_path)
        self.one = store.image("app", [b"base" * 50, b"one"], "1", "same")
        self.two = store.image("app", [b"base" * 50, b"two" * 9], "2")
        self.amd, self.arm = store.image("multi", [b"amd"]), store.image("multi", [b"arm"], "arm", architecture="arm64")
        self.index = store.push("multi", index_of(store, self.amd, self.arm), "1")
        self.loose = store.blob(b"nobody's" * 7)
        return store

    def own(self, store: Store, digest: str) -> int:
        """Bytes of a manifest, its configuration, and its last layer."""
        document = rv.read(store.root).manifests.set_index("manifest").loc[digest]
        layers = rv.read(store.root).stack(digest)["blob"]
        return bytes_of(store, digest, document["config"], layers.iloc[-1])

    def test_what_others_stand_on_stays(self, store: Store) -> None:
        table = rv.what_if(read(store.root), tags=["app:2"])
        assert table.attrs["freed_bytes"] == self.own(store, self.two)
        assert table.attrs["collected_today_bytes"] == bytes_of(store, self.loose)
        assert table.loc[table["kind"] == "blob", "bytes"].sum() == table.attrs["freed_bytes"]
        assert parts(table, "chosen", "tag") == [("app", "2")]
        assert parts(table, "deleted", "manifest") == [("app", self.two)]
        assert (table.attrs["tags"], table.attrs["images_lost"], table.attrs["also_removes"]) == (1, 1, 0)

    def test_a_second_name_goes_along(self, store: Store) -> None:
        table = rv.what_if(read(store.root), tags=["app:1"])
        assert parts(table, "along", "tag") == [("app", "same")]
        assert (table.attrs["tags"], table.attrs["also_removes"]) == (2, 1)
        assert table.attrs["freed_bytes"] == self.own(store, self.one)

    def test_unless_it_is_protected(self, store: Store) -> None:
        table = rv.what_if(read(store.root), tags=["app:1"], keep="^same$")
        assert len(table) == 0
        assert (table.attrs["tags"], table.attrs["spared"], table.attrs["protected"]) == (0, 1, 1)
        assert table.attrs["freed_bytes"] == 0

    def test_by_tag_a_second_name_stays_and_nothing_is_free(self, store: Store) -> None:
        reg = read(store.root)
        table = rv.what_if(reg, tags=["app:1"], delete_by="tag", collector="distribution-2.8-m")
        assert rows(table, "cause", "kind", "tag") == [("chosen", "tag", "1")]
        both = rv.what_if(reg, tags=["app:1", "app:same"], delete_by="tag", collector="distribution-2.8-m")
        assert parts(both, "collected", "manifest") == [("app", self.one)]
        assert both.attrs["freed_bytes"] == self.own(store, self.one)
        plain = rv.what_if(reg, tags=["app:1", "app:same"], delete_by="tag")
        assert plain.attrs["freed_bytes"] == 0  # without -m the untagged manifest keeps all it lists

    def test_both_free_the_base_too(self, store: Store) -> None:
        reg = read(store.root)
        base = bytes_of(store, reg.stack(self.one)["blob"].iloc[0])
        freed = rv.what_if(reg, tags=["app:1", "app:2"]).attrs["freed_bytes"]
        assert freed == self.own(store, self.one) + self.own(store, self.two) + base

    def test_an_index_that_stays_loses_its_child(self, store: Store) -> None:
        table = rv.what_if(read(store.root), tags=["multi:arm"])
        broken = table[table["cause"] == "broken"]
        assert {(name, digest) for name, digest in rows(broken, "repository", "digest")} == {("multi", self.index)}
        assert self.arm in set(broken["lost"])
        assert table.attrs["indexes_broken"] == 1

    def test_an_index_alone_frees_itself(self, store: Store) -> None:
        table = rv.what_if(read(store.root), tags=["multi:1"])
        assert rows(table[table["kind"] == "blob"], "digest", "bytes") == [(self.index, bytes_of(store, self.index))]
        assert (table.attrs["images_lost"], table.attrs["manifests_lost"]) == (0, 1)

    def test_what_no_request_can_delete_is_counted(self, store: Store) -> None:
        store.tag("app", "gone", "sha256:" + "0" * 64)
        table = rv.what_if(read(store.root), tags=["app:gone"])
        assert (len(table), table.attrs["stuck"], table.attrs["tags"]) == (0, 1, 0)

    def test_where_the_collector_stops_nothing_is_free(self, store: Store) -> None:
        store.revision("other", "sha256:" + "1" * 64, b"")
        store.directory("repositories/other/_layers")
        table = rv.what_if(read(store.root), tags=["app:2"])
        assert "1111" in table.attrs["abort"]
        assert (table.attrs["freed_bytes"], table.attrs["tags"]) == (0, 1)


def test_v1_frees_images_that_no_tag_reaches(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    ids = [image_id(number) for number in range(4)]
    for number, name in enumerate(ids):
        store.image(name, ids[:number][::-1], layer=b"x" * 10**number)
    store.tag("library/app", "base", ids[1])
    store.tag("library/app", "top", ids[3])
    table = rv.what_if(read(tmp_path), tags=["app:top"])
    assert set(rows(table[table["kind"] == "blob"], "digest", "bytes")) == {
        (f"v1:{ids[2]}", 100),
        (f"v1:{ids[3]}", 1000),
    }
    assert (table.attrs["freed_bytes"], table.attrs["delete_by"], table.attrs["collector"]) == (1100, "tag", "v1")
    with pytest.raises(RegvizError, match="delete_by='tag'"):
        rv.what_if(read(tmp_path), tags=["app:top"], delete_by="manifest")


def test_an_oci_layout_lists_by_its_tags_alone(tmp_path: Path) -> None:
    reg = read(write(small_world(), tmp_path / "world", "oci"))
    named = {*rows(reg.tags, "repository", "manifest")}
    unnamed = {
        digest
        for name, digest in rows(reg.repository_manifests, "repository", "manifest")
        if (name, digest) not in named
    }
    assert unnamed  # of which an entry without a name is left
    target = {(name, tag): digest for name, tag, digest in rows(reg.tags, "repository", "tag", "manifest")}
    for repository, tag, exclusive in rows(rv.sizes(reg, by="tag"), "repository", "tag", "exclusive_bytes"):
        freed = rv.what_if(reg, tags=[f"{repository}:{tag}"]).attrs["freed_bytes"]
        assert freed == (0 if target[repository, tag] in unnamed else exclusive)


def collected(reg: Registry, collector: CollectorName) -> set[str]:
    """Blobs that a collector deletes from a registry as it is."""
    return {digest for (digest,) in rows(reg.blobs[collect(reg, collector).blobs], "blob")}


def doing(store: Store, table: pd.DataFrame) -> None:
    """What the deletion itself takes, done to the files as the server does it."""
    repositories = store.v2 / "repositories"
    for repository, tag in [*parts(table, "chosen", "tag"), *parts(table, "along", "tag")]:
        shutil.rmtree(repositories / repository / "_manifests/tags" / tag)
    for repository, digest in parts(table, "deleted", "manifest"):
        (repositories / repository / "_manifests/revisions" / digest.replace(":", "/") / "link").unlink()


@pytest.mark.parametrize("collector", COLLECTORS)
@pytest.mark.parametrize("delete_by", ["manifest", "tag"])
@pytest.mark.parametrize("seed", range(8))
def test_freeing_frees_what_doing_it_and_reading_again_shows(
    tmp_path: Path, seed: int, delete_by: Any, collector: Any
) -> None:
    made = random_registry(tmp_path, seed + 500, broken=seed % 4 == 3)
    before = read(tmp_path, links="check")
    names = [f"{name}:{tag}" for name, tag in rows(before.tags, "repository", "tag") if made.chance(0.6)]
    table = rv.what_if(before, tags=names, delete_by=delete_by, collector=collector)
    today = collected(before, collector)
    doing(made.store, table)
    then = collected(read(tmp_path, links="check"), collector)
    assert {digest for (digest,) in rows(table[table["kind"] == "blob"], "digest")} == then - today
    stored = {digest: length for digest, length, there in rows(before.blobs, "blob", "blob_bytes", "present") if there}
    assert table.attrs["collected_today_bytes"] == sum(stored[digest] for digest in today)
    for digest in then:
        made.store.blob_path(digest).unlink()
    left = read(tmp_path, links="check").blobs
    freed = sum(stored.values()) - left.loc[left["present"], "blob_bytes"].sum()
    said = table.attrs["freed_bytes"] + table.attrs["uncertain_bytes"]
    assert said + sum(stored[digest] for digest in then & today) == freed


def test_what_was_not_read_completely_promises_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    for number in range(9):
        store.image(f"app{number}", [b"%d" % number * 5000], "1")
    whole, cut = tmp_path / "whole.tar", tmp_path / "cut.tar"
    subprocess.run(["tar", "-C", store.root, "--sort=name", "-cf", whole, "docker"], check=True)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 5 // 6])
    reg = read(cut, partial=True)
    table = rv.what_if(reg, pattern=".")
    assert table.attrs["tags"] > 0
    assert table.attrs["freed_bytes"] == 0
    assert "blob" not in set(table["kind"])
    assert len(rv.delete_together(reg)) == 0


def test_a_manifest_that_nobody_can_read_may_need_what_its_repository_links(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"x"], "1")
    store.image("other", [b"y"], "1")
    store.push("app", b"no JSON")
    reg = read(tmp_path)
    # With -m 2.8 passes over it, as it has no tag, and takes layer and configuration; nobody knows whether it has them.
    mine, others = (rv.what_if(reg, tags=[f"{name}:1"], collector="distribution-2.8-m") for name in ("app", "other"))
    manifest = mine.loc[mine["cause"] == "deleted", "digest"].iloc[0]
    assert mine.attrs["freed_bytes"] == bytes_of(store, manifest)
    assert mine.attrs["uncertain_bytes"] == mine["bytes"].sum() - bytes_of(store, manifest) > 0
    assert (others.attrs["freed_bytes"], others.attrs["uncertain_bytes"]) == (others["bytes"].sum(), 0)


def test_an_empty_answer_has_its_columns(tmp_path: Path) -> None:
    Store(tmp_path)
    empty = rv.what_if(read(tmp_path), pattern=".")
    full = rv.what_if(read(), pattern=".")
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == full.dtypes.to_dict()
    assert set(empty.attrs) == set(full.attrs)


def test_what_cannot_know_refuses(tmp_path: Path) -> None:
    with pytest.raises(NotKnowableError, match="listing"):
        rv.what_if(read(listing_of_world("distribution", tmp_path)), pattern=".")
    with serving(small_shop()) as server, pytest.raises(NotKnowableError, match="Read a registry's own storage"):
        rv.what_if(read(server.url), pattern=".")
