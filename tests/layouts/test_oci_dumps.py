"""OCI layouts of real tools, against what `tarfile` and `json` say of them; counts by ``jq`` and ``tar -t``."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from regviz.read import read
from tests.conftest import NO_DUMPS, ROOT
from tests.helpers import FORMS, assert_same_tables, level_times, pack, rows, rules_of
from tests.layouts.oci_store import CONTAINERD, REF, plain_layout

if TYPE_CHECKING:
    from pathlib import Path

DUMPS = ROOT.parent / "shared" / "dumps"
NAMES = ("oci-layout-small", "oci-archive-zstd", "docker-save-28.5.2-containerd", "docker-save-28.5.2-overlay2")
ARCHIVES = [DUMPS / f"{name}.tar" for name in NAMES]
pytestmark = pytest.mark.skipif(not DUMPS.is_dir(), reason=f"{NO_DUMPS}: there is no {DUMPS}")


def is_v1_json(data: bytes) -> bool:
    """What docker save lays among the blobs for clients before 1.10 (tarexport/save.go): no blob of any image."""
    document = json.loads(data) if data[:1] == b"{" else {}
    return "id" in document and "rootfs" not in document


@pytest.mark.parametrize("archive", ARCHIVES, ids=NAMES)
def test_every_dump(archive: Path) -> None:
    plain, registry = plain_layout(archive), read(archive, verify=True)
    reached = plain.reached()

    named = set()
    for entry in plain.entries:
        repository, _, tag = (entry["annotations"].get(CONTAINERD) or entry["annotations"][REF]).rpartition(":")
        named.add((repository, tag, entry["digest"]))
    assert set(rows(registry.tags, "repository", "tag", "manifest")) == named
    assert set(rows(registry.repository_manifests, "repository", "manifest", "is_root")) == {
        (repository, digest, True) for repository, _, digest in named
    }

    sizes = dict(rows(registry.blobs[registry.blobs["present"]], "blob", "blob_bytes"))
    assert sizes == {digest: len(data) for digest, data in plain.blobs.items() if not is_v1_json(data)}
    manifests = registry.manifests
    assert set(manifests[manifests["present"]]["manifest"]) == set(reached)
    images = {digest: document for digest, document in reached.items() if "layers" in document}
    assert dict(rows(registry.images, "manifest", "config")) == {d: i["config"]["digest"] for d, i in images.items()}
    for digest, image in images.items():
        stack = registry.manifest_layers[registry.manifest_layers["manifest"] == digest]
        assert rows(stack, "layer", "blob") == list(
            zip(plain.chain(image), (layer["digest"] for layer in image["layers"]), strict=True)
        )
    verified = registry.blobs[registry.blobs["verified"].notna()]
    assert set(verified["blob"]) == {*reached, *(image["config"]["digest"] for image in images.values())}
    assert verified["verified"].all()


@pytest.mark.parametrize(
    ("name", "tags", "indexes", "images", "blobs", "rules"),
    [
        # jq '.manifests | length' index.json; tar -tf | grep -c blobs/sha256/.; and by hand the indexes among them
        ("oci-layout-small", 22, 2, 20, 66, ["times-not-trusted"]),
        ("oci-archive-zstd", 1, 0, 1, 8, ["times-not-trusted"]),
        ("docker-save-28.5.2-containerd", 2, 1, 2, 13, ["child-elsewhere"]),
        ("docker-save-28.5.2-overlay2", 2, 0, 2, 13, []),  # of 22 blobs 9 are the JSON of v1 images
    ],
)
def test_counts(name: str, tags: int, indexes: int, images: int, blobs: int, rules: list[str]) -> None:
    registry = read(DUMPS / f"{name}.tar")
    assert registry.source.layouts == ("oci",)
    assert len(registry.tags) == tags
    assert int((registry.manifests["kind"] == "index").sum()) == indexes
    assert len(registry.images) == images
    assert int(registry.blobs["present"].sum()) == blobs
    assert rules_of(registry) == rules


def test_a_sparse_index_is_no_error() -> None:
    """docker save for one platform: the index lists arm64, which was not saved."""
    registry = read(DUMPS / "docker-save-28.5.2-containerd.tar")
    assert rows(registry.problems, "rule", "severity") == [("child-elsewhere", "info")]
    children = registry.manifest_references.merge(registry.manifests, left_on="child", right_on="manifest")
    assert rows(children, "architecture_x", "present") == [("amd64", True), ("arm64", False)]


@pytest.mark.parametrize("archive", ARCHIVES, ids=NAMES)
def test_every_form(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path / "storage", filter="data")
    level_times(tmp_path / "storage")
    whole = read(tmp_path / "storage")
    assert len(whole.tags)
    for form in FORMS[1:]:
        for prefix in ("", "./", "above/storage/"):
            assert_same_tables(whole, read(pack(tmp_path / "storage", form, tmp_path, prefix=prefix)))


def test_the_same_layers_as_in_the_registry_they_came_from() -> None:
    """skopeo copied every tag of the Distribution storage in another dump, most of them converted to OCI."""
    layout, registry = read(DUMPS / "oci-layout-small.tar"), read(DUMPS / "v2-small-filesystem.tar")
    here, there = (
        {(repository, tag): manifest for repository, tag, manifest in rows(reg.tags, "repository", "tag", "manifest")}
        for reg in (layout, registry)
    )
    assert here.keys() <= there.keys()
    for name, manifest in here.items():
        ours, theirs = layout.stack(manifest)["layer"].tolist(), registry.stack(there[name])["layer"].tolist()
        assert ours == theirs
        assert bool(ours) == (name[0] != "multi/bb"), name  # an index has no stack
    common = {manifest for manifest in layout.manifests["manifest"] if manifest in set(registry.manifests["manifest"])}
    assert {here["multi/bb", "1"], here["oci/api", "1.0"], here["oci/api", "zstd"]} <= common
    for manifest in common:
        assert rows(
            layout.manifests[layout.manifests["manifest"] == manifest], "config", "layer", "created_at"
        ) == rows(registry.manifests[registry.manifests["manifest"] == manifest], "config", "layer", "created_at")
