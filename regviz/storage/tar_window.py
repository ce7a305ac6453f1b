"""A run of a tar archive's blocks as arrays: which are headers, what they say, which of them follow each other.

Every block with the magic at its place may be a header, or lie in a member's content and only look like one. Where
each candidate's content ends exactly where the next one begins, all of them are headers as soon as the first one is,
without a look at one after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.storage.base import DIRECTORY, FILE, INLINE, Columns
from regviz.storage.spans import Spans, gather
from regviz.storage.tar_fields import (
    BLOCK,
    CONTIGUOUS,
    DIRECTORY_FLAG,
    GNU_SPARSE,
    LONG_NAME,
    NO_LOCATOR,
    NUL,
    PAX,
    ZERO,
    microseconds,
    octal_numbers,
    parse_pax,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

_MAGIC = np.uint64(int.from_bytes(b"ustar", "little"))
_NAME, _PREFIX = 100, 155  # bytes of these fields
_HARMLESS = frozenset((b"path", b"mtime", b"atime", b"ctime", b"uid", b"gid", b"uname", b"gname", b"comment"))
_PLAIN = np.zeros(256, np.bool_)
_PLAIN[[NUL, ZERO, CONTIGUOUS, DIRECTORY_FLAG, GNU_SPARSE, LONG_NAME, PAX]] = True
_EXTENDS = np.zeros(256, np.bool_)
_EXTENDS[[LONG_NAME, PAX]] = True


class Window:
    """What a run of blocks says where its headers are plain: a regular file, a directory, a long name before either.

    Parameters
    ----------
    buffer : bytes
        The blocks; the first one is a header.
    base : int
        Where they begin in the archive.
    """

    def __init__(self, buffer: bytes, base: int) -> None:
        self._buffer, self._base = buffer, base
        self._count = len(buffer) // BLOCK
        self._rows: Numbers = np.flatnonzero(self._field("<u4", 257) == np.uint32(_MAGIC & np.uint64(0xFFFFFFFF)))
        rows = self._rows
        kinds = self._kinds = self._field("u1", 156)[rows]
        magic = self._field("<u8", 257)[rows]
        # sizes and times stand side by side
        numbers, good = octal_numbers(gather(buffer, rows * BLOCK + 124, 24).reshape(-1, 12))
        self._stored, self._mtimes = numbers[::2].copy(), numbers[1::2]
        plain = _PLAIN[kinds] & good[::2] & good[1::2] & (self._field("u1", 0)[rows] != 0)
        plain &= magic << np.uint64(24) == _MAGIC << np.uint64(24)
        self._extends = _EXTENDS[kinds]
        plain &= ~self._extends | (self._stored <= BLOCK)
        self._prefixed = (self._field("u1", 345)[rows] != 0) & (magic >> np.uint64(40) & np.uint64(0xFF) == 0)
        self._next = rows + 1 + np.where(kinds == DIRECTORY_FLAG, 0, (self._stored + BLOCK - 1) // BLOCK)
        self._sizes = self._stored
        sparse = np.flatnonzero(kinds == GNU_SPARSE)
        if len(sparse):
            self._sizes = self._stored.copy()
            self._sizes[sparse], real_good = octal_numbers(gather(buffer, rows[sparse] * BLOCK + 483, 12))
            plain[sparse] &= real_good & (self._field("u1", 482)[rows[sparse]] == 0)
        self._plain = plain
        self._find_breaks()
        self._find_names()
        self._members = np.append(0, np.cumsum(~self._extends))
        self._exact_times: dict[int, bytes] = {}

    def _field(self, form: str, offset: int) -> NDArray[Any]:
        """A field of every block."""
        return np.ndarray((self._count,), form, self._buffer, offset, (BLOCK,))

    def _find_breaks(self) -> None:
        """Where a header is not followed by the next candidate, and where one must be looked at singly."""
        kinds, extends, plain = self._kinds, self._extends, self._plain
        self._follows = follows = np.append(self._next[:-1] == self._rows[1:], False)
        extensible = np.append((plain & ~extends)[1:], False)
        sparse_next = np.append((kinds == GNU_SPARSE)[1:], False)
        self._odd = ~plain | (extends & ~(follows & extensible)) | ((kinds == PAX) & sparse_next)
        self._breaks = np.flatnonzero(self._odd | ~follows)

    def _find_names(self) -> None:
        """Where the names stand that extensions give; which pax headers hold more than that."""
        self._name_at = (self._rows + 1) * BLOCK
        self._name_limit = self._stored.copy()
        pax = np.flatnonzero(self._kinds == PAX)
        self._unread = np.zeros(len(self._rows), np.bool_)
        if len(pax):
            text = gather(self._buffer, self._name_at[pax], 16)
            digits = text[:, :3] - np.uint8(ord("0"))
            said = digits.astype(np.int64) @ np.array([100, 10, 1])
            alone = (digits < 10).all(axis=1) & (said == self._stored[pax])
            alone &= (text[:, 3:9] == np.frombuffer(b" path=", np.uint8)).all(axis=1)
            self._unread[pax] = ~alone
            self._name_at[pax] += 9
            self._name_limit[pax] -= 10

    def stretch(self, row: int) -> tuple[int, int]:
        """Headers from this block on that can be taken together: the number of the first, and behind the last."""
        first = int(np.searchsorted(self._rows, row))
        if first == len(self._rows) or self._rows[first] != row:
            return first, first
        last = int(self._breaks[np.searchsorted(self._breaks, first)])
        last += not self._odd[last]
        for header in (first + np.flatnonzero(self._unread[first:last])).tolist():
            if not self._read_pax(header):
                last = header
                break
        if last > first and self._next[last - 1] > self._count and self._stored[last - 1] <= INLINE:
            last -= 1  # a small content that the buffer cuts is taken with the next one
            last -= int(last > first and self._extends[last - 1])
        return first, last

    def beyond(self, last: int) -> int:
        """The block behind the content of the header before this number."""
        return int(self._next[last - 1])

    def is_cut(self, row: int) -> bool:
        """Whether the plain member that begins in this block would be taken, if the buffer did not end in it."""
        at = int(np.searchsorted(self._rows, row))
        if at == len(self._rows) or self._rows[at] != row or not self._plain[at]:
            return False
        if self._extends[at] and self._follows[at]:
            at += 1
        return bool(self._next[at] >= self._count)

    def members(self, first: int, last: int) -> int:
        """How many of the headers are those of members."""
        return int(self._members[last] - self._members[first])

    def _read_pax(self, header: int) -> bool:
        """Take name and time from a pax header; False where it says what must be heeded singly."""
        start = int(self._rows[header] + 1) * BLOCK
        records = parse_pax(self._buffer[start : start + int(self._stored[header])])
        if not records.keys() <= _HARMLESS:
            return False
        name = records.get(b"path")
        self._name_at[header] = -1 if name is None else self._buffer.index(name, start)
        self._name_limit[header] = len(name or b"")
        if b"mtime" in records:
            self._exact_times[header] = records[b"mtime"]
        self._unread[header] = False
        return True

    def columns(self, stretches: Sequence[tuple[int, int]]) -> Columns:
        """The members of these stretches."""
        headers = np.concatenate([np.arange(*stretch) for stretch in stretches])
        extends = self._extends[headers]
        members = headers[~extends]
        extensions = headers[extends]
        extended = (np.cumsum(~extends))[extends]  # the number of the member that each stands before
        rows, kinds = self._rows[members], self._kinds[members]
        named = self._name_at[extensions] >= 0
        starts, limits = rows * BLOCK, np.full(len(rows), _NAME)
        starts[extended[named]] = self._name_at[extensions[named]]
        limits[extended[named]] = self._name_limit[extensions[named]]
        prefixed = self._prefixed[members]
        prefixed[extended[named]] = False
        data = self._buffer
        if prefixed.any():
            starts[prefixed], limits[prefixed], names = _joined_names(data, rows[prefixed] * BLOCK)
            data += names
        lengths = _lengths(data, starts, limits)
        mtimes = self._mtimes[members] * 1_000_000
        if self._exact_times:
            for header, member in zip(extensions.tolist(), extended.tolist(), strict=True):
                if header in self._exact_times:
                    mtimes[member] = microseconds(self._exact_times[header], int(mtimes[member]))
        is_file = kinds != DIRECTORY_FLAG
        stops = starts + lengths
        text = np.frombuffer(data, np.uint8)
        old = np.flatnonzero((kinds == NUL) & (lengths > 0))
        is_file[old] = text[stops[old] - 1] != ord("/")
        slashed = np.flatnonzero(~is_file)
        while len(slashed := slashed[(stops > starts)[slashed] & (text[stops[slashed] - 1] == ord("/"))]):
            stops[slashed] -= 1
        contents = (rows + 1) * BLOCK
        sizes = np.where(is_file, self._sizes[members], 0)
        is_sparse = kinds == GNU_SPARSE
        passed_by = is_file & (sizes <= INLINE) & ~is_sparse & (contents + sizes <= len(self._buffer))
        return Columns(
            Spans(data, starts, stops),
            np.where(is_file, np.uint8(FILE), np.uint8(DIRECTORY)),
            sizes,
            mtimes,
            np.where(is_sparse, NO_LOCATOR, contents + self._base),
            np.where(passed_by, contents, -1),
        )


def _joined_names(buffer: bytes, at: Numbers) -> tuple[Numbers, Numbers, bytes]:
    """Names of the headers there, each after its prefix and a slash: their places there, and what to put behind it."""
    lengths = _lengths(buffer, at + 345, np.full(len(at), _PREFIX))
    joined = np.empty((len(at), _PREFIX + 1 + _NAME), np.uint8)
    joined[:, :_PREFIX] = gather(buffer, at + 345 + lengths - _PREFIX, _PREFIX)
    joined[:, _PREFIX] = ord("/")
    joined[:, _PREFIX + 1 :] = gather(buffer, at, _NAME)
    starts = len(buffer) + np.arange(len(at)) * joined.shape[1] + _PREFIX - lengths
    return starts, lengths + 1 + _NAME, joined.tobytes() + bytes(BLOCK)  # no gathering leads out of that


def _lengths(data: bytes, starts: Numbers, limits: Numbers) -> Numbers:
    """Lengths of texts that a NUL or their limit ends."""
    width = min(int(limits.max(initial=0)) + 1, BLOCK)
    is_nul = gather(data, starts, width) == 0
    first = is_nul.argmax(axis=1)
    ended = is_nul[np.arange(len(first)), first]
    return np.minimum(np.where(ended, first, width), limits)
