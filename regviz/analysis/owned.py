"""Which rows of an answer own which blobs, and blobs that have the very same owners taken together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import numpy as np
from scipy.sparse import csc_array, csr_array

from regviz.analysis.members import Grain, members
from regviz.analysis.parts import Parts, by_any_way, flagged
from regviz.analysis.reach import column_counts, columns, reach
from regviz.card import held_bytes
from regviz.errors import RegvizError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.analysis.members import Keys, Members
    from regviz.analysis.reach import Incidence, Numbers
    from regviz.registry import Registry

_LONGEST_EMPTY = 1024
"""Bytes of the largest layer file that changes nothing: an empty tar."""


@dataclass(frozen=True, slots=True)
class Owned:
    """The rows of an answer, and the blobs that they reach and that lie in the registry.

    Attributes
    ----------
    keys : dict of str to list of str or None
        The key columns of the rows; None is NA.
    blobs : csr_array
        Rows × blobs, 1 where a row reaches one that is present.
    stored : array of int
        Bytes of each blob; 0 where it is not present.
    """

    keys: Keys
    blobs: Incidence
    stored: Numbers

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.blobs.shape[0]

    def without(self, left_out: NDArray[np.bool_]) -> Owned:
        """The same without some blobs."""
        kept = self.blobs.copy()
        kept.data = kept.data * ~left_out[kept.indices]
        kept.eliminate_zeros()
        return Owned(self.keys, kept, self.stored)


@dataclass(frozen=True, slots=True)
class OwnerSets:
    """Blobs that the very same rows own, taken together.

    Attributes
    ----------
    owners : csr_array
        Sets × rows: 1 where a row owns the blobs of a set. Every set has an owner.
    blobs, blob_bytes : array of int
        How many blobs each set has, and their bytes.
    """

    owners: Incidence
    blobs: Numbers
    blob_bytes: Numbers


def check_grain(answer: str, by: str) -> None:
    """Refuse a grain that there is not.

    Raises
    ------
    RegvizError
        There is no such grain.
    """
    if by not in get_args(Grain):
        raise RegvizError(f"{answer} cannot be asked by {by!r}; ask by one of {', '.join(get_args(Grain))}")


def owned_blobs(reg: Registry, by: Grain, answer: str) -> Owned:
    """The blobs that each row of an answer owns.

    Raises
    ------
    RegvizError
        There is no such grain, or the source is a listing.
    """
    check_grain(answer, by)
    reg.source.require_contents(answer)
    reached = reach(reg)
    rows = members(reg, reached, by)
    present = columns(reg, "blobs")["present"] == 1
    owned = Owned(rows.keys, _row_blobs(reg, rows), stored_bytes(reg))
    return owned if present.all() else owned.without(~present)


def stored_bytes(reg: Registry) -> Numbers:
    """Bytes of each blob that lies in the registry, 0 of any other."""
    return np.where(columns(reg, "blobs")["present"] == 1, held_bytes(reg)[0], 0)


def _row_blobs(reg: Registry, rows: Members) -> Incidence:
    """Rows × blobs as flags."""
    in_row = flagged(rows.groups)
    if rows.some_blobs is not None:
        return by_any_way(in_row, flagged(rows.some_blobs))
    return by_any_way(by_any_way(in_row, flagged(rows.manifests)), Parts(reg).blobs)


def empty_layer_blobs(reg: Registry) -> NDArray[np.bool_]:
    """For each blob whether it holds a layer that changes nothing, in every image that has it.

    Nearly every image built before 2016 has one, so they say nothing about kinship.
    """
    return Parts(reg).empty_blobs(_LONGEST_EMPTY)


def together(owned: Owned) -> OwnerSets:
    """Take blobs with the same owners together.

    Notes
    -----
    Every row is given two random numbers of 64 bits, and blobs are told apart by the sums of their owners'
    numbers: that two different sets have the same is less likely than that the memory fails.

    Examples
    --------
    >>> from regviz.analysis.reach import incidence
    >>> reaches = incidence(np.array([0, 1, 0, 1, 1]), np.array([0, 0, 1, 1, 2]), (2, 3))
    >>> sets = together(Owned({}, reaches, np.array([100, 11, 7])))
    >>> sets.owners.toarray().tolist(), sets.blobs.tolist(), sets.blob_bytes.tolist()
    ([[1, 1], [0, 1]], [2, 1], [111, 7])
    """
    owners = column_counts(owned.blobs)
    blob = np.flatnonzero(owners)
    marks = np.random.default_rng().integers(0, 1 << 64, (2, owned.count), np.uint64)
    told_by = [*(_column_sums(owned.blobs, mark)[blob] for mark in marks), -owners[blob]]
    order = np.lexsort(told_by)
    differs = np.ones(len(blob), np.bool_)
    differs[1:] = False
    for values in told_by:
        differs[1:] |= values[order][1:] != values[order][:-1]
    heads = np.flatnonzero(differs)
    in_sets = blob[order]
    blob_bytes = np.add.reduceat(owned.stored[in_sets], heads) if len(heads) else np.zeros(0, np.int64)
    by_set = csr_array(csc_array(owned.blobs)[:, in_sets[heads]].T)
    return OwnerSets(by_set, np.diff(np.append(heads, len(in_sets))), blob_bytes)


def _column_sums(matrix: Incidence, mark: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """For each column the sum of the marks of its rows, modulo 2^64."""
    sums = np.zeros(matrix.shape[1], np.uint64)
    lengths = np.diff(matrix.indptr)
    np.add.at(sums, matrix.indices, np.repeat(mark, lengths))
    return sums
