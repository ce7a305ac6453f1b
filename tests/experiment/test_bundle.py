"""Of an archive of images, those that are needed, and no others: of every age of ``docker save``."""

from __future__ import annotations

import json
import tarfile
from typing import TYPE_CHECKING

import pytest

import regviz as rv
from regviz import share
from regviz.errors import RegvizError
from regviz.experiment.bundle import _write_only, with_tag

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = ["world-docker-save.tar.gz", "world-docker-save-old.tar.gz"]
DUMPS = [
    "docker-save-20.10-small.tar",
    "docker-save-28.5.2-overlay2.tar",
    "docker-save-28.5.2-containerd.tar",
    "docker-archive-skopeo-web.tar",
]


def tags(archive: Path) -> dict[str, str]:
    table = rv.read(str(archive)).tags
    return {with_tag(f"{row.repository}:{row.tag}"): str(row.manifest) for row in table.itertuples(index=False)}


def hold(archive: Path, folder: Path) -> None:
    """Each name alone, as regviz reads what is left; the layers of the others may stay, they have no name."""
    named = tags(archive)
    assert named
    for name, manifest in list(named.items())[:3]:
        with (folder / "only.tar").open("wb") as file:
            _write_only([name], archive, file)
        assert tags(folder / "only.tar") == {name: manifest}


@pytest.mark.parametrize("name", SHIPPED)
def test_one_image_of_those_that_ship(name: str, tmp_path: Path) -> None:
    hold(share.folder("data") / name, tmp_path)


@pytest.mark.parametrize("name", DUMPS)
def test_one_image_of_real_archives(name: str, shared_dumps: Path, tmp_path: Path) -> None:
    hold(shared_dumps / name, tmp_path)


def test_no_list_of_a_new_archive_names_another_image(shared_dumps: Path, tmp_path: Path) -> None:
    """Engines with containerd's store go by index.json, others by manifest.json: both say the same."""
    archive = shared_dumps / "docker-save-28.5.2-containerd.tar"
    first = min(tags(archive))
    with (tmp_path / "only.tar").open("wb") as file:
        _write_only([first], archive, file)
    with tarfile.open(tmp_path / "only.tar") as only:
        lists = {}
        for name in ("manifest.json", "index.json"):
            content = only.extractfile(name)
            assert content is not None
            lists[name] = json.load(content)
    assert [[with_tag(tag) for tag in each["RepoTags"]] for each in lists["manifest.json"]] == [[first]]
    annotated = [each["annotations"]["io.containerd.image.name"] for each in lists["index.json"]["manifests"]]
    assert [*map(with_tag, annotated)] == [first]


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00 broken"])
def test_what_is_no_archive_is_said(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken.tar").write_bytes(content)
    with (
        (tmp_path / "only.tar").open("wb") as file,
        pytest.raises(RegvizError, match=r"broken\.tar cannot be read as an"),
    ):
        _write_only(["busybox:latest"], tmp_path / "broken.tar", file)
