"""The forest of layers made ready to be drawn: runs collapsed, subtrees summed, what has no room left out."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from regviz.graph import collapse_chains
from regviz.graph.values import without_collector
from regviz.plot.labels import ELLIPSIS, drawable, fit, instruction, percent, text_width
from regviz.text import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import networkx as nx

SEVERAL_REPOSITORIES = "/"
"""Stands for more than one; no repository is called so."""
_TAGS_NAMED = 4
_NAME_ROOM = 54.0


@dataclass(slots=True)
class Branch:
    """A layer, or an unbranched run of them, with what grows on it.

    Attributes
    ----------
    key : str
        Of its last layer.
    parent : int
        Its parent's place in the list; -1 at a base.
    level : int
        Branches from the base up to here, from 0.
    layers : tuple of str
    layer_bytes : tuple of int
        Of each of its layers; 0 where they are not known.
    known : bool
        Whether they are, of any of its layers.
    created_by : str or None
        Of its largest layer.
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
    created_by: str | None
    tags: tuple[str, ...]
    children: list[int] = field(default_factory=list)
    total_bytes: int = 0
    total_layers: int = 0
    total_tags: int = 0
    repository: str = ""

    @property
    def instruction(self) -> str:
        """What made its largest layer, as it can be drawn."""
        return drawable(instruction(self.created_by))

    @property
    def bytes(self) -> int:
        """Of its own layers."""
        return sum(self.layer_bytes)

    @property
    def length(self) -> str:
        """The same in words."""
        return format_bytes(self.bytes) if self.known else "not here"


def branches(graph: nx.DiGraph[Any]) -> list[Branch]:
    """The branches of a forest of layers, parents before children."""
    with without_collector():
        return _branches(graph, collapse_chains(graph))


def _branches(graph: nx.DiGraph[Any], collapsed: nx.DiGraph[Any]) -> list[Branch]:
    place: dict[str, int] = {}
    found: list[Branch] = []
    for key in _in_order(collapsed):
        data = collapsed.nodes[key]
        above = next(iter(collapsed.pred[key]), None)
        parent = -1 if above is None else place[above]
        place[key] = len(found)
        said = [graph.nodes[layer].get("bytes") for layer in data["layers"]]
        known, lengths = any(length is not None for length in said), tuple(length or 0 for length in said)
        largest = graph.nodes[data["layers"][lengths.index(max(lengths))]]
        level = found[parent].level + 1 if parent >= 0 else 0
        tags = tuple(data.get("tags") or ())
        found.append(Branch(key, parent, level, data["layers"], lengths, known, largest.get("created_by"), tags))
    for branch in reversed(found):
        branch.total_bytes += branch.bytes
        branch.total_layers += len(branch.layers)
        branch.total_tags += len(branch.tags)
        for tag in branch.tags:
            branch.repository = _together(branch.repository, tag.rpartition(":")[0])
        if branch.parent >= 0:
            above_it = found[branch.parent]
            above_it.total_bytes += branch.total_bytes
            above_it.total_layers += branch.total_layers
            above_it.total_tags += branch.total_tags
            above_it.repository = _together(above_it.repository, branch.repository)
    for at in by_size(found):
        if found[at].parent >= 0:
            found[found[at].parent].children.append(at)
    return found


def _in_order(forest: nx.DiGraph[Any]) -> Iterator[str]:
    """Parents before children, else by key, as networkx' lexicographical order; a forest has it without counting."""
    ready = [key for key, parents in forest.in_degree if not parents]
    heapq.heapify(ready)
    while ready:
        key = heapq.heappop(ready)
        yield key
        for child in forest.adj[key]:
            heapq.heappush(ready, child)


def _together(one: str, other: str) -> str:
    if not one or not other or one == other:
        return one or other
    return SEVERAL_REPOSITORIES


def by_size(found: Sequence[Branch]) -> list[int]:
    """Places of branches, those with most bytes on them first; parents before children."""
    return sorted(range(len(found)), key=lambda at: (-found[at].total_bytes, -found[at].total_tags, at))


def repository_bytes(found: Sequence[Branch]) -> dict[str, int]:
    """Bytes of the distinct layers that the tags of each repository stand on."""
    under: dict[str, set[int]] = {}
    for at, branch in enumerate(found):
        for repository in {tag.rpartition(":")[0] for tag in branch.tags}:
            known, below = under.setdefault(repository, set()), at
            while below >= 0 and below not in known:
                known.add(below)
                below = found[below].parent
    return {repository: sum(found[at].bytes for at in known) for repository, known in under.items()}


def choose(found: Sequence[Branch], rows: int, levels: int) -> set[int]:
    """The branches to show: the largest that fit on a number of rows and levels.

    A branch on which nothing shown grows takes a row, and so does each place where only some of what grows is
    shown.
    """
    shown: set[int] = set()
    grown: dict[int, int] = {-1: 0}
    existing = {-1: sum(branch.parent < 0 for branch in found)}
    existing.update((at, len(branch.children)) for at, branch in enumerate(found))

    def needed(at: int, count: int) -> int:
        return int(count < existing[at]) if count or at < 0 else 1

    taken = needed(-1, 0)
    for at in by_size(found):
        parent = found[at].parent
        if (parent >= 0 and parent not in shown) or found[at].level >= levels:
            continue
        more = 1 + needed(parent, grown[parent] + 1) - needed(parent, grown[parent])
        if taken + more <= rows:
            taken += more
            shown.add(at)
            grown[parent] += 1
            grown[at] = 0
    return shown


def tag_words(tags: Sequence[str]) -> str:
    """Tags, those of one repository after its name.

    Examples
    --------
    >>> tag_words(["api:2", "web:1.0", "web:latest"])
    'api:2; web:1.0, latest'
    """
    grouped: dict[str, list[str]] = {}
    for tag in tags:
        repository, _, name = tag.rpartition(":")
        grouped.setdefault(repository, []).append(name)
    said = []
    for repository, names in grouped.items():
        more = f" and {len(names) - _TAGS_NAMED} more" if len(names) > _TAGS_NAMED else ""
        said.append(f"{repository}:{', '.join(names[:_TAGS_NAMED])}{more}")
    return drawable("; ".join(said))


def short_tag_words(tags: Sequence[str], room: float, size: float) -> str:
    """As much of the tags as there is room for (points); of a name, its end tells most.

    Examples
    --------
    >>> [short_tag_words(["team/web:1.0", "team/web:latest"], room, 8) for room in (200, 80, 60, 30, 10)]
    ['team/web:1.0, latest', 'team/web:1.0 +1', '…/web:1.0 +1', ':1.0 +1', '']
    """
    first, more = drawable(tags[0]), f" +{len(tags) - 1}" if len(tags) > 1 else ""
    tail = "" if room >= _NAME_ROOM else f":{first.rpartition(':')[2]}"
    last = [tail + more, tail] if tail else [fit(first, room, size, end=True)]
    for text in (tag_words(tags), first + more, f"{ELLIPSIS}/{first.rpartition('/')[2]}{more}", *last):
        if text_width(text, size) <= room:
            return text
    return ""


def forest_title(found: Sequence[Branch]) -> str:
    """The finding: how many bases, and how much the largest bears."""
    roots = [branch for branch in found if branch.parent < 0]
    layers, size = sum(branch.total_layers for branch in roots), sum(branch.total_bytes for branch in roots)
    if not roots:
        return "There is no layer"
    if layers == 1:
        return "One layer"
    if len(roots) == 1:
        return f"All {layers:,} layers stand on one base"
    if len(roots) == layers:
        return f"{layers:,} layers, none on another"
    most = percent(max(branch.total_bytes for branch in roots), size)
    return f"{layers:,} layers grow from {len(roots):,} bases; the largest bears {most} of their bytes"
