"""Compressed archives as a stream that is read forward, and from its beginning again for what lies behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from regviz.errors import DamagedArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_PIECE, _INPUT = 1 << 20, 1 << 16
_LARGEST_ZSTD_WINDOW = 1 << 27  # what zstd itself takes without being asked for more (zstd manual, --long)


class Raw(Protocol):
    """Bytes as they come."""

    def read(self, count: int, /) -> bytes:
        """So many bytes; fewer only at the end."""

    def close(self) -> None:
        """End it."""


class Pieces(Protocol):
    """A decompressor on its way through a file."""

    def read1(self, count: int, /) -> bytes:
        """At most `count` bytes, what is at hand; nothing at the end."""

    def close(self) -> None:
        """Close the file."""


class Stream:
    """The decompressed bytes of a file, by offsets that rise; a smaller one begins again.

    Memory stays at a few pieces whatever the file expands to.
    """

    forward_only = True

    def __init__(self, path: str, opener: Callable[[str], Pieces]) -> None:
        self.name = path
        self._opener = opener
        self._file = opener(path)
        self._at = 0
        self._end: int | None = None
        self._damage: DamagedArchiveError | None = None

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()

    def size(self) -> int | None:
        """Bytes in all, once the end was reached."""
        return self._end

    def rewind(self) -> None:
        """Begin again."""
        if self._at:
            self._file.close()
            self._file = self._opener(self.name)
            self._at, self._damage = 0, None

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the end, or before damage that the next reading raises."""
        if offset < self._at:
            self.rewind()
        while self._at < offset:
            if not self._read(min(_PIECE, offset - self._at)):
                return b""
        pieces: list[bytes] = []
        while count > 0:
            try:
                piece = self._read(min(_PIECE, count))
            except DamagedArchiveError:
                if pieces:
                    break
                raise
            if not piece:
                break
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def read_on(self) -> None:
        """Read to the end, so that what is wrong there is met (the checksums, for one)."""
        while self._read(_PIECE):
            pass

    def expect(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Nothing to do: it is read in this order anyway."""

    def _read(self, count: int) -> bytes:
        import zstandard  # loaded only for compressed archives
        from isal import isal_zlib

        if self._damage is None:
            try:
                piece = self._file.read1(count)
            except EOFError:
                self._damage = self._damaged("its compressed data break off")
            except (cast("type[Exception]", isal_zlib.error), zstandard.ZstdError, OSError, ValueError) as error:
                self._damage = self._damaged(f"its compression is broken ({error})")
        if self._damage is not None:
            raise self._damage
        self._at += len(piece)
        if not piece:
            self._end = self._at
        return piece

    def _damaged(self, what: str) -> DamagedArchiveError:
        return DamagedArchiveError(
            f"{self.name}: {what} after {self._at} bytes of content. "
            "Copy it again, or read what is there with partial=True (--partial)"
        )


class _Members:
    """gzip members, one after the other (RFC 1952); what stands behind the last one is ignored, as gzip does."""

    def __init__(self, source: Raw) -> None:
        self._source = source
        self._member = _gzip_member()
        self._rest = b""

    def read1(self, count: int, /) -> bytes:
        while True:
            data = self._rest or self._source.read(_INPUT)
            if self._member.eof:
                data += self._source.read(len(GZIP)) if len(data) < len(GZIP) else b""
                if not data.startswith(GZIP):
                    return b""
                self._member = _gzip_member()
            if not data:
                raise EOFError
            ready: bytes = self._member.decompress(data, count)
            self._rest = self._member.unconsumed_tail or self._member.unused_data
            if ready:
                return ready

    def close(self) -> None:
        self._source.close()


def _gzip_member() -> Any:  # isal has no type for it
    from isal import isal_zlib

    return isal_zlib.decompressobj(wbits=16 + isal_zlib.MAX_WBITS)


def open_gzip(path: str) -> Pieces:
    """A gzip file of any number of members."""
    return gunzipped(open(path, "rb"))  # closed in close()


def gunzipped(source: Raw) -> Pieces:
    """What a gzip file holds, wherever its bytes come from."""
    return _Members(source)


class _Frames:
    """zstd frames, one after the other, fed to the decoder block by block (RFC 8878, section 3.1.1).

    No block holds more than 128 KiB, so memory is bounded whatever the file expands to, and a frame that breaks off is
    told from one that ends.
    """

    def __init__(self, source: Raw) -> None:
        import zstandard

        self._source = source
        self._decoder = zstandard.ZstdDecompressor(max_window_size=_LARGEST_ZSTD_WINDOW)
        self._frame = self._decoder.decompressobj()
        self._in_frame = self._has_checksum = False
        self._ready = b""

    def read1(self, count: int, /) -> bytes:
        while not self._ready:
            piece = self._block() if self._in_frame else self._frame_header()
            if not piece:
                return b""
            self._ready = self._frame.decompress(piece)
        data, self._ready = self._ready[:count], self._ready[count:]
        return data

    def _frame_header(self) -> bytes:
        """The header of the next frame, those that hold no content passed over; empty where none follows."""
        while magic := self._source.read(4):
            if magic == ZSTD:
                descriptor = self._exactly(1)
                said = descriptor[0]
                single, self._has_checksum = said >> 5 & 1, bool(said >> 2 & 1)
                rest = 1 - single + (0, 1, 2, 4)[said & 3] + (single, 2, 4, 8)[said >> 6]
                self._frame, self._in_frame = self._decoder.decompressobj(), True
                return magic + descriptor + self._exactly(rest)
            if magic[1:] != b"\x2a\x4d\x18" or magic[0] >> 4 != 5:
                break  # what stands behind the last frame is ignored, as with gzip
            left = int.from_bytes(self._exactly(4), "little")
            while left:
                left -= len(self._exactly(min(left, _PIECE)))
        return b""

    def _block(self) -> bytes:
        """The next block with its header; behind the last one the checksum, if there is one."""
        head = self._exactly(3)
        said = int.from_bytes(head, "little")
        is_last, is_repeated, size = said & 1, said >> 1 & 3 == 1, said >> 3
        body = self._exactly(1 if is_repeated else size)
        if is_last:
            self._in_frame = False
            body += self._exactly(4 if self._has_checksum else 0)
        return head + body

    def _exactly(self, count: int) -> bytes:
        data = self._source.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def close(self) -> None:
        self._source.close()


def open_zstd(path: str) -> Pieces:
    """A file of zstd frames."""
    return unzstd(open(path, "rb"))  # closed in close()


def unzstd(source: Raw) -> Pieces:
    """What a file of zstd frames holds, wherever its bytes come from."""
    return _Frames(source)
