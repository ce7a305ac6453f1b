"""What was read once is not read again: images of one family repeat most of their layers and build steps."""

from __future__ import annotations

import secrets
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from regviz import native
from regviz.interning import RawRows
from regviz.manifests.json import load_many

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.int32]

_MOST = 1 << 14
_FEW = 8  # arrays, for which a dictionary is quicker than arrays of numbers
_EMPTY = b"[]"


class Memo:
    """Numbers of the elements of JSON arrays, remembered for as long as there are not too many.

    An element is known by its text. When the memory is full everything is forgotten, so it is bounded, and an element
    that is met again gets a second number.

    Parameters
    ----------
    add : callable
        Takes the values of new elements; returns their numbers.
    most : int
        How many elements are remembered.

    Examples
    --------
    >>> seen = []
    >>> def add(values):
    ...     seen.extend(values)
    ...     return range(len(seen) - len(values), len(seen))
    >>> memo = Memo(add)
    >>> [numbers.tolist() for numbers in memo.numbers([b'["a", {"b": 1}]', b"[]", b'["a"]'])], seen
    ([[0, 1, 0], [2, 0, 1]], ['a', {'b': 1}])
    """

    def __init__(self, add: Callable[[list[Any]], Sequence[int]], most: int = _MOST) -> None:
        self._add, self._most = add, most
        self._decode = msgspec.json.Decoder(list[msgspec.Raw]).decode
        self._key = secrets.token_bytes(16)
        self._forget()

    def _forget(self) -> None:
        self._known: dict[bytes, int] = {}
        self._hashed, self._numbers = RawRows(2), np.empty(0, np.int32)

    def numbers(self, arrays: Sequence[bytes]) -> tuple[Codes, NDArray[np.int64]]:
        """The number of each element, one array after the other, and how many each array has."""
        if len(self._known) + len(self._hashed) > self._most:
            self._forget()
        arrays = [array or _EMPTY for array in arrays]
        found = native.elements(arrays) if len(arrays) > _FEW else None
        if found is None:
            return self._by_text(arrays)
        text, bounds, counts = found
        before = len(self._hashed)
        codes = self._hashed.intern(native.hashes(text, bounds, self._key))
        if len(self._hashed) > before:
            # new codes are given in the order in which they are met
            new = np.flatnonzero(codes >= before)
            first = new[np.unique(codes[new], return_index=True)[1]]
            values = load_many([text[start:end] for start, end in bounds[:, first].T.tolist()])
            self._numbers = np.append(self._numbers, np.array(self._add(values), np.int32))
        return self._numbers[codes], counts

    def _by_text(self, arrays: list[bytes]) -> tuple[Codes, NDArray[np.int64]]:
        lists = [*map(self._decode, arrays)]
        items = [*map(bytes, chain.from_iterable(lists))]
        known = self._known
        new = [*dict.fromkeys([item for item in items if item not in known])]
        if new:
            known.update(zip(new, self._add(load_many(new)), strict=True))
        numbers = np.array([*map(known.__getitem__, items)], np.int32)
        return numbers, np.array([*map(len, lists)], np.int64)


def without(numbers: Codes, counts: NDArray[np.int64]) -> tuple[Codes, NDArray[np.int64]]:
    """Numbers of elements and how many each array has, without those that have no number (-1).

    Examples
    --------
    >>> [column.tolist() for column in without(np.array([4, -1, 5]), np.array([2, 0, 1]))]
    [[4, 5], [1, 0, 1]]
    """
    there = numbers >= 0
    if there.all():
        return numbers, counts
    owners = np.repeat(np.arange(len(counts)), counts)
    return numbers[there], np.bincount(owners[there], minlength=len(counts))
