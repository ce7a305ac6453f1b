"""Columns that are made when they are asked for, of the few values that their many rows repeat.

A registry of a million blobs has millions of places in stacks and of steps in histories, and each says again what its
descriptor, its step or its manifest says. Kept are those, and for each row which one it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


PART = 1 << 16
"""Rows that are looked at together: more only cost memory."""


def parts(count: int) -> list[slice]:
    """All of `count` rows, some at a time.

    Examples
    --------
    >>> parts(PART + 1)
    [slice(0, 65536, None), slice(65536, 65537, None)]
    """
    return [slice(start, min(start + PART, count)) for start in range(0, count, PART)]


class Spread(Protocol):
    """A column that can be made."""

    def made(self) -> NDArray[Any]:
        """The column, anew."""

    def part(self, rows: slice) -> NDArray[Any]:
        """Some of its rows: those from ``rows.start`` up to ``rows.stop``, or to its end."""

    def with_codes(self, new: NDArray[Any]) -> Spread:
        """The same with other codes: ``new[code]`` for each code."""


@dataclass(frozen=True, slots=True)
class Picked:
    """``values[rows]``."""

    values: NDArray[Any]
    rows: NDArray[np.int32]

    def made(self) -> NDArray[Any]:
        """The column, anew."""
        picked: NDArray[Any] = self.values[self.rows]
        return picked

    def part(self, rows: slice) -> NDArray[Any]:
        """Some of its rows."""
        picked: NDArray[Any] = self.values[self.rows[rows]]
        return picked

    def with_codes(self, new: NDArray[Any]) -> Picked:
        """The same with other codes."""
        return Picked(new[self.values], self.rows)


@dataclass(frozen=True, slots=True)
class Repeated:
    """Each value as often as its count says."""

    values: NDArray[Any]
    counts: NDArray[np.int32]

    def made(self) -> NDArray[Any]:
        """The column, anew."""
        return np.repeat(self.values, self.counts)

    def part(self, rows: slice) -> NDArray[Any]:
        """Some of its rows.

        Examples
        --------
        >>> Repeated(np.array([7, 8, 9]), np.array([2, 3, 1])).part(slice(1, 4)).tolist()
        [7, 8, 8]
        """
        beyond = np.cumsum(self.counts, dtype=np.int64)
        first, last = np.searchsorted(beyond, (rows.start, rows.stop - 1), "right").tolist()
        groups = slice(first, last + 1)
        before = int(beyond[first - 1]) if first else 0
        return np.repeat(self.values[groups], self.counts[groups])[rows.start - before : rows.stop - before]

    def with_codes(self, new: NDArray[Any]) -> Repeated:
        """The same with other codes."""
        return Repeated(new[self.values], self.counts)


@dataclass(frozen=True, slots=True)
class Places:
    """0, 1, 2 … in each group of as many rows as its count says."""

    counts: NDArray[np.int32]

    def made(self) -> NDArray[np.int32]:
        """The column, anew.

        Examples
        --------
        >>> Places(np.array([2, 0, 1], np.int32)).made().tolist()
        [0, 1, 0]
        """
        counts = np.asarray(self.counts, np.int32)
        places = np.arange(int(counts.sum()), dtype=np.int32)
        places -= np.repeat(np.cumsum(counts, dtype=np.int32) - counts, counts)
        return places

    def part(self, rows: slice) -> NDArray[np.int32]:
        """Some of its rows."""
        return self.made()[rows]

    def with_codes(self, new: NDArray[Any]) -> Places:
        """The same: places are no codes."""
        del new
        return self


class SpreadColumns(Mapping[str, "NDArray[Any]"]):
    """The columns of a table; those that are spread are made each time they are asked for, and not kept.

    Attributes
    ----------
    kept : dict of str to (array or Spread)
        What they are made of.

    Examples
    --------
    >>> columns = SpreadColumns({"owner": Repeated(np.array([7, 8]), np.array([2, 1])), "own": np.array([1, 2, 3])})
    >>> columns["owner"].tolist(), list(columns)
    ([7, 7, 8], ['owner', 'own'])
    """

    def __init__(self, kept: dict[str, NDArray[Any] | Spread]) -> None:
        self.kept = kept

    def __getitem__(self, name: str) -> NDArray[Any]:
        column = self.kept[name]
        if isinstance(column, np.ndarray):
            return column
        made = column.made()
        made.flags.writeable = False
        return made

    def parts(self) -> list[slice]:
        """All rows, some at a time; at least one column says how many they are."""
        sizes = [len(column) for column in self.kept.values() if isinstance(column, np.ndarray)]
        sizes += [len(column.rows) for column in self.kept.values() if isinstance(column, Picked)]
        return parts(sizes[0])

    def part(self, name: str, rows: slice) -> NDArray[Any]:
        """Some rows of a column, which is not made for them."""
        column = self.kept[name]
        return column[rows] if isinstance(column, np.ndarray) else column.part(rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)
