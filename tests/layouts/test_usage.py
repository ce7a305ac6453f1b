"""What files take, against du(1) and find(1)."""

from __future__ import annotations

import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

import regviz as rv
from regviz.world import small_world, write
from tests.layouts.docker_made import lay, saved

if TYPE_CHECKING:
    from pathlib import Path


def _said(*command: str) -> int:
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[0])


@pytest.mark.parametrize("layout", ["v1", "distribution", "oci"])
def test_the_categories_add_up_to_what_du_says(tmp_path: Path, layout: str) -> None:
    root = tmp_path / "storage"
    write(small_world(), root, layout=layout)
    storage = rv.read(root, measure=True).storage.set_index("category")
    assert storage["apparent_bytes"].sum() == _said("du", "-sb", str(root))
    assert storage["allocated_bytes"].sum() == _said("du", "-s", "--block-size=1", str(root))
    files = subprocess.run(["find", str(root), "-type", "f"], check=True, capture_output=True, text=True).stdout
    assert storage["files"].drop("directories").sum() == len(files.splitlines())
    directories = subprocess.run(["find", str(root), "-type", "d"], check=True, capture_output=True, text=True).stdout
    assert storage.loc["directories", "files"] == len(directories.splitlines())
    kind = "layer" if layout == "v1" else "data"
    blobs = [line for line in files.splitlines() if line.endswith(f"/{kind}") and "/_uploads/" not in line]
    blobs += [line for line in files.splitlines() if line.startswith(f"{root}/blobs/")]
    assert storage.loc["blobs", "files"] == len(blobs)
    assert storage.loc["blobs", "apparent_bytes"] == sum(_said("stat", "-c", "%s", path) for path in blobs)


def test_an_archive_has_no_blocks(tmp_path: Path) -> None:
    write(small_world(), tmp_path / "storage", layout="distribution")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "storage", "storage")
    folder = rv.read(tmp_path / "storage", measure=True).storage.set_index("category")
    packed = rv.read(tmp_path / "a.tar", measure=True).storage.set_index("category")
    assert packed["allocated_bytes"].isna().all()
    kept = ["blobs", "links", "uploads", "metadata", "other"]
    assert packed.loc[kept, ["files", "apparent_bytes"]].equals(folder.loc[kept, ["files", "apparent_bytes"]])


def test_nothing_is_measured_unasked(tmp_path: Path) -> None:
    write(small_world(), tmp_path / "storage", layout="v1")
    assert rv.read(tmp_path / "storage").storage.empty


def test_an_archive_of_docker_save(tmp_path: Path) -> None:
    files = saved(([b"base"], ("a:1",)))
    archive = lay(files | {"README": b"12345"}, "tar", tmp_path)
    storage = rv.read(archive, measure=True).storage.set_index("category")
    blobs = [content for path, content in files.items() if path.endswith(("layer.tar", ".json")) and path[0] != "m"]
    assert storage.loc["blobs", ["files", "apparent_bytes"]].tolist() == [2, sum(map(len, blobs))]
    assert storage.loc["metadata", "files"] == 4  # manifest.json, repositories, VERSION, json
    assert storage.loc["other", ["files", "apparent_bytes"]].tolist() == [1, 5]
