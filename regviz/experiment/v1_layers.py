"""A layer of an archive: its tar, and the same as a v1 client sends it. Everything passes in pieces."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, cast

import zstandard
from isal import isal_zlib

from regviz.errors import DamagedArchiveError
from regviz.layouts.docker.files import HEAD, compression
from regviz.storage.streams import gunzipped, unzstd
from regviz.world.compress import GZIP_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.storage.tar import PlainFile
    from regviz.world.v1_upload import Member

_PIECE = 1 << 20
_LONGEST_EMPTY = 10240
"""Bytes of a tar without members: two blocks of zeros, filled up to a record by some programs."""
_LEVEL = 3  # isal's best: as small as zlib's usual one, in a sixth of the time
_OPENERS = {"gzip": gunzipped, "zstd": unzstd}


class _Window:
    """A part of a file, as a file."""

    def __init__(self, file: PlainFile, at: int, size: int) -> None:
        self._file, self._at, self._left = file, at, size

    def read(self, count: int, /) -> bytes:
        data = self._file.read_at(self._at, min(count, self._left))
        self._at += len(data)
        self._left -= len(data)
        return data

    def close(self) -> None:
        """The archive stays open."""


class _Joined(io.RawIOBase):
    """Pieces as a file that is read forward."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # anything that bytes can be put into
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


@dataclass(frozen=True)
class Layer:
    """Where a layer lies in an archive.

    Attributes
    ----------
    file : PlainFile
    at, size : int
        Its first byte, and how many.
    shown : str
        What it is called there.
    diff_id : str
        What its tar must have; empty where nobody says.
    """

    file: PlainFile
    at: int
    size: int
    shown: str
    diff_id: str = ""

    @cached_property
    def _compression(self) -> str:
        return compression(self.file.read_at(self.at, min(HEAD, self.size)))

    def pieces(self) -> Iterator[bytes]:
        """The tar.

        Raises
        ------
        DamagedArchiveError
            It breaks off, or its compression does.
        """
        window = _Window(self.file, self.at, self.size)
        if self._compression == "none":
            yield from iter(lambda: window.read(_PIECE), b"")
            return
        if self._compression not in _OPENERS:
            raise self._damaged(f"it is compressed by {self._compression}, which docker does not write")
        opened = _OPENERS[self._compression](window)
        try:
            while piece := opened.read1(_PIECE):
                yield piece
        except EOFError as error:
            raise self._damaged("its compressed data break off") from error
        except (cast("type[Exception]", isal_zlib.error), zstandard.ZstdError, ValueError) as error:
            raise self._damaged(f"its compression is broken ({error})") from error

    def check(self) -> None:
        """Read it once, before anything is written or sent.

        Raises
        ------
        DamagedArchiveError
            It is not what the image's configuration says.
        """
        if self.diff_id and self._diff_id != self.diff_id:
            raise self._damaged(f"its diff ID is {self._diff_id}, and the image's configuration says another")

    @cached_property
    def _diff_id(self) -> str:
        total = hashlib.sha256()
        for piece in self.pieces():
            total.update(piece)
        return f"sha256:{total.hexdigest()}"

    @cached_property
    def is_empty(self) -> bool:
        """Whether it changes no file."""
        size = 0
        for piece in self.pieces():
            size += len(piece)
            if size > _LONGEST_EMPTY or piece.strip(b"\0"):
                return False
        return True

    def sent(self) -> Iterator[bytes]:
        """The layer as docker sent it: by gzip; what is so compressed already is sent as it is."""
        if self._compression == "gzip":
            window = _Window(self.file, self.at, self.size)
            yield from iter(lambda: window.read(_PIECE), b"")
            return
        deflate = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
        checksum = size = 0
        yield GZIP_HEADER
        for piece in self.pieces():
            checksum = isal_zlib.crc32(piece, checksum)
            size += len(piece)
            if done := deflate.compress(piece):
                yield done
        yield deflate.flush() + checksum.to_bytes(4, "little") + (size & 0xFFFFFFFF).to_bytes(4, "little")

    def members(self) -> Iterator[Member]:
        """Headers and contents of its tar."""
        try:
            with tarfile.open(fileobj=io.BufferedReader(_Joined(self.pieces()), _PIECE), mode="r|") as opened:
                for member in opened:
                    opened.members = []  # type: ignore[attr-defined]  # a layer may have millions
                    content = opened.extractfile(member) if member.isreg() else None
                    yield member, iter(partial(content.read, _PIECE), b"") if content is not None else b""
        except (tarfile.TarError, ValueError, EOFError) as error:
            raise self._damaged(f"it is no tar that can be read ({error})") from error

    def _damaged(self, why: str) -> DamagedArchiveError:
        return DamagedArchiveError(f"the layer {self.shown} of {self.file.name}: {why}; save the image again")
