"""The shipped archives: what the script builds, what the world describes, what their README says."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from regviz.read import read
from regviz.schema import TABLES
from regviz.world import Image, Index, document, image_config, small_world
from tests.conftest import ROOT
from tests.helpers import plain_tables

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
    for path in DATA.glob("*.tar*"):
        if path.name not in {"world-distribution.tar.gz", "world-oci.tar.gz"}:
            shutil.copy(path, tmp_path)
    with (tmp_path / "world-v1.tar.gz").open("r+b") as archive:
        archive.seek(-1, os.SEEK_END)
        archive.write(b"!")
    checked = _build("--check", "--directory", str(tmp_path))
    assert checked.returncode == 1
    assert len(checked.stdout.splitlines()) == 3
    assert _build("--directory", str(tmp_path)).returncode == 0
    assert _build("--check", "--directory", str(tmp_path)).returncode == 0


def test_archives_are_small() -> None:
    sizes = [path.stat().st_size for path in DATA.glob("*.tar*")]
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


def test_the_capture_is_the_same_world_as_distribution() -> None:
    """Told by the file names of the storage and by pandas alone, and then by every table."""
    made = read(DATA / "world-capture.tar")
    assert made.source.uri == "world-distribution.tar.gz"
    assert plain_tables(made) == plain_tables(read(DATA / "world-distribution.tar.gz"))
    with tarfile.open(DATA / "world-capture.tar") as opened:
        names = {member.name for member in opened if member.isfile()}
        tags = pd.read_parquet(io.BytesIO(_content(opened, "world.regviz/tags.parquet")))
    assert names == {"world.regviz/capture.json", *(f"world.regviz/{table}.parquet" for table in TABLES)}
    described = small_world().tags("distribution")
    assert {*zip(tags["repository"], tags["tag"], strict=True)} == {(r, tag) for r in described for tag in described[r]}


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


def test_the_archives_of_docker_save() -> None:
    """Every image lies where ``manifest.json`` says, with the configuration and the layers it has elsewhere."""
    described = {
        (repository.removeprefix("library/"), tag): content
        for repository, tags in small_world().tags("distribution").items()
        for tag, content in tags.items()
    }
    with tarfile.open(DATA / "world-docker-save.tar.gz") as opened:
        entries = json.loads(_content(opened, "manifest.json"))
        found = {}
        for entry in entries:
            config = _content(opened, entry["Config"])
            assert entry["Config"] == f"{hashlib.sha256(config).hexdigest()}.json"
            layers = [f"sha256:{hashlib.sha256(_content(opened, layer)).hexdigest()}" for layer in entry["Layers"]]
            assert layers == json.loads(config)["rootfs"]["diff_ids"]
            found |= {tuple(name.rsplit(":", 1)): config for name in entry["RepoTags"]}
        assert any(member.issym() for member in opened)
        names = json.loads(_content(opened, "repositories"))
    assert {(repository, tag) for repository, tags in names.items() for tag in tags} == set(found)
    assert (len(found), len(entries)) == (18, 14)
    for place, config in found.items():
        content = described[place]
        image = content.children[0].content if isinstance(content, Index) else content
        assert config == image_config(image)  # type: ignore[arg-type]
    left_out = [content for place, content in described.items() if place not in found]
    foreign = [content for content in left_out if isinstance(content, Image)]
    assert len(foreign) == 1
    assert foreign[0].layers[0].urls


def test_the_archive_of_docker_save_before_1_10(v1: dict[str, bytes]) -> None:
    """The images that the v1 registry's tags reach, with the same JSON, and the same layers uncompressed."""
    with tarfile.open(DATA / "world-docker-save-old.tar.gz") as opened:
        names = json.loads(_content(opened, "repositories"))
        images = {name.split("/")[0] for name in opened.getnames() if "/" in name}
        assert len(images) == 35
        for image in images:
            assert _content(opened, f"{image}/json") == v1[f"registry/images/{image}/json"]
            layer = gzip.decompress(v1[f"registry/images/{image}/layer"])
            assert _content(opened, f"{image}/layer.tar") == (layer or bytes(1024))
            assert _content(opened, f"{image}/VERSION") == b"1.0"
    tags = {}
    for path, content in v1.items():
        if match := re.fullmatch(r"registry/repositories/([^/]+)/([^/]+)/tag_(.+)", path):
            name = f"{match[1]}/{match[2].replace('%2F', '/')}".removeprefix("library/")
            tags[name, match[3]] = content.decode()
    assert {(name, tag): image for name, known in names.items() for tag, image in known.items()} == tags
    reached = {ancestor for image in tags.values() for ancestor in json.loads(v1[f"registry/images/{image}/ancestry"])}
    assert images == reached


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    """A file's content, links followed within the archive."""
    reader = archive.extractfile(name)
    assert reader is not None
    return reader.read()


def test_the_readme_counts_images_of_archives() -> None:
    text = " ".join((DATA / "README.md").read_text(encoding="utf-8").split())
    assert "one has 18 tags of 14 images, the one of before 1.10 has 11 tags and 35 images" in text


def test_the_readme_names_every_file_and_every_repository() -> None:
    text = (DATA / "README.md").read_text(encoding="utf-8")
    for path in DATA.iterdir():
        if path.name not in {"README.md", "__pycache__"}:
            assert f"`{path.name}`" in text
    for layout in ("v1", "distribution"):  # the archives of docker save have names of these
        for repository in small_world().tags(layout):
            assert f"`{repository}`" in text
