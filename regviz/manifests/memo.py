"""What was read once is not read again: images of one family repeat most of their layers and build steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T", bytes, str)

_MOST = 2048


class Memo(Generic[T]):
    """Numbers of items, remembered for as long as they keep coming.

    Two generations are kept: when the young one is full it becomes the old one, and what neither knows is added
    anew. So memory is bounded, and an item that was long not met gets a second number.

    Parameters
    ----------
    add : callable
        Takes a new item; returns its number.
    most : int
        How many items a generation holds.

    Examples
    --------
    >>> seen = []
    >>> def add(item):
    ...     seen.append(item)
    ...     return len(seen) - 1
    >>> memo = Memo(add)
    >>> memo.numbers(["a", "b", "a"]), memo.numbers(["b"]), seen
    ([0, 1, 0], [1], ['a', 'b'])
    """

    def __init__(self, add: Callable[[T], int], most: int = _MOST) -> None:
        self._add: Callable[[T], int] = add
        self._most = most
        self._young: dict[T, int] = {}
        self._old: dict[T, int] = {}

    def numbers(self, items: Iterable[T]) -> list[int]:
        """The number of each item."""
        items = list(items)
        numbers = [*map(self._young.get, items)]
        at = -1
        while None in numbers:
            at = numbers.index(None, at + 1)
            numbers[at] = self._number(items[at])
        return cast("list[int]", numbers)

    def _number(self, item: T) -> int:
        number = self._young.get(item)  # it may stand in one list twice
        if number is None:
            number = self._old.get(item)
            if number is None:
                number = self._add(item)
            if len(self._young) >= self._most:
                self._old, self._young = self._young, {}
            self._young[item] = number
        return number
