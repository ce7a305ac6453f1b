"""The headers of a tar archive, one after the other.

Most members of a registry's dump are small and plain, so most headers stand close together: a window of them is
looked at as one array. Whatever is unusual (a hard link, a file with holes, a number in base 256) is taken singly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from regviz.errors import DamagedArchiveError
from regviz.storage.base import BATCH, DIRECTORY, FILE, INLINE, OTHER, SYMLINK, Entries
from regviz.storage.tar_fields import (
    BLOCK,
    LONGEST_EXTENSION,
    header_time,
    length,
    member_name,
    microseconds,
    no_number,
    octal_columns,
    parse_pax,
    pax_length,
    verify,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.storage.tar import Source

_SMALLEST_WINDOW, _LARGEST_WINDOW = 8 * BLOCK, 2048 * BLOCK
NO_LOCATOR = -1

_NUL, _ZERO, _HARD_LINK, _SYMBOLIC, _DIRECTORY, _CONTIGUOUS = b"\x0001257"
_LONG_NAME, _LONG_LINK, _GNU_SPARSE, _GNU_DIRECTORY, _PAX, _PAX_GLOBAL = b"LKSDxg"
_REGULAR = frozenset((_NUL, _ZERO, _CONTIGUOUS))
_EXTENSIONS = frozenset((_LONG_NAME, _PAX))
_NO_DATA = frozenset(b"123456")
_KINDS = {_SYMBOLIC: SYMLINK, _DIRECTORY: DIRECTORY, _GNU_DIRECTORY: DIRECTORY}
_HARMLESS = frozenset((b"path", b"mtime", b"atime", b"ctime", b"uid", b"gid", b"uname", b"gname", b"comment"))

_PLAIN = np.zeros(256, np.bool_)
_PLAIN[[_NUL, _ZERO, _CONTIGUOUS, _DIRECTORY, _GNU_SPARSE, _LONG_NAME, _PAX]] = True
_MAGIC = np.frombuffer(b"ustar", np.uint8)


class _Window:
    """What a run of blocks would say if each were a header; those that lie within a content are never asked."""

    def __init__(self, buffer: bytes) -> None:
        count = len(buffer) // BLOCK
        blocks = np.frombuffer(buffer, np.uint8, count * BLOCK).reshape(count, BLOCK)
        kinds = blocks[:, 156]
        stored, stored_good = octal_columns(blocks[:, 124:135])
        self.mtime, mtime_good = octal_columns(blocks[:, 136:147])
        plain = _PLAIN[kinds] & stored_good & mtime_good & (blocks[:, 0] != 0)
        plain &= (blocks[:, 135] | blocks[:, 147]) & ~np.uint8(0x20) == 0  # eleven digits, and no twelfth
        plain &= (blocks[:, 257:262] == _MAGIC).all(axis=1)
        self.size = stored.copy()
        sparse = np.flatnonzero(kinds == _GNU_SPARSE)
        if len(sparse):
            self.size[sparse], real_good = octal_columns(blocks[sparse, 483:494])
            plain[sparse] &= real_good & (blocks[sparse, 482] == 0)
        self.blocks = blocks
        self.prefixed = (blocks[:, 345] != 0) & (blocks[:, 262] == 0)
        self.kind_column = kinds
        self.kinds: list[int] = kinds.tolist()
        self.plain: list[bool] = plain.tolist()
        self.stored: list[int] = stored.tolist()
        self.step: list[int] = (1 + np.where(kinds == _DIRECTORY, 0, (stored + 511) >> 9)).tolist()


class Scan:
    """One pass over the headers.

    Attributes
    ----------
    batch : Entries
        What was found since the last batch was given.
    hard_links : list of (bytes, bytes, int)
        Path and target of each hard link, and how many other members stand before it; they stand in no batch.
    symbolic_links : list of (bytes, bytes)
        Path and target of each symbolic link; they stand in the batches too.
    ended : bool
        The zero block that ends an archive was met.
    """

    def __init__(self, source: Source) -> None:
        self.batch = Entries()
        self.hard_links: list[tuple[bytes, bytes, int]] = []
        self.symbolic_links: list[tuple[bytes, bytes]] = []
        self.ended = False
        self._given = 0
        self._source = source
        self._buffer = b""
        self._base = 0
        self._size = _SMALLEST_WINDOW
        self._window: _Window | None = None
        self._global: dict[bytes, bytes] = {}

    def batches(self) -> Iterator[Entries]:
        """Batches of members; DamagedArchiveError where the archive breaks off or is none."""
        at: int | None = 0
        while at is not None:
            if at + 2 * BLOCK > self._base + len(self._buffer):
                self._fill(at)
                if len(self._buffer) < BLOCK:
                    self._finish(at, len(self._buffer))
                    break
            beyond = at if at == 0 or self._global else self._run(at)
            at = beyond if beyond > at else self._member(at)
            if len(self.batch.paths) >= BATCH:
                done, self.batch = self.batch, Entries()
                self._given += len(done.paths)
                yield done
        yield self.batch

    def _run(self, at: int) -> int:
        """Take the plain members that stand together in the buffer, all at once; returns where the next header is."""
        if self._window is None:
            self._window = _Window(self._buffer)
        window = self._window
        plain, step, kinds, count = window.plain, window.step, window.kinds, len(window.plain)
        members: list[int] = []
        long_names: list[tuple[int, bytes]] = []
        exact_times: list[tuple[int, bytes]] = []
        i = (at - self._base) // BLOCK
        begin = i
        while i < count and plain[i]:
            begin = i
            if kinds[i] in _EXTENSIONS:
                following = i + step[i]
                if following >= count or not plain[following] or kinds[following] in _EXTENSIONS:
                    break
                text = self._buffer[(i + 1) * BLOCK : (i + 1) * BLOCK + window.stored[i]]
                if kinds[i] == _LONG_NAME:
                    long_names.append((len(members), text.split(b"\0", 1)[0]))
                else:
                    pax = parse_pax(text)
                    if not pax.keys() <= _HARMLESS or kinds[following] == _GNU_SPARSE:
                        break
                    if b"path" in pax:
                        long_names.append((len(members), pax[b"path"]))
                    if b"mtime" in pax:
                        exact_times.append((len(members), pax[b"mtime"]))
                i = following
            members.append(i)
            i += step[i]
        if i > count and members and window.stored[members[-1]] <= INLINE:
            # a small content that the buffer cuts is taken with the next one
            last = len(members) - 1
            members.pop()
            long_names = [item for item in long_names if item[0] != last]
            exact_times = [item for item in exact_times if item[0] != last]
            i = begin
        if members:
            self._take(window, np.array(members), long_names, exact_times)
            return self._base + i * BLOCK
        return at

    def _take(
        self,
        window: _Window,
        rows: np.ndarray[tuple[int], np.dtype[np.int64]],
        long_names: list[tuple[int, bytes]],
        exact_times: list[tuple[int, bytes]],
    ) -> None:
        """Members of a window into the batch."""
        buffer, batch = self._buffer, self.batch
        names: list[bytes] = window.blocks[rows, :100].copy().view("S100").ravel().tolist()
        for row in np.flatnonzero(window.prefixed[rows]).tolist():
            names[row] = member_name(buffer, int(rows[row]) * BLOCK)
        for row, name in long_names:
            names[row] = name
        mtimes = (window.mtime[rows] * 1_000_000).tolist()
        for row, text in exact_times:
            mtimes[row] = microseconds(text, mtimes[row])
        kind = window.kind_column[rows]
        is_file = kind != _DIRECTORY
        if any(b"\0" in name for name in names):  # what follows the first NUL of a name field is no part of it
            names = [name.split(b"\0", 1)[0] for name in names]
        for row in np.flatnonzero(kind == _NUL).tolist():
            is_file[row] = not names[row].endswith(b"/")
        for row in np.flatnonzero(~is_file).tolist():
            names[row] = names[row].rstrip(b"/")
        sizes = np.where(is_file, window.size[rows], 0)
        starts = (rows + 1) * BLOCK
        small = is_file & (sizes <= INLINE) & (kind != _GNU_SPARSE) & (starts + sizes <= len(buffer))
        inline: list[bytes | None] = [None] * len(rows)
        for row, start, size in zip(
            np.flatnonzero(small).tolist(), starts[small].tolist(), sizes[small].tolist(), strict=True
        ):
            inline[row] = buffer[start : start + size]
        batch.paths += names
        batch.types += np.where(is_file, FILE, DIRECTORY).tolist()
        batch.sizes += sizes.tolist()
        batch.mtimes += mtimes
        batch.locators += np.where(kind == _GNU_SPARSE, NO_LOCATOR, starts + self._base).tolist()
        batch.inline += inline

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
            if kind not in (_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL):
                return self._single(header, at, size, name, link, self._global | pax)
            text = self._bytes(at + BLOCK, size)
            if kind == _LONG_NAME:
                name = text.split(b"\0", 1)[0]
            elif kind == _LONG_LINK:
                link = text.split(b"\0", 1)[0]
            elif kind == _PAX:
                pax = parse_pax(text)
            else:
                self._global |= parse_pax(text)
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
        if kind == _SYMBOLIC:
            self.symbolic_links.append((name, target))
        if kind == _HARD_LINK:
            self.hard_links.append((name, target, self._given + len(self.batch.paths)))
            return data
        shown, locator = size, data
        if kind == _GNU_SPARSE:
            shown, locator = length(header[483:495], at, self._source.name), NO_LOCATOR
            extended = header[482]
            while extended:
                extended = self._bytes(data, BLOCK)[504]
                data += BLOCK
        for key in (b"GNU.sparse.realsize", b"GNU.sparse.size"):
            known = pax_length(pax, key)
            if known is not None:
                shown, locator = known, NO_LOCATOR
        entry_kind = FILE if kind in _REGULAR or kind == _GNU_SPARSE else _KINDS.get(kind, OTHER)
        if kind == _NUL and name[-1:] == b"/":
            entry_kind = DIRECTORY
        is_file = entry_kind == FILE
        inline = self._bytes(data, shown) if is_file and locator >= 0 and shown <= INLINE else None
        batch = self.batch
        batch.paths.append(name.rstrip(b"/") if entry_kind == DIRECTORY else name)
        batch.types.append(entry_kind)
        batch.sizes.append(shown if is_file else 0)
        batch.mtimes.append(mtime)
        batch.locators.append(locator)
        batch.inline.append(inline)
        return data if kind in _NO_DATA else data + (size + 511 & -512)

    def _fill(self, at: int) -> None:
        """Have the bytes from `at` in the buffer; a window that grows while the headers stand close together."""
        end = self._base + len(self._buffer)
        self._size = min(2 * self._size, _LARGEST_WINDOW) if at <= end else _SMALLEST_WINDOW
        kept = self._buffer[at - self._base :] if self._base <= at < end else b""
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
