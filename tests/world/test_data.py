"""The shipped archives: what the script builds, what the world describes, what their README says."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from regviz.world import document, small_world
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DATA = ROOT / "data"
BLOBS, REPOSITORIES = "registry/docker/registry/v2/blobs/", "registry/docker/registry/v2/repositories/"


def _build(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DATA / "build.py"), *arguments]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=env, check=False, capture_output=True, text=True)


def _files(layout: str) -> dict[str, bytes]:
    found = {}
    with tarfile.open(DATA / f"world-{layout}.tar.gz") as opened:
        for member in opened:
            assert member.isdir() or member.isfile()
            assert (member.uid, member.gid) == (0, 0)
            if member.isfile():
                file = opened.extractfile(member)
                assert file is not None
                found[member.name] = file.read()
    return found


@pytest.fixture(scope="module")
def v1() -> dict[str, bytes]:
    return _files("v1")


@pytest.fixture(scope="module")
def distribution() -> dict[str, bytes]:
    return _files("distribution")


def test_the_archives_are_what_the_script_builds() -> None:
    checked = _build("--check")
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_check_sees_a_difference_and_a_gap(tmp_path: Path) -> None:
    shutil.copy(DATA / "world-v1.tar.gz", tmp_path)
    with (tmp_path / "world-v1.tar.gz").open("r+b") as archive:
        archive.seek(-1, os.SEEK_END)
        archive.write(b"!")
    checked = _build("--check", "--directory", str(tmp_path))
    assert checked.returncode == 1
    assert len(checked.stdout.splitlines()) == 3
    assert _build("--directory", str(tmp_path)).returncode == 0
    assert _build("--check", "--directory", str(tmp_path)).returncode == 0


def test_archives_are_small() -> None:
    sizes = [path.stat().st_size for path in DATA.glob("*.tar.gz")]
    assert max(sizes) < 500_000
    assert sum(sizes) < 5_000_000


def test_no_path_is_too_long_or_lost_where_case_does_not_count(
    v1: dict[str, bytes], distribution: dict[str, bytes]
) -> None:
    for files in (v1, distribution):
        assert max(map(len, files)) < 200 + 50
        assert len({path.casefold() for path in files}) == len(files)


def test_v1_is_what_the_world_describes(v1: dict[str, bytes]) -> None:
    """Each tag's layers, from the base up, uncompress to the diff IDs of the image described."""
    for repository, tags in small_world().tags("v1").items():
        namespace, name = repository.split("/", 1)
        folder = f"registry/repositories/{namespace}/{name.replace('/', '%2F')}"
        assert {path.rpartition("/tag_")[2] for path in v1 if path.startswith(f"{folder}/tag_")} == set(tags)
        for tag, image in tags.items():
            top = v1[f"{folder}/tag_{tag}"].decode()
            ids = json.loads(v1[f"registry/images/{top}/ancestry"])[::-1]
            tars = [gzip.decompress(v1[f"registry/images/{name}/layer"]) for name in ids]
            diff_ids = [f"sha256:{hashlib.sha256(tar).hexdigest()}" if tar else None for tar in tars]
            described = [None if layer.empty else layer.diff_id for layer in image.layers]  # type: ignore[union-attr]
            assert diff_ids == described


def test_distribution_is_what_the_world_describes(distribution: dict[str, bytes]) -> None:
    tags = small_world().tags("distribution")
    found = {
        match[1]: match[2]
        for path in distribution
        if (match := re.fullmatch(rf"{REPOSITORIES}(.+)/_manifests/tags/([^/]+)/current/link", path))
    }
    assert set(found) == set(tags)
    for repository, named in tags.items():
        for tag, content in named.items():
            digest = distribution[f"{REPOSITORIES}{repository}/_manifests/tags/{tag}/current/link"].decode()
            encoded = digest.removeprefix("sha256:")
            stored = distribution[f"{BLOBS}sha256/{encoded[:2]}/{encoded}/data"]
            assert stored == document(content, repository, tag).data


def test_oci_is_the_same_world_as_distribution(distribution: dict[str, bytes]) -> None:
    """Every blob and every name, without asking how they lie there."""
    oci = _files("oci")
    blobs = {path.rpartition("/")[2]: data for path, data in oci.items() if "/blobs/sha256/" in path}
    assert blobs == {path.split("/")[-2]: data for path, data in distribution.items() if path.startswith(BLOBS)}
    current = re.compile(rf"{REPOSITORIES}(.+)/_manifests/tags/([^/]+)/current/link")
    assert {
        entry["annotations"]["org.opencontainers.image.ref.name"]: entry["digest"]
        for entry in json.loads(oci["registry/index.json"])["manifests"]
        if "annotations" in entry
    } == {f"{m[1]}:{m[2]}": data.decode() for path, data in distribution.items() if (m := current.fullmatch(path))}


def test_the_readme_counts_right(v1: dict[str, bytes], distribution: dict[str, bytes]) -> None:
    """The numbers of its table, counted here by file names alone."""
    text = (DATA / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+?) \| ([\d,]+|–) \| ([\d,]+|–) \|$", text, re.MULTILINE)
    told = {name: (in_v1, in_distribution) for name, in_v1, in_distribution in rows}

    def count(files: dict[str, bytes], pattern: str) -> int:
        return len({match[1] for path in files if (match := re.match(pattern, path))})

    def total(files: dict[str, bytes], pattern: str) -> int:
        return sum(len(content) for path, content in files.items() if re.fullmatch(pattern, path))

    tree_v1, tree_distribution = "registry/repositories/", re.escape(REPOSITORIES)
    data = rf"{re.escape(BLOBS)}.*/data"
    counted = {
        "repositories": (
            count(v1, rf"{tree_v1}([^/]+/[^/]+)/"),
            count(distribution, rf"{tree_distribution}(.+)/_layers/"),
        ),
        "tags": (
            count(v1, rf"{tree_v1}(.*/tag_.*)"),
            count(distribution, rf"{tree_distribution}(.*)/current/link"),
        ),
        "v1 images": (count(v1, "registry/images/([^/]+)/json"), None),
        "manifests": (None, count(distribution, rf"{tree_distribution}.*/revisions/sha256/(.*)/link")),
        "blobs": (None, count(distribution, rf"({data})")),
        "bytes of layers or blobs": (total(v1, "registry/images/.*/layer"), total(distribution, data)),
        "files": (len(v1), len(distribution)),
    }
    assert told == {
        name: tuple("–" if number is None else f"{number:,}" for number in numbers) for name, numbers in counted.items()
    }


def test_the_readme_names_every_file_and_every_repository() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    for path in DATA.iterdir():
        if path.name not in {"README.md", "__pycache__"}:
            assert f"`{path.name}`" in text
    for layout in ("v1", "distribution"):
        for repository in small_world().tags(layout):
            assert f"`{repository}`" in text
