"""Growing columns: a reader appends values to them, and they become numbers many at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.schema import NA_INT, compact
from regviz.stamps import parse_stamps
from regviz.texts import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from regviz.pool import KeyPool
    from regviz.texts import NamePool, TextPool

_LARGEST_SIZE = 1 << 62
_TOGETHER = 32
"""Pieces of a column that are joined as soon as there are so many: each leaves part of a page unused."""


class Column:
    """A growing column: values are staged in a list, and become numbers many at a time.

    Attributes
    ----------
    staged : list
        Values to come, open to ``append`` and ``+=``; :meth:`flush` empties it.
    """

    def __init__(self, dtype: type[np.generic]) -> None:
        self.staged: list[Any] = []
        self.append = self.staged.append
        self._dtype = dtype
        self._chunks: list[NDArray[Any]] = []
        self._joined = 0

    def extend(self, values: Iterable[Any]) -> None:
        """Add values, which become numbers at once."""
        self.staged.extend(values)
        self.flush()

    def extend_numbers(self, numbers: NDArray[Any]) -> None:
        """Add values that are numbers, or codes, already."""
        self.flush()
        self._add(numbers)

    def flush(self) -> None:
        """Turn what is staged into numbers."""
        if self.staged:
            self._add(self._numbers())
            self.staged.clear()

    def array(self) -> NDArray[Any]:
        """The column, open to changes."""
        self.flush()
        if len(self._chunks) != 1 or not self._chunks[0].flags.writeable:
            self.replace(np.concatenate([np.empty(0, self._dtype), *self._chunks]))
        return self._chunks[0]

    def thin(self) -> NDArray[Any]:
        """The column, to read; where it says the same in every row it takes the room of one."""
        self.flush()
        alike = _alike(self._chunks)
        return self.array() if alike is None else alike

    def fill(self, value: int) -> None:
        """Have every row say the same."""
        self.flush()
        count = sum(map(len, self._chunks))
        self.replace(np.broadcast_to(np.asarray(value, self._dtype), count))

    def set(self, row: int, value: int) -> None:
        """Change one number."""
        self.array()[row] = value

    def replace(self, numbers: NDArray[Any]) -> None:
        """Have the column be these numbers."""
        self._chunks, self._joined = [numbers], 1

    def keep(self, rows: NDArray[Any]) -> None:
        """Forget the other rows; row numbers put those that stay in their order."""
        self.replace(self.array()[rows])

    def _add(self, numbers: NDArray[Any]) -> None:
        self._chunks.append(compact(numbers, np.dtype(self._dtype)))
        if len(self._chunks) >= self._joined + _TOGETHER:
            last = self._chunks[self._joined :]
            alike = _alike(last)
            self._chunks[self._joined :] = [np.concatenate(last) if alike is None else alike]
            self._joined += 1

    def _numbers(self) -> NDArray[Any]:
        return np.array(self.staged, self._dtype)


def _alike(chunks: Sequence[NDArray[Any]]) -> NDArray[Any] | None:
    """Pieces of a column as one that takes the room of one number, where they all say the same in every row."""
    some = [chunk for chunk in chunks if len(chunk)]
    constant = all(chunk.strides == (0,) or len(chunk) == 1 for chunk in some)
    if constant and len({chunk[0].item() for chunk in some}) == 1:
        return np.broadcast_to(some[0][0], sum(map(len, some)))
    return None


class SizeColumn(Column):
    """Numbers of bytes out of documents; what is none is NA."""

    def _numbers(self) -> NDArray[Any]:
        numbers = np.array(self.staged) if {*map(type, self.staged)} == {int} else None
        if numbers is not None and numbers.dtype == np.int64 and numbers.min() >= 0 and numbers.max() < _LARGEST_SIZE:
            return numbers
        sizes = [value if type(value) is int and 0 <= value < _LARGEST_SIZE else int(NA_INT) for value in self.staged]
        return np.array(sizes, np.int64)


class TimeColumn(Column):
    """Times out of documents, in microseconds."""

    def _numbers(self) -> NDArray[Any]:
        distinct, places = encode(self.staged)
        return parse_stamps([text or "" for text in distinct])[places]


class TextColumn(Column):
    """Codes of texts."""

    def __init__(self, pool: NamePool | TextPool, *, keep_empty: bool = False) -> None:
        super().__init__(np.int32)
        self._pool, self._keep_empty = pool, keep_empty

    def repeat(self, text: str | None, count: int) -> None:
        """Add one text many times."""
        self.extend_numbers(np.full(count, self._pool.codes([text])[0], np.int32))

    def _numbers(self) -> NDArray[Any]:
        return self._pool.codes(self.staged, keep_empty=self._keep_empty)


class KeyColumn(Column):
    """Codes of keys, staged as texts or as codes; an empty text is NA.

    In a column out of documents only texts are keys, and what is no digest is NA.

    Attributes
    ----------
    malformed : list of (int, object)
        Row and value of each that is no digest.
    """

    def __init__(self, pool: KeyPool, prefix: bytes, accepts: Callable[[str], bool] | None) -> None:
        super().__init__(np.int32)
        self._pool, self._prefix, self._accepts = pool, prefix, accepts
        self.malformed: list[tuple[int, object]] = []

    def extend_raw(self, raw: NDArray[np.uint8]) -> None:
        """Add keys given as rows of 32 bytes."""
        self.extend_numbers(self._pool.intern_raw(raw, self._prefix))

    def intern(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Codes of keys, without adding them."""
        return self._pool.intern(texts, self._prefix)

    def _numbers(self) -> NDArray[Any]:
        staged = self.staged
        if self._accepts is None and int in {*map(type, staged)}:
            return self._with_codes(staged)
        said = [value for value in staged if value != ""] if "" in staged else staged
        try:
            codes = self._pool.intern_regular(said, self._prefix)
        except TypeError:  # something that is no text
            codes = None
        if codes is None:
            return self._irregular(staged)
        if len(said) == len(staged):
            return codes
        spread = np.full(len(staged), -1, np.int32)
        spread[[value != "" for value in staged]] = codes
        return spread

    def _with_codes(self, staged: list[Any]) -> NDArray[np.int32]:
        try:
            return np.array(staged, np.int32)
        except ValueError:  # texts among them
            known = self._pool.intern([key if isinstance(key, str) else "" for key in staged], self._prefix).tolist()
            return np.array([key if isinstance(key, int) else code for key, code in zip(staged, known, strict=True)])

    def _irregular(self, staged: list[Any]) -> NDArray[np.int32]:
        first = sum(map(len, self._chunks))
        accepts = self._accepts
        good = [
            value if isinstance(value, str) and (not value or accepts is None or accepts(value)) else None
            for value in staged
        ]
        self.malformed += [(first + at, staged[at]) for at, value in enumerate(good) if value is None]
        return self._pool.intern([value or "" for value in good], self._prefix)
