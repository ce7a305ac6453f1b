"""Every rule that an OCI layout can break, broken once, and alone; and what is no fault of it."""

from __future__ import annotations

import base64
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from regviz.problems import RULES
from regviz.read import read
from tests.helpers import (
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    compressed,
    encode,
    found,
    image_config,
    image_manifest,
    pack,
    rows,
    rules_of,
    sha256,
    sha512,
)
from tests.layouts.cases import DEEP, Case, Cases, Row, row
from tests.layouts.oci_store import ABSENT, OciStore, absent

if TYPE_CHECKING:
    from pathlib import Path

CASES = Cases()


@CASES.add("layout-version")
def an_oci_layout_file_of_another_version(store: OciStore) -> list[Row]:
    store.add(store.image([b"1"]), "latest")
    store.file("oci-layout", b'{"imageLayoutVersion": "2.0"}')
    return [row(path="oci-layout", detail="'2.0'")]


@CASES.add("layout-version")
def no_oci_layout_file(store: OciStore) -> list[Row]:
    """As BuildKit's local caches were, and as a copy by hand may be."""
    store.add(store.image([b"1"]), "latest")
    (store.root / "oci-layout").unlink()
    return [row(path="oci-layout", detail="no file")]


@CASES.add("layout-version")
def an_oci_layout_file_of_megabytes(store: OciStore) -> list[Row]:
    store.add(store.image([b"1"]), "latest")
    store.file("oci-layout", b" " * (1 << 20))
    return [row(path="oci-layout", detail="None")]


@CASES.add("layout-index-unreadable")
def no_index(store: OciStore) -> list[Row]:
    store.image([b"1"])
    (store.root / "index.json").unlink()
    return [row(path="index.json", detail="no file")]


@CASES.add("layout-index-unreadable")
def an_index_that_was_cut_off(store: OciStore) -> list[Row]:
    store.add(store.image([b"1"]), "latest")
    content = (store.root / "index.json").read_bytes()[:-9]
    store.file("index.json", content)
    return [row(path="index.json", detail=f"{len(content)} bytes")]


@CASES.add("layout-index-unreadable")
def an_index_whose_list_is_none(store: OciStore) -> list[Row]:
    store.file("index.json", b'{"manifests": "none"}')
    return [row(path="index.json", detail="manifests is 'none'")]


@CASES.add("digest-malformed")
def entries_without_a_digest_that_holds(store: OciStore) -> list[Row]:
    store.add(store.image([b"1"]), "latest")
    store.index({"digest": "../../etc/passwd"}, {}, None, ["x"], {"digest": 7}, {"digest": "sha256:" + "A" * 64})
    said = ["'../../etc/passwd'", "'sha256:" + "A" * 64 + "'", "7", "None", "None", "['x']"]
    return [row(path="index.json", detail=detail) for detail in sorted(said)]


@CASES.add("reference-repeated")
def one_name_on_two_entries(store: OciStore) -> list[Row]:
    """Which of them a tool takes differs: the first has the tag."""
    first, second = store.image([b"1"]), store.image([b"2"])
    store.add(first, "web:1", "web:1")
    store.add(second, "web:1")
    return [row(repository="web", manifest=second["digest"], detail="tag 1")]


@CASES.add("inline-data-differs", "blob-elsewhere")
def content_in_a_descriptor_that_is_another(store: OciStore) -> list[Row]:
    data = base64.b64encode(b"{}").decode()
    store.add(absent(), "latest", data=data)
    store.add(absent(digest="sha256:" + "cd" * 32), "other", data="no base64 \udcff")
    return [row(manifest=digest, path="index.json") for digest in (ABSENT, "sha256:" + "cd" * 32)]


@CASES.add("child-elsewhere")
def a_sparse_index(store: OciStore) -> list[Row]:
    index = store.image_index(store.image([b"1"]), absent())
    store.add(index, "latest")
    return [row(manifest=index["digest"], blob=ABSENT)]


@CASES.add("blob-elsewhere")
def an_image_whose_blobs_lie_in_another_store(store: OciStore) -> list[Row]:
    image, config, layer = store.image([b"1"]), sha256(image_config([b"1"])), sha256(compressed(b"1"))
    store.add(image, "latest")
    for digest in (config, layer):
        store.blob_path(digest).unlink()
    store.add(absent(), "gone")
    named = [row(manifest=image["digest"], blob=config), row(manifest=image["digest"], blob=layer)]
    return sorted([row(repository="storage", manifest=ABSENT), *named], key=lambda r: (r[0] or "", r[1], r[2] or ""))


@CASES.add("index-too-deep")
def indexes_a_hundred_deep(store: OciStore) -> list[Row]:
    top = store.image([b"1"])
    bottom = top["digest"]
    for _ in range(100):
        top = store.image_index(top)
    store.add(top, "latest")
    return [row(manifest=bottom)]


@CASES.add("foreign-file")
def files_that_no_layout_has(store: OciStore) -> list[Row]:
    """image-layout.md: what is not known must be no error."""
    store.add(store.image([b"1"]), "latest")
    for path in (
        "README",
        "blobs/x",
        "blobs/sha256/oci-put-blob123",
        "blobs/sha256/" + "a" * 63,
        "blobs/sha256/index.json",
    ):
        store.file(path, b"x")
    store.file("blobs/sha256/directory/file", b"x")
    store.file("ingest/0a/data", b"an unfinished write of containerd")
    paths = ["README", "blobs/sha256/" + "a" * 63, "blobs/sha256/directory", "blobs/sha256/index.json"]
    return [row(path=path) for path in (*paths, "blobs/sha256/oci-put-blob123", "blobs/x")]


@CASES.add("manifest-unknown")
def a_name_on_what_is_no_manifest(store: OciStore) -> list[Row]:
    digest = store.add(store.document(b"<xml/>", "application/xml"), "latest")
    return [row(manifest=digest, detail="application/xml")]


@CASES.add("name-invalid")
def names_that_no_registry_takes(store: OciStore) -> list[Row]:
    store.add(store.image([b"1"]), "Web/UPPER:1", "1.0+meta", "localhost:5000/web:ok", "x\x00:1")
    said = [("Web/UPPER", "Web/UPPER"), ("storage", "tag 1.0+meta"), ("x\\x00", "x\\x00")]
    return [row(repository=repository, detail=detail) for repository, detail in said]


@CASES.add("symbolic-link", "blob-elsewhere")
def a_layer_that_is_a_link(store: OciStore) -> list[Row]:
    store.add(store.image([b"1"]), "latest")
    layer = store.blob_path(sha256(compressed(b"1")))
    layer.unlink()
    layer.symlink_to("/etc/passwd")
    os.utime(layer, (0, 0), follow_symlinks=False)
    return [row(path=str(layer.relative_to(store.root)), detail="not followed")]


@CASES.add("blob-empty", "sizes-differ")
def a_configuration_of_no_bytes(store: OciStore) -> list[Row]:
    store.add(store.image([b"1"]), "latest")
    store.file(f"blobs/{sha256(image_config([b'1'])).replace(':', '/')}", b"")
    return [row(blob=sha256(image_config([b"1"])))]


@CASES.add("digest-mismatch", verify=True)
def a_manifest_that_was_changed(store: OciStore) -> list[Row]:
    image = store.image([b"1"])
    store.add(image, "latest")
    changed = store.blob_path(image["digest"]).read_bytes().replace(b": ", b" :", 1)
    store.file(f"blobs/{image['digest'].replace(':', '/')}", changed)
    return [row(blob=image["digest"], detail=f"its content has {sha256(changed)}")]


@pytest.mark.parametrize(("case", "form"), CASES.with_forms())
def test_rule(case: Case, form: str, tmp_path: Path) -> None:
    store = OciStore(tmp_path / "storage")
    expected = case.make(store)
    registry = read(pack(store.root, form, tmp_path), **case.options)
    assert set(rules_of(registry)) == {case.rule, *case.beside}
    assert [problem[1:] for problem in found(registry, case.rule)] == expected
    assert set(registry.problems["severity"]) == {RULES[rule].severity for rule in (case.rule, *case.beside)}


def test_a_path_that_stands_twice_in_an_archive(tmp_path: Path) -> None:
    store = OciStore(tmp_path / "storage")
    one, two = store.image([b"1"]), store.image([b"2"])
    store.add(one, "one")
    archive = pack(store.root, "tar", tmp_path)
    store.add(two, "two")
    layer = sha256(compressed(b"1"))
    blob = f"blobs/{layer.replace(':', '/')}"
    subprocess.run(["tar", "-C", store.root, "-rf", archive, "index.json", blob], check=True)
    registry = read(archive)
    assert {path for *_, path, _ in found(registry, "path-repeated")} == {"index.json", blob}
    assert rows(registry.tags, "tag") == [("one",), ("two",)]
    assert set(registry.blobs["copies"]) == {1}


def test_what_cannot_be_read_makes_its_repository_incomplete(tmp_path: Path) -> None:
    store = OciStore(tmp_path / "storage")
    store.add(store.image([b"1"]), "latest")
    store.file("index.json", b"{")
    registry = read(store.root)
    assert rows(registry.repositories, "repository", "complete", "has_tags") == [("storage", False, False)]
    assert len(registry.blobs) == 3  # they lie there all the same


@pytest.mark.parametrize(
    ("path", "content", "rule"),
    [
        ("oci-layout", b'{"imageLayoutVersion": %s}', "layout-version"),
        ("index.json", b'{"schemaVersion": 2, "manifests": {"a": %s}}', "layout-index-unreadable"),
        ("index.json", b'{"schemaVersion": 2, "manifests": [{"digest": %s}]}', "digest-malformed"),
    ],
)
def test_values_that_are_nested_too_deeply_to_be_shown(tmp_path: Path, path: str, content: bytes, rule: str) -> None:
    store = OciStore(tmp_path / "storage")
    store.file("index.json", b'{"schemaVersion": 2, "manifests": []}')
    store.file(path, content % DEEP)
    assert [problem[:5] for problem in found(read(store.root))] == [(rule, None, None, None, path)]


# --- what is no fault


def clean(tmp_path: Path, store: OciStore) -> Any:
    """A layout in which nothing is wrong, whichever way it is read."""
    folder, archive = read(store.root), read(pack(store.root, "tar", tmp_path))
    assert rules_of(folder) == rules_of(archive) == []
    assert rows(folder.tags, "repository", "tag", "manifest") == rows(archive.tags, "repository", "tag", "manifest")
    return archive


@pytest.mark.parametrize("listed", [b"null", b"[]"])
def test_an_index_that_lists_nothing(tmp_path: Path, listed: bytes) -> None:
    """zot writes null for an empty repository."""
    store = OciStore(tmp_path / "storage")
    store.file("index.json", b'{"schemaVersion": 2, "manifests": %s}' % listed)
    registry = clean(tmp_path, store)
    assert rows(registry.repositories, "repository", "complete", "has_tags") == [("storage", True, False)]


def test_indexes_that_list_each_other(tmp_path: Path) -> None:
    """No digest allows it, and a forged layout has it all the same."""
    store = OciStore(tmp_path / "storage")
    one, other = "sha256:" + "1" * 64, "sha256:" + "2" * 64
    for here, there in ((one, other), (other, one)):
        document = {"schemaVersion": 2, "manifests": [{"mediaType": OCI_INDEX, "digest": there, "size": 146}]}
        store.file(f"blobs/{here.replace(':', '/')}", encode(document))
    store.add({"mediaType": OCI_INDEX, "digest": one, "size": 146}, "latest")
    registry = read(pack(store.root, "tar", tmp_path))
    assert rows(registry.manifest_references, "manifest", "child") == [(one, other), (other, one)]


def test_manifests_in_descriptors(tmp_path: Path) -> None:
    """descriptor.md, data: the content is there, and nothing lies in the store."""
    store = OciStore(tmp_path / "storage")
    image = store.image([b"1"])
    store.blob_path(image["digest"]).unlink()
    data = encode(image_manifest(image_config([b"1"]), [compressed(b"1")]))
    store.add(image, "latest", data=base64.b64encode(data).decode())
    registry = clean(tmp_path, store)
    assert len(registry.layers) == 1
    assert rows(registry.manifests, "kind", "present") == [("image", True)]
    assert dict(rows(registry.blobs, "blob", "present"))[image["digest"]] is False


def test_blobs_that_nothing_names(tmp_path: Path) -> None:
    """A layout does not list revisions: a manifest that no entry reaches is a blob like any other."""
    store = OciStore(tmp_path / "storage")
    store.add(store.image([b"1"]), "latest")
    lost = store.image([b"2"])
    registry = clean(tmp_path, store)
    assert lost["digest"] not in set(registry.manifests["manifest"])
    kinds = dict(rows(registry.blobs, "blob", "kind"))
    assert [kinds[digest] for digest in (lost["digest"], sha256(compressed(b"2")))] == [None, None]
    assert registry.source.knows_all_blobs


def test_blobs_of_other_algorithms(tmp_path: Path) -> None:
    store = OciStore(tmp_path / "storage")
    config, layer = image_config([b"1"]), compressed(b"1")
    store.file(f"blobs/{sha512(layer).replace(':', '/')}", layer)
    store.blob(config)
    manifest = image_manifest(config, [])
    manifest["layers"] = [{"mediaType": OCI_LAYER, "digest": sha512(layer), "size": len(layer)}]
    data = encode(manifest)
    store.file(f"blobs/{sha512(data).replace(':', '/')}", data)
    store.add({"mediaType": OCI_MANIFEST, "digest": sha512(data), "size": len(data)}, "latest")
    registry = clean(tmp_path, store)
    assert rows(registry.manifest_layers, "manifest", "blob", "layer") == [(sha512(data), sha512(layer), sha256(b"1"))]


def test_what_an_entry_lists_beside_manifests(tmp_path: Path) -> None:
    """image-layout.md lists an XML document in its example of an index."""
    store = OciStore(tmp_path / "storage")
    store.add(store.image([b"1"]), "latest")
    digest = store.add(store.document(b"<component/>", "application/xml"))
    registry = clean(tmp_path, store)
    assert rows(registry.repository_blobs, "repository", "blob", "link_state") == [("storage", digest, "ok")]
    assert digest not in set(registry.manifests["manifest"])


def test_referrers_are_entries_without_a_name(tmp_path: Path) -> None:
    store = OciStore(tmp_path / "storage")
    image = store.image([b"1"])
    store.add(image, "latest")
    empty = store.document(b"{}", "application/vnd.oci.empty.v1+json")
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "text/spdx",
        "config": empty,
        "layers": [empty],
        "subject": image,
    }
    referrer = store.add(store.document(document), artifactType="text/spdx")
    registry = clean(tmp_path, store)
    roots = dict(rows(registry.repository_manifests, "manifest", "is_root"))
    assert roots == {image["digest"]: True, referrer: True}
    assert dict(rows(registry.manifests, "manifest", "subject"))[referrer] == image["digest"]
    assert len(registry.tags) == 1
