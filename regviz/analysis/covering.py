"""Which owners to remove so that what they own alone goes: in steps, within a bound, exactly where there are few.

Blobs are taken together by who holds them: a set of blobs goes when all its owners have gone. Owners cost something
(the tags that go with them), sets are worth their bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from regviz.analysis.reach import row_counts, totals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from regviz.analysis.reach import Incidence, Numbers

    Mask = NDArray[np.bool_]

EXACT = 20
"""Up to so many owners, all their combinations are looked at."""
_AT_ONCE = 20_000_000
_SAFE = 1e-9


@dataclass(frozen=True, slots=True)
class OwnerSets:
    """Blobs by the exact set of their owners.

    Attributes
    ----------
    owners : csr_array
        Sets × owners.
    worth : array of int
        Bytes of the blobs of each set.
    cost : array of int
        What each owner costs, at least 1.
    """

    owners: Incidence
    worth: Numbers
    cost: Numbers

    @property
    def factor(self) -> int:
        """The most sets that one owner is in."""
        return int(np.bincount(self.owners.indices, minlength=1).max(initial=0))


@dataclass(frozen=True, slots=True)
class Step:
    """Owners that go together, and the bytes that go with them and not before."""

    owners: list[int]
    freed: int


def owner_sets(holding: Incidence, blob_bytes: Numbers, cost: Numbers) -> OwnerSets:
    """Take blobs together that have the same owners; those without any, or of no bytes, are left out.

    Parameters
    ----------
    holding : csr_array
        Owners × blobs.
    blob_bytes, cost : array of int

    Examples
    --------
    >>> from regviz.analysis.reach import incidence
    >>> holding = incidence(np.array([0, 1, 0, 1, 1]), np.array([0, 0, 1, 1, 2]), (2, 3))
    >>> sets = owner_sets(holding, np.array([5, 6, 7]), np.array([1, 1]))
    >>> sets.owners.toarray().tolist(), sets.worth.tolist()
    ([[1, 1], [0, 1]], [11, 7])
    """
    of_blob = csr_array(holding.T.tocsr())
    of_blob.sort_indices()
    used = np.flatnonzero((row_counts(of_blob) > 0) & (blob_bytes > 0))
    of_blob = csr_array(of_blob[used])
    # Two sums of 64 random bits an owner tell sets apart; random, so that no registry can be made to fit them.
    signs = np.random.default_rng().integers(0, 2**63, (2, len(cost)), np.uint64)
    sums = np.zeros((3, len(used)), np.uint64)
    sums[2] = row_counts(of_blob)
    if len(used):
        for row, sign in zip(sums, signs, strict=False):
            row[:] = np.add.reduceat(sign[of_blob.indices], of_blob.indptr[:-1])
    _, first, of = np.unique(sums, axis=1, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    worth = np.zeros(len(first), np.int64)
    np.add.at(worth, place[of.ravel()], blob_bytes[used])
    return OwnerSets(csr_array(of_blob[first[order]]), worth, cost)


def in_steps(sets: OwnerSets, target: int | None = None) -> list[Step]:
    """Choose owners step by step: always the set that gives the most bytes for the cost it still has.

    Parameters
    ----------
    sets : OwnerSets
    target : int, optional
        Stop when so many bytes have gone. None: go on until nothing is left to free.

    Returns
    -------
    list of Step
        Without owners that free nothing.

    Notes
    -----
    What a set gives counts the sets within it too, and no more than what is still to be freed.

    With a target, the cost is at most ``d (1 + ln(target / rest))`` times the least, where d is the most sets that one
    owner is in, and `rest` what was to be freed before the last step: the sets that the best solution frees, and
    that are still there, hold `rest` bytes, and the costs they still have add up to at most d times the least
    cost, as each owner is in at most d of them. So one of them gives at least rest / (d · least) for each unit of cost,
    and so does what is chosen. That is the greedy argument of set covering [1]_ [2]_. No such method can be within a
    constant factor unless widely held conjectures fail: this is the problem of minimum p-union [3]_.

    References
    ----------
    .. [1] D. S. Johnson, "Approximation algorithms for combinatorial problems", J. Comput. Syst. Sci. 9, 1974.
    .. [2] V. Chvátal, "A greedy heuristic for the set-covering problem", Math. Oper. Res. 4, 1979.
    .. [3] E. Chlamtáč, M. Dinitz, Y. Makarychev, "Minimizing the Union", SODA 2017.
    """
    owners, by_owner = sets.owners, csr_array(sets.owners.T.tocsr())
    within, around = _contained(sets)
    listed, surrounded = row_counts(by_owner), row_counts(around)
    gain = _Largest(sets.worth + totals(within, sets.worth))
    missing = totals(owners, sets.cost)
    gone = np.zeros(owners.shape[1], np.bool_)
    left = int(sets.worth.sum()) if target is None else min(target, int(sets.worth.sum()))
    alive, changed = np.ones(len(sets.worth), np.bool_), np.arange(len(sets.worth))
    score = _Largest(np.zeros(len(sets.worth)))
    made: list[Step] = []
    while left > 0:
        if gain.most > left:  # what a set gives counts up to what is left, so all scores may have changed
            changed = np.arange(len(sets.worth))
        score.put(changed, np.minimum(gain.values[changed], left) / np.maximum(missing[changed], 1))
        chosen = score.first()
        own = owners.indices[owners.indptr[chosen] : owners.indptr[chosen + 1]]
        new = own[~gone[own]]
        gone[new] = True
        touched = _rows(by_owner, new)
        np.subtract.at(missing, touched, np.repeat(sets.cost[new], listed[new]))
        touched = np.unique(touched)
        freed = touched[alive[touched] & (missing[touched] == 0)]
        about = _rows(around, freed)
        np.subtract.at(gain.values, about, np.repeat(sets.worth[freed], surrounded[freed]))
        alive[freed] = False
        gain.put(about, gain.values[about])
        gain.put(freed, 0)
        changed = np.concatenate([touched, about])
        made.append(Step(new.tolist(), int(sets.worth[freed].sum())))
        left -= made[-1].freed
    return made


class _Largest:
    """Numbers of which the largest is asked for again and again, while few change: each of some blocks knows its own.

    Examples
    --------
    >>> numbers = _Largest(np.array([3, 7, 1, 7]))
    >>> numbers.put(np.array([1]), 0)
    >>> numbers.most, numbers.first()
    (7, 3)
    """

    def __init__(self, values: NDArray[Any]) -> None:
        size = max(1, math.isqrt(len(values)))
        padded = np.zeros(-(-len(values) // size) * size, values.dtype)  # none is below 0
        padded[: len(values)] = values
        self._blocks, self._size = padded.reshape(-1, size), size
        self._tops = self._blocks.max(axis=1, initial=0)
        self.values: NDArray[Any] = padded[: len(values)]

    @property
    def most(self) -> float:
        """The largest."""
        largest: float = self._tops.max(initial=0).item()
        return largest

    def first(self) -> int:
        """The place of the largest; of equals, of the first."""
        block = int(np.argmax(self._tops))
        return block * self._size + int(np.argmax(self._blocks[block]))

    def put(self, places: NDArray[Any], values: Any) -> None:
        """Change some."""
        self.values[places] = values
        if len(places) < len(self._tops):
            block = places // self._size
            self._tops[block] = self._blocks[block].max(axis=1)
        else:
            self._tops = self._blocks.max(axis=1, initial=0)


def fewest(sets: OwnerSets, target: int) -> list[int]:
    """The owners of least cost that free so many bytes; of equals, those that free most. For up to `EXACT` owners."""
    used, place = np.unique(sets.owners.indices, return_inverse=True)
    count = len(used)
    bit = np.left_shift(np.int64(1), place.astype(np.int64))
    freed = np.zeros(1 << count, np.int64)
    if len(sets.worth):
        np.add.at(freed, np.add.reduceat(bit, sets.owners.indptr[:-1]), sets.worth)
    cost = np.zeros(1 << count, np.int64)
    for at in range(count):  # what is freed with a set of owners is the sum over all its subsets
        halves, costs = freed.reshape(-1, 2, 1 << at), cost.reshape(-1, 2, 1 << at)
        halves[:, 1] += halves[:, 0]
        costs[:, 1] += sets.cost[used[at]]
    enough = np.flatnonzero(freed >= min(target, int(freed[-1])))
    best = int(enough[np.lexsort((-freed[enough], cost[enough]))[0]])
    return [int(used[at]) for at in range(count) if best >> at & 1]


def least_cost(sets: OwnerSets, target: int) -> int:
    """A cost below which no choice of owners frees so many bytes.

    Notes
    -----
    Let every owner have its part of each set it is in, in proportion to its cost. A set goes only with all its owners,
    so what any choice frees is at most the sum of the parts of those chosen: the owners with the largest
    parts for their cost must add up to the target.
    """
    whole = totals(sets.owners, sets.cost)
    each = (sets.worth / np.maximum(whole, 1)) @ sets.owners  # bytes for each unit of an owner's cost
    order = np.argsort(-each, kind="stable")
    cost, part = sets.cost[order], (each * sets.cost)[order]
    wanted = min(target, int(sets.worth.sum())) * (1 - _SAFE)
    before = np.concatenate([[0.0], np.cumsum(part)])
    at = int(np.searchsorted(before, wanted)) - 1
    if at < 0:
        return 0
    rest = (wanted - before[at]) / each[order[at]] if at < len(cost) and each[order[at]] > 0 else 0.0
    return math.ceil(int(cost[:at].sum()) + rest - _SAFE)


def without_needless(sets: OwnerSets, chosen: list[int], target: int) -> list[int]:
    """Leave out, the last chosen first, every owner without which the target is still met."""
    by_owner = csr_array(sets.owners.T.tocsr())
    kept = np.zeros(sets.owners.shape[1], np.bool_)
    kept[chosen] = True
    here = row_counts(sets.owners) == totals(sets.owners, kept)
    left = int(sets.worth[here].sum()) - target
    for owner in chosen[::-1]:
        own = by_owner.indices[by_owner.indptr[owner] : by_owner.indptr[owner + 1]]
        own = own[here[own]]
        lost = int(sets.worth[own].sum())
        if lost <= left:
            kept[owner], here[own] = False, False
            left -= lost
    return [owner for owner in chosen if kept[owner]]


def only(sets: OwnerSets, chosen: list[int]) -> OwnerSets:
    """The sets that go with these owners."""
    kept = np.zeros(sets.owners.shape[1], np.int64)
    kept[chosen] = 1
    rows = np.flatnonzero(totals(sets.owners, kept) == row_counts(sets.owners))
    return OwnerSets(csr_array(sets.owners[rows]), sets.worth[rows], sets.cost)


def _rows(matrix: Incidence, rows: NDArray[Any]) -> Numbers:
    """The columns of some rows, one row after the other."""
    if not len(rows):
        return np.zeros(0, np.int64)
    return np.concatenate([matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]] for row in rows.tolist()])


def _contained(sets: OwnerSets) -> tuple[Incidence, Incidence]:
    """For each set those within it, and for each set those around it."""
    owners, by_owner = sets.owners, csr_array(sets.owners.T.tocsr())
    count, size = owners.shape[0], row_counts(owners)
    work = np.cumsum(totals(owners, row_counts(by_owner)))
    inner, outer = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    start = 0
    while start < count:
        done = work[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(work, done + _AT_ONCE, "right")))
        common = csr_array(owners[start:end] @ by_owner).tocoo()
        is_within = (common.data == size[start:end][common.row]) & (common.row + start != common.col)
        inner.append(common.row[is_within] + start)
        outer.append(common.col[is_within].astype(np.int64))
        start = end
    rows, across = np.concatenate(outer), np.concatenate(inner)
    within = csr_array((np.ones(len(rows), np.int64), (rows, across)), shape=(count, count))
    return within, csr_array(within.T.tocsr())
