"""What a tree says of Docker's archives and stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from regviz.tree import tree
from tests.helpers import sha256
from tests.layouts.docker_made import Link, image_of, lay, saved, v1_id
from tests.layouts.test_docker_archive import old_files
from tests.layouts.test_docker_store import ROOT, chain, graph, store

if TYPE_CHECKING:
    from pathlib import Path

BASE, WEB = b"base", b"web"


def said(source: Path) -> dict[str, str]:
    return {row.path: row.explanation for row in tree(source, full=True).rows if row.type != "more"}


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_an_archive(form: str, tmp_path: Path) -> None:
    place = v1_id(sha256(BASE))
    files = saved(([BASE], ("web:1",))) | {"x/layer.tar": Link("../y"), "notes.txt": b""}
    words = said(lay(files, form, tmp_path))
    assert words[f"{image_of([BASE]).removeprefix('sha256:')}.json"] == "image for linux/amd64 (web:1)"
    assert words["manifest.json"] == "which images are here: configuration, names and layers of each"
    assert words[place] == "a layer on those below it, as engines before 1.10 know it"
    assert words[f"{place}/layer.tar"] == "its files, as a tar"
    assert words["notes.txt"] == "no part of the layout"
    assert words["x/layer.tar"] == "a link to a layer that lies here once"


def test_an_archive_before_1_10(tmp_path: Path) -> None:
    words = said(lay(old_files(names={"web": {"1": v1_id("2")}}), "tar", tmp_path))
    assert words[v1_id("2")] == "image (web:1): make"
    assert words[f"{v1_id('2')}/VERSION"] == "version of this layout"


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_a_store(form: str, tmp_path: Path) -> None:
    web = image_of([BASE, WEB])
    files = store([BASE, WEB], names={"web": {"web:1": web}}) | {
        "volumes/x": b"",
        f"{ROOT}layerdb/mounts/{v1_id('c')}/parent": b"",
        f"{ROOT}layerdb/sha256/{v1_id('gone')}/cache-id": b"",
        f"{ROOT}other": b"",
    }
    words = said(lay(files, form, tmp_path))
    assert words["image/overlay2"] == "images of a Docker Engine"
    assert words[f"{ROOT}imagedb/content/sha256/{web[7:]}"] == "image for linux/amd64 (web:1)"
    top = f"{ROOT}layerdb/sha256/{chain(BASE, WEB)[7:]}"
    assert words[top] == "layer of an image for linux/amd64 (web:1)"
    assert words[f"{top}/diff"] == "its diff ID"
    assert words[f"{ROOT}layerdb/mounts/{v1_id('c')}"] == "a container: its own layer, and what it stands on"
    assert words["volumes/x"] == "beside the registry, no part of it"
    assert words[f"{ROOT}other"] == "no part of the layout"
    assert words[f"{ROOT}repositories.json"] == "tags and digests of images, by repository"


def test_a_graph(tmp_path: Path) -> None:
    words = said(lay(graph((v1_id("1"),), names={"a": {"1": v1_id("1")}}), "tar", tmp_path))
    assert words[f"graph/{v1_id('1')}"] == "image (a:1)"
    assert words["repositories-aufs"] == "tags of images, by repository"


def test_what_repeats_is_counted(tmp_path: Path) -> None:
    images = [([b"%d" % number], (f"a:{number}",)) for number in range(9)]
    text = tree(lay(saved(*images), "tar", tmp_path)).text()
    assert "… and 7 more images and layers like these" in text
    assert "… and 7 more entries named by digests like these" in text
