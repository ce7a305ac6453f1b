"""Stores without names are recognised and declined; a dump that is two things at once says so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from regviz.errors import NotRecognisedError
from regviz.layouts.recognise import recognise
from regviz.read import read
from regviz.storage import open_storage
from tests.cli.running import done
from tests.helpers import Store, found, pack
from tests.layouts.oci_store import OciStore

if TYPE_CHECKING:
    from pathlib import Path

HEX, SHA1, UUID = "ab" * 32, "cd" * 20, "0aa0d7ae-7d05-4b9b-a5a1-2f9c0e4b8a11"
STORES = [
    ("containerd", f"io.containerd.content.v1.content/blobs/sha256/{HEX}", "meta.db.*docker save"),
    ("containerd", f"io.containerd.content.v1.content/blobs/sha512/{HEX}{HEX}", "meta.db.*docker save"),
    ("quay", f"sha256/ab/{HEX}", "SQL.*API"),
    ("nexus", f"content/vol-01/chap-23/{UUID}.properties", "Nexus.*API"),
    ("nexus", f"content/2025/01/31/23/59/{UUID}.bytes", "Nexus.*API"),
    ("artifactory", f"filestore/cd/{SHA1}", "Artifactory.*API"),
    ("podman", "overlay-images/images.json", "podman save"),
    ("blobs", f"blobs/sha256/{HEX}", "index.json.*whole OCI layout"),
]


@pytest.mark.parametrize("form", ["folder", "tar", "zip"])
@pytest.mark.parametrize("above", ["", "var/lib/store"])
@pytest.mark.parametrize(("layout", "path", "said"), STORES, ids=[f"{s[0]}-{n}" for n, s in enumerate(STORES)])
def test_a_store_without_names(tmp_path: Path, layout: str, path: str, said: str, above: str, form: str) -> None:
    file = tmp_path / "storage" / above / path
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    source = pack(tmp_path / "storage", form, tmp_path)
    [store] = recognise(open_storage(str(source)))
    assert (store.layout, store.root.decode()) == (layout, above)
    with pytest.raises(NotRecognisedError, match=f"(?s){re.escape(str(source))}.*{said}") as raised:
        read(source)
    assert "\n" not in str(raised.value)
    assert layout in done("detect", source, "--format", "csv")


@pytest.mark.parametrize(
    "path",
    [f"sha256/cd/{HEX}x", "sha256/ab", f"filestore/{SHA1}", "content/vol-1/x.bytes", f"blobs/md5/{HEX}", "images.json"],
)
def test_what_only_looks_like_one(tmp_path: Path, path: str) -> None:
    file = tmp_path / "storage" / path
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    for form in ("folder", "tar"):
        assert recognise(open_storage(str(pack(tmp_path / "storage", form, tmp_path)))) == []


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_a_registry_is_read_whatever_lies_beside_it(tmp_path: Path, form: str) -> None:
    store = OciStore(tmp_path / "storage" / "deep" / "down" / "web")
    store.add(store.image([b"1"]), "latest")
    (tmp_path / "storage/filestore/cd").mkdir(parents=True)
    (tmp_path / f"storage/filestore/cd/{SHA1}").write_bytes(b"x")
    assert len(read(pack(tmp_path / "storage", form, tmp_path)).tags) == 1


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_a_dump_that_is_two_things_at_once(tmp_path: Path, form: str) -> None:
    root = tmp_path / "storage"
    Store(root).image("a", [b"1"], "latest")
    layout = OciStore(root)
    layout.add(layout.image([b"2"]), "latest")
    source = pack(root, form, tmp_path)
    lines = done("detect", source, "--format", "csv").splitlines()
    assert [line.split(",")[0] for line in lines] == ["layout", "distribution", "oci"]
    assert [row[5] for row in found(read(source), "several-registries")] == ["oci: it has oci-layout and index.json"]


def test_docker_save_says_that_both_files_tell_of_the_same_images(tmp_path: Path) -> None:
    store = OciStore(tmp_path / "storage")
    store.add(store.image([b"1"]), "latest")
    store.file("manifest.json", b"[]")
    [here] = recognise(open_storage(str(store.root)))
    assert (
        here.why
        == "it has oci-layout and index.json; the manifest.json beside them is docker save's, of the same images"
    )
    assert not found(read(store.root))


@pytest.mark.parametrize("form", ["folder", "tar", "tar.gz"])
@pytest.mark.parametrize("listed", ["null", "[]"])
def test_an_index_without_entries_beside_dockers_file_is_no_layout(tmp_path: Path, form: str, listed: str) -> None:
    """docker 25.0 saved images by id so: only manifest.json names them."""
    store = OciStore(tmp_path / "storage")
    store.image([b"1"])
    store.file("index.json", f'{{"schemaVersion": 2, "manifests": {listed}}}'.encode())
    store.file("manifest.json", b'[{"Config": "blobs/sha256/x", "RepoTags": null, "Layers": []}]')
    assert "oci" not in {here.layout for here in recognise(open_storage(str(pack(store.root, form, tmp_path))))}
