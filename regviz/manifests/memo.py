"""What was read once is not read again: images of one family repeat most of their layers and build steps."""

from __future__ import annotations

import secrets
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from regviz import native
from regviz.interning import RawRows, first_places
from regviz.manifests.found import values_of
from regviz.manifests.json import load_many

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from regviz.native import Bounds
    from regviz.native.documents import Listed

    Codes = NDArray[np.int32]
    Add = Callable[[list[Any]], Sequence[int] | Codes]
    """Takes new values; returns their numbers."""
    AddFound = Callable[[bytes, Bounds], Sequence[int] | Codes]
    """Takes a text, and where new values stand in it; returns their numbers."""

_MOST = 1 << 14
_EMPTY = b"[]"


class Memo:
    """Numbers of JSON values, elements of arrays above all, remembered for as long as there are not too many.

    A value is known by its text. When the memory is full everything is forgotten, so it is bounded, and a value
    that is met again gets a second number. What numbers new values is given with each call and not kept: mostly it
    belongs to the object that keeps this memory, and the two would hold each other.

    Parameters
    ----------
    most : int
        How many values are remembered.

    Examples
    --------
    >>> seen = []
    >>> def add(values):
    ...     seen.extend(values)
    ...     return range(len(seen) - len(values), len(seen))
    >>> [numbers.tolist() for numbers in Memo().numbers([b'["a", {"b": 1}]', b"[]", b'["a"]'], add)], seen
    ([[0, 1, 0], [2, 0, 1]], ['a', {'b': 1}])
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._decode = msgspec.json.Decoder(list[msgspec.Raw]).decode
        self._key = secrets.token_bytes(16)
        self._forget()

    def _bound(self) -> None:
        if len(self._known) + len(self._hashed) > self._most:
            self._forget()

    def _forget(self) -> None:
        self._known: dict[bytes, int] = {}
        self._hashed, self._numbers = RawRows(2), np.empty(0, np.int32)

    def numbers(self, arrays: Sequence[bytes], add: Add) -> tuple[Codes, NDArray[np.int64]]:
        """The number of each element, one array after the other, and how many each array has."""
        self._bound()
        lists = [*map(self._decode, (array or _EMPTY for array in arrays))]
        items = [*map(bytes, chain.from_iterable(lists))]
        known = self._known
        new = [*dict.fromkeys([item for item in items if item not in known])]
        if new:
            known.update(zip(new, add(load_many(new)), strict=True))
        numbers = np.array([*map(known.__getitem__, items)], np.int32)
        return numbers, np.array([*map(len, lists)], np.int64)

    def numbers_in(self, text: bytes, elements: Listed, add: AddFound) -> tuple[Codes, NDArray[np.int64]]:
        """The same for elements that stand in a text, as the library found them."""
        return self.of(text, elements.different, add)[elements.which], elements.counts

    def of(self, text: bytes, values: Bounds, add: AddFound) -> Codes:
        """The number of each value that stands in a text; -1 where there is none."""
        self._bound()
        there = values.starts >= 0
        if not there.all():
            numbers = np.full(len(there), -1, np.int32)
            numbers[there] = self.of(text, native.Bounds(values.starts[there], values.ends[there]), add)
            return numbers
        before = len(self._hashed)
        codes = self._hashed.intern(native.hashes(text, values, self._key))
        if len(self._hashed) > before:
            first = first_places(codes, before)
            added = add(text, native.Bounds(values.starts[first], values.ends[first]))
            self._numbers = np.append(self._numbers, np.array(added, np.int32))
        return self._numbers[codes]


def decoding(add: Add) -> AddFound:
    """What takes values that stand in a text by decoding them.

    Examples
    --------
    >>> from regviz.native import Bounds
    >>> decoding(lambda values: [*map(len, values)])(b'["a", "bc"]', Bounds(np.array([1, 6]), np.array([4, 10])))
    [1, 2]
    """
    return lambda text, values: add(values_of(text, values))


def decode_deep(decode: Callable[[bytes], Any], data: bytes, calls: int = 8) -> Any:
    """What a decoder makes of a document, from more calls down than a part of it is ever decoded from.

    msgspec's decoders stop where calls and nesting together are too deep: what is decoded here, its parts are later.
    """
    return decode_deep(decode, data, calls - 1) if calls else decode(data)


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
