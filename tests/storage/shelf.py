"""A bucket made by hand, that answers as S3 does: pages of a listing in the order of keys, ranges, the next slash."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from fsspec.asyn import get_loop

from regviz.storage.objects.adapter import EVERYTHING, Page, Range

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

SECOND = 1_000_000


@dataclass
class Shelf:
    """Objects by key.

    Attributes
    ----------
    size : int
        Keys, or what stands for many of them, in a page.
    errors : dict
        What is raised instead of an object's content.
    pages_asked, asked : int, list
        Requests for pages, and the objects that were asked for, with the bytes at most.
    """

    objects: dict[str, bytes]
    size: int = 1000
    has_ranges: bool = True
    errors: dict[str, Exception] = field(default_factory=dict)
    pages_asked: int = 0
    asked: list[tuple[str, int]] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop = field(default_factory=get_loop)

    async def pages(self, prefix: str, *, flat: bool = True, within: Range = EVERYTHING) -> AsyncIterator[Page]:
        assert self.has_ranges or within == EVERYTHING
        names: dict[str, bool] = {}  # whether it stands for keys that go on behind a slash
        for key in sorted(self.objects, key=str.encode):
            if key.startswith(prefix) and key > within.after and (not within.until or key <= within.until):
                head, slash, _ = key[len(prefix) :].partition("/")
                is_directory = bool(slash) and not flat
                names[prefix + head + slash if is_directory else key] = is_directory
        found = [*names]
        for start in range(0, len(found) or 1, self.size):
            self.pages_asked += 1
            part = found[start : start + self.size]
            keys = [name for name in part if not names[name]]
            yield Page(
                keys,
                [len(self.objects[key]) for key in keys],
                np.array([SECOND * (1 + number) for number in range(len(keys))], np.int64),
                [name for name in part if names[name]],
                more=start + self.size < len(found),
            )

    async def read(self, key: str, count: int) -> bytes:
        self.asked.append((key, count))
        if key in self.errors:
            raise self.errors[key]
        try:
            return self.objects[key][:count]
        except KeyError:
            raise FileNotFoundError(key) from None
