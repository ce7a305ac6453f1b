"""What directories hold, in C: listings, digests with their links, tags that were pushed once."""

from __future__ import annotations

import threading
from itertools import compress
from operator import not_
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from regviz import native

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST = 1 << 14
"""Directories that are listed with one call."""
_NAMES, _DIGEST = 1 << 20, 32  # bytes; of names, and of a digest


class Digests(NamedTuple):
    """Digests of sha256, as rows of 32 bytes, and times of their links (µs): none where these were not looked at."""

    raw: NDArray[np.uint8]
    times: NDArray[np.int64]


class Tags(NamedTuple):
    """Tags of a repository.

    Attributes
    ----------
    names : bytes
        Each ended by a zero byte.
    once : array of bool
        Which of them were pushed once, and have nothing odd about them; of the others there is only the name.
    digests : Digests
        What those lead to.
    """

    names: bytes
    once: NDArray[np.bool_]
    digests: Digests


class _Rooms(threading.local):
    """Room for what one call finds, for each thread: to have the system give it each time takes too long."""

    def __init__(self) -> None:
        self.names, self.marks = np.empty((2, _NAMES), np.uint8)
        self.raw, self.times = np.empty((MOST, _DIGEST), np.uint8), np.empty(MOST, np.int64)
        self.used = np.zeros(1, np.int64)
        self.at: dict[str, Any] = {name: array.ctypes.data for name, array in vars(self).items()}


_rooms = _Rooms()


def list_names(path: bytes) -> tuple[list[bytes], list[bytes]] | None:
    """Names of directories and of files in a directory that holds nothing else."""
    if (library := native.library()) is None:
        return None
    at = _rooms.at
    used = library["list"](path, at["names"], at["marks"], _NAMES)
    if used < 0:
        return None
    found = _rooms.names[:used].tobytes().split(b"\0")[:-1]
    marks = _rooms.marks[: len(found)]
    if marks.all():
        return found, []
    kinds = marks.tolist()
    return [*compress(found, kinds)], [*compress(found, map(not_, kinds))]


def digests(path: bytes, *, most: int, linked: bool) -> Digests | None:
    """Digests below a directory that holds ``sha256`` alone, and that nothing but directories called by digests.

    With `linked` only those with a file ``link`` that is as long as it should be. None where anything is otherwise, or
    more than `most` are there.
    """
    if (library := native.library()) is None:
        return None
    at = _rooms.at
    count = library["digests"](path, most, at["names"], _NAMES, at["raw"], at["times"] if linked else None)
    return None if count < 0 else Digests(_rooms.raw[:count].copy(), _rooms.times[: count * linked].copy())


def tags(path: bytes, most: int) -> Tags | None:
    """Tags in a directory that holds at most `most` directories and nothing else."""
    if (library := native.library()) is None:
        return None
    at = _rooms.at
    count = library["tags"](path, most, at["names"], _NAMES, at["used"], at["raw"], at["times"], at["marks"])
    if count < 0:
        return None
    names = _rooms.names[: _rooms.used[0]].tobytes()
    once = _rooms.marks[:count].astype(np.bool_)
    return Tags(names, once, Digests(_rooms.raw[:count][once], _rooms.times[:count][once]))


def tags_of(directory: int, names: Sequence[bytes]) -> Tags:
    """Those of these names in an open directory.

    The library is there.
    """
    joined, count = b"\0".join(names) + b"\0", len(names)
    raw, times, once = np.empty((count, _DIGEST), np.uint8), np.empty(count, np.int64), np.empty(count, np.bool_)
    library = native.library() or {}
    library["tags_of"](directory, joined, count, *(array.ctypes.data for array in (raw, times, once)))
    return Tags(joined, once, Digests(raw[once], times[once]))
