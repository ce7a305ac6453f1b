"""A tar archive that passes by once, kept in memory but for what no reader asks for: the contents of layers.

What an engine sends of a container is such an archive. It cannot be read twice, and when it is asked for again, what
lies there may have changed. So headers and documents are kept, compressed, and offsets stay those of the archive.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING

from regviz.errors import DamagedArchiveError
from regviz.storage.base import MANIFEST_LIMIT
from regviz.storage.tar import Tar
from regviz.storage.tar_fields import (
    BLOCK,
    EXTENSIONS,
    GNU_SPARSE,
    LONGEST_EXTENSION,
    NO_DATA,
    NO_LOCATOR,
    PAX,
    PAX_GLOBAL,
    heeded,
    length,
    no_number,
    parse_pax,
    pax_length,
    verify,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PAGE = 1 << 18
"""Kept bytes that are compressed together."""
_ALWAYS = 8 * BLOCK
"""Contents up to this length are kept whatever they are: links, tags, checksums."""
_DOCUMENT = (b"{", b"[", b"\xef\xbb\xbf")
"""What a larger one begins with, blanks aside, that readers may ask for: they are JSON."""
_GAP = b"\xff"
"""Stands for what was not kept: a scan that went astray meets neither a header nor an end in it."""


class Kept:
    """What is kept of an archive while it passes by; its pieces are taken as reading comes to them.

    Parameters
    ----------
    name : str
        What a person calls the archive.
    pieces : iterator of bytes
        The archive, in pieces of any length; it may raise DamagedArchiveError.
    """

    forward_only = True  # what is read in the order of offsets is decompressed once

    def __init__(self, name: str, pieces: Iterator[bytes]) -> None:
        self.name = name
        self._pieces = pieces
        self._has_ended = False
        self._damage: DamagedArchiveError | None = None
        self._passed = 0  # bytes of the archive that were kept, or let go
        self._rest = b""  # those behind, too few to decide on
        self._to_keep = self._to_drop = 0  # what is decided on and still to come
        self._is_over = False  # no header follows
        self._global: dict[bytes, bytes] = {}
        self._own: dict[bytes, bytes] = {}
        # runs of kept bytes: where each begins in the archive, and where in what was kept
        self._starts, self._places = array("q"), array("q")
        self._pages: list[bytes] = []
        self._last_page = bytearray()
        self._open_page = (-1, b"")

    def size(self) -> int | None:
        """Bytes in all, once the end was reached."""
        return self._passed if self._has_ended and self._damage is None else None

    def rewind(self) -> None:
        """Nothing to do: what was kept is there."""

    def expect(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Nothing to do: what was kept is there."""

    def read_on(self) -> None:
        """Take the rest of the archive."""
        while self._take():
            pass
        if self._damage is not None:
            raise self._damage

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`, fewer only at the end; what was not kept is filled up."""
        while self._passed < offset + count and self._take():
            pass
        end = min(offset + count, self._passed)
        if end <= offset and count and self._damage is not None:
            raise self._damage
        parts: list[bytes] = []
        run = bisect_right(self._starts, offset) - 1
        while offset < end:
            start, place, size = self._run(run)
            within = offset - start
            if within < size:
                parts.append(self._kept(place + within, min(size - within, end - offset)))
            else:
                run += 1
                following = self._starts[run] if run < len(self._starts) else end
                parts.append(_GAP * (min(following, end) - offset))
            offset += len(parts[-1])
        return b"".join(parts)

    def has(self, offset: int, count: int) -> bool:
        """Whether these bytes were kept; they have passed by."""
        start, _, size = self._run(bisect_right(self._starts, offset) - 1)
        return start <= offset and offset + count <= start + size

    def _run(self, number: int) -> tuple[int, int, int]:
        """Where a run begins in the archive, where in what was kept, and its length."""
        if not 0 <= number < len(self._starts):
            return 0, 0, 0
        place = self._places[number]
        following = self._places[number + 1] if number + 1 < len(self._places) else self._kept_bytes()
        return self._starts[number], place, following - place

    def _kept_bytes(self) -> int:
        return len(self._pages) * _PAGE + len(self._last_page)

    def _kept(self, place: int, count: int) -> bytes:
        """Bytes of what was kept."""
        parts: list[bytes] = []
        while count > 0:
            number, within = divmod(place, _PAGE)
            if number == len(self._pages):
                part = bytes(self._last_page[within : within + count])
            else:
                if self._open_page[0] != number:
                    import zstandard

                    self._open_page = number, zstandard.ZstdDecompressor().decompress(self._pages[number])
                part = self._open_page[1][within : within + count]
            parts.append(part)
            place += len(part)
            count -= len(part)
        return b"".join(parts)

    def _take(self) -> bool:
        """Take the next piece; whether there was one."""
        if self._has_ended:
            return False
        try:
            piece = next(self._pieces, None)
        except DamagedArchiveError as error:
            self._damage, piece = error, None
        if piece is None:
            self._put(self._rest)  # it breaks off within a header, or before what tells what a content is
            self._rest, self._has_ended = b"", True
            return False
        self._sort(self._rest + piece if self._rest else piece)
        return True

    def _sort(self, data: bytes) -> None:
        """Keep what is to be kept of the next bytes."""
        at = 0
        while at < len(data):
            if self._to_keep:
                part = data[at : at + self._to_keep]
                self._put(part)
                self._to_keep -= len(part)
                at += len(part)
            elif self._to_drop:
                count = min(self._to_drop, len(data) - at)
                self._passed += count
                self._to_drop -= count
                at += count
            elif self._is_over:
                self._to_drop = len(data) - at
            else:
                try:
                    if not self._decide(data, at):
                        break
                except DamagedArchiveError:  # the scan of the headers comes here too, and says it
                    self._is_over, self._to_keep = True, BLOCK
        self._rest = data[at:]

    def _put(self, data: bytes) -> None:
        kept = self._kept_bytes()
        if data and (not self._starts or self._starts[-1] + kept - self._places[-1] != self._passed):
            self._starts.append(self._passed)
            self._places.append(kept)
        self._passed += len(data)
        self._last_page += data
        while len(self._last_page) >= _PAGE:
            import zstandard  # loaded only for archives that are compressed, or are kept so

            self._pages.append(zstandard.ZstdCompressor(level=1).compress(self._last_page[:_PAGE]))
            del self._last_page[:_PAGE]

    def _decide(self, data: bytes, at: int) -> bool:
        """Decide on the header that begins here and on what belongs to it; False where more must be seen."""
        header = data[at : at + BLOCK]
        if len(header) < BLOCK:
            return False
        if not any(header):
            self._is_over, self._to_keep = True, BLOCK
            return True
        if header[257:262] != b"ustar" or not self._passed:
            verify(header, self._passed, self.name)
        kind, size = header[156], length(header[124:136], self._passed, self.name)
        if kind in EXTENSIONS:
            return self._decide_extension(kind, size, data, at + BLOCK)
        return self._decide_member(header, size, data, at)

    def _decide_extension(self, kind: int, size: int, data: bytes, content: int) -> bool:
        if size > LONGEST_EXTENSION:
            raise no_number(self._passed, self.name)
        if content + size > len(data):
            return False
        if kind == PAX:
            self._own = parse_pax(data[content : content + size])
        elif kind == PAX_GLOBAL:
            self._global |= heeded(parse_pax(data[content : content + size]))
        self._to_keep = BLOCK + _padded(size)
        return True

    def _decide_member(self, header: bytes, size: int, data: bytes, at: int) -> bool:
        said, kind, content = self._global | self._own, header[156], at + BLOCK
        if said.get(b"size", b"").isdigit():
            known = pax_length(said, b"size")
            if known is None:
                raise no_number(self._passed, self.name)
            size = known
        extended = header[482] if kind == GNU_SPARSE else 0
        while extended:
            if content - at > LONGEST_EXTENSION:
                raise no_number(self._passed, self.name)
            if content + BLOCK > len(data):
                return False
            extended = data[content + 504]
            content += BLOCK
        stored = 0 if kind in NO_DATA else _padded(size)
        kept = stored
        if stored > _ALWAYS:
            if content + BLOCK > len(data):
                return False
            if size > MANIFEST_LIMIT or not data[content : content + BLOCK].lstrip().startswith(_DOCUMENT):
                kept = BLOCK
        self._to_keep, self._to_drop, self._own = content - at + kept, stored - kept, {}
        return True


class KeptTar(Tar):
    """The members of an archive that passes by once; contents that were not kept cannot be read."""

    def __init__(self, source: Kept, *, partial: bool = False) -> None:
        super().__init__(source, partial=partial)
        self._kept = source

    def read_many(
        self, locators: Sequence[bytes | int], sizes: Sequence[int], limit: int
    ) -> Iterator[tuple[int, bytes | None]]:
        """Contents by offset, in the order of offsets."""
        there = [
            offset if isinstance(offset, int) and self._kept.has(offset, min(size, limit)) else NO_LOCATOR
            for offset, size in zip(locators, sizes, strict=True)
        ]
        return super().read_many(there, sizes, limit)

    def read_on(self) -> None:
        """Take the rest of the archive; where it breaks off, that is raised unless `partial` was asked for."""
        try:
            self._kept.read_on()
        except DamagedArchiveError:
            if not self._partial:
                raise


def _padded(size: int) -> int:
    return size + BLOCK - 1 & -BLOCK
