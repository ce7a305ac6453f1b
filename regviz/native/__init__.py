"""The same in C, where there is a compiler: system calls and look-ups of keys, thousands with one call.

`native.c` is compiled when regviz is installed, if the machine can; nothing depends on it. Each function here returns
None where there is no library (but for two that are called where there is one), and the caller's own loop does the
work. The library gives back what is as it should be; what is odd is left to the caller, who says what is wrong with it.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from functools import cache
from itertools import compress, pairwise
from operator import not_
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

LIBRARY, SOURCE = Path(__file__).with_name("_native.so"), Path(__file__).with_name("native.c")
SWITCH = "REGVIZ_NATIVE"
"""Environment variable: 0 leaves the library alone."""

_POINTER, _LONG, _WIDE, _BYTES, _INT = (
    ctypes.c_void_p,
    ctypes.c_long,
    ctypes.c_int64,
    ctypes.c_char_p,
    ctypes.c_int,
)
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "source": (_BYTES,),
    "look": (None, _INT, _BYTES, _LONG, _BYTES, _POINTER),
    "read": (None, _INT, _BYTES, _LONG, _POINTER, _POINTER, _POINTER, _POINTER),
    "read_links": (None, _INT, _BYTES, _LONG, _BYTES, _BYTES, _INT, _POINTER, _POINTER, _POINTER),
    "lone": (None, _INT, _BYTES, _BYTES, _LONG, _POINTER),
    "list": (_WIDE, _BYTES, _POINTER, _POINTER, _WIDE),
    "members": (None, _INT, _BYTES, _LONG, _BYTES, _BYTES, _BYTES, _WIDE, _POINTER, _POINTER, _POINTER, _POINTER),
    "elements": (_WIDE, _BYTES, _POINTER, _LONG, _WIDE, _POINTER, _POINTER, _POINTER),
    "hash": (None, _BYTES, _POINTER, _POINTER, _WIDE, _POINTER, _POINTER),
    "intern": (
        _WIDE,
        *(_POINTER, _POINTER, _POINTER, _WIDE, ctypes.c_uint64, _INT, _WIDE),
        *(_POINTER, _WIDE, ctypes.c_uint8, _POINTER),
    ),
}
_AT_ONCE = 8 << 20  # bytes of documents that are read with one call
_LISTED = 1 << 20


class Facts(NamedTuple):
    """What lstat says: arrays of int64, an element for each file; mode 0 where it says nothing."""

    modes: NDArray[np.int64]
    sizes: NDArray[np.int64]
    times: NDArray[np.int64]
    allocated: NDArray[np.int64]
    inodes: NDArray[np.int64]


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
    compiled = hashlib.sha256(SOURCE.read_bytes()).hexdigest()
    return functions if functions["source"]() == compiled.encode() else None


def is_there() -> bool:
    """Whether there is a library."""
    return library() is not None


def look(directory: int, names: Sequence[bytes], suffix: bytes) -> Facts | None:
    """What lstat says of ``name + suffix`` in an open directory."""
    native, joined = library(), _joined(names)
    if native is None or joined is None:
        return None
    facts = np.empty((5, len(names)), np.int64)
    native["look"](directory, joined, len(names), suffix, _at(facts))
    return Facts(*facts)


def read(
    directory: int, names: Sequence[bytes], most: Sequence[int], *, measure: bool = False
) -> tuple[list[bytes | None], Facts] | None:
    """Contents of files in an open directory, and where they are to be measured what fstat says of them.

    Measured files are taken if they are regular and have 1 to `most` bytes, others if they have just as many; all
    others are None.
    """
    native, joined = library(), _joined(names)
    if native is None or joined is None:
        return None
    contents: list[bytes | None] = []
    wanted = np.array(most, np.int64)
    facts = np.zeros((5, len(names)), np.int64)
    ends = np.cumsum(wanted)
    starts = [0, *(np.cumsum([*map(len, names)]) + np.arange(1, len(names) + 1)).tolist()]
    first = 0
    while first < len(names):
        before = int(ends[first - 1]) if first else 0
        last = max(int(np.searchsorted(ends, before + _AT_ONCE, "right")), first + 1)
        count = last - first
        buffer, lengths = np.empty(int(ends[last - 1]) - before, np.uint8), np.empty(count, np.int64)
        found = np.zeros((5, count), np.int64)
        native["read"](
            directory,
            joined[starts[first] :],
            count,
            _at(wanted[first:]),
            _at(buffer),
            _at(lengths),
            _at(found) if measure else None,
        )
        contents += _parts(buffer, lengths)
        facts[:, first:last] = found
        first = last
    return contents, Facts(*facts)


def read_links(
    directory: int, names: Sequence[bytes], middle: bytes, last: bytes, width: int
) -> tuple[list[bytes | None], list[int]] | None:
    """The first bytes of ``name + middle + last`` and their times; None for what is no regular file below no link."""
    native, joined = library(), _joined(names)
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
    names = _joined([name for name, _ in tags])
    digits = _joined([encoded for _, encoded in tags])
    native = library()
    if native is None or names is None or digits is None:
        return None
    found = np.empty(len(tags), np.bool_)
    native["lone"](directory, names, digits, len(tags), _at(found))
    return found.tolist()


def list_names(path: bytes) -> tuple[list[bytes], list[bytes]] | None:
    """Names of directories and of files in a directory that holds nothing else."""
    native = library()
    if native is None:
        return None
    names, is_directory = np.empty(_LISTED, np.uint8), np.empty(_LISTED, np.bool_)
    used = native["list"](path, _at(names), _at(is_directory), _LISTED)
    if used < 0:
        return None
    found = names[:used].tobytes().split(b"\0")[:-1]
    marks = is_directory[: len(found)]
    if marks.all():
        return found, []
    kinds = marks.tolist()
    return [*compress(found, kinds)], [*compress(found, map(not_, kinds))]


def members(
    directory: int, names: Sequence[bytes], files: tuple[bytes, bytes, bytes], room: int
) -> tuple[list[bytes | None], Facts, NDArray[np.bool_]] | None:
    """Of each name a document shorter than `room`, what lstat says of a second file, and whether a third is there."""
    native, joined = library(), _joined(names)
    if native is None or joined is None:
        return None
    buffer = np.empty(room * len(names), np.uint8)
    lengths, facts = np.empty(len(names), np.int64), np.empty((5, len(names)), np.int64)
    marked = np.empty(len(names), np.bool_)
    native["members"](directory, joined, len(names), *files, room, _at(buffer), _at(lengths), _at(facts), _at(marked))
    return _parts(buffer, lengths), Facts(*facts), marked


def elements(arrays: Sequence[bytes]) -> tuple[bytes, NDArray[np.int64], NDArray[np.int64]] | None:
    """The elements of JSON arrays: all arrays as one text, the elements' bounds in it, and how many each array has."""
    native = library()
    if native is None:
        return None
    text = b"".join(arrays)
    bounds = np.zeros(len(arrays) + 1, np.int64)
    np.cumsum([*map(len, arrays)], out=bounds[1:])
    found, counts, room = np.empty((2, 0), np.int64), np.empty(len(arrays), np.int64), 0
    count = 64 * len(arrays)
    while count > room:
        found, room = np.empty((2, count), np.int64), count
        count = native["elements"](text, _at(bounds), len(arrays), room, _at(found[0]), _at(found[1]), _at(counts))
    return None if count < 0 else (text, found[:, :count], counts)


def hashes(text: bytes, bounds: NDArray[np.int64], key: bytes) -> NDArray[np.uint64]:
    """A keyed hash of 128 bits (two words) of each part of a text; the first row of bounds has their beginnings.

    The library is there.
    """
    native = library() or {}
    starts, ends = np.ascontiguousarray(bounds[0]), np.ascontiguousarray(bounds[1])
    words = np.empty((len(starts), 2), np.uint64)
    native["hash"](text, _at(starts), _at(ends), len(starts), _at(np.frombuffer(key, np.uint64)), _at(words))
    return words


def intern(
    words: NDArray[np.uint64],
    family: NDArray[np.uint8],
    slots: NDArray[np.int32],
    salt: int,
    count: int,
    rows: NDArray[np.uint64],
    kind: int,
) -> tuple[NDArray[np.int32], int]:
    """Codes of rows in the hash table of a :class:`~regviz.interning.RawRows`, and how many rows that has then.

    The table has room for all of them, and the library is there.
    """
    native = library() or {}
    rows = np.ascontiguousarray(rows)
    codes = np.empty(len(rows), np.int32)
    table = _at(words), _at(family), _at(slots), len(slots), salt, words.shape[1], count
    count = native["intern"](*table, _at(rows), len(rows), kind, _at(codes))
    return codes, count


def _joined(names: Sequence[bytes]) -> bytes | None:
    """Names, each ended by a zero byte; None where one holds such a byte."""
    joined = b"\0".join(names) + b"\0"
    return joined if joined.count(b"\0") == len(names) else None


def _parts(buffer: NDArray[np.uint8], lengths: NDArray[np.int64]) -> list[bytes | None]:
    ends = np.cumsum(np.maximum(lengths, 0))
    data = buffer[: ends[-1]].tobytes() if len(ends) else b""
    parts: list[bytes | None] = [data[start:end] for start, end in pairwise([0, *ends.tolist()])]
    for at in np.flatnonzero(lengths < 0).tolist():
        parts[at] = None
    return parts


def _at(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)
