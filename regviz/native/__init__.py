"""The same in C, where there is a compiler: system calls and look-ups of keys, thousands with one call.

What is written in C here is compiled when regviz is installed, if the machine can; nothing depends on it. Functions
return None where there is no library, but for those that are called where there is one, and the caller's own loop does
the work. The library gives back what is as it should be; what is odd is left to the caller, who says what is wrong
with it.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from regviz.native.rooms import room_until_next

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

LIBRARY = Path(__file__).with_name("_native.so")
SOURCES = sorted(Path(__file__).parent.glob("*.[ch]"))
SWITCH = "REGVIZ_NATIVE"
"""Environment variable: 0 leaves the library alone."""

_POINTER, _LONG, _WIDE, _BYTES, _INT = (
    ctypes.c_void_p,
    ctypes.c_long,
    ctypes.c_int64,
    ctypes.c_char_p,
    ctypes.c_int,
)
_BYTE = ctypes.c_char * 1
_TABLE = (_POINTER, _POINTER, _POINTER, _WIDE, ctypes.c_uint64, _INT, _WIDE)  # of rows.c, and how many rows it has
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "source": (_BYTES,),
    "look": (None, _INT, _BYTES, _LONG, _BYTES, _POINTER),
    "read": (None, _INT, _BYTES, _BYTES, _LONG, _POINTER, _POINTER, _WIDE, _POINTER, _POINTER),
    "read_links": (None, _INT, _BYTES, _LONG, _BYTES, _BYTES, _INT, _POINTER, _POINTER, _POINTER),
    "lone": (None, _INT, _BYTES, _BYTES, _LONG, _POINTER),
    "list": (_WIDE, _BYTES, _POINTER, _POINTER, _WIDE),
    "tags_of": (None, _INT, _BYTES, _WIDE, _WIDE, _POINTER),
    "repositories": (None, _INT, _BYTES, _WIDE, _WIDE, _WIDE, _INT, _POINTER, _POINTER),
    "members": (None, _INT, _BYTES, _LONG, _BYTES, _BYTES, _BYTES, _WIDE, _POINTER, _POINTER, _POINTER, _POINTER),
    "fields": (None, _BYTES, _POINTER, _POINTER, _WIDE, _POINTER, _INT, _POINTER, _INT, _POINTER, _POINTER, _POINTER),
    "plain": (None, _BYTES, _POINTER, _POINTER, _WIDE, _POINTER),
    "sha256": (None, _BYTES, _POINTER, _POINTER, _WIDE, _POINTER, _POINTER),
    "sizes": (None, _BYTES, _POINTER, _POINTER, _WIDE, _POINTER),
    "moments": (None, _BYTES, _POINTER, _POINTER, _WIDE, _POINTER, _POINTER),
    "hash": (None, _BYTES, _POINTER, _POINTER, _WIDE, _POINTER, _POINTER),
    "intern": (_WIDE, *_TABLE, _POINTER, _WIDE, ctypes.c_uint8, _POINTER),
    "enter": (None, *_TABLE, ctypes.c_uint8),
    "firsts": (_WIDE, _POINTER, _WIDE, _WIDE, _POINTER),
}
_AT_ONCE = 8 << 20  # bytes of documents that are read with one call


class Facts(NamedTuple):
    """What lstat says: arrays of int64, an element for each file; mode 0 where it says nothing."""

    modes: NDArray[np.int64]
    sizes: NDArray[np.int64]
    times: NDArray[np.int64]
    allocated: NDArray[np.int64]
    inodes: NDArray[np.int64]


class Bounds(NamedTuple):
    """Where parts of a text begin and end: arrays of int64 of one shape, -1 for what is not there."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


class Texts:
    """Documents that stand in one text, with a zero byte behind each."""

    def __init__(self, data: bytes, bounds: Bounds) -> None:
        self.data, self.bounds = data, bounds

    def __len__(self) -> int:
        return len(self.bounds.starts)

    @classmethod
    def of(cls, documents: Sequence[bytes]) -> Texts:
        """Put documents into one text."""
        lengths = np.fromiter(map(len, documents), np.int64, len(documents))
        return cls(b"\0".join(documents) + b"\0", _bounds(lengths))

    def take(self, rows: NDArray[np.int64]) -> list[bytes]:
        """Some of the documents."""
        starts, ends = (bounds[rows].tolist() for bounds in self.bounds)
        return [self.data[start:end] for start, end in zip(starts, ends, strict=True)]


@cache
def library() -> Mapping[str, Callable[..., Any]] | None:
    """The library's functions, or None."""
    if os.environ.get(SWITCH) == "0" or not LIBRARY.is_file():
        return None
    try:
        loaded = ctypes.CDLL(str(LIBRARY))
        functions = {name: loaded[f"regviz_{name}"] for name in _SIGNATURES}
    except (OSError, AttributeError):  # of another machine, or of another version
        return None
    for name, (returns, *takes) in _SIGNATURES.items():
        functions[name].restype, functions[name].argtypes = returns, takes
    compiled = hashlib.sha256(b"".join(source.read_bytes() for source in SOURCES)).hexdigest()
    return functions if functions["source"]() == compiled.encode() else None


def is_there() -> bool:
    """Whether there is a library."""
    return library() is not None


def look(directory: int, names: Sequence[bytes], suffix: bytes) -> Facts | None:
    """What lstat says of ``name + suffix`` in an open directory."""
    native, joined = library(), terminated(names)
    if native is None or joined is None:
        return None
    facts = np.empty((5, len(names)), np.int64)
    native["look"](directory, joined, len(names), suffix, _at(facts))
    return Facts(*facts)


def read(directory: int, names: Sequence[bytes], sizes: Sequence[int]) -> list[bytes | None] | None:
    """Contents of files in an open directory that have just as many bytes as is said; None for any other."""
    native = library()
    if native is None:
        return None
    contents: list[bytes | None] = []
    wanted = np.array(sizes, np.int64)
    ends = np.cumsum(wanted + 1)
    first = 0
    while first < len(names):
        before = int(ends[first - 1]) if first else 0
        last = max(int(np.searchsorted(ends, before + _AT_ONCE, "right")), first + 1)
        room = int(ends[last - 1]) - before
        found = _read(directory, b"", names[first:last], wanted[first:last], room, None)
        if found is None:
            return None
        contents += _parts(*found)
        first = last
    return contents


def read_whole(
    directory: int, paths: Sequence[bytes], most: int, common: bytes = b""
) -> tuple[Texts, NDArray[np.bool_], Facts] | None:
    """Contents of those files that are regular, have 1 to `most` bytes and have no link on the way; which these are.

    And what fstat says of each. All paths lie below the directory `common`, which is opened once.
    """
    facts = np.zeros((5, len(paths)), np.int64)
    room = min(len(paths) * (most + 1), _AT_ONCE)
    found = _read(directory, common, paths, np.full(len(paths), most), room, facts)
    return None if found is None else (_texts(*found), found[1] >= 0, Facts(*facts))


def _read(
    directory: int,
    common: bytes,
    names: Sequence[bytes],
    most: NDArray[np.int64],
    room: int,
    facts: NDArray[np.int64] | None,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | None:
    native, joined = library(), terminated(names)
    if native is None or joined is None:
        return None
    buffer, lengths = room_until_next(room), np.empty(len(names), np.int64)
    measured = None if facts is None else _at(facts)
    native["read"](directory, common, joined, len(names), _at(most), _at(buffer), room, _at(lengths), measured)
    return buffer, lengths


def read_links(
    directory: int, names: Sequence[bytes], middle: bytes, last: bytes, width: int
) -> tuple[list[bytes | None], list[int]] | None:
    """The first bytes of ``name + middle + last`` and their times; None for what is no regular file below no link."""
    native, joined = library(), terminated(names)
    if native is None or joined is None:
        return None
    contents = np.empty((len(names), width), np.uint8)
    lengths, times = np.empty((2, len(names)), np.int64)
    native["read_links"](directory, joined, len(names), middle, last, width, _at(contents), _at(lengths), _at(times))
    data = contents.tobytes()
    found = [
        data[start : start + length] if length >= 0 else None
        for start, length in zip(range(0, len(data), width), lengths.tolist(), strict=True)
    ]
    return found, times.tolist()


def lone(directory: int, tags: Sequence[tuple[bytes, bytes]]) -> list[bool] | None:
    """For names and hex digits whether ``name/index`` holds ``sha256/<hex>/link`` and no other directory."""
    names = terminated([name for name, _ in tags])
    digits = terminated([encoded for _, encoded in tags])
    native = library()
    if native is None or names is None or digits is None:
        return None
    found = np.empty(len(tags), np.bool_)
    native["lone"](directory, names, digits, len(tags), _at(found))
    return found.tolist()


def members(
    directory: int, names: Sequence[bytes], files: tuple[bytes, bytes, bytes], room: int
) -> tuple[list[bytes | None], Facts, NDArray[np.bool_]] | None:
    """Of each name a document shorter than `room`, what lstat says of a second file, and whether a third is there."""
    native, joined = library(), terminated(names)
    if native is None or joined is None:
        return None
    buffer = room_until_next(room * len(names))
    lengths, facts = np.empty(len(names), np.int64), np.empty((5, len(names)), np.int64)
    marked = np.empty(len(names), np.bool_)
    native["members"](directory, joined, len(names), *files, room, _at(buffer), _at(lengths), _at(facts), _at(marked))
    return _parts(buffer, lengths), Facts(*facts), marked


def hashes(text: bytes, parts: Bounds, key: bytes) -> NDArray[np.uint64]:
    """A keyed hash of 128 bits (two words) of each part of a text.

    The library is there.
    """
    native = library() or {}
    starts, ends = map(np.ascontiguousarray, parts)
    words = np.empty((len(starts), 2), np.uint64)
    native["hash"](text, _at(starts), _at(ends), len(starts), _at(np.frombuffer(key, np.uint64)), _at(words))
    return words


def terminated(names: Sequence[bytes]) -> bytes | None:
    """Names, each ended by a zero byte; None where one holds such a byte."""
    joined = b"\0".join(names) + b"\0"
    return joined if joined.count(b"\0") == len(names) else None


def _parts(buffer: NDArray[np.uint8], lengths: NDArray[np.int64]) -> list[bytes | None]:
    parts: list[bytes | None] = [None] * len(lengths)
    there = np.flatnonzero(lengths >= 0)
    texts = _texts(buffer, lengths)
    for at, text in zip(there.tolist(), texts.take(np.arange(len(texts))), strict=True):
        parts[at] = text
    return parts


def _texts(buffer: NDArray[np.uint8], lengths: NDArray[np.int64]) -> Texts:
    """What lies in a buffer, without those of length -1."""
    bounds = _bounds(lengths[lengths >= 0])
    return Texts(buffer[: bounds.ends[-1] + 1].tobytes() if len(bounds.ends) else b"", bounds)


def _bounds(lengths: NDArray[np.int64]) -> Bounds:
    """Where texts of these lengths stand that have a zero byte behind each."""
    beyond = np.cumsum(lengths + 1)
    return Bounds(beyond - lengths - 1, beyond - 1)


def _at(array: NDArray[Any]) -> object:
    """Where an array lies, for a function of the library."""
    try:
        return _BYTE.from_buffer(array.data)  # takes half of the time that the array's own word on it takes
    except (TypeError, ValueError):  # one that may not be changed, or is empty
        return array.ctypes.data
