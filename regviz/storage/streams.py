"""Compressed archives as a stream that is read forward, and from its beginning again for what lies behind."""

from __future__ import annotations

import io
import zlib
from typing import IO, TYPE_CHECKING, cast

from regviz.errors import DamagedArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_PIECE = 1 << 20
_LARGEST_ZSTD_WINDOW = 1 << 27  # what zstd itself takes without being asked for more (zstd manual, --long)


class Stream:
    """The decompressed bytes of a file, by offsets that rise; a smaller one begins again.

    Memory stays at a few pieces whatever the file expands to.
    """

    forward_only = True

    def __init__(self, path: str, opener: Callable[[str], IO[bytes]]) -> None:
        self.name = path
        self._opener = opener
        self._file = opener(path)
        self._at = 0
        self._end: int | None = None

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
            self._at = 0

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the end."""
        if offset < self._at:
            self.rewind()
        while self._at < offset:
            if not self._read(min(_PIECE, offset - self._at)):
                return b""
        pieces = []
        while count > 0 and (piece := self._read(min(_PIECE, count))):
            pieces.append(piece)
            count -= len(piece)
        return b"".join(pieces)

    def _read(self, count: int) -> bytes:
        from isal import igzip  # noqa: PLC0415  # loaded only for compressed archives

        import zstandard  # noqa: PLC0415

        try:
            piece = self._file.read(count)
        except EOFError as error:
            raise self._damaged("its compressed data break off") from error
        except (igzip.BadGzipFile, zlib.error, zstandard.ZstdError, OSError, ValueError) as error:
            raise self._damaged(f"its compression is broken ({error})") from error
        except Exception as error:
            if type(error).__module__.startswith("isal"):
                raise self._damaged(f"its compression is broken ({error})") from error
            raise
        self._at += len(piece)
        if not piece:
            self._end = self._at
        return piece

    def _damaged(self, what: str) -> DamagedArchiveError:
        return DamagedArchiveError(
            f"{self.name}: {what} after {self._at} bytes of content. "
            "Copy it again, or read what is there with partial=True (--partial)"
        )


def open_gzip(path: str) -> IO[bytes]:
    """A gzip file of any number of members."""
    from isal import igzip  # noqa: PLC0415

    return cast("IO[bytes]", igzip.open(path, "rb"))


class _Frames(io.RawIOBase):
    """zstd frames, one after the other, whose last one must be whole."""

    def __init__(self, path: str) -> None:
        import zstandard  # noqa: PLC0415

        self._source = open(path, "rb")  # noqa: SIM115  # closed in close()
        self._decoder = zstandard.ZstdDecompressor(max_window_size=_LARGEST_ZSTD_WINDOW)
        self._object = self._decoder.decompressobj()
        self._fed = False
        self._rest = b""
        self._ready = b""

    def read(self, count: int = -1) -> bytes:
        while not self._ready:
            data = self._rest or self._source.read(1 << 16)
            self._rest = b""
            if not data:
                if self._fed and not self._object.eof:
                    raise EOFError
                return b""
            if self._object.eof:
                self._object = self._decoder.decompressobj()
            self._ready = self._object.decompress(data)
            self._fed = True
            self._rest = self._object.unused_data
        piece, self._ready = (self._ready, b"") if count < 0 else (self._ready[:count], self._ready[count:])
        return piece

    def close(self) -> None:
        self._source.close()
        super().close()


def open_zstd(path: str) -> IO[bytes]:
    """A file of zstd frames."""
    return cast("IO[bytes]", _Frames(path))
