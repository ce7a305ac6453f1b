"""Many requests at a time: threads that work through items, and hand results to the one thread that makes tables."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4


def each(work: Callable[[T], R], items: Iterable[T], hands: int) -> Iterator[tuple[T, R]]:
    """Every item with what was made of it, in the order in which they are done.

    Only some items are taken ahead of those whose results were taken, so nothing piles up. What `work` raises is
    raised here. The threads are daemons: who interrupts reading does not wait for a server.

    Examples
    --------
    >>> sorted(each(lambda number: number * number, range(4), hands=2))
    [(0, 0), (1, 1), (2, 4), (3, 9)]
    """
    asked: SimpleQueue[tuple[T] | None] = SimpleQueue()
    made: SimpleQueue[tuple[T, R | BaseException, bool]] = SimpleQueue()

    def hand() -> None:
        while (task := asked.get()) is not None:
            try:
                made.put((task[0], work(task[0]), True))
            except BaseException as error:  # noqa: BLE001  # it is raised where results are taken
                made.put((task[0], error, False))

    waiting, source, started = 0, iter(items), 0
    try:
        while True:
            while waiting < _AHEAD * hands:
                item = next(source, _END)
                if item is _END:
                    break
                asked.put((item,))  # type: ignore[arg-type]
                waiting += 1
                if started < min(hands, waiting):
                    threading.Thread(target=hand, daemon=True).start()
                    started += 1
            if not waiting:
                return
            done, result, good = made.get()
            waiting -= 1
            if not good:
                raise result  # type: ignore[misc]
            yield done, result  # type: ignore[misc]
    finally:
        for _ in range(started):
            asked.put(None)


_END = object()
