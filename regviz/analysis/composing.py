"""What the tagged bytes are made of: namespaces, their repositories, their tags, and what those reach."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

from regviz.analysis.owned import stored_bytes
from regviz.analysis.reach import column_counts, columns, groups, reach, rows_of, through, totals
from regviz.card import held_bytes
from regviz.errors import RegvizError
from regviz.graph.values import texts

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from regviz.analysis.reach import Incidence, Numbers
    from regviz.registry import Registry

PARTS = 2_400
LEVELS = ("namespace", "repository", "tag", "blob")
_LEAST = 24
"""Of namespaces and repositories so many are kept, however small."""
_COLOURED = 6


def composition(reg: Registry, *, parts: int = PARTS) -> pd.DataFrame:
    """Divide what tags reach by namespace, repository, tag and blob, so that the parts add up to the byte.

    Each blob counts once, divided in whole bytes among the tags that reach it: the fair share of a tag.

    Parameters
    ----------
    reg : Registry
    parts : int
        How many rows there are at most. The largest parts are divided further; small ones of one parent share a row.

    Returns
    -------
    pandas.DataFrame
        One row for each part, by namespace, repository and tag, the largest first, what shares a row last. No part
        is in another: ``bytes`` add up to ``attrs["tagged_bytes"]``.

        namespace, repository, tag, blob
            Where it is; NA below its level. A repository without a ``/`` has no namespace.
        level
            What it is: ``namespace``, ``repository``, ``tag`` or ``blob``, whole.
        parts
            How many of these it is: of more than one, the last name is NA.
        tags
            How many tags it is a part of.
        bytes
            The fair share.
        kind, created_by
            Of a blob: what it is, and of a layer the instruction that made it.

        ``attrs`` has the ``tagged_bytes``; how many ``repositories`` and ``tags`` have any of them; ``half_tags``, the
        fewest tags that have half; and ``layer_bytes``, the bytes of the distinct layers of those repositories that
        have most, as a dictionary.

    Raises
    ------
    RegvizError
        There must be a part at least.
    NotKnowableError
        The source is a listing.

    See Also
    --------
    regviz.sizes : exclusive and shared bytes, and the fair share among repositories.

    Examples
    --------
    Tags ``1`` and ``2`` of ``team/app`` share a base of 100 bytes, and have 11 and 7 bytes of their own::

        team   team/app   1   base   50
        team   team/app   1   own    11
        team   team/app   2   base   50
        team   team/app   2   own     7     which is 118, what is stored

    >>> import regviz as rv
    >>> table = composition(rv.read())
    >>> int(table["bytes"].sum()) == table.attrs["tagged_bytes"]
    True
    """
    import pandas as pd

    if parts < 1:
        raise RegvizError(f"parts is {parts}; give a number of rows, 1 or more")
    reg.source.require_contents("composition")
    whole = _Whole(reg)
    rows = _divided(whole, parts)
    table = pd.DataFrame(_named(reg, whole, rows))
    tag_bytes = np.sort(whole.sizes[2])[::-1]
    total = int(tag_bytes.sum())
    table.attrs |= {
        "tagged_bytes": total,
        "repositories": int((whole.sizes[1] > 0).sum()),
        "tags": int((tag_bytes > 0).sum()),
        "half_tags": int((np.cumsum(tag_bytes) * 2 < total).sum()) + 1 if total else 0,
        "layer_bytes": whole.layer_bytes(),
    }
    return table


def fair_shares(tag_blobs: Incidence, stored: Numbers) -> Incidence:
    """Tags × blobs: each blob divided among its tags; the bytes that are left over go one each to the first of them.

    Examples
    --------
    >>> from regviz.analysis.reach import incidence
    >>> fair_shares(incidence(np.array([0, 1, 1]), np.array([0, 0, 1]), (2, 2)), np.array([101, 7])).toarray().tolist()
    [[51, 0], [50, 7]]
    """
    by_blob = tag_blobs.tocsc()
    by_blob.sort_indices()
    owners = column_counts(tag_blobs)
    blob = np.repeat(np.arange(len(owners)), owners)
    rank = np.arange(by_blob.nnz) - np.repeat(by_blob.indptr[:-1].astype(np.int64), owners)
    share, left = np.divmod(stored[blob], owners[blob])
    shares = csr_array((share + (rank < left), (by_blob.indices, blob)), shape=tag_blobs.shape)
    shares.eliminate_zeros()
    return shares


class _Whole:
    """The shares, and at each level what lies in what; the last level are the entries of `shares`."""

    def __init__(self, reg: Registry) -> None:
        tags, repositories = columns(reg, "tags"), columns(reg, "repositories")
        tag_blobs = reach(reg).tag_blobs
        self._reg, self._repositories = reg, repositories["repository"]
        self.shares = fair_shares(tag_blobs, stored_bytes(reg))
        self.namespaces, namespace_of = np.unique(repositories["namespace"], return_inverse=True)
        repository_of = rows_of(tags["repository"], self._repositories)
        tag_of = np.repeat(np.arange(tag_blobs.shape[0]), np.diff(self.shares.indptr))
        self._of_tag = groups(repository_of, len(self._repositories))
        self.parents = [np.zeros(len(self.namespaces), np.int64), namespace_of, repository_of, tag_of]
        self.sizes: list[Numbers] = [self.shares.data]
        for parents, above in zip(self.parents[:0:-1], self.parents[-2::-1], strict=True):
            self.sizes.insert(0, np.zeros(len(above), np.int64))
            np.add.at(self.sizes[0], parents, self.sizes[1])
        self._ordered = [np.lexsort((-size, parent)) for size, parent in zip(self.sizes, self.parents, strict=True)]
        self._starts = [
            np.searchsorted(parent[order], np.arange(count + 1))
            for parent, order, count in zip(self.parents, self._ordered, [1, *map(len, self.parents[:-1])], strict=True)
        ]
        tags_of_repository = np.bincount(repository_of, minlength=len(self._repositories))
        tags_of_namespace = np.bincount(namespace_of, tags_of_repository, len(self.namespaces)).astype(np.int64)
        self.tags: list[Numbers] = [tags_of_namespace, tags_of_repository]

    def children(self, level: int, parent: int) -> Numbers:
        """The members of a level that lie in one of the level above, the largest first."""
        start, end = self._starts[level][parent : parent + 2]
        return self._ordered[level][start:end]

    def layer_bytes(self) -> dict[str, int]:
        """Bytes of the distinct layers of the repositories that have most; of a layer's blobs the first counts."""
        reached = reach(self._reg)
        tagged = column_counts(reached.tag_manifests)[reached.step_manifest] > 0
        steps = np.flatnonzero(tagged & (reached.step_layer >= 0) & (reached.step_blob >= 0))
        layer, blob = reached.step_layer[steps], reached.step_blob[steps]
        order = np.lexsort((blob, columns(self._reg, "blobs")["present"][blob] != 1, layer))
        distinct, first = np.unique(layer[order], return_index=True)
        length = np.zeros(len(columns(self._reg, "layers")["layer"]), np.int64)
        length[distinct] = held_bytes(self._reg)[0][blob[order[first]]]
        size = totals(through(through(self._of_tag, reached.tag_manifests), reached.manifest_layers), length)
        names = [str(name) for name in texts(self._reg, "name", self._repositories)]
        most = sorted(range(len(names)), key=lambda at: (-int(size[at]), names[at]))[:_COLOURED]
        return {names[at]: int(size[at]) for at in most}


@dataclass(frozen=True, slots=True)
class _Row:
    """One part: a member of a level, or several of one parent."""

    level: int
    member: int
    parent: int
    parts: int
    tags: int
    bytes: int


def _divided(whole: _Whole, parts: int) -> list[_Row]:
    """Divide the largest part again and again, as long as there is room, and parts of its parts are large enough."""
    total = int(whole.sizes[0].sum())
    least = max(1, total // parts)
    done: list[_Row] = []
    waiting = [(-total, 0, -1, 0)]  # bytes, a number to tell equals apart, level, member
    number = 0
    while waiting:
        size, _, level, member = heapq.heappop(waiting)
        below = level + 1
        children = whole.children(below, member)
        children = children[whole.sizes[below][children] > 0]
        sizes = whole.sizes[below][children]
        kept = int((sizes >= least).sum())
        kept = max(kept, min(_LEAST, len(children))) if below < 2 else kept
        kept += kept + 1 == len(children)  # one alone needs no name for several
        others = len(children) - kept
        room = parts - len(done) - len(waiting)
        if not kept or kept + bool(others) > room:
            if size:
                done.append(_whole_row(whole, level, member, -size))
            continue
        for child, length in zip(children[:kept].tolist(), sizes[:kept].tolist(), strict=True):
            if below == len(LEVELS) - 1:
                done.append(_Row(below, child, member, 1, 1, length))
            else:
                number += 1
                heapq.heappush(waiting, (-length, number, below, child))
        if others:
            rest = children[kept:]
            tags = int(whole.tags[below][rest].sum()) if below < 2 else others if below == 2 else 1
            done.append(_Row(below, -1, member, others, tags, int(sizes[kept:].sum())))
    return done


def _whole_row(whole: _Whole, level: int, member: int, size: int) -> _Row:
    if level < 0:  # all there is, where there is room for one part alone
        count = int((whole.sizes[0] > 0).sum())
        return _Row(0, -1, 0, count, int(whole.tags[0].sum()), size)
    parent = int(whole.parents[level][member])
    return _Row(level, member, parent, 1, int(whole.tags[level][member]) if level < 2 else 1, size)


def _named(reg: Registry, whole: _Whole, rows: list[_Row]) -> dict[str, Any]:
    """The columns of the table."""
    import pandas as pd

    places = np.full((len(LEVELS), len(rows)), -1, np.int64)  # of each row its member at each level
    levels = np.array([row.level for row in rows], np.int64)
    for at, row in enumerate(rows):
        places[row.level, at] = row.member
        if row.level:
            places[row.level - 1, at] = row.parent
    for level in range(len(LEVELS) - 1, 1, -1):
        deeper = places[level - 1] >= 0
        places[level - 2, deeper] = whole.parents[level - 1][places[level - 1, deeper]]
    size = np.array([row.bytes for row in rows], np.int64)
    above = [_rank(places[level], whole.sizes[level], levels == level) for level in range(3)]
    order = np.lexsort((-size, places[3] < 0, *(key for keys in above[::-1] for key in keys[::-1])))
    places, levels = places[:, order], levels[order]
    rows = [rows[at] for at in order.tolist()]
    tags, blobs, layers = columns(reg, "tags"), columns(reg, "blobs"), columns(reg, "layers")
    repositories = columns(reg, "repositories")["repository"]
    blob = _taken(whole.shares.indices.astype(np.int64), places[3])
    layer = _layers_of(reg)[blob]
    made: dict[str, Any] = {
        "namespace": _texts(reg, "name", whole.namespaces, places[0]),
        "repository": _texts(reg, "name", repositories, places[1]),
        "tag": _texts(reg, "name", tags["tag"], places[2]),
        "blob": _texts(reg, "digest", blobs["blob"], blob),
        "level": [LEVELS[level] for level in levels.tolist()],
    }
    table = {name: pd.Series(values, dtype="str") for name, values in made.items()}
    for name in ("parts", "tags", "bytes"):
        table[name] = pd.Series([getattr(row, name) for row in rows], dtype="Int64")
    table["kind"] = pd.Series(_texts(reg, "name", blobs["kind"], blob), dtype="str")
    table["created_by"] = pd.Series(_texts(reg, "text", layers["created_by"], layer), dtype="str")
    return table


def _rank(places: Numbers, sizes: Numbers, own: NDArray[np.bool_]) -> tuple[NDArray[Any], ...]:
    """What sorts rows at one level: whether several share it, the larger first, and then by member."""
    size = np.where(places >= 0, np.append(sizes, 0)[places], 0)
    return (places < 0) & own, -size, places


def _taken(values: NDArray[Any], rows: Numbers) -> Numbers:
    """Values of rows; -1 for -1."""
    return np.append(values, -1)[rows].astype(np.int64)


def _texts(reg: Registry, kind: Any, codes: NDArray[Any], rows: Numbers) -> list[str | None]:
    return texts(reg, kind, _taken(codes, rows)) if len(rows) else []


def _layers_of(reg: Registry) -> Numbers:
    """For each blob, and for -1, a layer that it holds."""
    reached = reach(reg)
    found = np.full(len(columns(reg, "blobs")["blob"]) + 1, -1, np.int64)
    held = (reached.step_blob >= 0) & (reached.step_layer >= 0)
    found[reached.step_blob[held][::-1]] = reached.step_layer[held][::-1]
    return found
