"""The forest of layers made ready to be drawn: runs collapsed, subtrees summed, what has no room left out."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from regviz.graph.collapse import chains
from regviz.graph.values import without_collector
from regviz.plot.labels import drawable, instruction
from regviz.text import format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    import networkx as nx

SEVERAL_REPOSITORIES = "/"
"""Stands for more than one; no repository is called so."""
_SHELLS = frozenset({"", "/bin/bash", "/bin/sh", "bash", "sh", "cmd", "powershell"})
"""What a person worked in whose changes became a layer: it does not say what they did."""


@dataclass(slots=True)
class Branch:
    """A layer, or an unbranched run of them, with what grows on it.

    Attributes
    ----------
    key : str
        Of its last layer.
    parent : int
        Its parent's place in the list; -1 at a root.
    level : int
        Branches from the root up to here, from 0.
    layers : tuple of str
    layer_bytes : tuple of int
        Of each of its layers; 0 where they are not known.
    known : bool
        Whether they are, of any of its layers.
    created_by : tuple of str or None
        Of each of its layers.
    tags : tuple of str
        Those on its last layer.
    children : list of int
        The largest first.
    total_bytes, total_layers, total_tags : int
        Of it and everything that grows on it.
    repository : str
        Whose tags stand on it; `SEVERAL_REPOSITORIES`, or empty where none does.
    """

    key: str
    parent: int
    level: int
    layers: tuple[str, ...]
    layer_bytes: tuple[int, ...]
    known: bool
    created_by: tuple[str | None, ...]
    tags: tuple[str, ...]
    children: list[int] = field(default_factory=list)
    total_bytes: int = 0
    total_layers: int = 0
    total_tags: int = 0
    repository: str = ""

    @property
    def instruction(self) -> str:
        """What made its largest layer of those that tell it, as it can be drawn: a shell's name tells nothing."""
        said = map(instruction, self.created_by)
        telling = [(-length, at, text) for at, (length, text) in enumerate(zip(self.layer_bytes, said, strict=True))]
        return drawable(min((each for each in telling if each[2] not in _SHELLS), default=(0, 0, ""))[2])

    @property
    def bytes(self) -> int:
        """Of its own layers."""
        return sum(self.layer_bytes)

    @property
    def length(self) -> str:
        """The same in words."""
        return format_bytes(self.bytes) if self.known else "not here"


def branches(graph: nx.DiGraph[Any]) -> list[Branch]:
    """The branches of a forest of layers, parents before children, else by key."""
    with without_collector():
        return _branches(graph)


def _branches(graph: nx.DiGraph[Any]) -> list[Branch]:
    runs, nodes = chains(graph), graph.nodes
    ready = [(run[-1], -1, run) for first, run in runs.items() if not graph.pred[first]]
    heapq.heapify(ready)
    found: list[Branch] = []
    while ready:
        key, parent, run = heapq.heappop(ready)
        for child in graph.succ[key]:
            heapq.heappush(ready, (runs[child][-1], len(found), runs[child]))
        said = [nodes[layer].get("bytes") for layer in run]
        known, lengths = any(length is not None for length in said), tuple(length or 0 for length in said)
        level = found[parent].level + 1 if parent >= 0 else 0
        made_by = tuple(nodes[layer].get("created_by") for layer in run)
        tags = tuple(nodes[key].get("tags") or ())
        found.append(Branch(key, parent, level, tuple(run), lengths, known, made_by, tags))
    for at in range(len(found) - 1, -1, -1):
        branch = found[at]
        branch.total_bytes += branch.bytes
        branch.total_layers += len(branch.layers)
        branch.total_tags += len(branch.tags)
        for tag in branch.tags:
            branch.repository = _together(branch.repository, tag.rpartition(":")[0])
        branch.children = by_size(found, branch.children)
        if branch.parent >= 0:
            above_it = found[branch.parent]
            above_it.total_bytes += branch.total_bytes
            above_it.total_layers += branch.total_layers
            above_it.total_tags += branch.total_tags
            above_it.repository = _together(above_it.repository, branch.repository)
            above_it.children.append(at)
    return found


def _together(one: str, other: str) -> str:
    if not one or not other or one == other:
        return one or other
    return SEVERAL_REPOSITORIES


def by_size(found: Sequence[Branch], places: Sequence[int]) -> list[int]:
    """Places of branches, those with most bytes on them first."""
    return sorted(places, key=lambda at: (-found[at].total_bytes, -found[at].total_tags, at))


def roots(found: Sequence[Branch]) -> list[int]:
    """Places of the branches that stand on nothing, the largest first."""
    return by_size(found, [at for at, branch in enumerate(found) if branch.parent < 0])


def standing(found: Sequence[Branch]) -> dict[str, set[int]]:
    """The places of the branches that the tags of each repository stand on."""
    under: dict[str, set[int]] = {}
    for at, branch in enumerate(found):
        for repository in {tag.rpartition(":")[0] for tag in branch.tags}:
            known, below = under.setdefault(repository, set()), at
            while below >= 0 and below not in known:
                known.add(below)
                below = found[below].parent
    return under


def choose(found: Sequence[Branch], rows: int, levels: int) -> set[int]:
    """The branches to show: those that let the shape be seen on a number of rows and levels.

    A branch on which nothing shown grows takes a row, and so does each place where only some of what grows is
    shown. The largest come first, but of what grows side by side the second counts as half of what it bears, the
    third as a third: a few large trunks with what they bear say more than many bare ones.
    """
    shown: set[int] = set()
    grown: dict[int, int] = {-1: 0}
    first = roots(found)

    def on(at: int) -> Sequence[int]:
        return found[at].children if at >= 0 else first

    def needed(at: int, count: int) -> int:
        return int(count < len(on(at))) if count or at < 0 else 1

    taken, waiting = needed(-1, 0), [(0.0, at) for at in first[:1]]
    while waiting:
        _, at = heapq.heappop(waiting)
        parent = found[at].parent
        more = 1 + needed(parent, grown[parent] + 1) - needed(parent, grown[parent])
        if found[at].level >= levels or taken + more > rows:
            continue
        taken += more
        shown.add(at)
        grown[parent] += 1
        grown[at] = 0
        for above, rank in ((at, 0), (parent, grown[parent])):
            if rank < len(on(above)):
                offered = on(above)[rank]
                heapq.heappush(waiting, (-found[offered].total_bytes / (rank + 1), offered))
    return shown
