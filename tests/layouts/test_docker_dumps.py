"""Docker's archives and stores on real ones, against what `tarfile`, `json` and `hashlib` say of the same files."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import tarfile
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from regviz.read import read
from tests.conftest import NO_DUMPS, ROOT
from tests.helpers import FORMS, assert_same_tables, pack, rows

if TYPE_CHECKING:
    from pathlib import Path

DUMPS = ROOT.parent / "shared" / "dumps"
NAMES = ("docker-save-20.10-small", "docker-save-20.10-x", "docker-archive-skopeo-web", "docker-save-28.5.2-overlay2")
OLD = "docker-save-0.9.0-nodejs"
STORE, GRAPH = "dockerd-20.10-image-meta", "docker-root-0.9.0-graph"
without_dumps = pytest.mark.skipif(not DUMPS.is_dir(), reason=f"{NO_DUMPS}: there is no {DUMPS}")


class Archive:
    """An archive by `tarfile`: its files, with links followed."""

    def __init__(self, path: Path) -> None:
        self.files: dict[str, bytes] = {}
        links: dict[str, str] = {}
        with tarfile.open(path) as opened:
            for member in opened:
                name = posixpath.normpath(member.name)
                if member.issym():
                    links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
                elif member.isfile():
                    reader = opened.extractfile(member)
                    assert reader is not None
                    self.files[name] = reader.read()
        self.stored = dict(self.files)
        self.files |= {name: self.files[target] for name, target in links.items()}

    def json(self, path: str) -> Any:
        return json.loads(self.files[path])


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def chain_ids(diff_ids: list[str]) -> list[str]:
    """image-spec config.md, Layer ChainID."""
    chains: list[str] = []
    for diff_id in diff_ids:
        chains.append(sha256(f"{chains[-1]} {diff_id}".encode()) if chains else diff_id)
    return chains


def without_index(archive: Path, folder: Path) -> Path:
    """The archive as docker 25.0 saves images by their ids: ``index.json`` lists nothing (``"manifests": null``)."""
    made = folder / "null.tar"
    with tarfile.open(archive) as source, tarfile.open(made, "w") as target:
        for member in source:
            content = source.extractfile(member) if member.isfile() else None
            if member.name == "index.json":
                data = json.dumps({"schemaVersion": 2, "manifests": None}).encode()
                (folder / "index.json").write_bytes(data)
                target.add(folder / "index.json", "index.json")
            else:
                target.addfile(member, content)
    return made


@pytest.fixture
def dump(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = DUMPS / f"{request.param}.tar"
    return without_index(path, tmp_path) if "28.5.2" in request.param else path


@without_dumps
@pytest.mark.parametrize("dump", NAMES, indirect=True)
def test_images_of_an_archive(dump: Path) -> None:
    archive, registry = Archive(dump), read(dump, verify=True)
    assert registry.problems.empty
    assert registry.source.layouts == ("docker-archive",)
    entries = archive.json("manifest.json")
    configs = {sha256(archive.files[entry["Config"]]): entry for entry in entries}
    manifests = {}  # 25 and later writes one an image; before, the image ID stands for it
    for data in archive.files.values():
        document = json.loads(data) if data.startswith(b"{") else {}
        if document.get("schemaVersion") == 2 and "config" in document:
            manifests[document["config"]["digest"]] = sha256(data)
    key = {image: manifests.get(image, image) for image in configs}
    images = registry.images
    assert dict(rows(images, "config", "manifest")) == key
    assert set(images["kind"]) == {"image"}
    assert images["present"].all()
    assert set(rows(registry.tags, "repository", "tag", "manifest")) == {
        (*reference.rsplit(":", 1), key[image]) for image, entry in configs.items() for reference in entry["RepoTags"]
    }
    stacks = {}
    for image, entry in configs.items():
        document = archive.json(entry["Config"])
        diff_ids = document["rootfs"]["diff_ids"]
        assert diff_ids == [sha256(archive.files[layer]) for layer in entry["Layers"]]
        stacks[key[image]] = list(zip(diff_ids, chain_ids(diff_ids), strict=True))
        row = images.set_index("manifest").loc[key[image]]
        assert (row["os"], row["architecture"]) == (document["os"], document["architecture"])
        assert row["created_at"] == pd.Timestamp(document["created"]).floor("us")
        history = registry.history[registry.history["manifest"] == key[image]]
        assert rows(history, "created_by", "empty") == [
            (step.get("created_by"), step.get("empty_layer", False)) for step in document["history"]
        ]
        labels = registry.labels[registry.labels["manifest"] == key[image]]
        assert dict(rows(labels, "key", "value")) == (document["config"].get("Labels") or {})
    found: dict[str, list[tuple[str, str]]] = {}
    for manifest, blob, layer in rows(registry.manifest_layers, "manifest", "blob", "layer"):
        found.setdefault(manifest, []).append((blob, layer))
    assert found == stacks
    layers = {diff_id for stack in stacks.values() for diff_id, _ in stack}
    contents = {sha256(data): len(data) for data in archive.stored.values()}
    blobs = registry.blobs.set_index("blob")
    assert set(blobs.index) == layers | set(configs) | set(manifests.values())
    assert blobs["blob_bytes"].to_dict() == {digest: contents[digest] for digest in blobs.index}
    assert set(blobs.loc[sorted(layers), "compression"]) == {"none"}
    assert set(blobs["copies"]) == {1}


@without_dumps
@pytest.mark.parametrize("name", [*NAMES, OLD, STORE, GRAPH])
def test_every_form(name: str, tmp_path: Path) -> None:
    archive = DUMPS / f"{name}.tar"
    if "28.5.2" in name:
        archive = without_index(archive, tmp_path)
    root = tmp_path / "unpacked"
    with tarfile.open(archive) as opened:
        opened.extractall(root, [member for member in opened if not member.isdev()], filter="data")
    for path in sorted(root.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755)
            os.utime(path, (1_400_000_000,) * 2)
    whole = read(archive)
    assert_same_tables(read(root), whole)
    for form in FORMS[1:]:
        if form != "zip":  # `pack` stores links as what they point to; see test_docker_archive.py
            assert_same_tables(whole, read(pack(root, form, tmp_path, prefix="./")))
            assert_same_tables(whole, read(pack(root, form, tmp_path, prefix="var/lib/docker/")), "problems")


@without_dumps
def test_an_archive_before_1_10() -> None:
    """docker 0.9: the article's image, sixteen layers on each other, against the archive's own files."""
    archive, registry = Archive(DUMPS / f"{OLD}.tar"), read(DUMPS / f"{OLD}.tar")
    documents = {path.split("/")[0]: archive.json(path) for path in archive.files if path.endswith("/json")}
    assert len(documents) == 16
    assert registry.problems.empty
    assert rows(registry.tags, "repository", "tag", "manifest") == [
        (name, tag, image) for name, tags in archive.json("repositories").items() for tag, image in tags.items()
    ]
    assert set(rows(registry.layers, "layer", "parent", "uncompressed_bytes")) == {
        (name, document.get("parent"), document["Size"]) for name, document in documents.items()
    }
    assert dict(rows(registry.blobs, "blob", "blob_bytes")) == {
        f"v1:{name}": len(archive.files[f"{name}/layer.tar"]) for name in documents
    }
    assert set(rows(registry.manifests, "manifest", "kind")) == {(name, "v1") for name in documents}
    top = registry.resolve("yagamy/nodejs")
    walk = [top]
    while parent := documents[walk[-1]].get("parent"):
        walk.append(parent)
    assert registry.stack(top)["layer"].tolist() == walk[::-1]


@without_dumps
def test_a_store() -> None:
    """The store of Docker Engine 20.10, against its own files."""
    archive, registry = Archive(DUMPS / f"{STORE}.tar"), read(DUMPS / f"{STORE}.tar")
    base = "image/overlay2/"
    content = f"{base}imagedb/content/sha256/"
    configs = {
        f"sha256:{path[len(content) :]}": archive.json(path) for path in archive.files if path.startswith(content)
    }
    assert len(configs) == 84  # find image/overlay2/imagedb/content -type f | wc -l
    assert set(registry.images["manifest"]) == set(configs)
    layerdb = f"{base}layerdb/sha256/"
    layers = {path.split("/")[4] for path in archive.files if path.startswith(layerdb)}
    assert len(layers) == 46  # ls image/overlay2/layerdb/sha256 | wc -l
    known = {
        f"sha256:{name}": [
            archive.files.get(f"{layerdb}{name}/{fact}", b"").decode() for fact in ("diff", "parent", "size")
        ]
        for name in layers
    }
    assert {
        layer: [diff_id, parent or "", str(size)]
        for layer, diff_id, parent, size in rows(registry.layers, "layer", "diff_id", "parent", "uncompressed_bytes")
    } == known
    blobs = registry.blobs.set_index("blob")
    chains = blobs[blobs.index.str.startswith("chain:")]
    assert set(chains.index) == {f"chain:{layer}" for layer in known}
    assert chains["present"].all()
    assert chains["blob_bytes"].isna().all()
    assert {image: registry.stack(image)["layer"].tolist() for image in list(configs)[:20]} == {
        image: chain_ids(configs[image]["rootfs"]["diff_ids"]) for image in list(configs)[:20]
    }
    tags, digests = set(), set()
    for name, references in archive.json(f"{base}repositories.json")["Repositories"].items():
        for reference, image in references.items():
            mark, (_, _, last) = (
                ("@", reference.partition("@")) if "@" in reference else (":", reference.rpartition(":"))
            )
            (digests if mark == "@" else tags).add((name, last, image))
    assert set(rows(registry.tags, "repository", "tag", "manifest")) == tags
    served = registry.repository_manifests
    assert {(r, m) for r, m, state in rows(served, "repository", "manifest", "link_state") if state == "unchecked"} == {
        (name, digest) for name, digest, _ in digests
    }
    parents = {
        archive.files[path].decode()
        for path in archive.files
        if path.startswith(f"{base}imagedb/metadata/") and path.endswith("/parent")
    }
    dangling = set(configs) - parents - {image for _, _, image in tags | digests}
    assert {m for r, m in rows(served, "repository", "manifest") if r == "<none>"} == dangling
    sources = set()
    for path in archive.files:
        if "/v2metadata-by-diffid/" in path:
            for entry in archive.json(path):
                sources.add((entry["SourceRepository"], entry["Digest"]))
    assert set(rows(registry.repository_blobs, "repository", "link")) == sources
    diff_of = {
        f"sha256:{path.rpartition('/')[2]}": data.decode()
        for path, data in archive.files.items()
        if "/diffid-by-digest/" in path
    }
    of_layer = dict(rows(registry.layers, "layer", "diff_id"))
    for layer, digest in rows(registry.manifest_layers, "layer", "digest"):
        assert digest is None or diff_of[digest] == of_layer[layer]
    named = {of_layer[layer] for layer, digest in rows(registry.manifest_layers, "layer", "digest") if digest}
    assert named == set(diff_of.values()) & set(of_layer.values())
    assert set(registry.problems["rule"]) == set()


@without_dumps
def test_a_graph() -> None:
    """The store of docker 0.9, against its own files."""
    archive, registry = Archive(DUMPS / f"{GRAPH}.tar"), read(DUMPS / f"{GRAPH}.tar")
    documents = {
        path.split("/")[1]: archive.json(path)
        for path in archive.files
        if path.startswith("graph/") and path.endswith("/json")
    }
    assert len(documents) == 52
    assert set(rows(registry.layers, "layer", "parent", "uncompressed_bytes")) == {
        (name, document.get("parent"), int(archive.files[f"graph/{name}/layersize"]))
        for name, document in documents.items()
    }
    tags = archive.json("repositories-vfs")["Repositories"]
    assert set(rows(registry.tags, "repository", "tag", "manifest")) == {
        (name, tag, image) for name, known in tags.items() for tag, image in known.items()
    }
    parents = {document.get("parent") for document in documents.values()}
    tagged = {image for known in tags.values() for image in known.values()}
    served = registry.repository_manifests
    assert {m for r, m in rows(served, "repository", "manifest") if r == "<none>"} == set(documents) - parents - tagged
    assert registry.blobs["blob_bytes"].isna().all()
    assert registry.problems.empty
