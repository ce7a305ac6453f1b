"""A folder of layouts and its archive say the same, whatever lies in them; and zot's storages."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz.errors import NotRecognisedError
from regviz.read import read
from tests.helpers import (
    FORMS,
    assert_same_tables,
    compressed,
    encode,
    found,
    level_times,
    noise,
    pack,
    rows,
    rules_of,
    sha256,
)
from tests.layouts.oci_store import VERSION, OciStore, absent

HEX = ["ab" * 32, sha256(b"x")[7:], sha256(b"")[7:], "AB" * 32, "ab" * 31]
DIRECTORIES = ["", "a", "a/b", "a/b/c", "ingest", "a/.sync/b", "a/blobs", "blobs/d", "a/.uploads/x", "_trivy/e"]
FILES = [
    "oci-layout", "index.json", "manifest.json", "repositories", "README", "cache.db", "meta.db", "blobs", "blobs/x",
    "blobs/sha256", "blobs/sha256/x", "blobs/sha256/y/z", "blobs/sha512/" + "cd" * 64, "blobs/md5/0a", ".uploads/u",
    ".uploads/u/v", ".uploads", *(f"blobs/sha256/{digest}" for digest in HEX),
]  # fmt: skip
CONTENTS = st.sampled_from(
    [
        None,
        b"",
        b"x",
        VERSION,
        b"{}",
        b'{"manifests": null}',
        encode({"manifests": [absent(digest=f"sha256:{digest}") for digest in HEX]}),
        encode({"manifests": [{**absent(), "annotations": {"org.opencontainers.image.ref.name": "a:1"}}] * 2}),
    ]
)
NODES = st.lists(st.tuples(st.sampled_from(DIRECTORIES), st.sampled_from(FILES), CONTENTS, st.booleans()), max_size=16)


def lay(root: Path, nodes: list[tuple[str, str, bytes | None, bool]]) -> None:
    """Files, directories (None) and links, each where nothing is in its way."""
    for number, (directory, name, content, linked) in enumerate(nodes):
        path = root / directory / name
        try:
            if content is None:
                path.mkdir(parents=True, exist_ok=True)
            elif linked and not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.symlink_to("/etc/passwd")
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                os.utime(path, (1_400_000_000 + 60 * number,) * 2)
        except OSError:
            continue


@settings(max_examples=150)
@given(NODES, st.sampled_from(["", "a", "x"]), st.booleans())
def test_a_folder_and_its_archive(
    nodes: list[tuple[str, str, bytes | None, bool]],
    layout: str,
    backwards: bool,  # noqa: FBT001
) -> None:
    with TemporaryDirectory() as name:
        root = Path(name) / "storage"
        store = OciStore(root / layout)
        store.add(store.image([b"1"]), "latest")
        lay(root, nodes)
        archive = Path(name) / "storage.tar"
        with tarfile.open(archive, "w") as opened:
            for path in sorted(root.rglob("*"), reverse=backwards):
                opened.add(path, path.relative_to(root), recursive=False)
        try:
            folder = read(root)
        except NotRecognisedError:
            with pytest.raises(NotRecognisedError):
                read(archive)
            return
        listed = read(archive)
        assert folder.source.layouts == listed.source.layouts
        assert folder.source.root == listed.source.root
        assert_same_tables(folder, listed, "problems")
        links = [{*found(registry, "symbolic-link")} for registry in (folder, listed)]
        assert links[0] >= links[1]  # recognising a folder meets those outside the layout, too
        rest = [[row for row in found(registry) if row[0] != "symbolic-link"] for registry in (folder, listed)]
        assert rest[0] == rest[1]


# --- zot


def zot(root: Path, *repositories: str) -> dict[str, OciStore]:
    """A storage as zot lays it out (pkg/storage/imagestore, initRepo)."""
    stores = {}
    for name in repositories:
        stores[name] = OciStore(root / name)
        (root / name / ".uploads").mkdir()
    return stores


def test_a_zot_storage(tmp_path: Path) -> None:
    root = tmp_path / "storage"
    stores = zot(root, "web", "team/api", "team/api/nested", "empty")
    (root / "cache.db").write_bytes(b"bolt")
    for name in ("_trivy/db", "web/.sync/x"):
        (root / name).mkdir(parents=True)
        (root / name / "oci-layout").write_bytes(VERSION)
    digests = {
        name: store.add(store.image([name.encode()]), "1", "2") for name, store in stores.items() if name != "empty"
    }
    stores["empty"].file("index.json", b'{"schemaVersion":2,"manifests":null}')
    stores["web"].file(".uploads/0a1b", b"half a layer")
    level_times(root)
    registry = read(root)
    assert registry.source.layouts == ("zot",)
    assert registry.source.why == "it has zot's _trivy, cache.db, and OCI layouts: empty, web, team/api, …"
    assert rows(registry.tags, "repository", "tag", "manifest") == sorted(
        (name, tag, digest) for name, digest in digests.items() for tag in "12"
    )
    assert [name for (name,) in rows(registry.repositories, "repository")] == sorted(stores)
    assert rows(registry.uploads, "repository", "upload", "upload_bytes", "started_at") == [("web", "0a1b", 12, None)]
    assert rules_of(registry) == ["upload-unfinished"]
    for form in FORMS[1:]:
        assert_same_tables(registry, read(pack(root, form, tmp_path)))


@pytest.mark.parametrize("marks", [(".uploads",), ("meta.db",)])
def test_one_repository_of_zot_is_still_a_zot_storage(tmp_path: Path, marks: tuple[str, ...]) -> None:
    store = OciStore(tmp_path / "storage" / "team" / "web")
    store.add(store.image([b"1"]), "latest")
    for mark in marks:
        (store.root / mark).mkdir() if mark == ".uploads" else (tmp_path / "storage" / mark).write_bytes(b"bolt")
    for form in ("folder", "tar"):
        registry = read(pack(tmp_path / "storage", form, tmp_path))
        assert rows(registry.tags, "repository", "tag") == [("team/web", "latest")]


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_a_repository_of_zot_given_by_itself_is_a_layout(tmp_path: Path, form: str) -> None:
    stores = zot(tmp_path, "storage")
    stores["storage"].add(stores["storage"].image([b"1"]), "latest")
    stores["storage"].file(".uploads/0a", b"half")
    registry = read(pack(tmp_path / "storage", form, tmp_path))
    assert registry.source.layouts == ("oci",)
    assert rows(registry.tags, "repository", "tag") == [("storage", "latest")]
    assert rows(registry.uploads, "repository", "upload") == [("storage", "0a")]


@pytest.mark.parametrize("form", ["folder", "tar", "zip"])
def test_zots_marks_say_where_names_begin(tmp_path: Path, form: str) -> None:
    """An archive made from above has the storage's own directory before every name."""
    root = tmp_path / "storage" / "var" / "registry"
    for name, store in zot(root, "team/web", "team/api").items():
        store.add(store.image([name.encode()]), "latest")
    (root / "meta.db").write_bytes(b"bolt")
    registry = read(pack(tmp_path / "storage", form, tmp_path))
    assert registry.source.root == "var/registry"
    assert rows(registry.tags, "repository", "tag") == [("team/api", "latest"), ("team/web", "latest")]


def test_hard_links_take_their_blocks_once(tmp_path: Path) -> None:
    """zot links a blob of two repositories instead of copying it (pkg/storage/local, Link)."""
    root = tmp_path / "storage"
    stores = zot(root, "a", "b", "c")
    big = noise(100_000)
    for store in stores.values():
        store.add(store.image([big]), "latest")
    layer = sha256(compressed(big))
    for other in ("b", "c"):
        stores[other].blob_path(layer).unlink()
        os.link(stores["a"].blob_path(layer), stores[other].blob_path(layer))
    config = next(digest for digest, kind in rows(read(root).blobs, "blob", "kind") if kind == "config")
    blobs = {blob: facts for blob, *facts in rows(read(root).blobs, "blob", "copies", "allocated_bytes", "blob_bytes")}

    def blocks(*names: str, blob: str) -> int:
        return sum(stores[name].blob_path(blob).stat().st_blocks * 512 for name in names)

    assert blobs[layer] == [3, blocks("a", blob=layer), len(compressed(big))]
    assert blobs[config] == [3, blocks("a", "b", "c", blob=config), stores["a"].blob_path(config).stat().st_size]
    assert int(read(root).blobs["allocated_bytes"].sum()) == sum(
        {path.stat().st_ino: path.stat().st_blocks * 512 for path in root.rglob("blobs/sha256/*")}.values()
    )


@pytest.mark.parametrize("form", ["folder", "tar", "tar.gz"])
def test_placeholders_are_no_corruption_where_the_blob_lies_elsewhere(tmp_path: Path, form: str) -> None:
    """On object stores zot writes 0 bytes where another repository has the blob (pkg/storage/s3)."""
    root = tmp_path / "storage"
    stores = zot(root, "a", "b")
    digests = [store.add(store.image([b"1"]), "latest") for store in stores.values()]
    for digest in (digests[0], sha256(compressed(b"1"))):
        stores["b"].file(f"blobs/{digest.replace(':', '/')}", b"")
    registry = read(pack(root, form, tmp_path))
    assert rules_of(registry) == []
    assert dict(rows(registry.blobs, "blob", "copies"))[digests[0]] == 1
    assert rows(registry.images, "manifest", "present") == [(digests[0], True)]
    stores["a"].file(f"blobs/{digests[0].replace(':', '/')}", b"")
    (root.parent / "again").mkdir()
    broken = read(pack(root, form, root.parent / "again"))
    assert {(rule, blob) for rule, _, _, blob, *_ in found(broken)} == {
        ("blob-empty", digests[0]),
        ("sizes-differ", digests[0]),
    }
