"""An archive on a web server by offset: blocks that grow while they follow, and several ahead where it is known."""

from __future__ import annotations

import io
from collections import OrderedDict, deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from regviz.live.remote import Remote

_SMALLEST, _LARGEST = 1 << 16, 1 << 23
"""Bytes of a block: at 30 ms a request and 50 MB/s, 8 KiB took twice the time of 64, and 1 MiB ten times the bytes."""
_GAP = 1 << 17
"""Bytes that are rather read too many than asked for in two requests."""
_EXPECTED = 1 << 22
_AHEAD = 8
_BLOCKS = 4


class Ranges:
    """An archive as bytes by offset: blocks that grow while what is asked for follows, and many ahead when it is known.

    Parameters
    ----------
    remote : Remote
    """

    forward_only = False

    def __init__(self, remote: Remote) -> None:
        self.name = remote.uri
        self._remote = remote
        self._blocks: OrderedDict[int, bytes] = OrderedDict({0: remote.head})
        self._end = len(remote.head)
        self._size = _SMALLEST
        self._waiting: deque[tuple[int, int]] = deque()
        self._coming: deque[tuple[int, int, Future[bytes]]] = deque()
        self._pool = ThreadPoolExecutor(_AHEAD)

    def size(self) -> int | None:
        """Bytes in all."""
        return self._remote.length

    def rewind(self) -> None:
        """Nothing to do: every offset is as near."""

    def read_on(self) -> None:
        """Nothing to do."""

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the end."""
        count = min(count, max((self._remote.length or 0) - offset, 0))
        while self._coming and self._coming[0][1] <= offset:
            self._coming.popleft()
        if self._coming and self._coming[0][0] <= offset and offset + count <= self._coming[0][1]:
            start, _, coming = self._coming[0]
            data = coming.result()
            self._go_ahead()
            return data[offset - start : offset - start + count]
        for start, block in self._blocks.items():
            if start <= offset and offset + count <= start + len(block):
                return block[offset - start : offset - start + count]
        self._size = min(2 * self._size, _LARGEST) if 0 <= offset - self._end <= _GAP else _SMALLEST
        block = self._remote.part(offset, max(count, self._size))
        self._end = offset + len(block)
        self._blocks[offset] = block
        if len(self._blocks) > _BLOCKS:
            self._blocks.popitem(last=False)
        return block[:count]

    def expect(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Have what will be asked for, in this order: neighbours together, and several requests at a time."""
        self._coming.clear()
        self._waiting = deque(together(wanted))
        self._go_ahead()

    def _go_ahead(self) -> None:
        while self._waiting and len(self._coming) < _AHEAD:
            start, stop = self._waiting.popleft()
            self._coming.append((start, stop, self._pool.submit(self._remote.part, start, stop - start)))


def together(wanted: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Offsets and lengths, in order, as ranges from and to: what lies close together is one.

    Examples
    --------
    >>> together([(0, 10), (100, 10), (1_000_000, 5)])
    [(0, 110), (1000000, 1000005)]
    """
    found: list[tuple[int, int]] = []
    for offset, count in wanted:
        start, stop = found[-1] if found else (0, 0)
        if found and start <= offset <= stop + _GAP and offset + count - start <= _EXPECTED:
            found[-1] = (start, max(stop, offset + count))
        elif count:
            found.append((offset, offset + count))
    return found


class Seekable(io.RawIOBase):
    """The same as a file that can be sought in, for `zipfile`."""

    def __init__(self, ranges: Ranges) -> None:
        self._ranges, self._at = ranges, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._ranges.size() or 0}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        """Where it stands."""
        return self._at

    def read(self, count: int = -1, /) -> bytes:
        """Some bytes."""
        left = max((self._ranges.size() or 0) - self._at, 0)
        data = self._ranges.read_at(self._at, left if count < 0 else min(count, left))
        self._at += len(data)
        return data
