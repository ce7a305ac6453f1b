"""Work on many small files: one after the other, or by threads where the disk answers slowly."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar, cast

from regviz.storage.waiting import idle_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

T = TypeVar("T")
U = TypeVar("U")

CHUNK = 256
"""Items that are worked on in one go."""
_HANDFUL, _WINDOW = 16, 4  # items that another thread takes at a time, and how many such are on their way
_THREADS = 8
_SLOW_SECONDS = 60e-6  # waiting, for one item: nothing with a warm cache, above 100 µs from a disk


def adaptively(work: Callable[[Sequence[T]], U], items: Sequence[T], most: int = 0) -> Iterator[U]:
    """What `work` makes of the items, a chunk after the other; with threads as long as it waits much.

    As long as it does not wait, chunks grow up to `most` items: some work costs less where more is done in one go.

    Examples
    --------
    >>> list(adaptively(sum, [1, 2, 3]))
    [6]
    """
    if len(items) <= CHUNK:
        yield work(items)
        return
    at, size = 0, CHUNK
    idle = idle_seconds()
    while at < len(items):
        chunk = items[at : at + size]
        at += len(chunk)
        began, worked = time.perf_counter(), time.thread_time()
        result = work(chunk)
        waited = (time.perf_counter() - began) - (time.thread_time() - worked)
        enough = _SLOW_SECONDS * max(len(chunk), 8)
        slow = (
            max(waited, 0.0) >= enough
        )  # for a disk or for a processor: to ask which takes longer than to ask whether
        if slow:
            before, idle = idle, idle_seconds()
            slow = max(idle - before, 0.0) >= enough
        yield result
        size = CHUNK if slow else max(min(4 * size, most), CHUNK)
        if slow:
            end = min(at + 4 * _THREADS * CHUNK, len(items))
            with ThreadPoolExecutor(_THREADS) as pool:
                parts = (items[start : min(start + CHUNK, end)] for start in range(at, end, CHUNK))
                yield from _ahead(pool, work, parts)
            at = end


def one_ahead(made: Iterator[U]) -> Iterator[U]:
    """What an iterator makes, the next one by another thread while the caller is busy with one.

    It pays where making one leaves the interpreter alone: with what is compiled.

    Examples
    --------
    >>> list(one_ahead(iter("abc")))
    ['a', 'b', 'c']
    """
    end = object()
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, made, end)
        while (one := coming.result()) is not end:
            coming = pool.submit(next, made, end)
            yield cast("U", one)


def handfuls_ahead(
    work: Callable[[Sequence[T]], U], take: Callable[[int], Sequence[T]]
) -> Iterator[tuple[Sequence[T], U]]:
    """Handfuls of items with what `work` makes of each: by two other threads, while the caller uses what was made.

    `take` gives at most so many items. It is asked again when it had none and a handful was used since, so what is made
    of items may lead to more. It pays where the work leaves the interpreter alone: with what is compiled. For few items
    no thread is started.

    Examples
    --------
    >>> items = [*"abc"]
    >>> def take(most):
    ...     return [items.pop(0) for _ in items[:most]]
    >>> list(handfuls_ahead("".join, take))
    [(['a', 'b', 'c'], 'abc')]
    """
    coming: deque[tuple[Sequence[T], Future[U]]] = deque()
    first: Sequence[T] = ()  # that may be the only one
    with ThreadPoolExecutor(2) as pool:
        while True:
            while len(coming) < _WINDOW and (handful := take(_HANDFUL)):
                if not coming and not first:
                    first = handful
                    continue
                coming += [(some, pool.submit(work, some)) for some in (first, handful) if some]
                first = ()
            if first:
                yield first, work(first)
                first = ()
            elif coming:
                handful, made = coming.popleft()
                yield handful, made.result()
            else:
                return


def _ahead(pool: ThreadPoolExecutor, work: Callable[[Sequence[T]], U], chunks: Iterable[Sequence[T]]) -> Iterator[U]:
    waiting = deque(pool.submit(work, chunk) for chunk in chunks)
    while waiting:
        yield waiting.popleft().result()
