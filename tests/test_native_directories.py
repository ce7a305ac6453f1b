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


def test_links_and_their_times(tmp_path: Path) -> None:
    for number, digits in enumerate(HEX):
        link(tmp_path / "sha256" / digits, digits, 1_000_000 + number)
    (tmp_path / "sha256" / HEX[1] / "link").unlink()
    shutil.rmtree(tmp_path / "sha256" / HEX[2])
    (tmp_path / "sha256" / HEX[2]).mkdir()
    found = directories.digests(os.fsencode(tmp_path), most=4, linked=True)
    assert found is not None
    assert {(raw.tobytes().hex(), time) for raw, time in zip(found.raw, found.times.tolist(), strict=True)} == {
        (HEX[0], 1_000_000_123_456),
        (HEX[3], 1_000_003_123_456),
    }
    found = directories.digests(os.fsencode(tmp_path), most=4, linked=False)
    assert found is not None
    assert (sorted(raw.tobytes().hex() for raw in found.raw), len(found.times)) == (HEX, 0)
    assert directories.digests(os.fsencode(tmp_path), most=3, linked=False) is None


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
    root = tmp_path / "links"
    for digits in HEX[:2]:
        link(root / "sha256" / digits, digits)
    assert directories.digests(os.fsencode(root), most=9, linked=True) is not None
    (ODD_LINKS | ODD_MEASURED)[odd](root)
    assert directories.digests(os.fsencode(root), most=9, linked=True) is None
    unmeasured = directories.digests(os.fsencode(root), most=9, linked=False)
    assert (unmeasured is None) == (odd in ODD_LINKS)


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


def test_tags_that_were_pushed_once(tmp_path: Path) -> None:
    odd_tags(tmp_path)
    path = os.fsencode(tmp_path)
    counted = (tmp_path / "once/index").lstat().st_nlink == 3  # not by btrfs, which has every index listed
    found = directories.tags(path, 99)
    assert found is not None
    assert names_of(found, found.once) == ({"once", "again"} if counted else set())
    said = zip(sorted(names_of(found, found.once)), sorted(map(bytes, found.digests.raw), reverse=True), strict=True)
    assert [(name, raw.hex()) for name, raw in said] == [("again", HEX[2]), ("once", HEX[1])][: 2 * counted]
    assert sorted(found.digests.times.tolist()) == [7_123_456, 8_123_456][: 2 * counted]
    assert names_of(found, found.once | True) == {path.name for path in tmp_path.iterdir()}
    names = found.names.split(b"\0")[:-1]
    descriptor = os.open(tmp_path, os.O_RDONLY)
    again = directories.tags_of(descriptor, names)
    os.close(descriptor)
    for one, other in zip(
        (found.names, *found.digests, found.once), (again.names, *again.digests, again.once), strict=True
    ):
        assert np.array_equal(np.asarray(one), np.asarray(other))
    assert directories.tags(path, len(names) - 1) is None
    (tmp_path / "file").touch()
    assert directories.tags(path, 99) is None
    assert directories.tags(os.fsencode(tmp_path / "file"), 99) is None


def test_such_tags_are_those_that_python_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd_tags(tmp_path)
    found = directories.tags(os.fsencode(tmp_path), 99)
    assert found is not None
    names = found.names.split(b"\0")[:-1]
    monkeypatch.setattr(native, "library", lambda: None)
    storage = Folder(str(tmp_path))
    contents, times = storage.read_links(b"", names, b"/current/link")
    usual = [(content or b"")[:7] == LINK and (content or b"")[7:].decode() in HEX for content in contents]
    digits = [(content or b"")[7:] if good else b"" for content, good in zip(contents, usual, strict=True)]
    lone = storage.lone_digests(b"", [*zip(names, digits, strict=True)])
    assert found.once.tolist() == lone
    assert found.digests.times.tolist() == [time for time, alone in zip(times, lone, strict=True) if alone]
    assert [raw.tobytes().hex().encode() for raw in found.digests.raw] == [
        each for each, alone in zip(digits, lone, strict=True) if alone
    ]
    assert storage.plain_tags(b"") is None
    assert storage.plain_tags(b"", names) is None
    assert storage.whole_links(b"", measured=False) is None


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
