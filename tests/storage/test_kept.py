"""An archive that passes by once: what is kept of it, against the standard library's reading of the same bytes."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz.errors import DamagedArchiveError
from regviz.storage import open_storage
from regviz.storage.base import MANIFEST_LIMIT
from regviz.storage.kept import Kept, KeptTar
from regviz.storage.tar_headers import Scan
from tests.helpers import noise
from tests.storage.archives import BLOCK, Archive, archives, small_windows
from tests.storage.listing import by_tarfile, listing
from tests.storage.test_tar_hostile import PLAIN, base256, header, octal, pax

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = 8 * BLOCK


def in_pieces(data: bytes, length: int) -> Iterator[bytes]:
    return (data[start : start + length] for start in range(0, len(data), length))


def kept(data: bytes, length: int = 1 << 15, *, partial: bool = False) -> KeptTar:
    return KeptTar(Kept("an engine's answer", in_pieces(data, length)), partial=partial)


def archive_of(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@settings(max_examples=200)
@given(archives(), st.sampled_from([1, 7, 511, 512, 513, 5000, 1 << 20]), st.sampled_from([2, 3, 5, 8]))
def test_it_lists_what_tarfile_lists(archive: Archive, length: int, blocks: int) -> None:
    data = archive.build()
    with TemporaryDirectory() as folder, small_windows(blocks):
        path = Path(folder) / "a.tar"
        path.write_bytes(data)
        expected = [entry._replace(content=None) if entry.size > LARGE else entry for entry in by_tarfile(path)]
    with small_windows(blocks):
        assert listing(kept(data, length)) == expected


def test_documents_are_kept_and_layers_are_not() -> None:
    document = b' \n{"schemaVersion": 2, "rest": "' + b"x" * 20_000 + b'"}'
    contents = {
        "document": document,
        "list": b"[" + b" " * LARGE,
        "marked": b"\xef\xbb\xbf{" + b" " * LARGE,
        "layer": b"\x1f\x8b" + noise(9000),
        "small layer": b"\x1f\x8b" + noise(100),
        "too large": b"{" + b" " * MANIFEST_LIMIT,
        "as large as may be": b"{" + b" " * (MANIFEST_LIMIT - 1),
        "last": b"last",
    }
    found = {os.fsdecode(entry.path): entry for entry in listing(kept(archive_of(*contents.items())))}
    assert [name for name, entry in found.items() if entry.content is None] == ["layer", "too large"]
    for name, entry in found.items():
        assert entry.size == len(contents[name])
        assert entry.content in (None, contents[name])


def test_the_beginning_of_a_layer_is_kept() -> None:
    storage = kept(archive_of(("layer", b"\x1f\x8b" + bytes(9000))))
    [batch] = storage.entries()
    assert list(storage.read_many(batch.locators, batch.sizes, 6)) == [(0, b"\x1f\x8b\0\0\0\0")]


def test_layers_take_no_memory() -> None:
    """A hundred layers of a megabyte pass by; what stays is a thousandth of them."""
    layer = b"\x1f\x8b" + noise(1 << 20)
    data = archive_of(*((f"{number}/layer", layer) for number in range(100)))
    source = Kept("many", in_pieces(data, 1 << 15))
    source.read_on()
    assert source.size() == len(data) > 100 << 20
    assert sum(map(len, source._pages)) + len(source._last_page) < 200_000


@given(archives(), st.data())
def test_what_breaks_off_is_said_to(archive: Archive, choice: st.DataObject) -> None:
    """As a file that ends in the same place is said to."""
    data = archive.build()
    cut = data[: choice.draw(st.integers(BLOCK, len(data)))]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.tar"
        path.write_bytes(cut)
        whole = open_storage(str(path), partial=True)
        expected = [entry._replace(content=None) if entry.size > LARGE else entry for entry in listing(whole)]
    part = kept(cut, 700, partial=True)
    assert listing(part) == expected
    assert part.complete == whole.complete


def test_of_global_headers_what_says_nothing_is_let_go() -> None:
    """What is kept of them is looked at for each member."""
    records, buffer = {f"comment.{number}": "x" for number in range(1000)}, io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers=records | {"mtime": "7"}
    ) as made:
        made.addfile(tarfile.TarInfo("a"))
    source = Kept("an answer", in_pieces(buffer.getvalue(), 1 << 15))
    scan = Scan(source)
    assert sum(map(len, scan.batches())) == 1
    assert source._global == scan._global == {b"mtime": b"7"}


def test_an_answer_that_stops() -> None:
    data = archive_of(("first", b"first"), ("second", b"second"))

    def broken() -> Iterator[bytes]:
        yield data[: 3 * BLOCK]
        raise DamagedArchiveError("the engine does not go on")

    with pytest.raises(DamagedArchiveError, match="does not go on"):
        listing(KeptTar(Kept("an answer", broken())))
    with pytest.raises(DamagedArchiveError, match="does not go on"):
        KeptTar(Kept("an answer", broken())).read_on()
    part = KeptTar(Kept("an answer", broken()), partial=True)
    part.read_on()
    assert [entry.path for entry in listing(part)] == [b"first"]
    assert not part.complete


def test_what_is_no_archive() -> None:
    with pytest.raises(DamagedArchiveError, match="is no tar archive"):
        listing(kept(b"no archive at all" * 100))


SIZES = (0, 5, 600)
BLOCKS = st.sampled_from(
    [
        *(header(kind=bytes([kind]), size=octal(size)) for kind in b"0\x001257xgL" for size in SIZES),
        *(header(size=octal(size)) for size in (LARGE, LARGE + 1, 3 * LARGE)),
        *(header(size=base256(size)) for size in (2 * LARGE, 1 << 60, -1)),
        header(size=b"no number \0\0"),
        header(kind=b"S", size=octal(600))[:482] + b"\1" + octal(9999) + bytes(17),
        *(pax(size=size) for size in (b"99999", b"9" * 20, b"some")),
        header(kind=b"g", size=octal(13)) + b"13 size=9999\n".ljust(BLOCK, b"\0"),
        header(kind=b"x", size=octal(1 << 21)),
        b"{" * BLOCK,
        b"\x1f\x8b" * 256,
        bytes(BLOCK),
    ]
)


@settings(max_examples=600)
@given(st.lists(BLOCKS | st.binary(min_size=BLOCK, max_size=BLOCK), max_size=40), st.sampled_from([100, 512, 1 << 15]))
def test_it_goes_where_the_scan_goes(blocks: list[bytes], length: int) -> None:
    """What is dropped is content for both: of any blocks whatever the same members are told as of a file."""
    data = PLAIN + b"".join(blocks)
    with TemporaryDirectory() as folder, small_windows(2):
        path = Path(folder) / "a.tar"
        path.write_bytes(data)
        there = open_storage(str(path), partial=True)
        expected = listing(there, limit=1 << 16)
        here = kept(data, length, partial=True)
        found = listing(here, limit=1 << 16)
    assert [entry[:4] for entry in found] == [entry[:4] for entry in expected]
    for entry, other in zip(found, expected, strict=True):
        assert entry.content == other.content or (entry.content is None and entry.size > LARGE)
    assert [problem.rule for problem in here.problems] == [problem.rule for problem in there.problems]
    assert here.complete == there.complete
