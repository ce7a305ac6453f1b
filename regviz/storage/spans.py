"""Many byte strings that lie in one buffer, looked at together.

A million paths as Python objects are a hundred megabytes and half a second; as places in the buffer they were read
into they are two numbers each, and a question to all of them ("which end in this?") is a few operations on arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

_WORD = 8
_WIDEST = 512  # bytes that are compared together


def gather(data: bytes, at: Numbers, width: int) -> NDArray[np.uint8]:
    r"""The bytes from each of these places, as rows of one width; what would lie behind the buffer is zero.

    Examples
    --------
    >>> gather(b"abcdef", np.array([1, 4]), 3).tobytes()
    b'bcdef\x00'
    """
    if len(at) and int(at.max()) + width > len(data):
        data += bytes(width)
    if len(data) < width:
        return np.zeros((len(at), width), np.uint8)
    # items of a structured width that begin at every byte: one is copied by one memcpy
    items = np.ndarray((len(data) - width + 1,), f"V{width}", data, 0, (1,))
    return items[at].view(np.uint8).reshape(len(at), width)


def words(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Rows of bytes as rows of eight-byte words; their width is a multiple of eight."""
    return rows.view("<u8").reshape(len(rows), rows.shape[1] // _WORD)


def _whole_words(count: int) -> int:
    """Bytes of the words, at least one, that hold so many bytes."""
    return max(-(-count // _WORD), 1) * _WORD


def _hold(rows: NDArray[np.uint64], text: bytes, at: int) -> Flags:
    """Whether each row of words holds a text at this place."""
    found = np.ones(len(rows), np.bool_)
    for word, mask, value in _pattern(text, at, rows.shape[1] * _WORD):
        found &= (rows[:, word] & mask if mask else rows[:, word]) == value
    return found


@lru_cache(maxsize=256)
def _pattern(text: bytes, at: int, width: int) -> list[tuple[int, np.uint64 | None, np.uint64]]:
    """The words of a row that a text at this place decides: which, where not all of it the part, and what it says."""
    masks = np.frombuffer((bytes(at) + b"\xff" * len(text)).ljust(width, b"\0"), "<u8")
    values = np.frombuffer((bytes(at) + text).ljust(width, b"\0"), "<u8")
    whole = np.uint64(-1 % (1 << 64))
    return [(int(word), None if masks[word] == whole else masks[word], values[word]) for word in np.flatnonzero(masks)]


def equal_the_one_before(rows: NDArray[np.uint64]) -> Flags:
    """Whether each row of words equals the one before; the first one does not.

    Examples
    --------
    >>> equal_the_one_before(np.array([[1, 2], [1, 2], [1, 3]], np.uint64)).tolist()
    [False, True, False]
    """
    equal = np.zeros(len(rows), np.bool_)
    same = np.ones(max(len(rows) - 1, 0), np.bool_)
    for word in range(rows.shape[1]):
        same &= rows[1:, word] == rows[:-1, word]
    equal[1:] = same
    return equal


@dataclass(frozen=True, slots=True)
class Spans:
    """Byte strings in one buffer: where each starts, and where it stops.

    Examples
    --------
    >>> paths = Spans.of([b"a/link", b"b/link", b"b/data"])
    >>> [found.tolist() for found in paths.end_with(b"/link", b"a")]
    [[True, True, False], [False, False, True]]
    """

    data: bytes
    starts: Numbers
    stops: Numbers

    @staticmethod
    def of(texts: Sequence[bytes]) -> Spans:
        """Byte strings put together."""
        stops = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)))
        starts = np.zeros(len(texts), np.int64)
        starts[1:] = stops[:-1]
        return Spans(b"".join(texts), starts, stops)

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, at: int) -> bytes:
        return self.data[self.starts[at] : self.stops[at]]

    @property
    def lengths(self) -> Numbers:
        """Number of bytes of each."""
        return self.stops - self.starts

    def take(self, rows: NDArray[np.int64] | Flags) -> Spans:
        """Those at these rows."""
        return Spans(self.data, self.starts[rows], self.stops[rows])

    def replaced(self, rows: NDArray[np.int64], texts: Sequence[bytes]) -> Spans:
        """These with others at some rows."""
        others = Spans.of(texts)
        starts, stops, behind = self.starts.copy(), self.stops.copy(), len(self.data)
        starts[rows], stops[rows] = others.starts + behind, others.stops + behind
        return Spans(self.data + others.data + bytes(_WIDEST), starts, stops)

    def tolist(self) -> list[bytes]:
        """Each as an object of its own."""
        data = self.data
        return [data[start:stop] for start, stop in zip(self.starts.tolist(), self.stops.tolist(), strict=True)]

    def end_with(self, *texts: bytes) -> list[Flags]:
        """Whether each ends with a text, for each of the texts."""
        width = _whole_words(max(map(len, texts)))
        from_there = self.stops - width
        rows = words(gather(self.data, np.maximum(from_there, 0), width))
        outside = np.flatnonzero(from_there < 0)  # a few at the beginning of the buffer
        answers = []
        for text in texts:
            found = (self.lengths >= len(text)) & _hold(rows, text, width - len(text))
            for row in outside.tolist():
                found[row] = self[row].endswith(text)
            answers.append(found)
        return answers

    def start_with(self, *texts: bytes) -> list[Flags]:
        """Whether each starts with a text, for each of the texts."""
        rows = words(gather(self.data, self.starts, _whole_words(max(map(len, texts)))))
        return [(self.lengths >= len(text)) & _hold(rows, text, 0) for text in texts]

    def differ_from_the_one_before(self) -> Flags:
        """Whether each may differ from the one before: False only where they are equal.

        What lies before the start of a short one is compared too, which costs a needless True at times.

        Examples
        --------
        >>> heads = Spans(b"_a/x_a/y_b/x", np.array([1, 5, 9]), np.array([2, 6, 10]))
        >>> heads.differ_from_the_one_before().tolist()
        [True, True, True]
        """
        lengths = self.lengths
        width = min(_whole_words(int(lengths.max(initial=0))), _WIDEST)
        from_there = self.stops - width
        equal = equal_the_one_before(words(gather(self.data, np.maximum(from_there, 0), width)))
        equal[1:] &= lengths[1:] == lengths[:-1]
        known = (lengths <= width) & (from_there >= 0)
        known[1:] &= known[:-1]
        return ~(equal & known)
