"""The tar scan against the standard library's, on archives of every kind that it writes."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz.errors import DamagedArchiveError
from regviz.storage import open_storage
from tests.storage.archives import BLOCK, Archive, archives, small_windows
from tests.storage.listing import by_tarfile, listing


def written(folder: str, data: bytes) -> Path:
    path = Path(folder) / "a.tar"
    path.write_bytes(data)
    return path


@settings(max_examples=200)
@given(archives(), st.sampled_from([2, 3, 5, 8]))
def test_the_scan_finds_what_tarfile_finds(archive: Archive, blocks: int) -> None:
    with TemporaryDirectory() as folder, small_windows(blocks):
        path = written(folder, archive.build())
        assert listing(open_storage(str(path))) == by_tarfile(path)


@given(archives())
def test_large_windows_find_the_same(archive: Archive) -> None:
    with TemporaryDirectory() as folder:
        path = written(folder, archive.build())
        assert listing(open_storage(str(path))) == by_tarfile(path)


@settings(max_examples=150)
@given(archives(), st.data())
def test_an_archive_cut_anywhere_is_said_to_be(archive: Archive, choice: st.DataObject) -> None:
    data = archive.build()
    with TemporaryDirectory() as folder:
        path = written(folder, data)
        with tarfile.open(path, "r:") as opened:
            members = opened.getmembers()
            borders = {0, *(member.offset_data + padded(member) for member in members)}
        whole = listing(open_storage(str(path)))
        end = max(borders)
        assert not any(data[end:])
        cut = choice.draw(st.integers(BLOCK, end + 2 * BLOCK))
        path.write_bytes(data[:cut])
        if cut >= end + BLOCK:
            assert listing(open_storage(str(path))) == whole
        elif cut in borders:
            storage = open_storage(str(path))
            listing(storage)
            assert [p.rule for p in storage.problems if p.rule.startswith("archive")] == ["archive-without-end"]
        else:
            with pytest.raises(DamagedArchiveError, match=r"a\.tar breaks off after \d+ bytes"):
                listing(open_storage(str(path)))
        partial = open_storage(str(path), partial=True)
        part = listing(partial)
        assert partial.complete == (cut >= end + BLOCK)
        kept = sum(member.offset_data + padded(member) <= cut for member in members)
        expected = Counter(by_tarfile(shortened(path, data, members[:kept])))
        assert expected <= Counter(part)
        more = [
            *(Counter(part) - expected).elements()
        ]  # the one that was cut: its header, and perhaps all but its padding
        assert more in ([], [e._replace(content=None) for e in more], [e for e in whole if e in more][:1])


def shortened(path: Path, data: bytes, members: list[tarfile.TarInfo]) -> Path:
    """An archive of the first members only."""
    end = max((member.offset_data + padded(member) for member in members), default=0)
    target = path.with_name("short.tar")
    target.write_bytes(data[:end] + bytes(2 * BLOCK))
    return target


def padded(member: tarfile.TarInfo) -> int:
    return (member.size + 511) // BLOCK * BLOCK if member.isreg() else 0


def test_contents_beyond_the_largest_window(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    sizes = [0, 511, 512, 513, (1 << 20) - 1, (1 << 20) + 1, 0, 3 << 20, 1, 512]
    with tarfile.open(path, "w") as archive:
        for number, size in enumerate(sizes):
            info = tarfile.TarInfo(f"member-{number}")
            info.size = size
            archive.addfile(info, io.BytesIO(bytes([number + 1]) * size))
    found = listing(open_storage(str(path)))
    assert found == by_tarfile(path)
    assert [entry.size for entry in found] == sizes


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("blocks", [2, 8, 1 << 12])
def test_names_of_every_length(tmp_path: Path, form: int, blocks: int) -> None:
    """In the name field, with a prefix, and in a header of their own; directories with their slash."""
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=form) as archive:
        for length in (1, 50, 99, 100, 101, 154, 155, 156, 200, 253, 254, 255, 256, 400, 510, 511, 512, 513, 2000):
            if form == tarfile.USTAR_FORMAT and not 2 < length < 255:
                continue
            front = "d" * min(length // 2, 154) + "/" if length > 2 else ""
            for kind in (tarfile.REGTYPE, tarfile.DIRTYPE):
                info = tarfile.TarInfo(front + "f" * (length - len(front)))
                info.type, info.size = kind, 5 if kind == tarfile.REGTYPE else 0
                if form == tarfile.USTAR_FORMAT and length - len(front) > 98:
                    continue
                archive.addfile(info, io.BytesIO(b"12345") if info.size else None)
    with small_windows(blocks):
        found = listing(open_storage(str(path)))
    assert found == by_tarfile(path)
    assert len(found) >= 14


def test_headers_within_contents_are_not_asked(tmp_path: Path) -> None:
    """A layer that is a tar, in a window with the members around it: thousands of headers that are none."""
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w") as archive:
        for number in range(300):
            archive.addfile(tarfile.TarInfo(f"inner-{number}"))
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for number in range(40):
            info = tarfile.TarInfo(f"outer-{number}")
            data = inner.getvalue()[: 512 * (number * 7)] if number % 2 else b"text"
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    found = listing(open_storage(str(path)))
    assert [entry.path for entry in found] == [b"outer-%d" % number for number in range(40)]
    assert found == by_tarfile(path)


@pytest.mark.parametrize("records", [{"path"}, {"path", "mtime"}, {"path", "mtime", "SCHILY.xattr.user.x"}])
def test_pax_headers_of_plain_members(tmp_path: Path, records: set[str]) -> None:
    """As Go's and Python's archivers write them: a path alone, with a time, with what must not be lost sight of."""
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        for number in range(500):
            info = tarfile.TarInfo(f"{'long/' * (number % 30)}{number}")
            info.mtime = number + 0.25 if "mtime" in records else number
            if "SCHILY.xattr.user.x" in records and number % 3 == 0:
                info.pax_headers["SCHILY.xattr.user.x"] = "é"
            info.size = number % 700
            archive.addfile(info, io.BytesIO(bytes(info.size)))
    assert listing(open_storage(str(path))) == by_tarfile(path)
