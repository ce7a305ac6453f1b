"""Where values stand in JSON documents, and what the usual ones say, in C. The library is there."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from regviz import native
from regviz.native import Bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from regviz.native import Texts

    Flags = NDArray[np.bool_]

ANYTHING, MISSING = "", " "
_BYTES_OF_ELEMENT, _ELEMENTS_MORE = 32, 8
"""Elements for which there is room: one for so many bytes of the documents, and so many more for each of these."""


class _Member(ctypes.Structure):
    """As json.c has it."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("accepted", ctypes.c_char_p),
        ("length", ctypes.c_int32),
        ("within", ctypes.c_int32),
        ("elements", ctypes.c_int32),
        ("pairs", ctypes.c_int32),
    )


class _List(ctypes.Structure):
    """As json.c has it."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("room", "all", "different")),
        *((name, ctypes.c_void_p) for name in ("counts", "starts", "ends", "which", "below", "beside")),
        ("first", ctypes.c_int32),
    )


class Members:
    """Members of JSON objects that are wanted: ``config/digest`` is looked for in the value of ``config``.

    Parameters
    ----------
    accepted : mapping of str to str
        Of each member the letters with which its value may begin, :data:`MISSING` if there need not be any;
        :data:`ANYTHING` if that does not matter.
    arrays : tuple of str
        Those of which the elements are wanted, if they are arrays.
    objects : tuple of str
        Those of which all names and values are wanted, if they are objects; of ``labels``, values are ``labels/*``.
    """

    def __init__(
        self, accepted: Mapping[str, str], arrays: tuple[str, ...] = (), objects: tuple[str, ...] = ()
    ) -> None:
        self.paths = (*accepted,)
        self.listed = (*arrays, *(each for path in objects for each in (path, f"{path}/*")))
        members = []
        for path, letters in accepted.items():
            parent, _, name = path.rpartition("/")
            within = self.paths.index(parent) if parent else -1
            place = self.listed.index(path) if path in self.listed else -1
            places = (place, -1) if path in arrays else (-1, place)
            members.append(_Member(name.encode(), letters.encode(), len(name), within, *places))
        self.array = (_Member * len(members))(*members)


class Listed(NamedTuple):
    """Elements of arrays, or members of objects, one after the other: those that repeat stand here once, most of them.

    Values of members are as many as their names, each by itself.

    Attributes
    ----------
    different : Bounds
        Where those stand.
    which : array of int32
        Of each element which it is of those.
    counts : array of int64
        How many elements each document has.
    """

    different: Bounds
    which: NDArray[np.int32]
    counts: NDArray[np.int64]

    def only(self, good: Flags) -> Listed:
        """Those of some documents."""
        which = self.which[np.repeat(good, self.counts)]
        used = np.zeros(len(self.different.starts), np.bool_)
        used[which] = True
        place = np.cumsum(used, dtype=np.int32) - np.int32(1)
        return Listed(Bounds(*(bounds[used] for bounds in self.different)), place[which], self.counts[good])


def fields(documents: Texts, wanted: Members) -> tuple[Bounds, Flags, list[Listed]]:
    """Where the values of wanted members stand in JSON objects.

    Returns
    -------
    Bounds
        Of the values: a row for each member, a column for each document.
    array of bool
        Which documents are objects that every reader reads alike (JSON of nothing but ASCII, no member that is wanted
        there twice), with values as they are accepted. Of the others nothing is said.
    list of Listed
        The elements of each array that is wanted, the names and the values of each object.
    """
    count, members = len(documents), len(wanted.paths)
    begin, end = map(np.ascontiguousarray, documents.bounds)
    found, good = np.empty((2, members, count), np.int64), np.empty(count, np.bool_)
    room = int((end - begin).sum()) // _BYTES_OF_ELEMENT + _ELEMENTS_MORE * count if wanted.listed else 0
    lists, places = (_List * len(wanted.listed))(), []
    for each in lists:
        counts, bounds, which = np.empty(count, np.int64), np.empty((2, room), np.int64), np.empty((3, room), np.int32)
        each.room, each.first = room, -1
        each.counts, each.starts, each.ends = map(_at, (counts, *bounds))
        each.which, each.below, each.beside = map(_at, which)
        places.append((bounds, which[0], counts))
    arguments = documents.data, _at(begin), _at(end), count, wanted.array, members, lists, len(lists)
    _call("fields", *arguments, *map(_at, (*found, good)))
    listed = [
        Listed(Bounds(*bounds[:, : each.different]), which[: each.all], counts)
        for each, (bounds, which, counts) in zip(lists, places, strict=True)
    ]
    return Bounds(*found), good, listed


def are_plain(text: bytes, values: Bounds) -> Flags:
    """Which values are texts that say what is written: not empty, without a backslash."""
    found = np.empty(len(values.starts), np.bool_)
    _ask("plain", text, values, found)
    return found


def digests(text: bytes, values: Bounds) -> tuple[NDArray[np.uint8], Flags]:
    """Rows of 32 bytes, and which values are digests of sha256; of the others the row says nothing."""
    raw, good = np.empty((len(values.starts), 32), np.uint8), np.empty(len(values.starts), np.bool_)
    _ask("sha256", text, values, raw, good)
    return raw, good


def sizes(text: bytes, values: Bounds) -> NDArray[np.int64]:
    """Numbers of bytes; NA for what is none."""
    found = np.empty(len(values.starts), np.int64)
    _ask("sizes", text, values, found)
    return found


def moments(text: bytes, values: Bounds) -> tuple[NDArray[np.int64], Flags]:
    """Times in microseconds, NA for what is no text; and of which nothing is said, as they are written unusually."""
    times, usual = np.empty(len(values.starts), np.int64), np.empty(len(values.starts), np.bool_)
    _ask("moments", text, values, times, usual)
    return times, ~usual


def _ask(name: str, text: bytes, values: Bounds, *answers: NDArray[Any]) -> None:
    starts, ends = map(np.ascontiguousarray, values)
    _call(name, text, *map(_at, (starts, ends)), len(starts), *map(_at, answers))


def _call(name: str, *arguments: object) -> None:
    (native.library() or {})[name](*arguments)


def _at(array: NDArray[Any]) -> int:
    return array.ctypes.data
