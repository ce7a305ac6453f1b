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
    anew. So memory is bounded, and an item that was long not met gets a second number.

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
            self._complete(items, numbers)
        return cast("list[int]", numbers)

    def _complete(self, items: list[T], numbers: list[int | None]) -> None:
        """Fill in, in place, the numbers of the items that the young generation does not know."""
        young, old = self._young, self._old
        missing = [at for at, number in enumerate(numbers) if number is None]
        new = dict.fromkeys([items[at] for at in missing if items[at] not in old])
        if new:
            young.update(zip(new, self._add(list(new)), strict=True))
        for at in missing:
            item = items[at]
            number = young.get(item)
            if number is None:
                number = young[item] = old[item]
            numbers[at] = number
        if len(young) >= self._most:
            self._old, self._young = young, {}
