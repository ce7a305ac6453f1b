"""What each manifest consists of, as matrices of flags.

The same as `Reach.manifest_blobs` and `Reach.manifest_layers`, for what is asked of a whole registry: an entry takes
five bytes and not twelve, and nothing is sorted. A product of flags is true where there is any way.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_array, csr_array

from regviz.analysis.reach import columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.analysis.reach import Incidence
    from regviz.registry import Registry

    Array = NDArray[Any]
    Rows = NDArray[np.int32]
    Flags = NDArray[np.bool_]


_BLOCK = 1 << 18
"""Members whose blobs are made at a time: memory that is used again costs nothing."""


class Parts:
    """What each manifest consists of.

    Examples
    --------
    >>> import regviz as rv
    >>> from regviz.analysis.reach import reach
    >>> reg = rv.read()
    >>> bool((Parts(reg).blobs != reach(reg).manifest_blobs.astype(bool)).nnz)
    False
    """

    def __init__(self, reg: Registry) -> None:
        self._reg = reg
        self._manifest, self._blob = columns(reg, "manifests")["manifest"], columns(reg, "blobs")["blob"]
        self._steps = columns(reg, "manifest_layers")
        self._layer = self._steps["layer"]

    @cached_property
    def _step_manifest(self) -> Rows:
        return _places(self._manifest, self._steps["manifest"])

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """Where the steps of each manifest begin, and where the last one's end: they stand in the order of its keys."""
        starts = np.searchsorted(self._steps["manifest"], self._manifest)
        return np.append(starts, len(self._layer)).astype(np.int64)

    @cached_property
    def _step_blob(self) -> Rows:
        return _places(self._blob, self._steps["blob"])

    @cached_property
    def blobs(self) -> Incidence:
        """Manifests × blobs: a manifest's own bytes, its configuration, its layers, blobs that it lists."""
        references, config = columns(self._reg, "manifest_references"), columns(self._reg, "manifests")["config"]
        lists = references["role"] != self._reg.name_code("subject")
        lists &= _places(self._manifest, references["child"]) < 0  # a BuildKit cache lists layers
        own = [_places(self._blob, codes) for codes in (self._manifest, config)]
        shape = len(self._manifest), len(self._blob)
        if not lists.any() and all(int(places.min(initial=0)) >= 0 for places in (*own, self._step_blob)):
            return _in_order(own, self._starts, self._step_blob, shape)
        every = np.arange(len(self._manifest), dtype=np.int32)
        owners = every, every, self._step_manifest, _places(self._manifest, references["manifest"][lists])
        blobs = *own, self._step_blob, _places(self._blob, references["child"][lists])
        return _flags(owners, blobs, shape)

    @cached_property
    def layers(self) -> Incidence:
        """Manifests × layers."""
        layer = columns(self._reg, "layers")["layer"]
        step_layer, shape = _places(layer, self._layer), (len(self._manifest), len(layer))
        if step_layer.min(initial=0) >= 0:
            return _in_order([], self._starts, step_layer, shape)
        return _flags([self._step_manifest], [step_layer], shape)

    def holds_layer(self) -> Flags:
        """For each blob whether it holds a layer of some image."""
        found = np.zeros(len(self._blob) + 1, np.bool_)  # the last for NA
        found[self._step_blob if self._layer.min(initial=0) >= 0 else self._step_blob[self._layer >= 0]] = True
        return found[:-1]

    def empty_blobs(self, longest: int) -> Flags:
        """For each blob whether it is short and holds a layer that changes nothing, wherever it is one."""
        is_empty, length = self._steps["empty"] == 1, columns(self._reg, "blobs")["blob_bytes"]
        short = np.append((length <= longest) & (length >= 0), np.False_)
        if not (is_empty.any() and short.any()):
            return np.zeros(len(length), np.bool_)
        found, changes = np.zeros((2, len(short)), np.bool_)
        found[self._step_blob[is_empty]] = True
        changes[self._step_blob[~is_empty]] = True
        return (found & ~changes & short)[:-1]


def flagged(matrix: Incidence) -> Incidence:
    """The same entries as flags."""
    return csr_array((np.ones(matrix.nnz, np.bool_), matrix.indices, matrix.indptr), shape=matrix.shape)


def by_any_way(first: Incidence, second: Incidence) -> Incidence:
    """What is reached in two steps of flags, as flags; an entry for each, in no order.

    Examples
    --------
    >>> ways = csr_array(np.ones((1, 300), np.bool_))
    >>> by_any_way(ways, csr_array(ways.T)).data.tolist()
    [True]
    """
    return csr_array(first @ second)


def _places(keys: Array, codes: Array) -> Rows:
    """Rows of codes in a sorted column of keys, by a table; -1 for NA and for a code that is not there."""
    most = max(int(keys[-1]) if len(keys) else -1, int(codes.max(initial=-1)))
    row_of = np.full(most + 2, -1, np.int32)  # the last for NA
    row_of[keys] = np.arange(len(keys), dtype=np.int32)
    found: Rows = row_of[codes]
    return found


def row_sums(matrix: Incidence, values: Array) -> NDArray[np.int64]:
    """For each row the sum of its entries' values; those are as many as the matrix has entries.

    Examples
    --------
    >>> matrix = csr_array(np.array([[True, True], [False, False], [True, False]]))
    >>> row_sums(matrix, np.array([1, 2, 4])).tolist()
    [3, 0, 4]
    """
    sums = np.zeros(matrix.shape[0], np.int64)
    filled = np.flatnonzero(np.diff(matrix.indptr))
    if len(filled):
        sums[filled] = np.add.reduceat(values, matrix.indptr[filled], dtype=np.int64)
    return sums


def distinct_bytes(members: Incidence, of_manifest: Incidence, blob_bytes: Array) -> NDArray[np.int64]:
    """Bytes of the distinct blobs that each member reaches by its manifests, some members at a time.

    Examples
    --------
    >>> yes = np.array([[True, True]])
    >>> distinct_bytes(csr_array(yes), csr_array(np.repeat(yes, 2, axis=0)), np.array([100, 7])).tolist()
    [107]
    """
    count = members.shape[0]
    sums = np.zeros(count, np.int64)
    for start in range(0, count, _BLOCK):
        some = by_any_way(members[start : start + _BLOCK], of_manifest)
        sums[start : start + _BLOCK] = row_sums(some, blob_bytes[some.indices])
    return sums


def _in_order(own: list[Rows], starts: NDArray[np.int64], items: Rows, shape: tuple[int, int]) -> Incidence:
    """The matrix of items that stand in the order of their owners, and of some that each has one of; none is NA."""
    starts = starts + len(own) * np.arange(len(starts))
    entries = items
    if own:
        entries = np.empty(starts[-1], np.int32)
        are_items = np.ones(len(entries), np.bool_)
        for number, places in enumerate(own):
            entries[starts[:-1] + number] = places
            are_items[starts[:-1] + number] = False
        entries[are_items] = items
    return csr_array((np.ones(len(entries), np.bool_), entries, starts.astype(np.int32)), shape=shape)


def _flags(rows: Any, across: Any, shape: tuple[int, int]) -> Incidence:
    row, column = np.concatenate(rows), np.concatenate(across)
    if (row < 0).any() or (column < 0).any():
        both = (row >= 0) & (column >= 0)
        row, column = row[both], column[both]
    entries = coo_array((np.ones(len(row), np.bool_), (row, column)), shape=shape)
    entries.has_canonical_format = True  # what is named twice may stay: whoever multiplies does not see it
    return csr_array(entries.tocsr())
