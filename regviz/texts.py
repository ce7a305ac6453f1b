"""Pools of texts: names, sorted at the end; free text, kept once and compressed."""

from __future__ import annotations

from copy import copy
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from regviz.hashes import HASH_WORDS, KeyedHash
from regviz.interning import RawRows, first_places
from regviz.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from regviz.native import Bounds

    Codes = NDArray[np.int32]

_BLOCK = 1 << 18
_TOGETHER = 1 << 20  # bytes of texts that are searched with one call
_TWINS = 1  # the family of texts that have another code beside that of their equals


def encode(values: list[Any], *, keep_empty: bool = False) -> tuple[list[str | None], Codes]:
    """Distinct texts among values out of documents, and for each value its place among them.

    What is no text is None, and so is an empty one unless it is kept; what tables refuse is escaped.

    Examples
    --------
    >>> texts, places = encode(["linux", 7, "", "linux", []])
    >>> [texts[place] for place in places]
    ['linux', None, None, 'linux', None]
    """
    try:
        distinct = dict.fromkeys(values)
    except TypeError:  # a list or an object
        values = [value if isinstance(value, str) else None for value in values]
        distinct = dict.fromkeys(values)
    if len(distinct) == len(values):
        places = np.arange(len(values), dtype=np.int32)
    elif len(distinct) == 1:
        places = np.zeros(len(values), np.int32)
    else:
        place = dict(zip(distinct, range(len(distinct)), strict=True))
        places = np.fromiter(map(place.__getitem__, values), np.int32, len(values))
    return _cleaned([*distinct], keep_empty=keep_empty), places


def _cleaned(values: list[Any], *, keep_empty: bool) -> list[str | None]:
    """What tables take of distinct values."""
    try:
        together = "".join(values)
    except TypeError:
        pass
    else:
        if together.isascii() and "\x00" not in together and (keep_empty or "" not in values):
            return values
    return [clean(value) if isinstance(value, str) and (value or keep_empty) else None for value in values]


class NamePool:
    """Codes for names, in the order they are met."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._texts: list[str] = []

    def __len__(self) -> int:
        return len(self._codes)

    def code(self, text: str | None) -> int:
        """Code of a text; -1 for None."""
        if text is None:
            return -1
        return self._codes.setdefault(text, len(self._codes))

    def codes(self, values: list[Any], *, keep_empty: bool = False) -> Codes:
        """Codes of values out of documents."""
        distinct, places = encode(values, keep_empty=keep_empty)
        return np.array([*map(self.code, distinct)], np.int32)[places]

    def text(self, code: int) -> str:
        """The text of a code."""
        if len(self._texts) != len(self._codes):
            self._texts = list(self._codes)
        return self._texts[code]

    def texts(self) -> list[str]:
        """Every text, by code."""
        return list(self._codes)

    def freeze(self) -> tuple[list[str], Codes]:
        """The texts sorted, and the new code of each old one, NA's -1 at the end."""
        texts = list(self._codes)
        order = sorted(range(len(texts)), key=texts.__getitem__)
        new = np.full(len(texts) + 1, -1, np.int32)
        new[order] = np.arange(len(texts), dtype=np.int32)
        return [texts[i] for i in order], new


class TextPool:
    """Codes for free text: instructions, label values, comments.

    A large registry has a hundred megabytes of distinct instructions. They are found again by a keyed hash of 128 bits,
    and lie in compressed blocks until someone asks.

    Attributes
    ----------
    shows_values : bool
        Whether texts are given as they were taken, also those that :meth:`mask` names.

    Examples
    --------
    >>> pool = TextPool()
    >>> pool.codes(["COPY . /", None, "RUN make", "COPY . /"]).tolist(), pool.texts(np.array([1, 0], np.int32))
    ([0, -1, 1, 0], ['RUN make', 'COPY . /'])
    """

    def __init__(self) -> None:
        self._rows = RawRows(HASH_WORDS)
        self._hashes = KeyedHash()
        self._blocks: list[bytes] = []
        self._open: list[bytes] = []
        self._open_bytes = 0
        self._first_of_block = [0]
        self._kept: tuple[tuple[int, int], list[str]] = ((-1, -1), [])
        self._masked: dict[int, str] = {}
        self.shows_values = False

    def __len__(self) -> int:
        return len(self._rows)

    def codes(self, values: list[Any], *, keep_empty: bool = False) -> Codes:
        """Codes of values out of documents; -1 for what is no text."""
        distinct, places = encode(values, keep_empty=keep_empty)
        said = [text for text in distinct if text is not None]
        known = np.full(len(distinct), -1, np.int32)
        if said:
            raw = "\x00".join(said).encode().split(b"\x00")  # a clean text has no NUL
            known[[text is not None for text in distinct]] = self._interned(raw)
        return known[places]

    def codes_in(self, text: bytes, parts: Bounds) -> Codes:
        """Codes of parts of a text: clean ones in ASCII, none of them empty.

        The library of :mod:`regviz.native` is there.
        """
        before = len(self._rows)
        codes = self._rows.intern(self._hashes.within(text, parts))
        first = first_places(codes, before)
        starts, ends = (bounds[first].tolist() for bounds in parts)
        self._append([text[start:end] for start, end in zip(starts, ends, strict=True)])
        return codes

    def twins(self, texts: list[str]) -> Codes:
        """Codes of their own for distinct texts that other columns may have too."""
        return self._interned([text.encode() for text in texts], _TWINS)

    def _interned(self, raw: list[bytes], family: int = 0) -> Codes:
        before = len(self._rows)
        codes = self._rows.intern(self._hashes.of(raw), family)
        fresh = np.flatnonzero(codes >= before)
        _, first = np.unique(codes[fresh], return_index=True)  # what documents wrote in two ways may be one text
        self._append([raw[at] for at in fresh[first].tolist()])
        return codes

    def rest(self) -> None:
        """Give back what only finding texts needs; it is made again when a text is looked up."""
        self._rows.rest()

    def texts(self, codes: Codes) -> list[str]:
        """Texts of codes, none of them NA."""
        result = [""] * len(codes)
        bounds = np.array([*self._first_of_block, len(self) + 1])
        order = np.argsort(codes, kind="stable")
        block_of = np.searchsorted(bounds, codes[order], "right") - 1
        for at, block, code in zip(order.tolist(), block_of.tolist(), codes[order].tolist(), strict=True):
            result[at] = self._block(block)[code - self._first_of_block[block]]
        if self._masked and not self.shows_values:
            masked = self._masked.get
            result = [masked(code, text) for code, text in zip(codes.tolist(), result, strict=True)]
        return result

    def fitting(self, patterns: Sequence[str]) -> Iterator[tuple[int, str, list[int]]]:
        """Codes and texts, as they were taken, in which a regular expression is found, and which of them are.

        RE2 looks for them: in one passage for all, in a time that is linear in the text.
        """
        import pandas  # noqa: F401, ICN001  # else Arrow does, and drops an interrupt that comes meanwhile
        import pyarrow as pa
        import pyarrow.compute as pc

        any_of_them = "|".join(f"(?:{pattern})" for pattern in patterns)

        def rows(texts: pa.Array, pattern: str) -> NDArray[np.int64]:
            fits = pc.match_substring_regex(texts, pattern, ignore_case=True)
            return np.flatnonzero(fits.to_numpy(zero_copy_only=False))

        held: list[pa.Array] = []  # a pattern is compiled anew for each of these, which takes a millisecond
        first = size = 0
        for number, beyond in enumerate([*self._first_of_block[1:], len(self)]):
            starts, data = self._raw(number)
            buffers = [None, pa.py_buffer(starts.astype(np.int32)), pa.py_buffer(data)]
            held.append(pa.Array.from_buffers(pa.string(), len(starts) - 1, buffers))
            size += len(data)
            if size < _TOGETHER and number < len(self._blocks):
                continue
            texts = pa.concat_arrays(held)
            places = rows(texts, any_of_them)
            if len(places):
                texts = texts.take(pa.array(places))
                fits: list[list[int]] = [[] for _ in places]
                for at, pattern in enumerate(patterns):
                    for row in rows(texts, pattern).tolist():
                        fits[row].append(at)
                yield from zip((places + first).tolist(), texts.to_pylist(), fits, strict=True)
            held, first, size = [], beyond, 0

    def mask(self, texts: dict[int, str]) -> None:
        """Give these texts for their codes from now on."""
        self._masked |= texts

    def unmasked(self) -> TextPool:
        """The same pool, its texts as they were given."""
        bare = copy(self)
        bare.shows_values = True
        return bare

    def _append(self, texts: list[bytes]) -> None:
        """Keep texts, in the order of their codes."""
        self._open += texts
        self._open_bytes += sum(map(len, texts))
        if self._open_bytes >= _BLOCK:
            import zstandard

            lengths = self._lengths_open().tobytes()
            head = len(self._open).to_bytes(4, "little")
            packed = zstandard.ZstdCompressor(level=1).compress(head + lengths + b"".join(self._open))
            self._blocks.append(bytes(bytearray(packed)))  # a copy: the compressor's own has room for the worst case
            self._first_of_block.append(self._first_of_block[-1] + len(self._open))
            self._open, self._open_bytes = [], 0

    def _lengths_open(self) -> NDArray[np.int32]:
        return np.fromiter(map(len, self._open), np.int32, len(self._open))

    def _block(self, number: int) -> list[str]:
        state = (number, len(self))  # the last block still grows
        if state != self._kept[0]:
            self._kept = (state, self._read(number))
        return self._kept[1]

    def _read(self, number: int) -> list[str]:
        if number == len(self._blocks):
            return [text.decode() for text in self._open]
        starts, data = self._raw(number)
        bounds = starts.tolist()
        return [data[start:end].decode() for start, end in pairwise(bounds)]

    def _raw(self, number: int) -> tuple[NDArray[np.int64], bytes]:
        """The texts of a block in one piece: where each begins, where the last ends, and the bytes."""
        if number == len(self._blocks):
            lengths, data, head = self._lengths_open(), b"".join(self._open), 0
        else:
            import zstandard

            data = zstandard.ZstdDecompressor().decompress(self._blocks[number])
            count = int.from_bytes(data[:4], "little")
            lengths, head = np.frombuffer(data, np.int32, count, 4), 4 + 4 * count
        return np.concatenate(([head], np.cumsum(lengths, dtype=np.int64) + head)), data
