"""A listing in parts: split by what its keys begin with, asked for at once, and given on one after the other.

A page is a request, and the next one can be asked for only when it came. So a long listing is split: by directories
where there are few, by the first characters of their names where there are many, and by ranges of keys where there
are too many to tell. The parts together are the whole whatever the keys look like.
"""

from __future__ import annotations

import asyncio
import re
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from regviz.storage.objects.adapter import EVERYTHING, Page, Range

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from regviz.storage.objects.adapter import Adapter

_FEW = 16
"""Directories that are looked into one by one."""
_MOST_PARTS = 256
_MOST_PAGES = 10
"""Of directories' names; a directory with more is split by ranges of keys."""
_DEEPEST = 12
_MOST_HELD = 64
"""Pages that are met while splitting, and may be kept until their turn."""
_AT_ONCE = 16
"""Parts that are listed at a time."""
_WAITING = 16
"""Pages of a part that wait for those of the parts before it."""
_HEX = list("0123456789abcdef")
_DIGITS = re.compile(r"[0-9a-f]{4}")
_PAIRS = [first + second for first in _HEX for second in _HEX]


class Part(NamedTuple):
    """A part of a listing: what is to be listed, or a page that was."""

    prefix: str
    within: Range = EVERYTHING
    page: Page | None = None


class Splitter:
    """Splits a listing.

    Parameters
    ----------
    adapter : Adapter
    """

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._held = 0

    async def split(self, prefix: str, depth: int = 0) -> list[Part]:
        """Parts that together are all keys that begin so, each once."""
        if self._held >= _MOST_HELD:
            return [Part(prefix)]
        first = await self._pages(prefix, 1, flat=True)
        self._held += 1
        if not first or not first[-1].more:
            return [Part(prefix, page=page) for page in first]
        pages = await self._pages(prefix, _MOST_PAGES, flat=False)
        last = first[-1].keys[-1] if first[-1].keys else ""
        if not pages or pages[-1].more:
            return self._ranges(prefix, last)
        directories = sorted({name for page in pages for name in page.directories})
        files = [key for page in pages for key in page.keys]
        if len(directories) <= _FEW and depth < _DEEPEST:
            below = await asyncio.gather(*(self.split(directory, depth + 1) for directory in directories))
            here = [Part(prefix, page=page._replace(directories=())) for page in pages if page.keys]
            return here + [part for parts in below for part in parts]
        if len(directories) + len(files) < 2:
            return [Part(prefix)]
        names = sorted((*directories, *files))
        length = len(names) // max(bisect_right(names, last), 1)  # in pages, if they are all like the first one
        lead = len(prefix)
        most = min(max(length, _FEW), _MOST_PARTS)
        return [Part(prefix + head) for head in heads([name[lead:] for name in names], most)]

    async def _pages(self, prefix: str, most: int, *, flat: bool) -> list[Page]:
        found: list[Page] = []
        async with self._gate:
            pages = self._adapter.pages(prefix, flat=flat)
            async for page in pages:
                found.append(page)
                if len(found) == most:
                    break
        return found

    def _ranges(self, prefix: str, last: str) -> list[Part]:
        """Ranges: about as much in each where names are hexadecimal digits, as they are where there are so many."""
        if not self._adapter.has_ranges:
            return [Part(prefix)]
        reached = last[len(prefix) :][:4]
        is_long = not _DIGITS.fullmatch(reached) or int(reached, 16) * _MOST_PARTS < 1 << 16
        begins = _PAIRS if is_long else _HEX
        bounds = ["", *(prefix + begin for begin in begins[1:]), ""]
        return [Part(prefix, Range(after, until)) for after, until in pairwise(bounds)]


def heads(names: Sequence[str], most: int) -> list[str]:
    """What names begin with: as many characters as give no more than so many parts, none of which begins another.

    Examples
    --------
    >>> heads(["a/", "ab", "b"], 10)
    ['a/', 'ab', 'b']
    >>> heads(["a", "ab", "b"], 10)
    ['a', 'b']
    """
    width, longest = 1, max(map(len, names))
    while width < longest and len({name[: width + 1] for name in names}) <= most:
        width += 1
    found: list[str] = []
    for head in sorted({name[:width] for name in names}):
        if not found or not head.startswith(found[-1]):
            found.append(head)
    return found


async def _given_on(
    adapter: Adapter, part: Part, gate: asyncio.Semaphore, pages: asyncio.Queue[Page | Exception | None]
) -> None:
    try:
        async with gate:
            if part.page is not None:
                await pages.put(part.page)
            else:
                async for page in adapter.pages(part.prefix, within=part.within):
                    await pages.put(page)
        await pages.put(None)
    except Exception as error:  # noqa: BLE001  # whoever takes the pages raises it
        await pages.put(error)


async def listed(adapter: Adapter, prefix: str) -> AsyncIterator[Page]:
    """All pages of what begins so, part after part: equal ones give equal listings."""
    parts = await Splitter(adapter).split(prefix)
    gate = asyncio.Semaphore(_AT_ONCE)
    queues: list[asyncio.Queue[Page | Exception | None]] = [asyncio.Queue(_WAITING) for _ in parts]
    tasks = [
        asyncio.create_task(_given_on(adapter, part, gate, queue)) for part, queue in zip(parts, queues, strict=True)
    ]
    try:
        for queue in queues:
            while (page := await queue.get()) is not None:
                if isinstance(page, Exception):
                    raise page
                yield page
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def drained(loop: asyncio.AbstractEventLoop, pages: AsyncIterator[Page]) -> Iterator[Page]:
    """Pages from a loop of another thread, one by one."""
    following: AsyncIterator[Page | None] = _with_end(pages)
    try:
        while (page := asyncio.run_coroutine_threadsafe(_next(following), loop).result()) is not None:
            yield page
    finally:
        asyncio.run_coroutine_threadsafe(_close(following), loop).result()


async def _with_end(pages: AsyncIterator[Page]) -> AsyncIterator[Page | None]:
    async for page in pages:
        yield page
    yield None


async def _next(pages: AsyncIterator[Page | None]) -> Page | None:
    return await anext(pages)


async def _close(pages: AsyncIterator[Page | None]) -> None:
    close = getattr(pages, "aclose", None)
    if close is not None:
        await close()
