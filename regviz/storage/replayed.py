"""A stream that is costly to begin again: what is small of it is kept as it passes by, and comes from memory then."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regviz.storage.tar import Source

_SHORT = 256 << 10
"""What is passed over on the way to the next header, and no longer than that, may be a document."""
_MOST = 512 << 20


class Replayed:
    """A source that is read forward, of which headers and small members are kept.

    What was not kept (large documents, and all that would not fit into the memory allowed) has the source begin again.

    Parameters
    ----------
    source : Source
    most : int
        Bytes that may be kept.
    """

    forward_only = True

    def __init__(self, source: Source, most: int = _MOST) -> None:
        self.name = source.name
        self._source, self._most = source, most
        self._starts: list[int] = []
        self._pieces: list[bytes] = []
        self._kept = self._reached = 0

    def size(self) -> int | None:
        """Bytes in all, once the end was reached."""
        return self._source.size()

    def rewind(self) -> None:
        """Nothing to do: what is asked for tells."""

    def expect(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Nothing to do: it is read in this order anyway."""

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the end."""
        if offset < self._reached:
            known = self._known(offset, min(count, self._reached - offset))
            if known is None:
                return self._source.read_at(offset, count)
            rest = count - len(known)
            return known + self.read_at(self._reached, rest) if rest else known
        gap = offset - self._reached
        if gap <= _SHORT and self._kept < self._most:
            data = self._source.read_at(self._reached, gap + count)
            self._keep(self._reached, data)
            return data[gap:]
        data = self._source.read_at(offset, count)
        self._keep(offset, data)
        return data

    def read_on(self) -> None:
        """Have what is wrong with the rest of the source raised."""
        self._source.read_on()

    def _keep(self, start: int, data: bytes) -> None:
        self._reached = start + len(data)
        if data and self._kept < self._most:
            self._starts.append(start)
            self._pieces.append(data)
            self._kept += len(data)

    def _known(self, offset: int, count: int) -> bytes | None:
        """Bytes out of what was kept; None where not all of them were."""
        at, parts = bisect_right(self._starts, offset) - 1, []
        while count:
            skip = offset - self._starts[at] if 0 <= at < len(self._starts) else -1
            part = self._pieces[at][skip : skip + count] if skip >= 0 else b""
            if not part:
                return None
            parts.append(part)
            offset, count, at = offset + len(part), count - len(part), at + 1
        return b"".join(parts)
