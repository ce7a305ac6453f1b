"""Where tags point to whose links cannot be read, as far as the links beside them tell.

A push writes the link into the tag's index first, and the current link a moment later (registry/storage/tagstore.go,
Tag). An index of one digest therefore says for certain what the tag points to. Of several, the one that was linked
last is meant, where times can be believed: they can be if, in nearly every tag, the last link of the index and the
current link lie close together in that order, which no copy leaves behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int32]
    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.int64]

_LOW = (1 << 32) - 1
_SECOND = 1_000_000
_MOMENT = 10 * _SECOND
_NEARLY_ALL = 0.95
_NO_TIME = np.iinfo(np.int64).min


def pair(high: Codes | Numbers | int, low: Codes | Numbers | int) -> Numbers:
    """Two numbers of 31 bits as one."""
    return np.asarray(high, np.int64) << 32 | np.asarray(low, np.int64)


def halves(pairs: Numbers) -> tuple[Codes, Codes]:
    """The two numbers of each pair."""
    return (pairs >> 32).astype(np.int32), (pairs & _LOW).astype(np.int32)


def told_by_index(unread: Flags, pushed: Numbers, links: Numbers, linked: Numbers) -> tuple[Numbers, Flags]:
    """The key that each tag points to, -1 where that is not known; and where times had to tell.

    Parameters
    ----------
    unread : array of bool
        The tags that have a current link.
    pushed : array of int
        Time of each tag's current link.
    links, linked : array of int
        The links of all indexes, sorted, as pairs of a tag's number and a key; and their times.

    Examples
    --------
    Tag 0 was pushed once, tag 1 twice, tag 2 twice within a second:

    >>> second = 1_000_000
    >>> links = pair(np.array([0, 1, 1, 2, 2]), np.array([7, 7, 8, 7, 8]))
    >>> linked = np.array([10, 10, 900, 70, 70]) * second
    >>> target, inferred = told_by_index(np.ones(3, bool), np.array([10, 901, 70]) * second, links, linked)
    >>> target.tolist(), inferred.tolist()
    ([7, 8, -1], [False, True, False])
    """
    target = np.full(len(unread), -1, np.int64)
    inferred = np.zeros(len(unread), np.bool_)
    of, keys = halves(links)
    count = np.bincount(of, minlength=len(unread))
    only = np.flatnonzero(unread & (count == 1))
    first = np.searchsorted(of, only)
    target[only] = keys[first]
    order = np.lexsort((linked, of))  # each tag's links by their times
    behind = np.cumsum(count)
    some = np.flatnonzero(unread & (count > 0))
    last = linked[order[behind[some] - 1]]
    gap = pushed[some] - last
    timed = (last != _NO_TIME) & (pushed[some] != _NO_TIME)
    in_order = timed & (gap >= 0) & (gap <= _MOMENT)
    if not timed.any() or in_order.sum() < _NEARLY_ALL * timed.sum():
        return target, inferred
    several = in_order & (count[some] > 1)
    some, gap = some[several], gap[several]
    last, before = (order[behind[some] - back] for back in (1, 2))
    clear = (linked[before] != _NO_TIME) & (linked[last] - linked[before] >= np.maximum(_SECOND, gap + 1))
    some, last = some[clear], last[clear]
    target[some] = keys[last]
    inferred[some] = True
    return target, inferred
