"""Headers that no tool writes, and some that only old ones did: none may hang, crash or lead out of the archive."""

from __future__ import annotations

import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz.errors import DamagedArchiveError, NotRecognisedError
from regviz.storage import open_storage
from regviz.storage.base import DIRECTORY, FILE
from tests.storage.archives import BLOCK, small_windows
from tests.storage.listing import by_tarfile, listing

if TYPE_CHECKING:
    from pathlib import Path

END = bytes(2 * BLOCK)


def header(
    name: bytes = b"a",
    *,
    size: bytes = b"00000000000\0",
    mtime: bytes = b"00000000001\0",
    kind: bytes = b"0",
    magic: bytes = b"ustar\x0000",
    link: bytes = b"",
    prefix: bytes = b"",
    signed: bool = False,
) -> bytes:
    """A header as POSIX.1-2024 (pax, "ustar Interchange Format") lays it out."""
    fields = [name.ljust(100, b"\0"), b"0000644\0" * 3, size, mtime, b" " * 8, kind, link.ljust(100, b"\0"), magic]
    block = b"".join(fields).ljust(345, b"\0") + prefix.ljust(155, b"\0") + bytes(12)
    total = sum(byte - 256 if signed and byte > 127 else byte for byte in block)
    return block[:148] + f"{total:06o}\0 ".encode() + block[156:]


def octal(value: int) -> bytes:
    return f"{value:011o}\0".encode()


def base256(value: int) -> bytes:
    return (value % (1 << 96) | (1 << 95)).to_bytes(12, "big")


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def pax(**records: bytes) -> bytes:
    """A pax extended header: LENGTH KEYWORD=VALUE, the length counting itself."""
    text = b""
    for keyword, value in records.items():
        rest = b" " + keyword.replace("_", ".").encode() + b"=" + value + b"\n"
        width = len(rest) + 1
        while width != len(rest) + len(str(width)):
            width += 1
        text += str(width).encode() + rest
    return header(b"pax", size=octal(len(text)), kind=b"x") + padded(text)


PLAIN = header(b"first", size=octal(5)) + padded(b"first")


def archive(tmp_path: Path, *blocks: bytes) -> str:
    path = tmp_path / "a.tar"
    path.write_bytes(b"".join([PLAIN, *blocks, header(b"last", size=octal(4)), padded(b"last"), END]))
    return str(path)


@pytest.mark.parametrize("value", [5, 512, 1 << 33])
def test_sizes_and_times_in_base_256(tmp_path: Path, value: int) -> None:
    data = b"x" * min(value, 512)
    member = header(size=base256(len(data)), mtime=base256(value)) + padded(data)
    path = archive(tmp_path, member)
    found = listing(open_storage(path))
    assert found == by_tarfile(tmp_path / "a.tar")
    assert found[1][2:] == (len(data), value * 1_000_000, data)


def test_sizes_and_times_of_twelve_octal_digits(tmp_path: Path) -> None:
    """Some writers leave no place for a terminator (libarchive reads it, as tarfile does)."""
    member = header(size=f"{600:012o}".encode(), mtime=f"{1 << 34:012o}".encode()) + padded(b"x" * 600)
    path = archive(tmp_path, header(b"0"), member)
    found = listing(open_storage(path))
    assert found == by_tarfile(tmp_path / "a.tar")
    assert found[2][2:4] == (600, (1 << 34) * 1_000_000)


@pytest.mark.parametrize("size", [-1, -BLOCK, -2 * BLOCK, -(1 << 40), 1 << 62, 1 << 80])
@pytest.mark.parametrize("kind", [b"0", b"L", b"x", b"g", b"7", b"A"])
@pytest.mark.parametrize("partial", [False, True])
def test_sizes_that_cannot_be(tmp_path: Path, size: int, kind: bytes, partial: bool) -> None:  # noqa: FBT001
    path = archive(tmp_path, header(size=base256(size), kind=kind))
    storage = open_storage(path, partial=partial)
    if not partial:
        with pytest.raises(DamagedArchiveError, match="damaged at byte"):
            listing(storage)
    else:
        assert listing(storage)[0].content == b"first"
        assert [problem.rule for problem in storage.problems] == ["archive-truncated"]


@pytest.mark.parametrize("value", [b"-1", b"9" * 19, b"9" * 30, b"9" * 5000, b"1_000", b"soon", b"\xd9\xa3", b""])
@pytest.mark.parametrize("keyword", ["size", "mtime", "GNU_sparse_realsize", "GNU_sparse_size"])
def test_pax_numbers_that_cannot_be(tmp_path: Path, keyword: str, value: bytes) -> None:
    path = archive(tmp_path, pax(**{keyword: value}), header())
    storage = open_storage(path, partial=True)
    found = listing(storage)
    assert found[0].content == b"first"
    if not storage.problems:
        assert [entry.path for entry in found] == [b"first", b"a", b"last"]
        assert 0 <= found[1].size < 1 << 62


@pytest.mark.parametrize("mtime", [1 << 50, -(1 << 50), (1 << 62) - 1])
def test_times_far_away_are_none(tmp_path: Path, mtime: int) -> None:
    """Microseconds of such a time fit no 64-bit number; the member itself is well."""
    path = archive(tmp_path, header(mtime=base256(mtime)))
    assert [(entry.path, entry.mtime) for entry in listing(open_storage(path))][1] == (b"a", 0)


def test_a_blank_size_is_none(tmp_path: Path) -> None:
    path = archive(tmp_path, header(b"a", size=bytes(12)), header(b"b", size=b" " * 12))
    assert [entry[:3] for entry in listing(open_storage(path))][1:3] == [(b"a", FILE, 0), (b"b", FILE, 0)]


def test_text_where_a_number_belongs(tmp_path: Path) -> None:
    path = archive(tmp_path, header(b"a", size=b"lots of it  "))
    with pytest.raises(DamagedArchiveError, match="damaged at byte 1024: a header holds no number"):
        listing(open_storage(path))


def test_headers_before_posix(tmp_path: Path) -> None:
    """Unix V7: no magic, no prefix; Sun's tar summed signed bytes."""
    old = header(b"old\xe9", size=octal(3), magic=bytes(8), signed=True) + padded(b"old")
    gnu = header(b"gnu", magic=b"ustar  \0", prefix=b"12345670123") + header(b"d/", kind=b"\0", magic=bytes(8))
    path = archive(tmp_path, old, gnu)
    found = listing(open_storage(path))
    expected = by_tarfile(tmp_path / "a.tar")  # it takes GNU's access time for a prefix; GNU tar itself does not
    assert found == [e._replace(path=e.path.removeprefix(b"12345670123/")) for e in expected]
    assert [entry[:2] for entry in found[1:4]] == [(b"old\xe9", FILE), (b"gnu", FILE), (b"d", DIRECTORY)]


def test_a_damaged_header_says_where(tmp_path: Path) -> None:
    broken = bytearray(header(b"broken", magic=bytes(8)))
    broken[0] ^= 1
    path = archive(tmp_path, bytes(broken))
    with pytest.raises(DamagedArchiveError, match="damaged at byte 1024: no header of a member stands there"):
        listing(open_storage(path))


def test_a_first_header_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(b"\x01" + PLAIN[1:] + END)
    with pytest.raises(NotRecognisedError, match="no archive that regviz reads"):
        open_storage(str(path))


def test_a_name_longer_than_any_path(tmp_path: Path) -> None:
    path = archive(tmp_path, header(b"l", size=octal((1 << 20) + 1), kind=b"L") + bytes(BLOCK))
    with pytest.raises(DamagedArchiveError, match="a header of 1048577 bytes"):
        listing(open_storage(path))


def test_extensions_without_a_member(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(PLAIN + pax(path=b"lost") + END)
    storage = open_storage(str(path))
    assert [entry.path for entry in listing(storage)] == [b"first"]
    path.write_bytes(PLAIN + pax(path=b"lost"))
    with pytest.raises(DamagedArchiveError):
        listing(open_storage(str(path)))


@pytest.mark.parametrize("blocks", [2, 64])
def test_names_end_at_a_nul(tmp_path: Path, blocks: int) -> None:
    with small_windows(blocks):
        path = archive(tmp_path, header(b"a\0b"), pax(path=b"c\0d"), header(), pax(path=b"e\0", size=b"0"), header())
        assert [entry.path for entry in listing(open_storage(path))] == [b"first", b"a", b"c", b"e", b"last"]


@pytest.mark.parametrize("blocks", [2, 64])
def test_a_name_of_its_own_stands_for_name_and_prefix(tmp_path: Path, blocks: int) -> None:
    long = header(b"././@LongLink", size=octal(5), kind=b"L", magic=b"ustar  \0") + padded(b"long\0")
    with small_windows(blocks):
        path = archive(tmp_path, long, header(prefix=b"x"), pax(path=b"pax"), header(prefix=b"x"), header(prefix=b"x"))
        assert [entry.path for entry in listing(open_storage(path))] == [b"first", b"long", b"pax", b"x/a", b"last"]


@pytest.mark.parametrize("blocks", [2, 64])
def test_pax_records_that_change_more_than_name_and_time(tmp_path: Path, blocks: int) -> None:
    sized = pax(path=b"sized", size=b"700") + header() + padded(b"x" * 700)
    sparse = pax(path=b"sparse", GNU_sparse_realsize=b"9000") + header(size=octal(3)) + padded(b"abc")
    with small_windows(blocks):
        found = listing(open_storage(archive(tmp_path, header(b"0"), sized, header(b"1"), sparse, header(b"2"))))
    assert [(entry.path, entry.size) for entry in found[1:-1]] == [
        (b"0", 0),
        (b"sized", 700),
        (b"1", 0),
        (b"sparse", 9000),
        (b"2", 0),
    ]
    assert [entry.content for entry in found[2:5]] == [b"x" * 700, b"", None]


def test_paths_that_lead_out_are_said_once(tmp_path: Path) -> None:
    path = archive(
        tmp_path, header(b"../x"), header(b"a/../../y"), header(b"/etc/passwd"), header(b"./"), header(b"a/..")
    )
    storage = open_storage(path)
    for _ in range(2):
        assert [entry.path for entry in listing(storage)] == [b"first", b"etc/passwd", b"last"]
    assert [(problem.rule, problem.path) for problem in storage.problems] == [
        ("path-escapes", b"../x"),
        ("path-escapes", b"a/../../y"),
        ("path-escapes", b"a/.."),
    ]


def test_a_hard_link_leads_nowhere_outside(tmp_path: Path) -> None:
    links = [
        header(name, kind=b"1", link=target) for name, target in ((b"x", b"../first"), (b"y", b"later"), (b"z", b"z"))
    ]
    path = archive(tmp_path, header(b"../first"), *links, header(b"later"))
    storage = open_storage(path)
    assert [entry.path for entry in listing(storage)] == [b"first", b"later", b"last"]
    assert [problem.path for problem in storage.problems if problem.rule == "hard-link"] == [b"x", b"y", b"z"]


def test_a_hard_link_is_the_file_as_it_was_then(tmp_path: Path) -> None:
    path = archive(
        tmp_path,
        header(b"one", kind=b"1", link=b"./first"),
        header(b"two", kind=b"1", link=b"one"),
        header(b"first", size=octal(3)) + padded(b"new"),
        header(b"three", kind=b"1", link=b"first"),
    )
    found = {entry.path: entry.content for entry in listing(open_storage(path))}
    assert (found[b"one"], found[b"two"], found[b"three"]) == (b"first", b"first", b"new")


def test_bytes_behind_the_end_are_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    for end in (END, bytes(BLOCK)):  # GNU tar warns of a lone zero block, and takes it for the end
        path.write_bytes(PLAIN + end + b"garbage" * 999)
        storage = open_storage(str(path))
        assert [entry.content for entry in listing(storage)] == [b"first"]
        assert not storage.problems


def test_an_archive_without_members(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(END)
    storage = open_storage(str(path))
    assert (listing(storage), storage.problems) == ([], {})


@pytest.mark.parametrize("blocks", [2, 64])
@pytest.mark.parametrize("said", [{"mtime": "7.5"}, {"path": "all"}, {"size": "0"}, {}])
def test_global_headers(tmp_path: Path, said: dict[str, str], blocks: int) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "x", **said}) as opened:
        for name in ("a", "b" * 90, "c"):
            opened.addfile(tarfile.TarInfo(name))
    with small_windows(blocks):
        found = listing(open_storage(str(path)))
    assert found == by_tarfile(path)
    assert {entry.mtime for entry in found} == {7_500_000 if "mtime" in said else 0}
    assert len({entry.path for entry in found}) == (1 if "path" in said else 3)


@pytest.mark.parametrize("form", ["gnu", "pax-0.0", "pax-0.1", "pax-1.0"])
@pytest.mark.parametrize("holes", [1, 30])
def test_files_with_holes(tmp_path: Path, form: str, holes: int) -> None:
    """Their lengths are known; what lies behind them is found; their contents are not put together."""
    folder = tmp_path / "f"
    folder.mkdir()
    with (folder / "sparse").open("wb") as file:
        for hole in range(1, holes + 1):
            file.seek(hole << 20)
            file.write(b"data")
    (folder / "tail").write_bytes(b"tail")
    path = tmp_path / "a.tar"
    kind, _, version = form.partition("-")
    more = [f"--sparse-version={version}"] if version else []
    subprocess.run(
        ["tar", "-C", folder, "--sparse", f"--format={kind}", *more, "-cf", path, "sparse", "tail"], check=True
    )
    found, expected = listing(open_storage(str(path))), by_tarfile(path)
    assert found[0] == expected[0]._replace(content=None)
    assert found[0].size == (holes << 20) + 4
    assert found[1] == expected[1]


@settings(max_examples=300)
@given(
    st.lists(
        st.binary(min_size=BLOCK, max_size=BLOCK) | st.sampled_from([PLAIN, header(b"x" * 100, kind=b"x")]), max_size=4
    ),
    st.booleans(),
)
def test_any_blocks_whatever(tmp_path_factory: pytest.TempPathFactory, blocks: list[bytes], magic: bool) -> None:  # noqa: FBT001
    """Blocks of noise, with the magic at its place so that they are looked into."""
    path = tmp_path_factory.mktemp("t") / "a.tar"
    noise = [block[:257] + b"ustar\x0000" + block[265:] if magic and len(block) == BLOCK else block for block in blocks]
    path.write_bytes(PLAIN + b"".join(noise))
    with small_windows(2):
        found = listing(open_storage(str(path), partial=True), limit=1 << 16)
    assert found[0].content == b"first"
