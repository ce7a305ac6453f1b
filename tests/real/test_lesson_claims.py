"""What lessons 03 to 05 say of servers, collectors and clients, asked of real ones."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from regviz.analysis import garbage
from regviz.lesson import forms
from regviz.lesson.shipped import registry, unpacked
from tests.real.distribution import ACCEPT_ALL, NOT_FOUND, distribution, gc_dry_run
from tests.real.service import request, require_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.real.distribution import DistributionServer
    from tests.real.tools import Skopeo

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DistributionServer]:
    """A server of its own on the storage that the lessons start from."""
    program = require_program("docker-registry", "docker-registry")
    with distribution(program, tmp_path_factory.mktemp("lessons")) as server:
        shutil.copytree(unpacked("first-push-distribution") / "registry", server.root, dirs_exist_ok=True)
        yield server


def lesson_cells(number: str, last: str) -> dict[str, Any]:
    """What a lesson's code leaves behind, up to the cell that has a text in it."""
    names: dict[str, Any] = {"display": lambda _: None}
    for cell in forms.solution(nbformat.read(forms.path_of(number), as_version=4)).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, f"lesson {number}", "exec"), names)  # noqa: S102  # a lesson that ships
            if last in cell.source:
                return names
    raise AssertionError(f"no cell of lesson {number} has {last}")


def blob_of(root: Path, digest: str) -> Path:
    digits = digest.removeprefix("sha256:")
    return root / "docker/registry/v2/blobs/sha256" / digits[:2] / digits / "data"


def test_a_server_sends_a_broken_blob_and_a_client_refuses_it(server: DistributionServer, skopeo: Skopeo) -> None:
    """Lesson 03, Break one byte: the server does not hash; the client does."""
    layer = json.loads(server.manifest("hello", "latest").body)["layers"][0]
    place = blob_of(server.root, layer["digest"])
    whole = place.read_bytes()
    target = f"dir:{server.root.with_name('pulled')}"
    skopeo.copy(server.reference("hello", "latest"), target)
    place.write_bytes(b"\0" + whole[1:])
    try:
        answer = server.request("GET", f"hello/blobs/{layer['digest']}")
        assert answer.header("Docker-Content-Digest") == layer["digest"]
        assert "sha256:" + hashlib.sha256(answer.body).hexdigest() != layer["digest"]
        with pytest.raises(AssertionError, match=r"[Dd]igest"):
            skopeo.copy(server.reference("hello", "latest"), f"{target}-again")
    finally:
        place.write_bytes(whole)


def test_without_its_revision_link_a_manifest_is_not_served_though_its_blob_is_there(
    server: DistributionServer,
) -> None:
    """Lesson 03, One pull by hand: the link is a permission. So is one below _layers."""
    served = server.manifest("hello", "latest")
    below = server.root / "docker/registry/v2/repositories/hello"
    layer = json.loads(served.body)["layers"][0]["digest"]
    for link, path in (
        (below / "_manifests/revisions" / served.digest.replace(":", "/") / "link", "hello/manifests/latest"),
        (below / "_layers" / layer.replace(":", "/") / "link", f"hello/blobs/{layer}"),
    ):
        text = link.read_bytes()
        link.unlink()
        try:
            assert request(server.port, "GET", f"/v2/{path}", None, {}).status == NOT_FOUND
        finally:
            link.write_bytes(text)
        assert server.manifest("hello", "latest").digest == served.digest


def test_the_one_file_that_no_pull_opens_may_be_gone(server: DistributionServer, skopeo: Skopeo) -> None:
    """Lesson 03: a pull needs all but the tag's memory."""
    digest = server.manifest("hello", "latest").digest.replace(":", "/")
    link = server.root / "docker/registry/v2/repositories/hello/_manifests/tags/latest/index" / digest / "link"
    text = link.read_bytes()
    link.unlink()
    try:
        skopeo.copy(server.reference("hello", "latest"), f"dir:{server.root.with_name('without')}")
    finally:
        link.write_bytes(text)


def test_the_layout_made_by_hand_is_one_to_skopeo_and_copying_keeps_every_digest(
    server: DistributionServer, skopeo: Skopeo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lesson 04: blobs, an index and a version, and no blob is changed on the way."""
    monkeypatch.chdir(tmp_path)
    made = lesson_cells("04", "oci-layout")
    assert json.loads(skopeo("inspect", "--raw", f"oci:{made['layout']}")) == made["manifest"]
    skopeo.copy(f"oci:{made['layout']}", server.reference("copied", "latest"))
    assert server.manifest("copied", "latest").digest == made["link"]


def test_what_docker_save_wrote_comes_back_with_another_manifest_and_the_same_image_id(
    server: DistributionServer, skopeo: Skopeo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lesson 04: manifest and layer digests are lost, config and diff IDs are not."""
    monkeypatch.chdir(tmp_path)
    made = lesson_cells("04", "docker-save")
    archive = tmp_path / "saved.tar"
    with tarfile.open(archive, "w") as tar:
        for path in sorted(made["saved"].iterdir()):
            tar.add(path, path.name)
    skopeo.copy(f"docker-archive:{archive}", server.reference("loaded", "latest"))
    loaded = server.manifest("loaded", "latest")
    assert loaded.digest != made["link"]
    assert loaded.document["config"]["digest"] == made["manifest"]["config"]["digest"]
    old, new = ({layer["digest"] for layer in it["layers"]} for it in (made["manifest"], loaded.document))
    assert not old & new


def test_skopeo_finds_an_entry_by_its_name_only_if_its_media_type_is_of_oci(
    skopeo: Skopeo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lesson 04: what is said of a Docker manifest in a layout, and the first exercise."""
    monkeypatch.chdir(tmp_path)
    made = lesson_cells("04", "oci-layout")
    layout, manifest = made["layout"], json.loads(json.dumps(made["manifest"]))
    with pytest.raises(AssertionError, match="no descriptor found"):
        skopeo("inspect", "--raw", f"oci:{layout}:hello:latest")
    manifest["mediaType"] = "application/vnd.oci.image.manifest.v1+json"
    manifest["config"]["mediaType"] = "application/vnd.oci.image.config.v1+json"
    for layer in manifest["layers"]:
        layer["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip"
    body = json.dumps(manifest).encode()
    digits = hashlib.sha256(body).hexdigest()
    (layout / "blobs/sha256" / digits).write_bytes(body)
    index = json.loads((layout / "index.json").read_bytes())
    index["manifests"][0] |= {"mediaType": manifest["mediaType"], "digest": f"sha256:{digits}", "size": len(body)}
    (layout / "index.json").write_text(json.dumps(index), encoding="utf-8")
    assert json.loads(skopeo("inspect", "--raw", f"oci:{layout}:hello:latest")) == manifest
    assert f"sha256:{digits}" != made["link"]


def test_a_collector_would_sweep_what_a_push_under_way_has_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lesson 05: between its blobs and its manifest nothing leads to what a push sent."""
    program = require_program("docker-registry", "docker-registry")
    monkeypatch.chdir(tmp_path)
    made = lesson_cells("05", "half-pushed")
    with distribution(program, tmp_path) as server:
        shutil.copytree(made["half"], server.root, dirs_exist_ok=True)
        assert gc_dry_run(server.config).eligible_blobs == made["lost"].keys()
        for digest in made["lost"]:
            assert digest in made["reach"](made["shared"], made["final"])


def test_the_collector_of_2_8_breaks_tagged_indexes_with_m(tmp_path: Path) -> None:
    """Lesson 05: the index is served, and its children are unknown."""
    program = require_program("docker-registry", "docker-registry")
    breaks = garbage(registry("world-distribution"), collector="distribution-2.8-m").attrs["breaks"]
    with distribution(program, tmp_path) as server:
        shutil.copytree(unpacked("world-distribution") / "registry", server.root, dirs_exist_ok=True)
        for lost in breaks:
            server.manifest(lost["repository"], lost["digest"])
        subprocess.run([program, "garbage-collect", "-m", str(server.config)], check=False, capture_output=True)
        for lost in breaks:
            assert lost["digest"].encode() in server.manifest(lost["repository"], lost["manifest"]).body
            headers = {"Accept": ACCEPT_ALL}
            answer = request(server.port, "GET", f"/v2/{lost['repository']}/manifests/{lost['digest']}", None, headers)
            assert answer.status == NOT_FOUND
            assert b"MANIFEST_UNKNOWN" in answer.body
    assert [lost["kind"] for lost in breaks] == ["index"] * 4
