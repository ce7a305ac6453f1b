"""Zip archives: names and times as different writers keep them, and members that lie about themselves."""

from __future__ import annotations

import datetime as dt
import stat
import struct
import subprocess
import tracemalloc
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz.errors import DamagedArchiveError
from regviz.storage import open_storage
from regviz.storage.base import DIRECTORY, FILE, OTHER, SYMLINK
from tests.helpers import noise
from tests.storage.listing import Entry, listing

if TYPE_CHECKING:
    from pathlib import Path

SIZES = st.sampled_from([0, 1, 511, 512, 513, 5000, 100_000])
NAMES = st.lists(st.text("abé中 .", min_size=1, max_size=5), min_size=1, max_size=3).map("/".join)


def safe(name: str) -> str:
    return "/".join(part for part in name.split("/") if part not in ("", "."))


@settings(max_examples=60)
@given(st.dictionaries(NAMES.filter(lambda n: safe(n) == n and ".." not in n.split("/")), SIZES, max_size=8), st.data())
def test_what_zipfile_writes(
    tmp_path_factory: pytest.TempPathFactory, sizes: dict[str, int], choice: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("t") / "a.zip"
    expected = []
    with zipfile.ZipFile(path, "w") as archive:
        for number, (name, size) in enumerate(sizes.items()):
            when = choice.draw(st.datetimes(dt.datetime(1980, 1, 1), dt.datetime(2107, 1, 1)))  # noqa: DTZ001
            member = zipfile.ZipInfo(name, when.timetuple()[:6])
            member.compress_type = choice.draw(
                st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2])
            )
            data = bytes([number + 1]) * size
            archive.writestr(member, data)
            seconds = int(when.replace(microsecond=0, tzinfo=dt.UTC).timestamp()) // 2 * 2  # DOS counts in twos
            expected.append(Entry(name.encode(), FILE, size, seconds * 1_000_000, data))
    assert listing(open_storage(str(path))) == expected


def test_what_info_zip_writes(tmp_path: Path) -> None:
    """`zip` keeps UTC times in an extended timestamp, Unix modes, and symbolic links as links (-y)."""
    folder = tmp_path / "f"
    (folder / "d/e").mkdir(parents=True)
    (folder / "d/file").write_bytes(b"x" * 600)
    (folder / "größe").write_bytes(b"y")
    (folder / "link").symlink_to("/etc/passwd")
    for path in folder.rglob("*"):
        subprocess.run(["touch", "-h", "-d", "2014-05-13 15:51:49 UTC", path], check=True)
    subprocess.run(["zip", "-q", "-r", "-y", "../a.zip", "."], cwd=folder, check=True)
    found = {entry.path: entry[1:] for entry in listing(open_storage(str(tmp_path / "a.zip")))}
    when = 1_399_996_309_000_000
    assert found == {
        b"d": (DIRECTORY, 0, when, None),
        b"d/e": (DIRECTORY, 0, when, None),
        b"d/file": (FILE, 600, when, b"x" * 600),
        "größe".encode(): (FILE, 1, when, b"y"),
        b"link": (SYMLINK, 0, when, None),
    }


def test_names_of_dos(tmp_path: Path) -> None:
    """Without the UTF-8 flag a name is code page 437's; its bytes are what it was."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("n_me", b"x")
    path.write_bytes(path.read_bytes().replace(b"n_me", b"n\x84me"))
    assert [entry.path for entry in listing(open_storage(str(path)))] == [b"n\x84me"]


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (stat.S_IFLNK, SYMLINK),
        (stat.S_IFIFO, OTHER),
        (stat.S_IFCHR, OTHER),
        (stat.S_IFDIR, DIRECTORY),
        (stat.S_IFREG, FILE),
        (0, FILE),
    ],
)
@pytest.mark.parametrize("system", [0, 3])
def test_kinds_are_unix_modes(tmp_path: Path, mode: int, kind: int, system: int) -> None:
    path = tmp_path / "a.zip"
    member = zipfile.ZipInfo("a")
    member.create_system, member.external_attr = system, mode << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, b"x")
    assert [entry.kind for entry in listing(open_storage(str(path)))] == [kind if system == 3 else FILE]


def test_paths_that_lead_out_are_said_once(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../x", "a/../../y", "/etc/passwd", "./b//c", "d/"):
            archive.writestr(name, b"")
    storage = open_storage(str(path))
    for _ in range(2):
        assert [entry.path for entry in listing(storage)] == [b"etc/passwd", b"b/c", b"d"]
    assert [(p.rule, p.path) for p in storage.problems] == [("path-escapes", b"../x"), ("path-escapes", b"a/../../y")]


def test_a_time_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("a", (1980, 1, 1, 0, 0, 0)), b"")
    path.write_bytes(path.read_bytes().replace(struct.pack("<HH", 0, 33), bytes(4)))  # month 0, day 0
    assert [entry.mtime for entry in listing(open_storage(str(path)))] == [0]


@pytest.mark.parametrize(
    "extra", [b"UT", b"UT\x05\x00\x01", b"UT\x05\x00\x00\x01\x01\x01\x01", b"\xff\xff\xff\xff", b"UT\x00\x00" * 5]
)
def test_extra_fields_that_are_cut(tmp_path: Path, extra: bytes) -> None:
    path = tmp_path / "a.zip"
    member = zipfile.ZipInfo("a", (2014, 5, 13, 15, 51, 48))
    member.extra = extra
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, b"x")
    try:
        storage = open_storage(str(path))
    except DamagedArchiveError:
        return  # zipfile itself refuses some
    assert [entry.mtime for entry in listing(storage)] == [1_399_996_308_000_000]


def test_a_broken_member_takes_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a", "b", "c"):
            archive.writestr(name, name.encode() * 700)
    path.write_bytes(path.read_bytes().replace(b"b" * 700, b"b" * 699 + b"x"))
    storage = open_storage(str(path))
    for _ in range(2):
        assert [(entry.content or b"")[:1] for entry in listing(storage)] == [b"a", b"", b"c"]
    assert [(p.rule, p.path) for p in storage.problems] == [("unreadable", b"b")]
    assert not storage.complete


def test_a_bomb_is_read_as_far_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("bomb", "w") as file:
        for _ in range(64):
            file.write(bytes(1 << 22))
    assert [len(entry.content or b"") for entry in listing(open_storage(str(path)), limit=1000)] == [1000]


def test_a_bomb_of_bzip2_that_says_it_is_small(tmp_path: Path) -> None:
    """`zipfile` itself has bzip2 give all that a piece expands to, and cuts that down to what was asked for."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive, archive.open("bomb", "w") as file:
        for _ in range(64):
            file.write(bytes(1 << 20))
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.rindex(b"PK\1\2") + 24, 100)
    path.write_bytes(data)
    tracemalloc.start()
    try:
        storage = open_storage(str(path))
        assert [(batch.sizes, batch.inline) for batch in storage.entries()] == [([100], [None])]
        assert [*storage.read_many([0], [100], 1000)] == [(0, None)]
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_the_sum_of_a_bzip2_member_is_looked_at(tmp_path: Path) -> None:
    path, content = tmp_path / "a.zip", noise(700)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a", content)
    for limit in (5, 700, 1000):
        assert [entry.content for entry in listing(open_storage(str(path)), limit=limit)] == [content[:limit]]
    path.write_bytes(path.read_bytes().replace(struct.pack("<I", zlib.crc32(content)), bytes(4)))
    storage = open_storage(str(path))
    assert [entry.content for entry in listing(storage)] == [None]
    assert [(p.rule, p.path) for p in storage.problems] == [("unreadable", b"a")]


def test_lzma_is_not_read(tmp_path: Path) -> None:
    """Its decompressor cannot be held to what was asked for, nor to what it says of damage."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", b"x" * 700)
        archive.writestr("b", b"y" * 700, zipfile.ZIP_DEFLATED)
    storage = open_storage(str(path))
    assert [entry.content for entry in listing(storage)] == [None, b"y" * 700]
    assert [(p.rule, p.path) for p in storage.problems] == [("unreadable", b"a")]


@pytest.mark.parametrize("name", [b"", b"\0", b"\0ame"])
def test_members_without_a_name(name: bytes, tmp_path: Path) -> None:
    path, named = tmp_path / "a.zip", b"name"[: len(name)]
    with zipfile.ZipFile(path, "w") as archive:
        with archive.open(zipfile.ZipInfo(named.decode()), "w") as file:
            file.write(b"x")
        archive.writestr("last", b"y")
    path.write_bytes(path.read_bytes().replace(named, name) if name else path.read_bytes())
    assert [entry.path for entry in listing(open_storage(str(path)))] == [each for each in (name, b"last") if each]


def test_an_archive_without_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"x" * 1000)
    path.write_bytes(path.read_bytes()[:800])
    with pytest.raises(DamagedArchiveError, match=r"a\.zip is a zip archive that cannot be read .*: copy it again"):
        open_storage(str(path))


def test_an_empty_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w"):
        pass
    assert listing(open_storage(str(path))) == []


@settings(max_examples=100)
@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 60))
def test_any_damage_whatever(tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int, more: int) -> None:
    path = tmp_path_factory.mktemp("t") / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("a", "b/c"):
            archive.writestr(name, name.encode() * 300)
    data = bytearray(path.read_bytes())
    data[at : at + len(noise)] = noise
    path.write_bytes(b"PK\x03\x04" + bytes(data[4:]) + noise[:more])
    try:
        listing(open_storage(str(path)), limit=1 << 20)
    except DamagedArchiveError as error:
        assert "\n" not in str(error)
