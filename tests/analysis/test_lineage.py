"""Who stands on what, against a second implementation over the storages' own files, and counted by hand."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import regviz as rv
from regviz.analysis import ancestors, bases, descendants, nearest_base, who_uses
from regviz.analysis.lineage.forest import Forest
from regviz.analysis.lineage.relatives import _stands_on
from regviz.errors import RegvizError
from regviz.read import read
from regviz.world import synthetic_world, write
from tests.analysis.lineage_oracle import Picture, Woods, woods_of
from tests.analysis.test_answers import index
from tests.conftest import ROOT
from tests.helpers import (
    STORAGE_DUMPS,
    Store,
    V1Store,
    compressed,
    image_config,
    image_id,
    image_manifest,
    rows,
    sha256,
)
from tests.random_registry import random_registry
from tests.world.zoo import ZOO

if TYPE_CHECKING:
    from pathlib import Path

    from regviz.registry import Registry

WORLDS = ["world-distribution.tar.gz", "world-v1.tar.gz"]


def hold_to_oracle(reg: Registry, woods: Woods) -> None:
    """Every answer on every image of a storage."""
    hold_nearest(reg, woods)
    hold_bases(reg, woods)
    for picture in woods.pictures.values():
        if picture.keys:
            hold_relatives(reg, woods, picture)


def nearest(woods: Woods, picture: Picture) -> Picture | None:
    below = [other for other in woods.tagged if picture.stands_on(other)]
    return max(below, key=lambda other: len(other.keys), default=None)


def hold_nearest(reg: Registry, woods: Woods) -> None:
    expected = []
    for (repository, tag), picture in woods.pairs():
        base = nearest(woods, picture)
        count = len(base.keys) if base else 0
        added = woods.bytes_of(set(picture.blobs[count:]))
        expected.append((repository, tag, picture.manifest, len(picture.keys), count, added))
    table = nearest_base(reg)
    keys = ["repository", "tag", "manifest", "layers", "base_layers", "added_bytes"]
    assert rows(table, *keys) == sorted(expected)
    named = rows(table, "manifest", "base_repository", "base_tag", "base_manifest")
    for manifest, base, base_tag, base_manifest in named:
        below = nearest(woods, woods.pictures[manifest])
        if below is None:
            assert (base, base_tag, base_manifest) == (None, None, None), manifest
        else:
            assert woods.pictures[base_manifest].keys == below.keys
            assert base_manifest in woods.tags[base, base_tag]


def hold_bases(reg: Registry, woods: Woods) -> None:
    found = {row[0]: row[1:] for row in rows(bases(reg), "layer", *bases(reg).columns.drop("layer"))}
    chains = {base.keys for base in woods.tagged if any(other.stands_on(base) for other in woods.tagged)}
    assert set(found) == {keys[-1] for keys in chains}
    names = list(bases(reg).columns.drop("layer"))
    for keys in chains:
        row = dict(zip(names, found[keys[-1]], strict=True))
        own = woods.pictures[row["manifest"]]
        assert own.keys == keys
        assert own.manifest in woods.tags[row["repository"], row["tag"]]
        standing = {picture for picture in woods.tagged if picture.stands_on(own)}
        tags = {tag for tag, picture in woods.pairs() if picture in standing}
        above = {blob for picture in standing for blob in picture.blobs[len(keys) :]} - set(own.blobs)
        near = {picture for picture in standing if (base := nearest(woods, picture)) and base.keys == keys}
        assert row["layers"] == len(keys)
        assert row["names"] == len({tag for tag, picture in woods.pairs() if picture.keys == keys})
        assert row["images"] == len(standing)
        assert row["direct_images"] == len(near)
        assert row["tags"] == len(tags)
        assert row["repositories"] == len({repository for repository, _ in tags})
        assert row["base_bytes"] == woods.bytes_of(set(own.blobs))
        assert row["bytes"] == woods.bytes_of(above)
        below = nearest(woods, own)
        assert row["base_layer"] == (below.keys[-1] if below else None)
    assert bases(reg).attrs == {
        "images": len(woods.tagged),
        "images_with_base": sum(nearest(woods, picture) is not None for picture in woods.tagged),
    }


def hold_relatives(reg: Registry, woods: Woods, picture: Picture) -> None:
    columns = ["repository", "tag", "manifest", "layers", "layer_bytes", "added_layers", "added_bytes"]
    for answer, is_above in ((ancestors, False), (descendants, True)):
        expected = []
        for (repository, tag), other in woods.pairs():
            lower, upper = (picture, other) if is_above else (other, picture)
            if upper.stands_on(lower):
                added = upper.blobs[len(lower.keys) :]
                counts = [len(other.keys), woods.bytes_of(set(other.blobs)), len(added), woods.bytes_of(set(added))]
                expected.append((repository, tag, other.manifest, *counts))
        table = answer(reg, picture.manifest)
        assert sorted(rows(table, *columns)) == sorted(expected)
        assert set(table["image"]) <= {picture.manifest}
        equal = {tag for tag, other in woods.pairs() if other.keys == picture.keys}
        assert table.attrs["equals"] == [f"{repository}:{tag}" for repository, tag in sorted(equal)]
        assert table.attrs["tags"] == len({row[:2] for row in expected})
        assert table.attrs["repositories"] == len({row[0] for row in expected})
        assert table.attrs["images"] == len({row[2] for row in expected})
    below = rows(ancestors(reg, picture.manifest), "layers")
    assert below == sorted(below, reverse=True)  # the nearest first


def hold_users(reg: Registry, woods: Woods, what: str) -> None:
    """What has a key somewhere in its stack, or among its blobs; an image's key is its whole stack."""
    whole = woods.pictures.get(what)
    expected: dict[tuple[str, str, str], int | None] = {}
    for tag, manifests in woods.reached.items():
        for manifest in manifests:
            picture = woods.pictures.get(manifest)
            if whole is not None and whole.keys:
                places = [len(whole.keys) - 1] if picture and picture.keys[: len(whole.keys)] == whole.keys else []
                is_owner = False
            else:
                steps = zip(picture.blobs, picture.keys, picture.diff_ids, strict=True) if picture else ()
                places = [place for place, step in enumerate(steps) if what in step]
                is_owner = manifest == what or (what in woods.owned.get(manifest, ()) and what not in woods.owned)
            if places:
                assert picture is not None
                expected[*tag, manifest] = picture.positions[places[0]]
            elif is_owner:
                expected[*tag, manifest] = None
    table = who_uses(reg, what)
    found = {row[:3]: row[3] for row in rows(table, "repository", "tag", "manifest", "position")}
    assert found == expected
    used = {manifest for *_, manifest in expected}
    assert table.attrs["bytes"] == woods.bytes_of({blob for each in used for blob in woods.owned[each]})
    assert table.attrs["tags"] == len({row[:2] for row in expected})
    assert table.attrs["repositories"] == len({row[0] for row in expected})
    assert table.attrs["images"] == len(used)
    sizes = {row[0]: row[1] for row in rows(table, "manifest", "bytes")}
    assert sizes == {each: woods.bytes_of(woods.owned[each]) for each in used}


def keys_of(woods: Woods) -> set[str]:
    """Everything that can be asked for: manifests without children, blobs, layers, diff IDs."""
    of_pictures = {
        key for picture in woods.pictures.values() for key in (*picture.blobs, *picture.keys, *picture.diff_ids)
    }
    return {key for key in of_pictures | set(woods.pictures) if key is not None}


@pytest.mark.parametrize("name", WORLDS)
def test_the_shipped_worlds_are_as_their_files_say(name: str) -> None:
    reg, woods = read(ROOT / "data" / name), woods_of(ROOT / "data" / name)
    hold_to_oracle(reg, woods)
    for key in keys_of(woods):
        hold_users(reg, woods, key)


@pytest.mark.parametrize("layout", ["distribution", "v1"])
def test_families_of_images_are_as_their_files_say(layout: str, tmp_path: Path) -> None:
    folder = write(synthetic_world(repositories=8, tags=30, layers=80, seed=3), tmp_path / "made", layout)
    hold_to_oracle(read(folder), woods_of(folder))


def test_the_zoo_is_as_its_files_say(tmp_path: Path) -> None:
    folder = write(ZOO, tmp_path / "zoo", "distribution")
    reg, woods = read(folder), woods_of(folder)
    hold_to_oracle(reg, woods)
    for key in keys_of(woods):
        hold_users(reg, woods, key)


@pytest.mark.parametrize("name", STORAGE_DUMPS)
def test_real_dumps_are_as_their_files_say(name: str, shared_dumps: Path) -> None:
    reg, woods = read(shared_dumps / name), woods_of(shared_dumps / name)
    hold_to_oracle(reg, woods)
    for key in sorted(keys_of(woods))[:40]:
        hold_users(reg, woods, key)


@pytest.mark.parametrize("seed", range(40))
def test_random_registries_are_as_their_files_say(seed: int, tmp_path: Path) -> None:
    random_registry(tmp_path, seed)
    reg, woods = read(tmp_path), woods_of(tmp_path)
    hold_to_oracle(reg, woods)
    for key in sorted(keys_of(woods))[:10]:
        hold_users(reg, woods, key)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_broken_never_raises(seed: int, tmp_path: Path) -> None:
    random_registry(tmp_path, seed, broken=True)
    reg = read(tmp_path)
    assert (nearest_base(reg)["added_bytes"] >= 0).all()
    assert set(bases(reg)["images"] >= bases(reg)["direct_images"]) <= {True}
    for manifest in reg.manifests["manifest"].astype("str"):
        assert who_uses(reg, manifest).attrs["tags"] <= len(reg.tags)
        assert set(descendants(reg, manifest)["manifest"]).isdisjoint(ancestors(reg, manifest)["manifest"])


@given(st.lists(st.tuples(st.integers(0, 10**6), st.booleans()), max_size=25))
def test_the_nearest_end_below_is_found_by_walking_too(nodes: list[tuple[int, bool]]) -> None:
    """A node's parent is one before it, or none; some nodes are where tagged images end."""
    parent = np.array([choice % (row + 1) - 1 for row, (choice, _) in enumerate(nodes)], np.int64)
    ends = np.flatnonzero([is_end for _, is_end in nodes])
    nothing, every = np.empty(0, np.bool_), np.arange(len(ends))
    woods = Forest(cast("Any", None), cast("Any", None), parent, parent, ends, nothing, nothing, every, every)
    for row in range(len(nodes)):
        walk = [row]
        while walk[-1] >= 0:
            walk.append(int(parent[walk[-1]]))
        assert woods.below[row] == next((at for at in walk[1:] if at in ends), -1)
        assert np.flatnonzero(_stands_on(woods, row)).tolist() == [
            other for other in range(len(nodes)) if other != row and row in _down(parent, other)
        ]


def _down(parent: Any, row: int) -> list[int]:
    walk = []
    while (row := int(parent[row])) >= 0:
        walk.append(row)
    return walk


class TestByHand:
    """Small registries whose answers are counted on paper."""

    def test_the_example_of_bases(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        base, node, web, app = b"b" * 9, b"n" * 8, b"w" * 7, b"a" * 6
        length = {layer: len(compressed(layer)) for layer in (base, node, web, app)}
        for name, layers in (
            ("base", [base]),
            ("node", [base, node]),
            ("web", [base, web]),
            ("app", [base, node, app]),
        ):
            store.image(name, layers, "1")
        table = bases(read(tmp_path))
        assert rows(table, "repository", "images", "direct_images", "base_bytes", "bytes") == [
            ("base", 3, 2, length[base], length[node] + length[web] + length[app]),
            ("node", 1, 1, length[base] + length[node], length[app]),
        ]
        near = nearest_base(read(tmp_path))
        assert rows(near, "repository", "base_repository") == [
            ("app", "node"), ("base", None), ("node", "base"), ("web", "base"),
        ]  # fmt: skip
        above = ancestors(read(tmp_path), "app:1")
        assert rows(above, "repository", "layers", "added_layers", "added_bytes") == [
            ("node", 2, 1, length[app]),
            ("base", 1, 2, length[node] + length[app]),
        ]
        assert above.attrs["bytes"] == length[base] + length[node]
        built = descendants(read(tmp_path), "base:1")
        assert rows(built, "repository", "added_bytes") == [
            ("app", length[node] + length[app]), ("node", length[node]), ("web", length[web]),
        ]  # fmt: skip
        assert built.attrs["bytes"] == length[node] + length[app] + length[web]

    def test_the_same_stack_is_an_equal_and_no_base(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.image("library/base", [b"base"], "9", "latest")
        store.image("acme/renamed", [b"base"], "1", annotations={"other": "manifest"})
        reg = read(tmp_path)
        assert len(bases(reg)) == 0
        assert nearest_base(reg)["base_tag"].isna().all()
        table = ancestors(reg, "acme/renamed:1")
        assert len(table) == 0
        assert table.attrs["equals"] == ["acme/renamed:1", "library/base:9", "library/base:latest"]

    def test_a_base_is_called_after_what_was_made_first(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        for repository, created in (
            ("acme/first-by-name", "2020-05-01T00:00:00Z"),
            ("library/base", "2019-01-01T00:00:00Z"),
            ("zeta/no-clock", "1970-01-01T00:00:00Z"),
        ):
            config = image_config([b"base"], created=created)
            store.linked_blob(repository, config)
            store.linked_blob(repository, compressed(b"base"))
            store.push(repository, image_manifest(config, [compressed(b"base")]), "1")
        store.image("app", [b"base", b"app"], "1")
        assert rows(bases(read(tmp_path)), "repository", "names") == [("library/base", 3)]

    def test_an_index_stands_for_its_images(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        amd, arm = store.image("base", [b"amd"]), store.image("base", [b"arm"], architecture="arm64")
        listing = store.push("base", index(*(store.blob_path(each).read_bytes() for each in (amd, arm))), "1")
        store.image("app", [b"amd", b"x"], "amd")
        store.image("app", [b"arm", b"y"], "arm", architecture="arm64")
        reg = read(tmp_path)
        built = descendants(reg, "base:1")
        assert rows(built, "image", "tag") == [(i, t) for i, t in sorted([(amd, "amd"), (arm, "arm")])]
        assert built.attrs["tags"] == 2
        users = who_uses(reg, listing)
        assert rows(users, "repository", "tag", "platform", "position") == [
            ("app", "amd", "linux/amd64", 0), ("app", "arm", "linux/arm64", 0),
            *sorted([("base", "1", "linux/amd64", 0), ("base", "1", "linux/arm64", 0)], key=lambda r: (amd, arm)[r[2] != "linux/amd64"]),
        ]  # fmt: skip
        named = rows(bases(reg), "repository", "tag", "platform")
        assert sorted(named) == [("base", "1", "linux/amd64"), ("base", "1", "linux/arm64")]

    def test_recompressed_layers_stand_on_one_base(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.image("base", [b"base"], "1")
        config = image_config([b"base", b"app"])
        plain = b"base"
        for blob in (config, plain, compressed(b"app")):
            store.linked_blob("app", blob)
        store.push("app", image_manifest(config, [plain, compressed(b"app")]), "1")
        reg = read(tmp_path)
        [row] = rows(bases(reg), "repository", "images", "base_bytes", "bytes")
        assert row == ("base", 1, len(compressed(b"base")), len(compressed(b"app")))
        # by content the base is in both, by digest only in one
        diff_id = sha256(b"base")
        assert rows(who_uses(reg, diff_id), "repository") == [("app",), ("base",)]
        assert rows(who_uses(reg, sha256(compressed(b"base"))), "repository") == [("base",)]

    def test_of_several_places_the_lowest(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.image("app", [b"one", b"two", b"one"], "1")
        assert rows(who_uses(read(tmp_path), sha256(compressed(b"one"))), "position") == [(0,)]

    def test_untagged_users_are_counted(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.image("app", [b"one", b"two"], "1")
        store.image("app", [b"one", b"three"])
        table = who_uses(read(tmp_path), sha256(compressed(b"one")))
        assert (table.attrs["images"], table.attrs["untagged_images"]) == (1, 1)

    def test_what_is_no_layer_has_no_position(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        digest = store.image("app", [b"one"], "1")
        config = image_config([b"one"])
        reg = read(tmp_path)
        assert rows(who_uses(reg, sha256(config)), "manifest", "position") == [(digest, None)]
        assert who_uses(reg, sha256(config)).attrs["kinds"] == ["blob"]

    def test_v1_images_that_others_stand_on_need_no_tag(self, tmp_path: Path) -> None:
        store = V1Store(tmp_path)
        ids = [image_id(number) for number in range(4)]
        for number, name in enumerate(ids):
            store.image(name, ids[:number][::-1], layer=b"x" * 100 * (number + 1))
        store.tag("library/base", "1", ids[0])
        store.tag("library/app", "1", ids[3])
        reg = read(tmp_path)
        above = ancestors(reg, ids[2])  # neither tagged nor a leaf
        assert rows(above, "repository", "layer_bytes", "added_layers", "added_bytes") == [
            ("library/base", 100, 2, 500)
        ]
        assert rows(descendants(reg, ids[2]), "repository", "added_bytes") == [("library/app", 400)]
        assert rows(who_uses(reg, ids[2]), "repository", "position") == [("library/app", 2)]
        assert rows(who_uses(reg, f"v1:{ids[2]}"), "repository", "position") == [("library/app", 2)]


class TestReferences:
    def test_first_digits_do(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        store.image("app", [b"one"], "1")
        digest = sha256(compressed(b"one"))
        for start in (digest, digest[:15], digest.removeprefix("sha256:")[:8]):
            assert who_uses(read(tmp_path), start).attrs["key"] == digest

    def test_a_name_counts_before_digits(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        name = hashlib.sha256(compressed(b"one")).hexdigest()[:8]
        digest = store.image(name, [b"one"], "latest")
        assert who_uses(read(tmp_path), name).attrs["key"] == digest

    def test_a_tag_of_digits_is_no_digest(self, tmp_path: Path) -> None:
        store = Store(tmp_path)
        digest = store.image("app", [b"one"], "1")
        missing = f"app:{digest.removeprefix('sha256:')[:6]}"
        for answer in (who_uses, ancestors):
            with pytest.raises(RegvizError, match="app:1"):
                answer(read(tmp_path), missing)

    @pytest.mark.parametrize("answer", [who_uses, ancestors, descendants])
    @pytest.mark.parametrize("what", ["nothing", "app:2", "sha256:", "", "deadbeef"])
    def test_what_is_not_there_is_said(self, answer: Any, what: str, tmp_path: Path) -> None:
        Store(tmp_path).image("app", [b"one"], "1")
        with pytest.raises(RegvizError, match="app:1"):
            answer(read(tmp_path), what)

    def test_several_that_fit_are_named(self, tmp_path: Path) -> None:
        store = V1Store(tmp_path)
        for end in "ab":
            store.image("0" * 63 + end)
        store.tag("library/app", "1", "0" * 63 + "a")
        with pytest.raises(RegvizError, match="fits 2 "):
            who_uses(read(tmp_path), "0000")


def test_a_source_without_images_has_empty_answers(tmp_path: Path) -> None:
    Store(tmp_path)
    reg, shipped = read(tmp_path), rv.read(ROOT / "data" / WORLDS[0])
    for answer in (bases, nearest_base):
        assert len(answer(reg)) == 0
        assert answer(reg).dtypes.to_dict() == answer(shipped).dtypes.to_dict()
    empty = who_uses(shipped, "charts/web:1.2.0")
    assert rows(empty, "repository", "position") == [("charts/web", None)]
    assert rows(descendants(shipped, "charts/web:1.2.0"), "tag") == []
