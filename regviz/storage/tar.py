"""A tar archive, read in place: an own scan of the headers, then contents by offset.

POSIX ustar, pax and GNU headers as GNU tar's manual ("Basic Tar Format") and POSIX.1-2024 (pax, "ustar Interchange
Format") define them: GNU long names (L, K), pax extended headers (x, g) with path, size, mtime, linkpath and
GNU.sparse.*, sizes in base 256, old GNU sparse files (S), hard links.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from regviz.errors import DamagedArchiveError
from regviz.storage.base import FILE, Counted, Entries, StorageProblem
from regviz.storage.spans import Spans, gather
from regviz.storage.tar_fields import BLOCK, EXTENSIONS, verify
from regviz.storage.tar_headers import Scan
from regviz.text import count_noun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from regviz.storage.base import Columns

_SLASH = ord("/")
_WINDOWS, _WINDOW = 32, 1 << 20
_MOMENT = 2.0  # seconds


class Source(Protocol):
    """Bytes by offset; offsets never fall within one reading of a compressed source."""

    name: str
    forward_only: bool

    def size(self) -> int | None:
        """Bytes in all; None where only reading to the end would tell."""

    def rewind(self) -> None:
        """Begin again."""

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the end."""

    def read_on(self) -> None:
        """Have what is wrong with the rest of the source raised."""

    def expect(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Be told offsets and lengths of what will be read, in this order; what is far away may fetch it together."""


class PlainFile:
    """An uncompressed archive on disk."""

    forward_only = False

    def __init__(self, path: str) -> None:
        self.name = path
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._pread = getattr(os, "pread", self._seek_and_read)
        self._lock = threading.Lock()

    def __del__(self) -> None:
        if hasattr(self, "_descriptor"):
            os.close(self._descriptor)

    def size(self) -> int | None:
        """Bytes in all."""
        return os.fstat(self._descriptor).st_size

    def rewind(self) -> None:
        """Nothing to do: every offset is as near."""

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the end."""
        data: bytes = self._pread(self._descriptor, count, offset)
        while len(data) < count and (more := self._pread(self._descriptor, count - len(data), offset + len(data))):
            data += more
        return data

    def _seek_and_read(self, descriptor: int, count: int, offset: int) -> bytes:
        """As pread, which Windows does not have."""
        with self._lock:
            os.lseek(descriptor, offset, os.SEEK_SET)
            return os.read(descriptor, count)

    def read_on(self) -> None:
        """Nothing to do."""

    def expect(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Nothing to do: the system reads ahead."""


class Tar:
    """The members of a tar archive.

    Parameters
    ----------
    source : Source
        Where the bytes come from; a stream that is decompressed on the way is one too.
    partial : bool
        Go on with what was read where the archive ends too early, instead of raising.
    """

    walkable = False
    by_path = False
    knows_disk = False

    def __init__(self, source: Source, *, partial: bool = False) -> None:
        self.uri = source.name
        self.problems: dict[StorageProblem, None] = {}
        self.complete = True
        self.forward_only = source.forward_only
        self._source = source
        self._partial = partial
        self._targets: dict[bytes, bytes] = {}

    def count_objects(self) -> Counted:
        """The members: counted in a small archive, else told by the headers in some windows of a large one."""
        size = self._source.size()
        if size is None or size <= _WINDOWS * _WINDOW:
            return self._counted_from_the_start()
        found = 0
        for number in range(_WINDOWS):
            start = number * (size - _WINDOW) // (_WINDOWS - 1) // BLOCK * BLOCK
            data = self._source.read_at(start, _WINDOW)
            found += sum(_is_header(data, at) for at in _magic_at(data))
        read = _WINDOWS * _WINDOW
        how = f"headers in {_WINDOWS} windows of {count_noun(_WINDOW >> 20, 'MiB', 'MiB')}; archives inside count too"
        return Counted(round(found * size / read), exact=False, how=how)

    def _counted_from_the_start(self) -> Counted:
        """Members as far as a moment goes."""
        scan, count = Scan(self._source), 0
        until = time.monotonic() + _MOMENT
        try:
            for batch in self._scanned(scan):
                count += len(batch)
                if time.monotonic() > until and not scan.ended:
                    return Counted(count, exact=False, how="at least: what was met before it took too long")
        except DamagedArchiveError as error:
            return Counted(count, exact=False, how=f"at least: {error}", breaks_off=True)
        return Counted(count + len(scan.hard_links), exact=True, how="its headers were counted")

    def entries(self) -> Iterator[Entries]:
        """All members that can be told apart by a safe path, in the archive's order; hard links at the end."""
        scan = Scan(self._source)
        for batch in self._scanned(scan):
            yield self._checked(batch)
        self._targets = {safe: target for path, target in scan.symbolic_links if (safe := safe_path(path))}
        if scan.hard_links:
            yield self._resolved(scan.hard_links)

    def _scanned(self, scan: Scan) -> Iterator[Entries]:
        """The members as they stand in the archive, as far as it goes."""
        self._source.rewind()
        try:
            yield from scan.batches()
            if scan.ended:
                self._source.read_on()
        except DamagedArchiveError as error:
            if not self._partial:
                raise
            self._incomplete("archive-truncated", str(error))
            yield from scan.rest()
        else:
            if not scan.ended:
                self._incomplete("archive-without-end", "the two zero blocks that end an archive are missing")

    def link_target(self, path: bytes) -> bytes | None:
        """What a symbolic link says."""
        return self._targets.get(path)

    def read_many(
        self, locators: Sequence[bytes | int], sizes: Sequence[int], limit: int
    ) -> Iterator[tuple[int, bytes | None]]:
        """Contents by offset, in the order of offsets."""
        self._source.rewind()
        order = sorted(range(len(locators)), key=locators.__getitem__)
        lengths = ((locators[number], min(sizes[number], limit)) for number in order)
        self._source.expect([(at, length) for at, length in lengths if isinstance(at, int) and at >= 0])
        for number in order:
            offset, wanted = locators[number], min(sizes[number], limit)
            if not isinstance(offset, int) or offset < 0:
                yield number, None
                continue
            try:
                data = self._source.read_at(offset, wanted)
            except DamagedArchiveError:
                if not self._partial:
                    raise
                data = b""
            yield number, data if len(data) == wanted else None

    def _resolved(self, links: list[tuple[bytes, bytes, int]]) -> Entries:
        """Hard links as the files they link to, found by a second scan: each as it stood before the link."""
        wanted = {safe for _, target, _ in links if (safe := safe_path(target))}
        there: dict[bytes, tuple[int, int, int, bytes | None]] = {}
        found = Entries()
        number, at = 0, 0

        def link(path: bytes, target: bytes) -> None:
            facts = there.get(safe_path(target) or b"")
            if facts is None:
                self._say("hard-link", path, "it links to nothing in this archive")
                return
            size, mtime, offset, inline = facts
            for column, value in zip(_lists(found), (path, FILE, size, mtime, offset, inline), strict=True):
                column.append(value)
            safe = safe_path(path)
            if safe in wanted:  # a link to a link
                there[safe] = facts

        for batch in self._scanned(Scan(self._source)):
            for path, kind, *facts in zip(*_lists(batch), strict=True):
                while at < len(links) and links[at][2] <= number:
                    link(*links[at][:2])
                    at += 1
                number += 1
                safe = safe_path(path)
                if safe in wanted:
                    there.pop(safe, None)
                    if kind == FILE:
                        there[safe] = tuple(facts)
        for path, target, _ in links[at:]:
            link(path, target)
        return self._checked(found)

    def _checked(self, batch: Entries) -> Entries:
        """Paths below the root only, without ``./`` and doubled slashes; the others are said and left out."""
        columns = batch.columns()
        paths = columns.paths
        cut = Spans(paths.data, paths.starts + 2 * paths.start_with(b"./")[0], paths.stops)
        return Entries(below_root(replace(columns, paths=cut), self._escapes))

    def _escapes(self, path: bytes) -> None:
        self._say("path-escapes", path, "it leads out of the archive")

    def _incomplete(self, rule: str, detail: str) -> None:
        self.complete = False
        self._say(rule, b"", detail)

    def _say(self, rule: str, path: bytes, detail: str) -> None:
        self.problems[StorageProblem(rule, path, detail)] = None


def below_root(columns: Columns, escapes: Callable[[bytes], None]) -> Columns:
    """The entries whose paths stay below the root, each as :func:`safe_path` has it; `escapes` hears of the others."""
    paths = columns.paths
    odd = np.flatnonzero(_may_be_unsafe(paths))
    if not len(odd):
        return columns
    there, cleaned = np.ones(len(paths), np.bool_), []
    for at in odd.tolist():
        safe = safe_path(paths[at])
        if safe is None:
            escapes(paths[at])
        there[at] = bool(safe)
        cleaned.append(safe or b"")
    return replace(columns, paths=paths.replaced(odd, cleaned)).take(there)


def safe_path(path: bytes) -> bytes | None:
    """A member's path without ``.`` parts and doubled slashes; None where a ``..`` leads out; empty for the root.

    Examples
    --------
    >>> safe_path(b"./a//b/"), safe_path(b"/etc/passwd"), safe_path(b"a/../../b"), safe_path(b"./")
    (b'a/b', b'etc/passwd', None, b'')
    """
    parts = [part for part in path.split(b"/") if part not in (b"", b".")]
    return None if b".." in parts else b"/".join(parts)


def _magic_at(data: bytes) -> list[int]:
    """Where the blocks begin that may be headers."""
    at = np.arange(0, len(data) - BLOCK + 1, BLOCK)
    [is_magic] = Spans(data, at + 257, at + 262).start_with(b"ustar")
    return [int(start) for start in at[is_magic]]


def _is_header(data: bytes, at: int) -> bool:
    try:
        verify(data[at : at + BLOCK], 0, "")
    except DamagedArchiveError:
        return False
    return data[at + 156] not in EXTENSIONS


def _may_be_unsafe(paths: Spans) -> NDArray[np.bool_]:
    """Where :func:`safe_path` may change something; False only where it leaves the path as it is."""
    lengths, text = paths.lengths, np.frombuffer(paths.data or b"\0", np.uint8)
    width = min(int(lengths.max(initial=1)), BLOCK)
    rows = gather(paths.data, paths.starts, width)
    unsafe: NDArray[np.bool_] = (lengths == 0) | (lengths > width) | (rows[:, 0] | 1 == _SLASH)
    unsafe |= text[paths.stops - 1] == _SLASH
    suspect = rows.ravel() | 1 == _SLASH  # a dot is one less than a slash; of two neighbours the first may be one
    suspect[:-1] &= suspect[1:]
    suspect[-1:] = False
    if suspect.any():
        unsafe |= suspect.reshape(rows.shape).any(axis=1)
    return unsafe


def _lists(batch: Entries) -> tuple[list[Any], ...]:
    return batch.paths, batch.types, batch.sizes, batch.mtimes, batch.locators, batch.inline
