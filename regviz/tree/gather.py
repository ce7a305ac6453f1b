"""The entries of a storage that a tree shows: some of each kind, the others counted.

What repeats (repositories, images, links, …) is a *unit* of a *kind*. Of each kind in one directory the first few by
name are kept, in whatever order they arrive, so that the memory this takes does not grow with the storage.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from regviz.storage.base import DIRECTORY, FILE, is_walkable
from regviz.tree.listing import join, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from regviz.layouts.common import Tick
    from regviz.storage.base import Storage, Walkable


class Unit(NamedTuple):
    """What repeats, and where; paths are below the storage's root."""

    kind: str
    """What it is one of; empty for what is not shown."""
    directory: bytes
    """Where its like are counted."""
    name: bytes
    """What it is called there."""
    top: bytes
    """Path of the entry to take away with it."""


class Kind(NamedTuple):
    """How units of a kind are shown."""

    noun: str
    """What one is called."""
    plural: str
    limit: int = 2
    """How many of a directory are shown; one more where that is all."""
    main: bytes = b""
    """What follows its path in that of its main file: without that it is not whole."""
    lacking: str = ""
    """What is to say of those that are not whole."""
    weight: bytes = b""
    """The same of the file whose bytes count."""
    closed: bool = False
    """Whether what is in it is left out."""


class Total(NamedTuple):
    """What a Registry knows of all units of a kind in a directory."""

    number: int | None
    """None where they are to be counted by their entries."""
    weight: int | None = None
    """Bytes of them all."""


class More(NamedTuple):
    """Units that are not shown."""

    kind: Kind
    number: int
    lacking: int
    """How many of them are not whole."""
    weight: int | None


class Layout(Protocol):
    """What is asked of a layout."""

    kinds: Mapping[str, Kind]

    def units(self, path: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002  # as find calls it
        """The units that a path lies in, outermost first; itself the last where it is one."""

    def total(self, kind: str, directory: bytes) -> Total | None:
        """What the Registry knows of the units of a kind in a directory; None where entries are to be counted."""

    def lines(self) -> Iterable[bytes]:
        """Paths of directories that are shown without what is in them."""

    def rest(self) -> Iterable[tuple[bytes, More]]:
        """What is known not to be shown, and its directory."""


@dataclass(slots=True)
class Node:
    """An entry that is shown."""

    type: int = DIRECTORY
    size: int | None = None
    children: dict[bytes, Node] = field(default_factory=dict)
    more: list[More] = field(default_factory=list)


@dataclass(slots=True)
class _Group:
    """Units of one kind in one directory: those that are kept, and counts of all."""

    tops: dict[bytes, set[bytes]] = field(default_factory=dict)
    directories: int = 0
    whole: int = 0
    kept_whole: set[bytes] = field(default_factory=set)


class Gatherer:
    """Takes entries in any order and keeps those that a tree shows."""

    def __init__(self, layout: Layout) -> None:
        self.root = Node()
        self._layout = layout
        self._groups: dict[tuple[bytes, str], _Group] = {}

    def take(self, path: bytes, type: int, size: int | None) -> bool:  # noqa: A002
        """Keep or count an entry; whether it was kept."""
        for unit in self._layout.units(path, type):
            if not unit.kind:
                return False
            group = self._groups.setdefault((unit.directory, unit.kind), _Group())
            kind = self._layout.kinds[unit.kind]
            main = path == unit.top + kind.main
            group.whole += main
            group.directories += type == DIRECTORY and path == unit.top
            if not self._admit(group, unit, kind.limit):
                return False
            if main:
                group.kept_whole.add(unit.name)
            if kind.closed and path != unit.top:
                self._node(unit.top)
                return False
        node = self._node(path)
        node.type, node.size = type, size
        return True

    def count_whole(self, unit: Unit, count: int) -> None:
        """Tell of units, like one that was not kept, that have their main file."""
        self._groups[unit.directory, unit.kind].whole += count

    def finish(self) -> Node:
        """The tree; what is in it no more is counted where it was."""
        order = [*self._layout.kinds]
        for (directory, name), group in sorted(self._groups.items(), key=lambda item: order.index(item[0][1])):
            if not self._has(directory):
                continue  # what it lay in was taken away
            kind, total = self._layout.kinds[name], self._layout.total(name, directory)
            number = max(group.directories, group.whole) if total is None or total.number is None else total.number
            names = sorted(group.tops)
            shown = names if number <= kind.limit + 1 else names[: kind.limit]
            for unit in names[len(shown) :]:
                for top in group.tops[unit]:
                    self._remove(top, directory)
            if number > len(shown):
                lacking = group.directories - group.whole - sum(unit not in group.kept_whole for unit in shown)
                weight = None
                if total and total.weight is not None:
                    tops = (self._node(top + kind.weight) for unit in shown for top in group.tops[unit])
                    weight = total.weight - sum(node.size or 0 for node in tops)
                more = More(kind, number - len(shown), max(lacking, 0) if kind.lacking else 0, weight)
                self._node(directory).more.append(more)
        for path in self._layout.lines():
            self._node(path)
        for directory, more in self._layout.rest():
            self._node(directory).more.append(more)
        return self.root

    def _admit(self, group: _Group, unit: Unit, limit: int) -> bool:
        tops = group.tops.get(unit.name)
        if tops is None:
            if len(group.tops) > limit:
                largest = max(group.tops)
                if unit.name > largest:
                    return False
                for top in group.tops.pop(largest):
                    self._remove(top, unit.directory)
                group.kept_whole.discard(largest)
            tops = group.tops[unit.name] = set()
        tops.add(unit.top)
        return True

    def _has(self, path: bytes) -> bool:
        node = self.root
        for part in path.split(b"/") if path else ():
            if part not in node.children:
                return False
            node = node.children[part]
        return True

    def _node(self, path: bytes) -> Node:
        node = self.root
        for part in path.split(b"/") if path else ():
            if part not in node.children:
                node.children[part] = Node()
            node = node.children[part]
        return node

    def _remove(self, path: bytes, above: bytes) -> None:
        """Take an entry away, and directories below `above` that it leaves empty."""
        while path != above:
            parent, _, name = path.rpartition(b"/")
            node = self._node(parent)
            node.children.pop(name, None)
            if node.children:
                return
            path = parent


def gather(storage: Storage, layout: Layout, tick: Tick, depth: int) -> Node:
    """What a tree shows of a storage; nothing deeper than `depth`."""
    gatherer = Gatherer(layout)
    if is_walkable(storage):
        _walk(storage, layout, gatherer, tick, depth)
    else:
        for batch in storage.entries():
            tick(len(batch.paths))
            for path, type_, size in zip(batch.paths, batch.types, batch.sizes, strict=True):
                if path.count(b"/") < depth:
                    gatherer.take(path, type_, size if type_ == FILE and size >= 0 else None)
    return gatherer.finish()


def _walk(storage: Walkable, layout: Layout, gatherer: Gatherer, tick: Tick, depth: int) -> None:
    """Look only into directories that are kept."""
    pending = [(b"", 0)]
    while pending:
        directory, level = pending.pop()
        tick(1)
        if level >= depth:
            continue
        below: list[tuple[bytes, int]] = []
        left_out: dict[str, tuple[Unit, list[bytes]]] = {}
        for name, type_, size in listed(storage, directory):
            path = join(directory, name)
            if gatherer.take(path, type_, size):
                below += [(path, level + 1)] if type_ == DIRECTORY else []
            elif type_ == DIRECTORY:
                unit = layout.units(path, type_)[-1]
                if unit.kind and layout.kinds[unit.kind].lacking:
                    left_out.setdefault(unit.kind, (unit, []))[1].append(name)
        pending += reversed(below)
        for unit, names in left_out.values():
            there = storage.exist_many(directory, names, layout.kinds[unit.kind].main)
            gatherer.count_whole(unit, int(there.sum()))
