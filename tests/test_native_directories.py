"""What is looked at natively below a repository is what Python sees, and what is odd there is left to Python."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from regviz import native
from regviz.native import directories
from regviz.read import read
from regviz.storage.folder import Folder
from tests.helpers import Store, assert_same_tables, image_config, image_manifest
from tests.test_native import _needs_the_library  # noqa: F401  # a fixture for every test

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

HEX = [f"{number:02x}" * 32 for number in range(4)]
LINK = b"sha256:"


def link(path: Path, digits: str, seconds: int = 1_700_000_000) -> Path:
    """A file `link` as a registry writes it, with a time of its own."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "link").write_bytes(LINK + digits.encode())
    os.utime(path / "link", ns=(0, seconds * 10**9 + 123_456_789))
    return path / "link"


def tag(root: Path, name: str, digits: str = HEX[0], *before: str, seconds: int = 1_700_000_000) -> Path:
    """A tag that was pushed with these digests, the last of which it points to."""
    for each in (*before, digits):
        link(root / name / "index/sha256" / each, each)
    link(root / name / "current", digits, seconds)
    return root / name


def names_of(found: directories.Tags, which: NDArray[np.bool_]) -> set[str]:
    names = found.names.decode().split("\0")[:-1]
    return {name for name, yes in zip(names, which.tolist(), strict=True) if yes}


def look(top: Path, *paths: str, links: str = "check", most: int = 99) -> directories.Repositories:
    """What is looked at natively, of directories that are there."""
    descriptor = os.open(top, os.O_RDONLY)
    try:
        found = directories.repositories(descriptor, [*map(os.fsencode, paths)], most=most, links=links)
    finally:
        os.close(descriptor)
    assert found is not None
    return found


def count(found: directories.Repositories, part: str, at: int = 0) -> int:
    """How many of a part one of the directories has; -1 where Python must look."""
    if found.parts[at] is None:
        return -1
    return int(found.counts[at, directories.LOOKED_AT.index(part.encode())])


def hex_and_times(found: directories.Digests) -> set[tuple[str, int]]:
    return {(raw.tobytes().hex(), time) for raw, time in zip(found.raw, found.times.tolist(), strict=True)}


@pytest.mark.parametrize("part", ["_layers", "revisions"])
def test_links_and_their_times(tmp_path: Path, part: str) -> None:
    """Layers by their links or by their names, as is asked for; revisions always by their links."""
    root = tmp_path / "repository" / (part if part == "_layers" else "_manifests/revisions")
    for number, digits in enumerate(HEX):
        link(root / "sha256" / digits, digits, 1_000_000 + number)
    (root / "sha256" / HEX[1] / "link").unlink()
    shutil.rmtree(root / "sha256" / HEX[2])
    (root / "sha256" / HEX[2]).mkdir()
    linked = {(HEX[0], 1_000_000_123_456), (HEX[3], 1_000_003_123_456)}
    for links in ("stat", "check"):
        found = look(tmp_path, "repository", links=links, most=4)
        digests = found.layers if part == "_layers" else found.revisions
        if (part, links) == ("_layers", "stat"):
            assert sorted(raw.tobytes().hex() for raw in digests.raw) == HEX
        else:
            assert hex_and_times(digests) == linked
        assert count(found, part) == len(digests.raw)
        few = look(tmp_path, "repository", links=links, most=3)
        assert count(few, part) == (4 if (part, links) == ("_layers", "stat") else -1)
    assert count(look(tmp_path, "repository", links="open"), part) == -1


def rename(path: Path, name: str) -> None:
    path.rename(path.with_name(name))


def replaced(path: Path, target: str, away: Path | None = None) -> None:
    """What was there is a symbolic link now."""
    if away is not None:
        path.rename(away)
    else:
        path.unlink()
    path.symlink_to(target)


def made_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


ODD_LINKS: dict[str, Callable[[Path], object]] = {
    "a file beside": lambda root: (root / "file").touch(),
    "a file below": lambda root: (root / "sha256/file").touch(),
    "two algorithms": lambda root: (root / "sha512").mkdir(),
    "another algorithm": lambda root: rename(root / "sha256", "sha512"),
    "no algorithm": lambda root: shutil.rmtree(root / "sha256"),
    "a capital": lambda root: rename(root / "sha256" / HEX[0], HEX[0][:-1] + "A"),
    "a digit less": lambda root: rename(root / "sha256" / HEX[0], HEX[0][:-1]),
    "a digit more": lambda root: rename(root / "sha256" / HEX[0], HEX[0] + "0"),
    "no digit": lambda root: rename(root / "sha256" / HEX[0], HEX[0][:-1] + "g"),
    "a link to a directory": lambda root: (root / "sha256" / HEX[2]).symlink_to(HEX[0]),
    "an algorithm elsewhere": lambda root: replaced(root / "sha256", "../elsewhere", root.parent / "elsewhere"),
    "itself a link": lambda root: replaced(root, "real", root.with_name("real")),
}
ODD_MEASURED: dict[str, Callable[[Path], object]] = {
    "too long": lambda root: (root / "sha256" / HEX[0] / "link").write_bytes(b"x" * 72),
    "empty": lambda root: (root / "sha256" / HEX[0] / "link").write_bytes(b""),
    "a directory": lambda root: made_a_directory(root / "sha256" / HEX[0] / "link"),
    "a symbolic link": lambda root: replaced(root / "sha256" / HEX[0] / "link", f"../{HEX[1]}/link"),
}


@pytest.mark.parametrize("odd", ODD_LINKS | ODD_MEASURED)
def test_odd_links_are_left_to_python(tmp_path: Path, odd: str) -> None:
    root = tmp_path / "repository/_layers"
    for digits in HEX[:2]:
        link(root / "sha256" / digits, digits)
    assert count(look(tmp_path, "repository"), "_layers") == 2
    (ODD_LINKS | ODD_MEASURED)[odd](root)
    found = look(tmp_path, "repository")
    assert (count(found, "_layers"), len(found.layers.raw)) == (-1, 0)
    by_name = look(tmp_path, "repository", links="stat")
    assert (count(by_name, "_layers") < 0) == (odd in ODD_LINKS)


def odd_tags(root: Path) -> None:
    """Tags of which each but two is odd in a way of its own."""
    tag(root, "once", HEX[1], seconds=7)
    tag(root, "again", HEX[2], seconds=8)
    tag(root, "twice", HEX[0], HEX[1])
    (tag(root, "no link") / "current/link").unlink()
    (tag(root, "no index link") / f"index/sha256/{HEX[0]}/link").unlink()
    shutil.rmtree(tag(root, "no index") / "index")
    for name, content in (
        ("a newline", LINK + HEX[0].encode() + b"\n"),
        ("short", LINK + HEX[0][1:].encode()),
        ("capital", LINK + b"A" * 64),
        ("empty", b""),
        ("sha512", b"sha512:" + b"a" * 128),
        ("sha256 is not written", b"sha255:" + HEX[0].encode()),
    ):
        (tag(root, name) / "current/link").write_bytes(content)
    shutil.rmtree(tag(root, "current elsewhere") / "current")
    (root / "current elsewhere/current").symlink_to(root / "once/current")
    (tag(root, "link elsewhere") / "current/link").unlink()
    (root / "link elsewhere/current/link").symlink_to(root / "once/current/link")
    shutil.rmtree(tag(root, "index elsewhere") / "index")
    (root / "index elsewhere/index").symlink_to(root / "once/index")


def test_tags_and_what_they_were_pushed_with(tmp_path: Path) -> None:
    root = tmp_path / "repository/_manifests/tags"
    odd_tags(root)
    link(root / "twice/index/sha256" / HEX[1], HEX[1], 9)
    (root / "twice/index/sha256" / HEX[3]).mkdir()  # its link was deleted
    found = look(tmp_path, "repository").tags
    assert names_of(found, found.pushes == 1) == {"once", "again"}
    assert names_of(found, found.pushes == 2) == {"twice"}
    assert names_of(found, found.pushes >= 0) == {path.name for path in root.iterdir()}
    good = [name for name in found.names.decode().split("\0")[:-1] if name in {"once", "again", "twice"}]
    digests = dict(zip(good, zip(found.digests.raw, found.digests.times.tolist(), strict=True), strict=True))
    assert {name: (raw.tobytes().hex(), time) for name, (raw, time) in digests.items()} == {
        "once": (HEX[1], 7_123_456),
        "again": (HEX[2], 8_123_456),
        "twice": (HEX[0], 1_700_000_000_123_456),
    }
    assert hex_and_times(found.history) == {(HEX[1], 9_123_456), (HEX[0], 1_700_000_000_123_456)}
    names = found.names.split(b"\0")[:-1]
    assert count(look(tmp_path, "repository"), "tags") == len(names)
    descriptor = os.open(root, os.O_RDONLY)
    again = directories.tags_of(descriptor, 99, names)
    few = directories.tags_of(descriptor, 2, names)
    os.close(descriptor)
    for one, other in zip(
        (found.names, *found.digests, *found.history, found.pushes),
        (again.names, *again.digests, *again.history, again.pushes),
        strict=True,
    ):
        assert np.array_equal(np.asarray(one), np.asarray(other))
    assert names_of(few, few.pushes > 0) == {"once", "again"}
    assert len(few.history.raw) == 0
    assert count(look(tmp_path, "repository", most=len(names) - 1), "tags") == -1
    (root / "file").touch()
    assert count(look(tmp_path, "repository"), "tags") == -1
    shutil.rmtree(root)
    root.touch()
    assert look(tmp_path, "repository").parts == [frozenset({b"_manifests"})]


ODD_HISTORIES: dict[str, Callable[[Path], object]] = {
    "not what it leads to": lambda index: shutil.rmtree(index / "sha256" / HEX[2]),
    "its link is gone": lambda index: (index / "sha256" / HEX[2] / "link").unlink(),
    **{name: change for name, change in ODD_LINKS.items() if name != "a link to a directory"},
    **ODD_MEASURED,
}


@pytest.mark.parametrize("odd", ODD_HISTORIES)
def test_odd_histories_are_left_to_python(tmp_path: Path, odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "docker/registry/v2"
    tags = root / "repositories/repository/_manifests/tags"
    for name in ("odd", "plain"):
        tag(tags, name, HEX[2], HEX[0], HEX[1])
    (root / "blobs").mkdir()
    ODD_HISTORIES[odd](tags / "odd/index")
    found = look(root / "repositories", "repository").tags
    assert names_of(found, found.pushes == 3) == {"plain"}
    assert names_of(found, found.pushes == 0) == {"odd"}
    assert {raw.tobytes().hex() for raw in found.history.raw} == {*HEX[:3]}
    natively = read(tmp_path)
    monkeypatch.setattr(native, "library", lambda: None)
    plainly = read(tmp_path)
    assert_same_tables(natively, plainly)
    assert len(natively.tag_history) > 3


def test_such_tags_are_those_that_python_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "repository/_manifests/tags"
    odd_tags(root)
    found = look(tmp_path, "repository").tags
    names = found.names.split(b"\0")[:-1]
    monkeypatch.setattr(native, "library", lambda: None)
    storage = Folder(str(root))
    contents, times = storage.read_links(b"", names, b"/current/link")
    usual = [(content or b"")[:7] == LINK and (content or b"")[7:].decode() in HEX for content in contents]
    digits = [(content or b"")[7:] if good else b"" for content, good in zip(contents, usual, strict=True)]
    lone = storage.lone_digests(b"", [*zip(names, digits, strict=True)])
    if any(lone):  # not by btrfs, which does not count directories
        assert (found.pushes == 1).tolist() == lone
    good = found.pushes > 0
    assert found.digests.times.tolist() == [time for time, is_good in zip(times, good, strict=True) if is_good]
    assert [raw.tobytes().hex().encode() for raw in found.digests.raw] == [
        each for each, is_good in zip(digits, good, strict=True) if is_good
    ]
    assert storage.plain_tags(b"", names) is None
    assert Folder(str(tmp_path)).repositories(b"", [b"repository"], "stat") is None


def test_what_lies_in_directories_of_repositories(tmp_path: Path) -> None:
    """Parts by name, names of everything else; an empty `_uploads` need not be looked at."""
    for path in (
        *("all/_layers", "all/_manifests/revisions", "all/_manifests/tags", "all/_uploads/id", "all/_referrers"),
        *("all/_odd", "all/below", "all/_manifests/_layers", "all/_manifests/other", "idle/_uploads", "none"),
    ):
        (tmp_path / path).mkdir(parents=True)
    for path in ("all/file", "all/_manifests/file", "idle/_layers", "idle/_file"):
        (tmp_path / path).touch()
    paths = ["idle", "all", "none", "all/below", "gone", "all/file"]
    found = look(tmp_path, *paths)
    parts = {b"_layers", b"_manifests", b"_uploads", b"_referrers", b"revisions", b"tags"}
    assert found.parts == [{b"_uploads"}, parts, frozenset(), frozenset(), None, None]
    below = {at: (sorted(names), sorted(files)) for at, (names, files) in found.below.items()}
    assert below == {0: ([], [b"_file", b"_layers"]), 1: ([b"below"], [b"file"])}
    assert [count(found, "_uploads", at) for at in range(2)] == [0, -1]
    assert [count(found, part, 1) for part in ("_layers", "revisions", "tags")] == [-1, -1, 0]


@pytest.mark.parametrize("place", ["repository/odd", "repository/_manifests/odd"])
def test_a_directory_of_odd_things_is_left_to_python(tmp_path: Path, place: str) -> None:
    for name in ("repository", "other"):
        tag(tmp_path / name / "_manifests/tags", "latest")
        link(tmp_path / name / "_layers/sha256" / HEX[0], HEX[0])
        (tmp_path / name / "file").touch()
    (tmp_path / place).symlink_to("elsewhere")
    found = look(tmp_path, "repository", "other")
    assert found.parts == [None, {b"_layers", b"_manifests", b"tags"}]
    assert found.below[1] == ([], [b"file"])
    assert hex_and_times(found.layers) == {(HEX[0], 1_700_000_000_123_456)}


def test_what_finds_no_room_is_left_to_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two layers each, and room for three digests; a name longer than all the room there is."""
    for name in ("one", "two"):
        for digits in HEX[:2]:
            link(tmp_path / name / "_layers/sha256" / digits, digits)
    (tmp_path / "three" / ("n" * 200)).mkdir(parents=True)
    monkeypatch.setattr(directories, "_DIGESTS", 3)
    monkeypatch.setattr(directories, "_NAMES", 190)
    monkeypatch.setattr(directories, "_rooms", directories._Rooms())
    for links in ("stat", "check"):
        found = look(tmp_path, "one", "two", "three", links=links)
        assert [count(found, "_layers", at) for at in range(3)] == [2, -1, -1]
        assert sorted(raw.tobytes().hex() for raw in found.layers.raw) == HEX[:2]
        assert found.parts[2] is None


@pytest.mark.parametrize("links", ["stat", "check", "open"])
def test_a_repository_of_many_odd_things_is_read_alike(
    tmp_path: Path, links: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More tags and revisions than are looked at with one call; in another repository each kind of oddity."""
    root = tmp_path / "storage"
    store = Store(root)
    config = image_config([b"layer"])
    manifest = image_manifest(config, [b"layer"])
    for data in (b"layer", config):
        store.blob(data)
    digests = [store.blob(json.dumps(manifest | {"annotations": {"n": str(n)}}).encode()) for n in range(300)]
    layers = [store.blob(b"layer"), *(f"sha256:{number:064x}" for number in range(300))]
    for repository, count in (("many", 300), ("few", 20)):
        for number, digest in enumerate(digests[:count]):
            store.tag(repository, f"v{number}", digest)
            store.revision(repository, digest)
            store.layer_link(repository, layers[number])
    layer = root.rglob(f"few/_layers/sha256/{layers[2][7:]}/link")
    next(layer).write_bytes(b"x")
    tags = next(root.rglob("few/_manifests/tags"))
    odd_tags(tags)
    (tags / "file").touch()
    tag(next(root.rglob("many/_manifests/tags")), "-no tag", digests[0][7:])
    revisions = next(root.rglob("few/_manifests/revisions"))
    (revisions / "sha256" / digests[0][7:] / "link").write_bytes(b"")
    (revisions / "sha256" / digests[1][7:] / "link").unlink()
    natively = read(root, links=links)
    monkeypatch.setattr(native, "library", lambda: None)
    plainly = read(root, links=links)
    assert len(natively.tags) > 300
    assert len(natively.problems) > 10
    assert_same_tables(natively, plainly)
