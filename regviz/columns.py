"""Columns that grow while a reader reads; the only place that builds them.

No Python object is kept for a blob, a link or a layer: keys are codes of one pool, names and texts codes of two more,
the rest are numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import numpy as np

from regviz.column import Column, KeyColumn, SizeColumn, TextColumn, TimeColumn
from regviz.pool import SHA256, is_digest, is_v1_id
from regviz.schema import NA_INT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.pool import KeyPool
    from regviz.texts import NamePool, TextPool

FactKind = Literal["key", "digest", "id", "row", "name", "text", "value", "stamp", "int", "size", "flag"]

Key = str | int
"""A digest or the like, or its code in the pool of keys."""
NO_TIME = NO_NUMBER = int(NA_INT)
_NUMBERS: dict[str, type[np.generic]] = {"int": np.int64, "row": np.int32, "flag": np.int8}
STAGED = 1 << 11
"""Rows that are staged before it is worth while to make numbers of them."""


class Pools(Protocol):
    """What the codes in columns stand for."""

    keys: KeyPool
    names: NamePool
    texts: TextPool


class Rows:
    """Facts of one kind: columns of equal length.

    ``rows.add(value, …)`` adds one row, a value a column; hot loops add to the columns' `staged` lists.

    Attributes
    ----------
    stage : callable
        Adds one row, given as a tuple; the quickest way.
    numbered : int
        Rows that :meth:`numbers` gave out; whoever refers to rows of a table takes all of its numbers there.
    """

    def __init__(self, facts: Pools, prefix: bytes = SHA256, /, **columns: FactKind) -> None:
        self._columns: dict[str, Column] = {}
        self._rows: list[tuple[object, ...]] = []
        self.stage = self._rows.append
        self.numbered = 0
        for name, kind in columns.items():
            if kind in ("key", "digest", "id"):
                accepts = {"key": None, "digest": is_digest, "id": is_v1_id}[kind]
                self._columns[name] = KeyColumn(facts.keys, prefix, accepts)
            elif kind == "size":
                self._columns[name] = SizeColumn(np.int64)
            elif kind == "stamp":
                self._columns[name] = TimeColumn(np.int64)
            elif kind == "value":
                self._columns[name] = TextColumn(facts.texts, keep_empty=True)
            elif kind in ("name", "text"):
                self._columns[name] = TextColumn(facts.names if kind == "name" else facts.texts)
            else:
                self._columns[name] = Column(_NUMBERS[kind])

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.column(name).array()

    def __len__(self) -> int:
        return len(self[next(iter(self._columns))])

    def column(self, name: str) -> Column:
        """A column, to add to."""
        self._transpose()
        return self._columns[name]

    def key(self, name: str) -> KeyColumn:
        """A column of keys."""
        return cast("KeyColumn", self.column(name))

    def text(self, name: str) -> TextColumn:
        """A column of texts."""
        return cast("TextColumn", self.column(name))

    def add(self, *values: object) -> None:
        """Add one row, in the order of the columns."""
        self._rows.append(values)

    def numbers(self, count: int) -> range:
        """The numbers of the rows that are added next."""
        self.numbered += count
        return range(self.numbered - count, self.numbered)

    def keep(self, rows: NDArray[Any]) -> None:
        """Forget the other rows; row numbers put those that stay in their order."""
        self._transpose()
        for column in self._columns.values():
            column.keep(rows)

    def take(self, name: str) -> NDArray[Any]:
        """A column that nobody asks for again: it is forgotten here."""
        self._transpose()
        return self._columns.pop(name).array()

    def thin(self, name: str) -> NDArray[Any]:
        """A column, to read; where it says the same in every row it takes the room of one."""
        return self.column(name).thin()

    def spill(self, most: int = 0) -> None:
        """Turn what is staged into numbers where more than `most` rows are."""
        self._transpose()
        for column in self._columns.values():
            if len(column.staged) > most:
                column.flush()

    def _transpose(self) -> None:
        if self._rows:
            for column, values in zip(self._columns.values(), zip(*self._rows, strict=True), strict=True):
                column.staged += values
            self._rows.clear()

    def free(self) -> None:
        """Forget everything: what it held was moved elsewhere."""
        self._columns, self._rows = {}, []
