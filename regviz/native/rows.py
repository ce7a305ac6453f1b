"""The hash table of :mod:`regviz.interning` in C. All this is called where there is a library."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regviz.native import _at, library

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int32]


class Table(NamedTuple):
    """Rows, what family each is of, and the slots (-1 where free) that tell where to find them."""

    words: NDArray[np.uint64]
    family: NDArray[np.uint8]
    slots: Codes
    salt: int

    def places(self) -> tuple[object, ...]:
        """The table, as functions of the library take it."""
        return _at(self.words), _at(self.family), _at(self.slots), len(self.slots), self.salt, self.words.shape[1]


def intern(table: Table, count: int, rows: NDArray[np.uint64], family: int) -> tuple[Codes, int]:
    """Codes of rows in a table of `count` that has room for them, and how many it has then."""
    native = library() or {}
    rows = np.ascontiguousarray(rows)
    codes = np.empty(len(rows), np.int32)
    count = native["intern"](*table.places(), count, _at(rows), len(rows), family, _at(codes))
    return codes, count


def enter(table: Table, count: int, unlisted: int) -> None:
    """Put a table's rows into its slots, which are free, without those of a family that is not looked up."""
    native = library() or {}
    native["enter"](*table.places(), count, unlisted)


def firsts(codes: Codes, before: int) -> NDArray[np.int64]:
    """Where each code that is not less than `before` stands first, of codes that :func:`intern` gave."""
    native = library() or {}
    places = np.empty(len(codes), np.int64)
    return places[: native["firsts"](_at(np.ascontiguousarray(codes)), len(codes), before, _at(places))]
