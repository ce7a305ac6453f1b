"""Every rule that the storage itself can break: links, devices, damaged archives, times, what lies beside."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from regviz.read import read
from tests.helpers import EPOCH, V2, Store, V1Store, compressed, found, image_id, pack, rules_of, sha256
from tests.layouts.cases import Cases, Row, assert_broken, row

if TYPE_CHECKING:
    from pathlib import Path

    from tests.layouts.cases import Case

CASES = Cases()
TAG = "repositories/a/_manifests/tags"


@CASES.add("symbolic-link", "tag-link-missing", "tag-history-dangling")
def links_that_lead_somewhere(store: Store) -> list[Row]:
    """None is followed: neither one to a file or directory within, nor one that leads out."""
    digest = store.image("a", [b"1"], "latest")
    (store.root.parent / "outside").mkdir()
    (store.root.parent / "outside/link").write_text(digest)
    links = {
        "repositories/b": store.v2 / "repositories/a",
        "blobs/sha256/zz": "/",
        f"{TAG}/out": store.root.parent / "outside",
    }
    for path, target in links.items():
        (store.v2 / path).symlink_to(target)
    store.tag("a", "x", digest)
    for place, name in ((f"{TAG}/x/current", "link"), (f"{TAG}/y", "current"), (f"{TAG}/y", "index")):
        store.directory(place)
        (store.v2 / place / name).unlink(missing_ok=True)
        (store.v2 / place / name).symlink_to(store.root.parent / "outside")
    store.tag("a", "z", "sha256:" + "0" * 64, b"")
    shutil.rmtree(store.v2 / TAG / "z/current")
    said = [*links, f"{TAG}/x/current/link", f"{TAG}/y/current", f"{TAG}/y/index"]
    return [row(path=f"{V2}/{path}", detail="not followed") for path in sorted(said)]


@CASES.add("symbolic-link", "tag-history-dangling")
def links_in_the_index_of_a_tag(store: Store) -> list[Row]:
    """At each of its levels, where all else is as if the tag was pushed once."""
    digest = store.image("a", [b"1"], "index", "algorithm", "digest", "link", "beside")
    other, path = "sha256:" + "0" * 64, digest.replace(":", "/")
    outside = store.root.parent / "outside"
    outside.mkdir()
    places = {"index": "index", "algorithm": "index/sha256", "digest": f"index/{path}", "link": f"index/{path}/link"}
    for tag, place in places.items():
        (store.v2 / TAG / tag / place).rename(outside / tag)
        (store.v2 / TAG / tag / place).symlink_to(outside / tag)
    # two links to what is counted beside them
    (store.v2 / TAG / f"beside/index/{path}").rename(store.v2 / TAG / f"beside/index/{other.replace(':', '/')}")
    (store.v2 / TAG / f"beside/index/{path}").symlink_to(other[7:])
    said = [f"{tag}/{place}" for tag, place in places.items()] + [f"beside/index/{path}"]
    return [row(path=f"{V2}/{TAG}/{place}", detail="not followed") for place in sorted(said)]


@CASES.add("special-file", "tag-link-missing")
def a_pipe_and_what_would_block_on_it(store: Store) -> list[Row]:
    store.tag("a", "x", store.image("a", [b"1"]))
    (store.v2 / f"{TAG}/x/current/link").unlink()
    os.mkfifo(store.v2 / f"{TAG}/x/current/link")
    return [row(path=f"{V2}/{TAG}/x/current/link", detail="not followed")]


@CASES.add("several-registries", forms=("folder",))
def both_kinds_in_one_place(store: Store) -> list[Row]:
    store.image("a", [b"1"], "latest")
    V1Store(store.root).image(image_id(1))
    return [row(detail="v1: it has images/<id> directories")]


@CASES.add("times-not-trusted")
def a_copy_that_lost_its_times(store: Store) -> list[Row]:
    for number in range(30):
        store.image("a", [b"%d" % number], f"t{number}")
    for number, path in enumerate(store.root.rglob("*")):
        os.utime(path, (EPOCH + number % 2, EPOCH + number % 2))
    return [row()]


@CASES.add("tags-elsewhere", forms=("folder",))
def tags_in_a_database(store: Store) -> list[Row]:
    store.root = store.root.rename(store.root.with_name("Harbor-Storage"))
    store.v2 = store.root / V2
    store.image("a", [b"1"], "latest")
    return [row(detail="the path says Harbor-Storage")]


@pytest.mark.parametrize(("case", "form"), CASES.with_forms())
def test_rule(case: Case, form: str, tmp_path: Path) -> None:
    assert_broken(case, Store(tmp_path / "storage"), form, tmp_path)


# --- archives


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small storage in a tar, whose end mark is not there yet."""
    store = Store(tmp_path / "storage")
    store.image("a", [b"1"], "latest")
    path = pack(store.root, "tar", tmp_path)
    with tarfile.open(path) as opened:
        end = max(member.offset_data + (member.size + 511) // 512 * 512 for member in opened)
    path.write_bytes(path.read_bytes()[:end])
    return path


def add(archive: Path, name: str, data: bytes = b"", link: str = "") -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime = len(data), EPOCH
    if link:
        member.type, member.linkname = tarfile.LNKTYPE, link
    with archive.open("ab") as file:
        file.write(member.tobuf() + data + bytes(-len(data) % 512))


def end(archive: Path) -> Path:
    with archive.open("ab") as file:
        file.write(bytes(1024))
    return archive


ARCHIVE_RULES = ("hard-link", "path-escapes", "path-repeated", "archive-without-end", "archive-truncated", "unreadable")
"""The rules that the tests below break."""


def test_a_hard_link_to_nothing(archive: Path) -> None:
    add(archive, f"{V2}/{TAG}/x/current/link", link="elsewhere")
    registry = read(end(archive))
    assert found(registry) == [
        ("hard-link", None, None, None, f"{V2}/{TAG}/x/current/link", "it links to nothing in this archive")
    ]


def test_hard_links_are_the_files_they_link_to(archive: Path) -> None:
    """As where a tool linked equal files to save space: every small link file of a digest is one file then."""
    tag = f"{V2}/{TAG}/latest"
    add(archive, f"{V2}/{TAG}/x/current/link", link=f"{tag}/current/link")
    digest = read(end(archive)).resolve("a")
    add(archive, "after the end")
    registry = read(archive)
    assert registry.resolve("a:x") == digest
    assert rules_of(registry) == []


def test_a_path_that_leads_out(archive: Path) -> None:
    add(archive, f"{V2}/repositories/../../../../evil", b"x")
    add(archive, "../evil", b"x")
    registry = read(end(archive))
    said = [
        ("path-escapes", None, None, None, path, "it leads out of the archive")
        for path in ("../evil", f"{V2}/repositories/../../../../evil")
    ]
    assert found(registry) == said


def test_an_escaping_path_before_all_else_is_said_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    store.image("a", [b"1"], "latest")
    plain = pack(store.root, "tar", tmp_path).read_bytes()
    path = tmp_path / "evil.tar"
    path.write_bytes(tarfile.TarInfo("../evil").tobuf() + plain)
    assert rules_of(read(path)) == ["path-escapes"]
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as opened, tarfile.open(path) as members:
        opened.writestr("../evil", b"")
        for member in members:
            if member.isfile() and member.name[:1] != ".":
                opened.writestr(member.name, members.extractfile(member).read())  # type: ignore[union-attr]
    assert rules_of(read(tmp_path / "evil.zip"))[:1] == ["path-escapes"]


def test_a_path_that_stands_twice(archive: Path) -> None:
    """GNU tar's --append: what comes last is what counts, when it is unpacked and here."""
    layer = sha256(compressed(b"1"))
    blob = f"{V2}/blobs/sha256/{layer[7:9]}/{layer[7:]}/data"
    before = read(end(archive))
    digest = before.resolve("a")
    add(archive, blob, b"too late")
    assert rules_of(read(archive)) == []
    path = archive.with_name("twice.tar")
    data = io.BytesIO()
    with tarfile.open(archive) as opened, tarfile.open(fileobj=data, mode="w") as twice:
        for member in opened:
            twice.addfile(member, opened.extractfile(member) if member.isfile() else None)
        for name, content in ((blob, b"other length"), (f"{V2}/{TAG}/latest/current/link", digest.encode())):
            more = tarfile.TarInfo(name)
            more.size, more.mtime = len(content), EPOCH
            twice.addfile(more, io.BytesIO(content))
    path.write_bytes(data.getvalue())
    registry = read(path)
    assert [problem for problem in found(registry) if problem[0] != "sizes-differ"] == [
        ("path-repeated", None, None, None, blob, None),
        ("path-repeated", None, None, None, f"{V2}/{TAG}/latest/current/link", None),
    ]
    [(copies, size)] = registry.blobs[registry.blobs["blob"] == layer][["copies", "blob_bytes"]].to_numpy().tolist()
    assert (copies, size) == (1, len(b"other length"))


def test_an_archive_without_an_end(archive: Path) -> None:
    registry = read(archive)
    detail = "the two zero blocks that end an archive are missing"
    assert found(registry) == [("archive-without-end", None, None, None, None, detail)]
    assert registry.repositories["complete"].tolist() == [False]


def test_an_archive_that_breaks_off(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-700])
    registry = read(archive, partial=True)
    [problem] = found(registry, "archive-truncated")
    assert problem[5].startswith(f"{archive} breaks off after ")
    assert registry.repositories["complete"].tolist() == [False]


def test_a_member_that_cannot_be_read(tmp_path: Path) -> None:
    store = Store(tmp_path / "storage")
    digest = store.image("a", [b"1"], "latest")
    path = tmp_path / "storage.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for file in sorted(store.root.rglob("data")):
            opened.write(file, file.relative_to(store.root))
        for file in sorted(store.root.rglob("link")):
            opened.write(file, file.relative_to(store.root))
    manifest = store.blob_path(digest).read_bytes()
    path.write_bytes(path.read_bytes().replace(manifest, manifest.replace(b"schemaVersion", b"SchemaVersion")))
    registry = read(path)
    place = f"{V2}/blobs/sha256/{digest[7:9]}/{digest[7:]}/data"
    assert {problem[:5] for problem in found(registry, "unreadable")} == {
        ("unreadable", None, None, None, place),
        ("unreadable", None, None, digest, None),
    }
    assert registry.repositories["complete"].tolist() == [False]
    assert registry.blobs["present"].all()
