"""What a walk finds, a repository at a time, handed over by the thousand."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MANY = 1 << 13
"""Digests that are handed over together: a few at a time cost calls, more cost memory."""


class Gathered:
    """What was found in one repository after the other, handed over together once that pays.

    `take` is given the repositories' rows and any columns, an element for each thing found.
    """

    def __init__(self, take: Callable[..., None]) -> None:
        self._take = take
        self._forget()

    def _forget(self) -> None:
        self._rows: list[int] = []
        self._counts: list[int] = []
        self._columns: list[tuple[Any, ...]] = []
        self._count = 0

    def add(self, row: int, *columns: list[str] | list[bytes] | NDArray[Any]) -> None:
        """What one repository has: arrays, or lists of texts."""
        self.add_many([row], [len(columns[0])], *columns)

    def add_many(self, rows: list[int], counts: list[int], *columns: list[str] | list[bytes] | NDArray[Any]) -> None:
        """What some repositories have, one after the other, so many things each."""
        self._rows += rows
        self._counts += counts
        self._columns.append(columns)
        self._count += len(columns[0])
        if self._count >= MANY:
            self.hand_over()

    def hand_over(self) -> None:
        """Hand over what there is."""
        if self._count:
            columns = (
                np.concatenate(parts) if isinstance(parts[0], np.ndarray) else [*chain.from_iterable(parts)]
                for parts in zip(*self._columns, strict=True)
            )
            self._take(np.repeat(np.array(self._rows, np.int32), self._counts), *columns)
        self._forget()
