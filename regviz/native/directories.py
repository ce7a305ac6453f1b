"""What directories hold, in C: listings, and whole repositories with their links and tags."""

from __future__ import annotations

import ctypes
import threading
from itertools import compress, islice
from operator import not_
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regviz import native
from regviz.native.rooms import new_room

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST = 1 << 14
"""Directories that are listed with one call."""
_MANY_NAMES, _NO_ROOM = 1 << 25, -2  # bytes of names in the largest directories; what says that there are more
_NAMES, _DIGESTS, _DIGEST = 1 << 20, 1 << 16, 32  # bytes of names and digests that one call finds; bytes of a digest
PARTS = (b"_layers", b"_manifests", b"_uploads", b"_referrers", b"revisions", b"tags")
LOOKED_AT = (b"_layers", b"revisions", b"tags", b"_uploads")
"""Parts of a repository, and of its manifests, as repositories.c knows them; those of them that it looks at."""
_SETS = [frozenset(part for bit, part in enumerate(PARTS) if flags >> bit & 1) for flags in range(1 << len(PARTS))]
LINKS = ("stat", "check", "open")
"""Which links are looked at: those of revisions, those of layers too, none."""


class Digests(NamedTuple):
    """Digests of sha256, as rows of 32 bytes, and times of their links (µs): none where these were not looked at."""

    raw: NDArray[np.uint8]
    times: NDArray[np.int64]


class Tags(NamedTuple):
    """Tags.

    Attributes
    ----------
    names : bytes
        Each ended by a zero byte.
    pushes : array of int
        How many digests each was pushed with; 0 where anything is odd about it, of which there is only the name.
    digests : Digests
        What the others lead to.
    history : Digests
        What those were pushed with that were with several.
    """

    names: bytes
    pushes: NDArray[np.int64]
    digests: Digests
    history: Digests


class Repositories(NamedTuple):
    """What lies in some directories below ``repositories``, one after the other.

    Attributes
    ----------
    parts : list of frozenset of bytes
        Which of `PARTS` each directory has; None for one that holds what is odd, of which nothing else is said.
    below : dict of int to (list of bytes, list of bytes)
        By the number of a directory that has some: the names of other directories and of files in it.
    counts : array of int
        A row for each directory: how many there are of each of `LOOKED_AT`, -1 where somebody else must look.
    layers, revisions : Digests
    tags : Tags
    """

    parts: list[frozenset[bytes] | None]
    below: dict[int, tuple[list[bytes], list[bytes]]]
    counts: NDArray[np.int64]
    layers: Digests
    revisions: Digests
    tags: Tags


_DIGEST_KINDS = ("layers", "revisions", "tags", "history")


class _DigestRoom(ctypes.Structure):
    """As in repositories.c."""

    _fields_ = (("raw", ctypes.c_void_p), ("times", ctypes.c_void_p), ("used", ctypes.c_int64))


class _Room(ctypes.Structure):
    """As in repositories.c."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("texts", "tag_texts", "is_directory", "pushes")),
        *((name, ctypes.c_int64) for name in ("texts_room", "digests_room", "texts_used", "tag_texts_used", "names")),
        *((name, _DigestRoom) for name in _DIGEST_KINDS),
    )


class _Rooms(threading.local):
    """Room for what one call finds, for each thread."""

    def __init__(self) -> None:
        self.names, self.tag_names, self.marks = new_room(3 * _NAMES).reshape(3, _NAMES)
        kinds = len(_DIGEST_KINDS)
        self.raw = new_room(kinds * _DIGESTS * _DIGEST).reshape(kinds, _DIGESTS, _DIGEST)
        *self.times, self.pushes = new_room((kinds + 1) * _DIGESTS * 8).view(np.int64).reshape(kinds + 1, _DIGESTS)
        texts = (array.ctypes.data for array in (self.names, self.tag_names, self.marks, self.pushes))
        digests = (
            _DigestRoom(raw.ctypes.data, times.ctypes.data) for raw, times in zip(self.raw, self.times, strict=True)
        )
        self.all = _Room(*texts, _NAMES, _DIGESTS, 0, 0, 0, *digests)

    def empty(self) -> _Room:
        """All the room there is."""
        room = self.all
        room.texts_used = room.tag_texts_used = room.names = 0
        room.layers.used = room.revisions.used = room.tags.used = room.history.used = 0
        return room

    def digests(self, kind: str) -> Digests:
        """Digests that one call found."""
        at, used = _DIGEST_KINDS.index(kind), getattr(self.all, kind).used
        return Digests(self.raw[at, :used].copy(), self.times[at][:used].copy())

    def tags(self, names: bytes) -> Tags:
        """Tags that one call found."""
        raw, times = self.digests("tags")
        pushes = self.pushes[: len(raw)].copy()
        good = pushes > 0
        return Tags(names, pushes, Digests(raw[good], times[good]), self.digests("history"))


_rooms = _Rooms()


def list_names(path: bytes) -> tuple[list[bytes], list[bytes]] | None:
    """Names of directories and of files in a directory that holds nothing else."""
    if (library := native.library()) is None:
        return None
    names, marks = _rooms.names, _rooms.marks
    used = library["list"](path, names.ctypes.data, marks.ctypes.data, len(names))
    if used == _NO_ROOM:
        names, marks = new_room(2 * _MANY_NAMES).reshape(2, _MANY_NAMES)
        used = library["list"](path, names.ctypes.data, marks.ctypes.data, len(names))
    if used < 0:
        return None
    found = names[:used].tobytes().split(b"\0")[:-1]
    return _sorted_out(found, marks[: len(found)])


def repositories(top: int, paths: Sequence[bytes], *, most: int, links: str) -> Repositories | None:
    """What lies in the directories of these paths below an open directory; of links and tags, at most `most`."""
    joined = native.terminated(paths)
    if (library := native.library()) is None or joined is None:
        return None
    room, found = _rooms.empty(), np.empty((len(paths), 6), np.int64)
    library["repositories"](
        *(top, joined, len(paths), most, MOST, LINKS.index(links), ctypes.byref(room), found.ctypes.data)
    )
    return Repositories(
        [None if flags < 0 else _SETS[flags] for flags in found[:, 0].tolist()],
        _below(found[:, 1], room),
        found[:, 2:],
        _rooms.digests("layers"),
        _rooms.digests("revisions"),
        _rooms.tags(_rooms.tag_names[: room.tag_texts_used].tobytes()),
    )


def _below(counts: NDArray[np.int64], room: _Room) -> dict[int, tuple[list[bytes], list[bytes]]]:
    found: dict[int, tuple[list[bytes], list[bytes]]] = {}
    if room.names:
        names = iter(_rooms.names[: room.texts_used].tobytes().split(b"\0"))
        start = 0
        for at in np.flatnonzero(counts).tolist():
            count = int(counts[at])
            found[at] = _sorted_out([*islice(names, count)], _rooms.marks[start : start + count])
            start += count
    return found


def _sorted_out(names: list[bytes], is_directory: NDArray[np.uint8]) -> tuple[list[bytes], list[bytes]]:
    """Names of directories, and of files."""
    if is_directory.all():
        return names, []
    kinds = is_directory.tolist()
    return [*compress(names, kinds)], [*compress(names, map(not_, kinds))]


def tags_of(directory: int, most: int, names: Sequence[bytes]) -> Tags:
    """Those of these names, that a listing had, in an open directory; histories of at most `most` digests.

    The library is there.
    """
    joined, library = b"\0".join(names) + b"\0", native.library() or {}
    library["tags_of"](directory, joined, len(names), most, ctypes.byref(_rooms.empty()))
    return _rooms.tags(joined)
