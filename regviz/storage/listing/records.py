"""A listing as blocks of whole records: lines, or what NUL bytes end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regviz.storage.spans import Spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from regviz.storage.tar import Source

    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

BLOCK = 1 << 22
LONGEST = 1 << 13
"""Bytes of the longest record that is looked at; a path has 4 KiB (PATH_MAX), a key of S3 one."""
PADDING = bytes(512)
"""Stands behind each block, so that no gathering near its end has to copy it."""
_CARRIAGE_RETURN = 13


class Records(NamedTuple):
    """Some records of a listing.

    Attributes
    ----------
    texts : Spans
        What each says, without what ends it; none is empty.
    lost : int
        How many more were too long to be looked at.
    """

    texts: Spans
    lost: int = 0


class Parsed(NamedTuple):
    """What records say, as columns; `types`, `sizes` and `mtimes` as those of :class:`regviz.storage.base.Columns`."""

    paths: Spans
    types: NDArray[np.uint8]
    sizes: Numbers
    mtimes: Numbers
    lost: int
    """How many were not understood."""
    passed: int = 0
    """How many say nothing of a file that is there: sums, headings, older versions."""


def read_blocks(source: Source, start: int = 0) -> Iterator[bytes]:
    """The bytes of a listing, in blocks of one size."""
    source.rewind()
    while data := source.read_at(start, BLOCK):
        yield data
        start += len(data)


def read_records(source: Source, end: bytes, start: int = 0, *, dos: bool = False) -> Iterator[Records]:
    r"""Records that end in `end`, a block at a time; memory stays at two blocks whatever the listing holds.

    Parameters
    ----------
    source : Source
    end : bytes
        One byte.
    start : int
        Where the first one begins.
    dos : bool
        Whether a carriage return before the end belongs to it.
    """
    rest = b""
    overlong = False
    for piece in read_blocks(source, start):
        data = rest + piece
        lost = 0
        if overlong:
            at = data.find(end)
            if at < 0:
                rest = b""
                continue
            data, overlong = data[at + 1 :], False
        cut = data.rfind(end) + 1
        rest = data[cut:]
        if len(rest) > LONGEST:
            lost, overlong, rest = 1, True, b""
        yield _split(data[:cut], end, lost, dos=dos)
    if rest:
        yield _split(rest + end, end, 0, dos=dos)


def _split(data: bytes, end: bytes, lost: int, *, dos: bool) -> Records:
    stops = np.flatnonzero(np.frombuffer(data, np.uint8) == end[0])
    starts = np.zeros(len(stops), np.int64)
    starts[1:] = stops[:-1] + 1
    data += PADDING
    if dos:
        stops = stops - (np.frombuffer(data, np.uint8)[stops - 1] == _CARRIAGE_RETURN)
    lengths = stops - starts
    good = (lengths > 0) & (lengths <= LONGEST)
    lost += int((lengths > LONGEST).sum())
    return Records(Spans(data, starts[good], stops[good]), lost)


def count_texts(source: Source, text: bytes, start: int = 0) -> int:
    """How often a text stands in a listing."""
    count, tail = 0, b""
    for block in read_blocks(source, start):
        data = tail + block
        count += data.count(text)
        tail = data[len(data) - len(text) + 1 :] if len(text) > 1 else b""
    return count


def count_records(source: Source, end: bytes, start: int = 0) -> int:
    """How many records there are, empty ones too."""
    count, last = 0, end
    for block in read_blocks(source, start):
        count += block.count(end)
        last = block[-1:]
    return count + (last != end)


def numbers(data: bytes, starts: Numbers, stops: Numbers) -> tuple[Numbers, Flags]:
    """Decimal numbers of at most 18 digits between these places, and whether they are some.

    Examples
    --------
    >>> said, good = numbers(b"12 7a", np.array([0, 3]), np.array([2, 5]))
    >>> said.tolist(), good.tolist()
    ([12, 0], [True, False])
    """
    lengths = stops - starts
    good = (lengths > 0) & (lengths <= 18)
    lengths = np.where(good, lengths, 0)
    text, last = np.frombuffer(data, np.uint8), len(data) - 1
    said = np.zeros(len(starts), np.int64)
    for place in range(int(lengths.max(initial=0))):
        within = place < lengths
        digit = text[np.minimum(starts + place, last)] - np.uint8(48)  # below 0 it is more than 9
        good &= ~within | (digit < 10)
        said = np.where(within, said * 10 + digit, said)
    return np.where(good, said, 0), good
