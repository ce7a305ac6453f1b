"""Who stands on what, against a second implementation over the storages' own files, and counted by hand."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

import regviz as rv
from regviz.analysis import ancestors, bases, descendants, nearest_base, who_uses
from regviz.errors import RegvizError
from regviz.read import read
from regviz.world import synthetic_world, write
from tests.analysis.lineage_oracle import Picture, Woods, woods_of
from tests.analysis.test_answers import index
from tests.conftest import ROOT
from tests.helpers import OCI_CONFIG, STORAGE_DUMPS, Store, V1Store, descriptor, encode, image_id, rows
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
    for *tag, manifest, base, base_tag, base_manifest in rows(
        table, "repository", "tag", "manifest", "base_repository", "base_tag", "base_manifest"
    ):
        below = nearest(woods, woods.pictures[manifest])
        if below is None:
            assert (base, base_tag, base_manifest) == (None, None, None), tag
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
        equal = [f"{tag[0]}:{tag[1]}" for tag, other in woods.pairs() if other.keys == picture.keys]
        assert table.attrs["equals"] == sorted(set(equal))
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
    folder = write(synthetic_world(images=60, seed=3), tmp_path / "made", layout)
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
