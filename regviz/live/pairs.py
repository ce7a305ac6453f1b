"""Pairs of a key and a repository's row in one number, key first, so that sorted pairs stand by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int32]
    Pairs = NDArray[np.int64]


def pack(rows: NDArray[Any], keys: NDArray[Any]) -> Pairs:
    """Pairs of rows and keys.

    Examples
    --------
    >>> [(pair >> 32, pair & 0xFFFFFFFF) for pair in pack(np.array([2, 1]), np.array([7, 9])).tolist()]
    [(7, 2), (9, 1)]
    """
    return keys.astype(np.int64) << 32 | rows.astype(np.int64)


def first_of_each(pairs: Pairs) -> NDArray[np.bool_]:
    """For sorted pairs whether each is the first of its key.

    Examples
    --------
    >>> first_of_each(pack(np.array([1, 2, 1]), np.array([5, 5, 6]))).tolist()
    [True, False, True]
    """
    keys = pairs >> 32
    return np.concatenate(([True], keys[1:] != keys[:-1]))[: len(pairs)]


def without(pairs: Pairs, others: Pairs) -> Pairs:
    """Those that are not among the others."""
    return pairs[~np.isin(pairs, others)]


def join(owners: Codes, served: Codes, rows: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each owner each repository that serves it: the number in `owners`, and the repository's row.

    Examples
    --------
    >>> at, row = join(np.array([7, 8, 9]), np.array([9, 7, 9]), np.array([0, 1, 2]))
    >>> list(zip(at.tolist(), row.tolist()))
    [(0, 1), (2, 0), (2, 2)]
    """
    order = np.argsort(served, kind="stable")
    keys = served[order]
    start, stop = np.searchsorted(keys, owners), np.searchsorted(keys, owners, "right")
    count = stop - start
    at = np.repeat(np.arange(len(owners)), count)
    first = np.cumsum(count) - count
    place = np.repeat(start - first, count) + np.arange(len(at))
    return at, rows[order[place]].astype(np.int64)
