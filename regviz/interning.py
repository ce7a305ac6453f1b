"""Rows of raw bytes, each kept once: a hash table of numpy arrays that takes a whole batch at each step."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np

from regviz import native
from regviz.native import rows as native_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int32]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST_ROWS, _FIRST_SLOTS = 1024, 4096
_SMALL, _LARGE = 1 << 18, 1 << 21


class RawRows:
    """Rows of a fixed width with a small number each (their family); equal rows of one family get one code.

    Parameters
    ----------
    words : int
        Width of a row in words of eight bytes.

    Examples
    --------
    >>> rows = RawRows(2)
    >>> first, second, third = rows.intern(np.array([[1, 2], [3, 4], [1, 2]], np.uint64)).tolist()
    >>> first == third, first == second, len(rows)
    (True, False, 2)
    """

    def __init__(self, words: int) -> None:
        self.words: NDArray[np.uint64] = np.zeros((_FIRST_ROWS, words), np.uint64)
        self.family: NDArray[np.uint8] = np.zeros(_FIRST_ROWS, np.uint8)
        self._slots: NDArray[np.int32] = np.full(_FIRST_SLOTS, -1, np.int32)
        self._salt = np.uint64(secrets.randbits(64) | 1)  # nobody can choose rows that collide
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def intern(self, rows: NDArray[np.uint64], family: int = 0) -> Codes:
        """Codes of rows; new ones are numbered as they find their places."""
        if (codes := self._intern_natively(rows, family)) is not None:
            return codes
        kind = np.uint8(family)
        self._reserve(len(rows))
        mask = np.int64(len(self._slots) - 1)
        slots = self._places(rows, kind)
        result = np.empty(len(rows), np.int32)
        pending, at, left = np.arange(len(rows)), slots, rows
        while len(pending):
            there = self._slots[at]
            free = np.flatnonzero(there < 0)
            if len(free):
                # every claimant writes its number, the last one stays and becomes the new row
                claimed = at[free]
                self._slots[claimed] = -2 - free
                won = self._slots[claimed] == -2 - free
                first = self.grow(int(np.count_nonzero(won)))
                self.words[first : self._count] = left[free[won]]
                self.family[first : self._count] = kind
                self._slots[claimed[won]] = np.arange(first, self._count, dtype=np.int32)
                there = self._slots[at]
            same, words = self.family[there] == kind, self.words[there]
            for word in range(words.shape[1]):  # several times as fast as all words of each row
                same &= words[:, word] == left[:, word]
            result[pending[same]] = there[same]
            pending = pending[~same]
            at = slots[pending] = (slots[pending] + 1) & mask
            left = rows[pending]
        return result

    def _intern_natively(self, rows: NDArray[np.uint64], family: int) -> Codes | None:
        if not native.is_there():
            return None
        self._reserve(len(rows))
        self._make_room(self._count + len(rows))
        codes, self._count = native_rows.intern(self._table(), self._count, rows, family)
        return codes

    def _table(self) -> native_rows.Table:
        return native_rows.Table(self.words, self.family, self._slots, int(self._salt))

    def expect(self, more: int) -> None:
        """Make room at once for as many new rows as are known to come."""
        self._reserve(more)
        self._widen(self._count + more)

    def grow(self, more: int) -> int:
        """Make room for rows that are written directly, and never looked up; returns the first one's code."""
        first = self._count
        self._count += more
        self._make_room(self._count)
        return first

    def _make_room(self, count: int) -> None:
        room = len(self.family)
        if count > room:
            self._widen(max(room + room // (2 if room < _SMALL else 6), count))

    def _widen(self, size: int) -> None:
        if size > len(self.family):
            self.words.resize((size, self.words.shape[1]), refcheck=False)
            self.family.resize(size, refcheck=False)

    def rest(self) -> None:
        """Give back what only finding and adding rows needs; it is made again when a row is looked up."""
        self._slots = np.empty(0, np.int32)
        self.words.resize((self._count, self.words.shape[1]), refcheck=False)
        self.family.resize(self._count, refcheck=False)

    def reorder(self, order: NDArray[np.int32]) -> None:
        """Put the rows in another order, for good: nothing is interned after."""
        self.rest()
        for word in range(self.words.shape[1]):  # one after the other: no copy of all is needed
            self.words[: len(order), word] = self.words[order, word]
        self.words.resize((len(order), self.words.shape[1]), refcheck=False)
        self.family = self.family[order]

    def _places(self, rows: NDArray[np.uint64], family: np.uint8 | NDArray[np.uint8]) -> NDArray[np.int64]:
        mixed = (rows[:, 0] ^ self._salt) * _GOLDEN
        for word in range(1, rows.shape[1]):
            mixed = (mixed ^ rows[:, word]) * self._salt
            mixed ^= mixed >> np.uint64(29)
        mixed = (mixed ^ np.asarray(family, np.uint64)) * self._salt
        shift = np.uint64(64 - (len(self._slots) - 1).bit_length())
        return (mixed >> shift).astype(np.int64)

    def _reserve(self, more: int) -> None:
        size = len(self._slots) or _FIRST_SLOTS
        while size < (2 if size < _LARGE else 1.5) * (self._count + more):  # a large one may be fuller
            size *= 4 if size < _SMALL else 2  # a small one is cheap, and to fill another one is not
        if size == len(self._slots):
            return
        self._slots = np.empty(0, np.int32)  # the old table is no help in making the new one
        self._slots = np.full(size, -1, np.int32)
        if native.is_there():
            native_rows.enter(self._table(), self._count, UNLISTED)
            return
        mask = np.int64(size - 1)
        for start in range(0, self._count, 1 << 16):
            pending = np.arange(start, min(start + (1 << 16), self._count), dtype=np.int32)
            pending = pending[self.family[pending] != UNLISTED]
            slots = self._places(self.words[pending], self.family[pending])
            while len(pending):
                free = self._slots[slots] < 0
                self._slots[slots[free]] = pending[free]
                left = self._slots[slots] != pending
                pending, slots = pending[left], (slots[left] + 1) & mask


def first_places(codes: Codes, before: int) -> NDArray[np.int64]:
    """Where each code that is not less than `before` stands first, of codes that the library gave.

    It numbers new rows in the order in which they are met.

    Examples
    --------
    >>> first_places(np.array([4, 1, 5, 4, 6], np.int32), 4).tolist()
    [0, 2, 4]
    """
    if native.is_there():
        return native_rows.firsts(codes, before)
    new = np.flatnonzero(codes >= before)
    highest = np.maximum.accumulate(codes[new])
    return new[np.diff(highest, prepend=np.int32(before - 1)) > 0]


UNLISTED = 255
"""Family of rows that are never looked up."""
