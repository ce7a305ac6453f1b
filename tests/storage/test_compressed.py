"""Compressed archives: what gzip and zstd themselves read is read, what they refuse is said to be damaged."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from regviz.errors import DamagedArchiveError, NotRecognisedError
from regviz.storage import open_storage
from tests.storage.archives import Archive, archives
from tests.storage.listing import by_tarfile, listing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMS = ("gz", "zst")


def plain_tar(sizes: tuple[int, ...] = (5, 0, 700, 3 << 20, 512)) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, size in enumerate(sizes):
            info = tarfile.TarInfo(f"member-{number}")
            info.size = size
            archive.addfile(info, io.BytesIO(bytes(i * i % 251 for i in range(1000)) * (size // 1000 + 1)))
    return buffer.getvalue()


def compress(form: str, data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0) if form == "gz" else zstandard.compress(data, 1)


def store(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "a.archive"  # the name does not say what it is
    path.write_bytes(data)
    return str(path)


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=40)
@given(archive=archives(), cuts=st.lists(st.integers(0, 20_000), max_size=3))
def test_members_and_frames_make_no_difference(
    tmp_path_factory: pytest.TempPathFactory, form: str, archive: Archive, cuts: list[int]
) -> None:
    """Any number of gzip members or zstd frames, cut wherever it be, is one archive."""
    folder, data = tmp_path_factory.mktemp("t"), archive.build()
    (folder / "plain.tar").write_bytes(data)
    borders = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [compress(form, data[start:stop]) for start, stop in zip(borders, borders[1:], strict=False)]
    assert listing(open_storage(store(folder, b"".join(parts)))) == by_tarfile(folder / "plain.tar")


@pytest.mark.parametrize("form", FORMS)
def test_contents_in_any_order(tmp_path: Path, form: str) -> None:
    """A stream goes forward only: what lies behind is reached by beginning again."""
    storage = open_storage(store(tmp_path, compress(form, plain_tar())))
    [batch] = storage.entries()
    order = [3, 0, 4, 2, 1, 3]
    found = dict(storage.read_many([batch.locators[i] for i in order], [batch.sizes[i] for i in order], 600))
    assert [len(found[number] or b"") for number in range(6)] == [600, 5, 512, 600, 0, 600]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.9999])
def test_one_that_breaks_off(tmp_path: Path, form: str, share: float) -> None:
    data = plain_tar((5, 0, 700, 100_000, 30_000, 512))
    packed = compress(form, data)
    path = store(tmp_path, packed[: int(len(packed) * share)])
    with pytest.raises(DamagedArchiveError, match=r"break off after \d+ bytes of content.*partial=True"):
        listing(open_storage(path))


@pytest.mark.parametrize("form", FORMS)
def test_what_came_before_the_break_is_kept(tmp_path: Path, form: str) -> None:
    """With partial=True; nothing that was unpacked may be lost, however large the pieces are that it is read in."""
    data = plain_tar((5, 0, 700, 100_000, 30_000, 512))
    (tmp_path / "plain.tar").write_bytes(data)
    whole = by_tarfile(tmp_path / "plain.tar")
    compressor: Callable[[bytes], bytes] = noisy_gzip if form == "gz" else noisy_zstd
    packed = compressor(data[: 512 * 4 + 1024])
    path = store(tmp_path, packed + compressor(data[512 * 4 + 1024 :])[:40])
    storage = open_storage(path, partial=True)
    found = listing(storage)
    assert found[:3] == whole[:3]
    assert [problem.rule for problem in storage.problems] == ["archive-truncated"]
    assert not storage.complete


def noisy_gzip(data: bytes) -> bytes:
    return gzip.compress(data, 0, mtime=0)


def noisy_zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=1, write_checksum=True).compress(data)


def test_a_flipped_bit(tmp_path: Path) -> None:
    for form in FORMS:
        frame = noisy_zstd(plain_tar()) if form == "zst" else compress(form, plain_tar())
        broken = bytearray(frame)
        broken[len(broken) // 2] ^= 0x10
        with pytest.raises(DamagedArchiveError, match="its compress"):
            listing(open_storage(store(tmp_path, bytes(broken))))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("garbage", [b"g", b"garbage", bytes(700)])
def test_what_stands_behind_the_archive(tmp_path: Path, form: str, garbage: bytes) -> None:
    """Garbage behind the end of the tar takes nothing away (gzip and GNU tar warn of it, and read all)."""
    (tmp_path / "plain.tar").write_bytes(plain_tar())
    path = store(tmp_path, compress(form, plain_tar()) + garbage)
    assert listing(open_storage(path)) == by_tarfile(tmp_path / "plain.tar")


def test_a_skippable_frame(tmp_path: Path) -> None:
    """zstd's format has frames that hold nothing of the content (zstd:chunked ends with one)."""
    (tmp_path / "plain.tar").write_bytes(plain_tar())
    skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
    data = plain_tar()
    parts = [zstandard.compress(data[:9000]), skippable, zstandard.compress(data[9000:]), skippable]
    assert listing(open_storage(store(tmp_path, b"".join(parts)))) == by_tarfile(tmp_path / "plain.tar")


def test_a_window_that_would_take_all_memory(tmp_path: Path) -> None:
    """`zstd --long=31` makes windows of 2 GiB, which zstd itself refuses to read without being told to."""
    plain = tmp_path / "plain.tar"
    plain.write_bytes(plain_tar())
    path = tmp_path / "long.zst"
    command = ["zstd", "-q", "--ultra", "--long=31", "--stream-size=2147483648", "-c", "-"]
    frame = subprocess.run(command, input=plain.read_bytes(), capture_output=True, check=False)
    header = frame.stdout or zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=30, compression_level=1)
    ).compressobj().compress(b"")
    path.write_bytes(header or huge_window(plain.read_bytes()))
    with pytest.raises(DamagedArchiveError, match="memory"):
        listing(open_storage(str(path)))


def huge_window(data: bytes) -> bytes:
    """A zstd frame that asks for a window of 2 GiB and holds one raw block (RFC 8878, 3.1.1)."""
    block = data[:1024]
    head = (len(block) << 3 | 1).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd" + bytes([0x00, (31 - 10) << 3]) + head + block


def test_a_bomb_is_read_in_pieces(tmp_path: Path) -> None:
    """A member of 1 GiB of zeros in 1 MB: memory stays at the pieces it is skipped in."""
    info = tarfile.TarInfo("bomb")
    info.size = 1 << 30
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    parts = [compressor.compress(info.tobuf())]
    parts += [compressor.compress(bytes(1 << 24)) for _ in range(64)]
    parts += [compressor.compress(tarfile.TarInfo("after").tobuf() + bytes(1024)), compressor.flush()]
    storage = open_storage(store(tmp_path, b"".join(parts)))
    assert [(entry.path, entry.size) for entry in listing(storage, limit=100)] == [(b"bomb", 1 << 30), (b"after", 0)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("content", [b"", b"text", b"text" * 500])
def test_compressed_and_no_tar(tmp_path: Path, form: str, content: bytes) -> None:
    with pytest.raises(NotRecognisedError, match="is compressed, and holds no tar archive"):
        open_storage(store(tmp_path, compress(form, content)))


@pytest.mark.parametrize("magic", [b"\x1f\x8b", b"\x28\xb5\x2f\xfd"])
def test_only_a_magic(tmp_path: Path, magic: bytes) -> None:
    with pytest.raises(DamagedArchiveError, match="its compress"):
        open_storage(store(tmp_path, magic))
