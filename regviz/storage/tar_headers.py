"""The headers of a tar archive, one after the other.

Most members of a registry's dump are small and plain, so most headers stand close together: a window of them is
looked at as one array. Whatever is unusual (a hard link, a file with holes, a number in base 256) is taken singly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.errors import DamagedArchiveError
from regviz.storage.base import BATCH, DIRECTORY, FILE, INLINE, OTHER, SYMLINK, Columns, Entries
from regviz.storage.spans import Spans
from regviz.storage.tar_fields import (
    BLOCK,
    CONTIGUOUS,
    DIRECTORY_FLAG,
    EXTENSIONS,
    GNU_DIRECTORY,
    GNU_SPARSE,
    HARD_LINK,
    LONG_LINK,
    LONG_NAME,
    LONGEST_EXTENSION,
    NO_DATA,
    NO_LOCATOR,
    NUL,
    PAX,
    SYMBOLIC,
    ZERO,
    header_time,
    heeded,
    length,
    member_name,
    microseconds,
    no_number,
    parse_pax,
    pax_length,
    verify,
)
from regviz.storage.tar_window import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from regviz.storage.tar import Source

_SMALLEST_WINDOW, _LARGEST_WINDOW = 8 * BLOCK, 8192 * BLOCK
_SHORT_WAY = 128 * BLOCK
"""Beyond a window within which its successor is as large: contents so short are read with the headers around them."""
_FEWEST_BLOCKS = 64
"""Of a window that arrays look at: for fewer they cost more than they save."""

_REGULAR = frozenset((NUL, ZERO, CONTIGUOUS))
_KINDS = {SYMBOLIC: SYMLINK, DIRECTORY_FLAG: DIRECTORY, GNU_DIRECTORY: DIRECTORY}


class Scan:
    """One pass over the headers.

    Attributes
    ----------
    hard_links : list of (bytes, bytes, int)
        Path and target of each hard link, and how many other members stand before it; they stand in no batch.
    symbolic_links : list of (bytes, bytes)
        Path and target of each symbolic link; they stand in the batches too.
    ended : bool
        The zero block that ends an archive was met.
    """

    def __init__(self, source: Source) -> None:
        self.hard_links: list[tuple[bytes, bytes, int]] = []
        self.symbolic_links: list[tuple[bytes, bytes]] = []
        self.ended = False
        self._source = source
        self._buffer = b""
        self._base = 0
        self._size = _SMALLEST_WINDOW
        self._window: Window | None = None
        self._global: dict[bytes, bytes] = {}
        self._met = 0
        self._ready: list[Entries] = []
        # since the last batch: members of the window that stand together, and those that were taken singly
        self._stretches: list[tuple[int, int]] = []
        self._together = 0
        self._singles = Entries()
        self._places: list[int] = []  # how many of those that stand together come before each single one

    def batches(self) -> Iterator[Entries]:
        """Batches of members; DamagedArchiveError where the archive breaks off or is none, and then :meth:`rest`."""
        at: int | None = 0
        while at is not None:
            if at + 2 * BLOCK > self._base + len(self._buffer):
                self._fill(at)
                if len(self._buffer) < BLOCK:
                    self._finish(at, len(self._buffer))
                    break
            beyond = at if at == 0 or self._global else self._stretch(at)
            at = beyond if beyond > at else self._member(at)
            if len(self._singles.paths) >= BATCH:
                self._settle()
            yield from self._ready
            self._ready.clear()
        yield from self.rest()

    def rest(self) -> Iterator[Entries]:
        """What was found since the last batch."""
        self._settle()
        yield from self._ready
        self._ready.clear()

    def _stretch(self, at: int) -> int:
        """Take the plain members that stand together in the buffer, all at once; returns where the next header is."""
        if len(self._buffer) < _FEWEST_BLOCKS * BLOCK:
            return at
        if self._window is None:
            self._window = Window(self._buffer, self._base)
        row = (at - self._base) // BLOCK
        first, last = self._window.stretch(row)
        if first < last:
            count = self._window.members(first, last)
            self._stretches.append((first, last))
            self._together += count
            self._met += count
            return self._base + self._window.beyond(last) * BLOCK
        if row and self._window.is_cut(row):
            self._fill(at)
            return self._stretch(at)
        return at

    def _settle(self) -> None:
        """Make a batch of what was found."""
        singles, places = self._singles, self._places
        if self._stretches and self._window is not None:
            columns = self._window.columns(self._stretches)
            self._ready.append(Entries(_merged(columns, singles.columns(), places) if places else columns))
            self._stretches, self._together = [], 0
        elif places:
            self._ready.append(singles)
        self._singles, self._places = Entries(), []

    def _member(self, at: int) -> int | None:
        """Take one member with the headers that extend it; returns where the next stands, None at the end."""
        name = link = None
        pax: dict[bytes, bytes] = {}
        while True:
            header = self._bytes(at, BLOCK)
            if not any(header):
                self.ended = True
                return None
            if header[257:262] != b"ustar" or at == 0:
                verify(header, at, self._source.name)
            kind, size = header[156], length(header[124:136], at, self._source.name)
            if kind not in EXTENSIONS:
                return self._single(header, at, size, name, link, self._global | pax)
            text = self._bytes(at + BLOCK, size)
            if kind == LONG_NAME:
                name = text.split(b"\0", 1)[0]
            elif kind == LONG_LINK:
                link = text.split(b"\0", 1)[0]
            elif kind == PAX:
                pax = parse_pax(text)
            else:
                self._global |= heeded(parse_pax(text))
            at += BLOCK + (size + 511 & -512)

    def _single(
        self, header: bytes, at: int, size: int, name: bytes | None, link: bytes | None, pax: dict[bytes, bytes]
    ) -> int:
        """Take the member of this header; returns where the next header stands."""
        kind, data = header[156], at + BLOCK
        name = pax.get(b"GNU.sparse.name", pax.get(b"path", name))
        if name is None:
            name = member_name(header, 0)
        name = name.split(b"\0", 1)[0]
        mtime = header_time(header[136:148], at, self._source.name)
        if b"mtime" in pax:
            mtime = microseconds(pax[b"mtime"], mtime)
        if pax.get(b"size", b"").isdigit():
            known = pax_length(pax, b"size")
            if known is None:
                raise no_number(at, self._source.name)
            size = known
        target = pax.get(b"linkpath", link)
        if target is None:
            target = header[157:257].split(b"\0", 1)[0]
        if kind == SYMBOLIC:
            self.symbolic_links.append((name, target))
        if kind == HARD_LINK:
            self.hard_links.append((name, target, self._met))
            return data
        shown, locator = size, data
        if kind == GNU_SPARSE:
            shown, locator = length(header[483:495], at, self._source.name), NO_LOCATOR
            extended = header[482]
            while extended:
                extended = self._bytes(data, BLOCK)[504]
                data += BLOCK
        for key in (b"GNU.sparse.realsize", b"GNU.sparse.size"):
            known = pax_length(pax, key)
            if known is not None:
                shown, locator = known, NO_LOCATOR
        entry_kind = FILE if kind in _REGULAR or kind == GNU_SPARSE else _KINDS.get(kind, OTHER)
        if kind == NUL and name[-1:] == b"/":
            entry_kind = DIRECTORY
        is_file = entry_kind == FILE
        inline = self._bytes(data, shown) if is_file and locator >= 0 and shown <= INLINE else None
        batch = self._singles
        batch.paths.append(name.rstrip(b"/") if entry_kind == DIRECTORY else name)
        batch.types.append(entry_kind)
        batch.sizes.append(shown if is_file else 0)
        batch.mtimes.append(mtime)
        batch.locators.append(locator)
        batch.inline.append(inline)
        self._places.append(self._together)
        self._met += 1
        return data if kind in NO_DATA else data + (size + 511 & -512)

    def _fill(self, at: int) -> None:
        """Have the bytes from `at` in the buffer; a window that grows while the headers stand close together."""
        if self._stretches:
            self._settle()  # they lie in the buffer
        end = self._base + len(self._buffer)
        if at <= end:
            self._size = min(2 * self._size, _LARGEST_WINDOW)
        elif at > end + _SHORT_WAY:
            self._size = _SMALLEST_WINDOW
        is_near = self._source.forward_only and self._base <= at < end
        kept = self._buffer[at - self._base :] if is_near else b""
        try:
            more = self._source.read_at(at + len(kept), self._size)
        except DamagedArchiveError:
            if len(kept) < BLOCK:
                raise
            more = b""  # what stands before the damage comes first
        self._buffer = kept + more
        self._base, self._window = at, None

    def _bytes(self, at: int, size: int) -> bytes:
        if size > LONGEST_EXTENSION:
            message = f"{self._source.name} is damaged at byte {at}: a header of {size} bytes"
            raise DamagedArchiveError(message)
        if at + size > self._base + len(self._buffer):
            self._size = max(self._size, size)
            self._fill(at)
        data = self._buffer[at - self._base : at - self._base + size]
        if len(data) < size:
            self._finish(at + size, 1)
        return data

    def _finish(self, at: int, left: int) -> None:
        """Where no header follows: say whether the archive only has no end mark, or breaks off."""
        if self._source.size() is None:  # a stream that breaks off: reading on says how
            self._source.read_at(self._base + len(self._buffer), 1)
        size = self._source.size()
        if left or (size is not None and at > size):
            message = (
                f"{self._source.name} breaks off after {size} bytes, within a member: the copy is not complete. "
                "Copy it again, or read what is there with partial=True (--partial)"
            )
            raise DamagedArchiveError(message)


def _merged(columns: Columns, singles: Columns, places: list[int]) -> Columns:
    """Members taken together and singly, in their order."""
    first, more = columns.paths, singles.paths
    behind = len(first.data)
    data = first.data + more.data + bytes(BLOCK)  # for the gathering of what begins near the end

    def put(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
        return np.insert(one, places, other)

    return Columns(
        Spans(data, put(first.starts, more.starts + behind), put(first.stops, more.stops + behind)),
        put(columns.types, singles.types),
        put(columns.sizes, singles.sizes),
        put(columns.mtimes, singles.mtimes),
        put(columns.locators, singles.locators),
        put(columns.contents, np.where(singles.contents < 0, -1, singles.contents + behind)),
    )
