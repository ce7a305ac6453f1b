"""What a Distribution collector marks, and where in its walk for the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from regviz.analysis.collectors.verdict import pick
from regviz.analysis.reach import row_counts

if TYPE_CHECKING:
    from regviz.analysis.collectors.seen import Seen
    from regviz.analysis.collectors.verdict import Deletion, Numbers
    from regviz.analysis.reach import Incidence

NEVER = np.iinfo(np.int64).max
_DEEPEST = 100


class Marks(NamedTuple):
    """For each manifest the place in the walk where it is marked first, and where its content is read first."""

    marked_at: Numbers
    read_at: Numbers


class Marking:
    """Marks what revisions list.

    Parameters
    ----------
    seen : Seen
    place : array of int
        For each repository its place in the walk; -1 for one that is not seen.
    recursive : bool
        3.x reads, of what a manifest lists, what the repository links too, and what was not marked before: a child
        that another repository had marked, without a link to it, is not read again.
    """

    def __init__(self, seen: Seen, place: Numbers, *, recursive: bool) -> None:
        self._seen, self._place = seen, place
        self._listed_by = seen.lists.T.tocsr()
        self._filled = np.flatnonzero(row_counts(self._listed_by))
        self._level = _levels(seen.lists_manifests) if recursive else np.zeros(1, np.int64)
        self._repository_at = np.argsort(place, kind="stable")[int((place < 0).sum()) :]

    def mark(self, revisions: Numbers, without: Deletion) -> Marks:
        """Mark what these revisions list, and what that lists."""
        seen, count = self._seen, len(self._seen.manifest_code)
        places, documents = self._place[seen.repository[revisions]], seen.document[revisions]
        marks = Marks(np.full(count, NEVER, np.int64), np.full(count, NEVER, np.int64))
        np.minimum.at(marks.marked_at, seen.manifest[revisions], places)
        np.minimum.at(marks.read_at, documents, places)
        if self._level.any():
            self._descend(documents, places, marks, without)
        return marks

    def _descend(self, documents: Numbers, places: Numbers, marks: Marks, without: Deletion) -> None:
        """From the top down: a manifest's turn comes when all that list it are done."""
        seen, level = self._seen, self._level
        children = there = np.empty(0, np.int64)
        for now in range(int(level.max()) + 1):
            turn = level[children] <= now
            first = turn & (there == marks.marked_at[children])
            rows = seen.revision_of(self._repository_at[there[first]], children[first])
            linked = pick(seen.served, rows) & ~pick(without.manifests, rows)
            found, where = seen.document[rows[linked]], there[first][linked]
            np.minimum.at(marks.read_at, found, where)
            children, there = children[~turn], there[~turn]
            documents, places = np.append(documents, found), np.append(places, where)
            turn = level[documents] <= now
            listed, of = listed_by(seen.lists_manifests, documents[turn])
            where = places[turn][of]
            np.minimum.at(marks.marked_at, listed, where)
            children, there = np.append(children, listed), np.append(there, where)
            documents, places = documents[~turn], places[~turn]

    def first_marks(self, marks: Marks) -> Numbers:
        """For each blob the place in the walk where it is marked first."""
        by, filled = self._listed_by, self._filled
        first = np.full(len(self._seen.blob) + 1, NEVER, np.int64)
        if len(filled):
            first[filled] = np.minimum.reduceat(marks.read_at[by.indices], by.indptr[filled])
        np.minimum.at(first, self._seen.own_blob, marks.marked_at)  # the last is for those without one
        own, held = self._seen.elsewhere
        if len(own):
            used = np.full(len(first), NEVER, np.int64)
            np.minimum.at(used, self._seen.config, marks.read_at)
            np.minimum.at(first, own, used[held])
        return first[:-1]


def listed_by(matrix: Incidence, rows: Numbers) -> tuple[Numbers, Numbers]:
    """The columns of some rows, and which of the rows each is of.

    Examples
    --------
    >>> from regviz.analysis.reach import incidence
    >>> matrix = incidence(np.array([0, 2, 2]), np.array([1, 0, 3]), (3, 4))
    >>> columns, of = listed_by(matrix, np.array([2, 1, 0]))
    >>> columns.tolist(), of.tolist()
    ([0, 3, 1], [0, 0, 2])
    """
    count = row_counts(matrix)[rows]
    of = np.repeat(np.arange(len(rows)), count)
    at = matrix.indptr[rows][of] + np.arange(len(of)) - (np.cumsum(count) - count)[of]
    return matrix.indices[at].astype(np.int64), of


def _levels(listed: Incidence) -> Numbers:
    """For each manifest how many indexes stand above it, at most."""
    parent, child = np.repeat(np.arange(listed.shape[0]), row_counts(listed)), listed.indices
    level = np.zeros(listed.shape[0], np.int64)
    for _ in range(_DEEPEST):  # forged ones may list each other
        higher = level.copy()
        np.maximum.at(higher, child, level[parent] + 1)
        if (higher == level).all():
            break
        level = higher
    return level
