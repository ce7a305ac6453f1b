"""The cheat sheet: its trees are the storages', its digests are what hashlib says, and it loads nothing."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tarfile
from html import unescape
from typing import TYPE_CHECKING

import pytest

from regviz import share
from regviz.lesson.cheatsheet import cheatsheet
from tests.cli.running import done
from tests.report.reading import parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROOT = "registry/docker/registry/v2"


@pytest.fixture(scope="module")
def page() -> str:
    return cheatsheet()


@pytest.fixture(scope="module")
def stored() -> dict[str, bytes]:
    """The files of the image in Distribution's storage, by tarfile."""
    return dict(members("first-push-distribution"))


def members(name: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(share.folder("data") / f"{name}.tar.gz") as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is not None:
                yield member.name, file.read()


def digits(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def names(stored: dict[str, bytes]) -> dict[str, str]:
    """What each mark stands for, by hand: following the tag, hashing, decompressing."""
    [tag] = [content.decode()[7:] for path, content in stored.items() if path.endswith("current/link")]
    blobs = {digits(content): content for path, content in stored.items() if path.endswith("/data")}
    manifest = json.loads(blobs[tag])
    found, chain = {"M": tag, "C": manifest["config"]["digest"][7:]}, ""
    for number, layer in enumerate(manifest["layers"], 1):
        diff_id = digits(gzip.decompress(blobs[layer["digest"][7:]]))
        found |= {f"L{number}": layer["digest"][7:], f"D{number}": diff_id}
        chain = digits(f"sha256:{chain} sha256:{diff_id}".encode()) if chain else diff_id
        if number > 1:
            found[f"X{number}"] = chain
    ids = {path.split("/")[2] for path, _ in members("first-push") if "/images/" in path}
    ancestries = {path.split("/")[2]: json.loads(it) for path, it in members("first-push") if path.endswith("ancestry")}
    assert ancestries.keys() == ids
    return found | {f"V{len(ancestry)}": id_ for id_, ancestry in ancestries.items()}


def test_each_mark_stands_for_the_digest_that_hashlib_gives(page: str, stored: dict[str, bytes]) -> None:
    shown = set(re.findall(r'<code>([0-9a-f]{8})</code><b class="mark">(\w+)</b>', page))
    assert {mark: start for start, mark in shown} == {mark: full[:8] for mark, full in names(stored).items()}
    assert len(shown) == 2 + 3 * 3 + 2  # manifest and config, three names of three layers, two chain IDs more


def test_its_trees_have_every_file(page: str, stored: dict[str, bytes]) -> None:
    v1, distribution, oci, saved = (rows(part) for part in page.split('<table class="tree">')[1:])
    assert len(files(v1)) == sum(1 for _ in members("first-push")) == 19
    assert len(files(distribution)) == len(stored) == 12
    assert len(files(oci)) == 7  # five blobs, the index and the version
    assert len(files(saved)) == 3 * 3 + 3  # three a layer; configuration, manifest.json, repositories
    assert sum(name.endswith("/link") for name in files(distribution)) == 7


def rows(part: str) -> list[tuple[str, str]]:
    """Name and size of each line of a tree."""
    body = part.partition("</table>")[0]
    cells = re.findall(r'<td class="name"><i [^>]*>.*?</i>(.*?)</td><td class="n">(.*?)</td>', body)
    return [(unescape(re.sub(r"<b.*?</b>|<[^>]*>", "", name)).strip(), size) for name, size in cells]


def files(lines: list[tuple[str, str]]) -> list[str]:
    return [name for name, size in lines if size]


def test_a_file_has_the_mark_of_what_it_hashes_to(page: str) -> None:
    v1, *_, saved = page.split('<table class="tree">')[1:]
    assert re.findall(r'layer <b class="mark L">(L\d)', v1) == ["L1", "L2", "L3"]  # the ids are in this order
    assert sorted(re.findall(r'layer\.tar <b class="mark D">(D\d)', saved)) == ["D1", "D2", "D3"]
    assert "mark" not in saved.partition("VERSION")[2].partition("layer.tar")[0]


def test_every_fact_is_said_of_every_layout(page: str) -> None:
    table = page.partition('<table class="facts">')[2]
    body = re.findall(r"<tr.*?</tr>", table.partition("<tbody>")[2], re.DOTALL)
    assert len(body) >= 10
    for row in body:
        cells = re.findall(r"<td>(.*?)</td>", row, re.DOTALL)
        assert len(cells) == 4
        assert all(re.sub(r"<[^>]*>", "", cell).strip() for cell in cells)
    assert "image-layout.md" in body[-1]
    assert "paths.go" in body[-1]


def test_it_is_well_formed_and_loads_nothing(page: str) -> None:
    parse(page)
    assert "default-src 'none'" in page
    assert not re.search(r"\b(src|href|action)=|url\(|@import|<script", page)
    assert cheatsheet() == page


def test_the_command_writes_it(page: str, tmp_path: Path) -> None:
    target = tmp_path / "sheet.html"
    assert done("lesson", "cheatsheet", "-o", target) == f"{target}\n"
    assert target.read_text(encoding="utf-8") == page
