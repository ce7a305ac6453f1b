"""layer_sizes(), tag_images() and what lies beneath them, counted by hand."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from regviz.analysis import layer_counts, layer_sizes, tag_images
from regviz.analysis.members import manifest_platforms
from regviz.analysis.reach import incidence, reach
from regviz.read import read
from regviz.world import write
from tests.analysis.oracle import truth_of
from tests.conftest import ROOT
from tests.helpers import OCI_INDEX, OCI_MANIFEST, Store, V1Store, compressed, descriptor, encode, image_id, rows
from tests.world.zoo import ZOO

if TYPE_CHECKING:
    from pathlib import Path

WORLDS = ["world-distribution.tar.gz", "world-v1.tar.gz"]


def index(*manifests: bytes, **platforms: str) -> bytes:
    entries = [descriptor(m, OCI_MANIFEST) for m in manifests]
    return encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries, **platforms})


def content(store: Store, digest: str) -> bytes:
    return store.blob_path(digest).read_bytes()


def test_users_of_a_layer_are_counted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"base" * 9, b"app"], "1", "2")
    store.image("app", [b"base" * 9], "base")
    store.image("other", [b"base" * 9, b"loose"])  # no tag
    table = layer_sizes(read(tmp_path))
    users = ["layers", "images", "tags", "repositories"]
    base, loose, app = ([1, 3, 3, 1], [1, 1, 0, 0], [1, 1, 2, 1])
    assert sorted(table[users].to_numpy().tolist()) == sorted([base, loose, app])
    assert table.loc[table["images"] == 3, users].to_numpy().tolist() == [base]


def test_a_v1_layer_has_the_users_of_its_descendants(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    ids = [image_id(number) for number in range(3)]
    store.chain(*ids)
    store.tag("library/app", "1", ids[2])
    store.tag("library/base", "1", ids[0])
    table = layer_sizes(read(tmp_path)).set_index("blob")
    assert table.loc[f"v1:{ids[0]}", ["images", "tags", "repositories"]].tolist() == [2, 2, 2]
    assert table.loc[f"v1:{ids[1]}", ["images", "tags", "repositories"]].tolist() == [1, 1, 1]


def test_layers_of_images_are_counted(tmp_path: Path) -> None:
    store = Store(tmp_path)
    base, own = b"base" * 9, b"own"
    both = store.image("app", [base, own], "1", "latest")
    store.push("other", content(store, both), "1")
    alone = store.image("app", [base])  # no tag
    twice = store.image("odd", [own, own], "1")  # one blob at two places
    store.push("app", index(content(store, both)), "list")  # no image, and one more tag that reaches one
    table = layer_counts(read(tmp_path))
    length = {part: len(compressed(part)) for part in (base, own)}
    assert rows(
        table.sort_values("layer_bytes"), "manifest", "layers", "layer_bytes", "tags", "repositories"
    ) == sorted(
        [
            (both, 2, length[base] + length[own], 4, 2),
            (alone, 1, length[base], 0, 0),
            (twice, 2, length[own], 1, 1),
        ],
        key=lambda row: row[2],
    )
    assert table["manifest"].tolist() == [*sorted([both, twice]), alone]


def test_a_v1_image_counts_where_its_stack_ends(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    ids = [image_id(number) for number in range(4)]
    store.chain(*ids[:3])
    store.image(ids[3], [ids[0]])  # no tag, and nothing is built on it
    store.tag("library/app", "1", ids[1])
    store.tag("library/tip", "1", ids[2])
    table = layer_counts(read(tmp_path))
    assert rows(table, "manifest", "layers", "tags") == [(ids[2], 3, 1), (ids[1], 2, 1), (ids[3], 2, 0)]


@pytest.mark.parametrize("world", WORLDS)
def test_layers_of_the_shipped_images(world: str) -> None:
    """What every image's own documents list, read a second time."""
    reg = read(ROOT / "data" / world)
    with tarfile.open(ROOT / "data" / world) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        texts = {name: file.read() for name, file in files.items() if file is not None}
    listed: dict[str, int] = {}
    for name, text in texts.items():
        if name.endswith("/ancestry"):
            listed[name.split("/")[-2]] = len(json.loads(text))
        elif name.endswith("/data") and text.startswith(b"{"):
            document = json.loads(text)
            steps = [
                json.loads(step["v1Compatibility"]) for step in document.get("history", ()) if "fsLayers" in document
            ]
            layers = [step for step in steps if not step.get("throwaway")] or document.get("layers", [])
            listed[f"sha256:{name.split('/')[-2]}"] = len(layers)
    for manifest, layers in rows(layer_counts(reg), "manifest", "layers"):
        assert listed[manifest] == layers


def test_what_sharing_a_layer_saves(tmp_path: Path) -> None:
    store = V1Store(tmp_path)
    ids = [image_id(number) for number in range(2)]
    store.image(ids[0], [], layer=b"b" * 100)
    store.image(ids[1], ids[:1], layer=b"\x1f\x8b" + b"0" * 21)
    for name in ("a", "b", "c"):
        store.tag(f"library/{name}", "1", ids[0])
    store.tag("library/c", "2", ids[1])
    table = layer_sizes(read(tmp_path)).set_index("blob")
    assert table["saved_bytes"].to_dict() == {f"v1:{ids[0]}": 200, f"v1:{ids[1]}": 0}
    assert table["empty"].to_dict() == {f"v1:{ids[0]}": False, f"v1:{ids[1]}": True}  # it is as long as an empty tar


def test_a_layer_that_is_not_there_keeps_its_row(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.image("app", [b"here", b"gone"], "1")
    largest = layer_sizes(read(tmp_path))["blob"].iloc[0]
    store.blob_path(largest).unlink()
    table = layer_sizes(read(tmp_path)).set_index("blob")
    assert not table.loc[largest, "present"]
    assert table["present"].sum() == 1


@pytest.mark.parametrize("name", WORLDS)
def test_every_tag_of_the_shipped_worlds_has_exactly_its_layers(name: str) -> None:
    truth = truth_of(ROOT / "data" / name)
    table = tag_images(read(ROOT / "data" / name))
    for (repository, tag), blobs in truth.tags.items():
        own = table[(table["repository"] == repository) & (table["tag"] == tag)]
        assert len(own) > 0
        assert set(own["blob"].dropna().str.removeprefix("v1:")) == blobs & truth.layers


def test_an_index_is_passed_through_to_its_images(tmp_path: Path) -> None:
    store = Store(tmp_path)
    amd = store.image("app", [b"one", b"two"])
    arm = store.image("app", [b"three"], architecture="arm64")
    inner = store.push("app", index(content(store, arm)))
    outer = store.push("app", index(content(store, amd), content(store, inner)), "1")
    table = tag_images(read(tmp_path))
    assert set(table["manifest"]) == {outer}
    found = rows(table, "image", "platform", "position")
    expected = [(amd, "linux/amd64", 0), (amd, "linux/amd64", 1), (arm, "linux/arm64", 0)]
    assert found == sorted(expected)


def test_a_tag_without_layers_has_one_row(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.tag("app", "gone", "sha256:" + "0" * 64)
    store.push("app", index(), "empty")
    table = tag_images(read(tmp_path))
    assert rows(table, "tag", "layer") == [("gone", None)]  # an index that lists nothing names no image


def test_platforms_come_from_the_image_or_else_from_the_index(tmp_path: Path) -> None:
    store = Store(tmp_path)
    arm = store.image("app", [b"x"], architecture="arm64")
    entries = [
        {**descriptor(content(store, arm), OCI_MANIFEST), "platform": {"os": "plan9", "architecture": "mips"}},
        {
            "mediaType": OCI_MANIFEST,
            "size": 7,
            "digest": "sha256:" + "1" * 64,
            "platform": {"os": "linux", "architecture": "arm", "variant": "v7"},
        },
        {
            "mediaType": OCI_MANIFEST,
            "size": 7,
            "digest": "sha256:" + "2" * 64,
            "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"},
        },
        {
            "mediaType": OCI_MANIFEST,
            "size": 7,
            "digest": "sha256:" + "3" * 64,
            "platform": {"os": "unknown", "architecture": "unknown"},
        },
    ]
    listing = store.push("app", encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}), "1")
    reg = read(tmp_path)
    platforms = dict(zip(reg.manifests["manifest"], manifest_platforms(reg), strict=True))
    assert platforms == {
        arm: "linux/arm64",
        "sha256:" + "1" * 64: "linux/arm/v7",
        "sha256:" + "2" * 64: "linux/arm64",
        "sha256:" + "3" * 64: None,
        listing: None,
    }


def test_a_forged_index_that_lists_itself_ends() -> None:
    from regviz.analysis.reach import closure

    ring = incidence(np.array([0, 1, 2]), np.array([1, 2, 0]), (3, 3))
    start = incidence(np.array([0]), np.array([1]), (1, 3))
    assert closure(start, ring).toarray().tolist() == [[1, 1, 1]]


def test_reach_of_every_kind_of_manifest(tmp_path: Path) -> None:
    folder = write(ZOO, tmp_path / "zoo", "distribution")
    reg, truth = read(folder), truth_of(folder)
    reached = reach(reg).tag_blobs
    blobs = reg.blobs["blob"].astype(str).to_numpy()
    for row, (repository, tag) in enumerate(rows(reg.tags, "repository", "tag")):
        assert set(blobs[reached[[row]].indices]) == truth.tags[repository, tag]


def test_empty_answers_have_their_columns(tmp_path: Path) -> None:
    Store(tmp_path)
    reg, shipped = read(tmp_path), read(ROOT / "data" / WORLDS[0])
    for answer in (layer_counts, layer_sizes, tag_images):
        empty = answer(reg)
        assert len(empty) == 0
        assert empty.dtypes.to_dict() == answer(shipped).dtypes.to_dict()
