"""What was read once is not read again: images of one family repeat most of their layers and build steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

T = TypeVar("T", bytes, str)

_MOST = 4096


class Memo(Generic[T]):
    """Numbers of items, remembered for as long as they keep coming.

    Two generations are kept: when the young one is full it becomes the old one, and what neither knows is added
    anew. So memory is bounded, and an item that was long not met gets a second number. Many items at a time are
    cheaper than few.

    Parameters
    ----------
    add : callable
        Takes new items; returns their numbers.
    most : int
        How many items a generation holds.

    Examples
    --------
    >>> seen = []
    >>> def add(items):
    ...     seen.extend(items)
    ...     return range(len(seen) - len(items), len(seen))
    >>> memo = Memo(add)
    >>> memo.numbers(["a", "b", "a"]), memo.numbers(["b"]), seen
    ([0, 1, 0], [1], ['a', 'b'])
    """

    def __init__(self, add: Callable[[list[T]], Sequence[int]], most: int = _MOST) -> None:
        self._add: Callable[[list[T]], Sequence[int]] = add
        self._most = most
        self._young: dict[T, int] = {}
        self._old: dict[T, int] = {}

    def numbers(self, items: Iterable[T]) -> list[int]:
        """The number of each item."""
        items = list(items)
        numbers: list[int | None] = [*map(self._young.get, items)]
        if None in numbers:
            missing = [at for at, number in enumerate(numbers) if number is None]
            for at, number in zip(missing, self._others([items[at] for at in missing]), strict=True):
                numbers[at] = number
        return cast("list[int]", numbers)

    def _others(self, items: list[T]) -> list[int]:
        """Numbers of items that the young generation does not know; now it does."""
        young, old = self._young, self._old
        young.update({item: old[item] for item in items if item in old})
        new = [*dict.fromkeys([item for item in items if item not in young])]
        if new:
            young.update(zip(new, self._add(new), strict=True))
        numbers = [*map(young.__getitem__, items)]
        if len(young) >= self._most:
            self._old, self._young = young, {}
        return numbers
