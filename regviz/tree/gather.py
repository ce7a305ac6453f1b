"""The entries of a storage that a tree shows: some of each kind, the others counted.

What repeats (repositories, images, links, …) is a *unit* of a *kind*. Of each kind in one directory the first few by
name are kept, however they arrive, so that the memory this takes does not grow with the storage.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

from regviz.storage.base import DIRECTORY, FILE, OTHER, SYMLINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.layouts.common import Tick
    from regviz.storage.base import Storage


class Unit(NamedTuple):
    """What repeats, and where; paths are below the storage's root."""

    kind: str
    """What it is one of; empty for what is only counted."""
    directory: bytes
    """Where its like are counted."""
    name: bytes
    """What it is called there."""
    top: bytes
    """Path of the entry to take away with it."""


class Kind(NamedTuple):
    """How units of a kind are shown."""

    limit: int
    """How many of a directory; one more where that is all."""
    main: bytes = b""
    """What follows its path in that of its main file: without it, a unit is not whole."""


class Layout(Protocol):
    """What the gatherer asks of a layout."""

    kinds: dict[str, Kind]

    def units(self, path: bytes, type: int) -> tuple[Unit, ...]:  # noqa: A002  # as find calls it
        """The units that a path lies in, outermost first; itself the last where it is one."""

    def total(self, kind: str, directory: bytes) -> int | None:
        """How many units of a kind the Registry knows in a directory; None where it does not."""


@dataclass(slots=True)
class Node:
    """An entry that is shown; a directory of which only the contents were met has type `DIRECTORY` too."""

    type: int = DIRECTORY
    bytes: int | None = None
    children: dict[bytes, Node] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    """Units of one kind in one directory: those that are kept, and counts of all."""

    kind: str
    limit: int
    tops: dict[bytes, set[bytes]] = field(default_factory=dict)
    directories: int = 0
    whole: int = 0
    kept_whole: set[bytes] = field(default_factory=set)

    def shown(self, total: int) -> list[bytes]:
        """Names of the units to show: all where one more than the limit would do."""
        names = sorted(self.tops)
        return names if total <= self.limit + 1 else names[: self.limit]


class Gatherer:
    """Takes entries in any order and keeps those that a tree shows."""

    def __init__(self, layout: Layout) -> None:
        self.root = Node()
        self._layout = layout
        self._groups: dict[tuple[bytes, str], Group] = {}

    def take(self, path: bytes, type: int, size: int | None) -> bool:  # noqa: A002
        """Keep or count an entry; whether it was kept."""
        for unit in self._layout.units(path, type):
            if not unit.kind:
                return False
            group = self._group(unit)
            main = path == unit.top + self._layout.kinds[unit.kind].main
            group.directories += type == DIRECTORY and path == unit.top
            group.whole += main
            if not self._admit(group, unit):
                return False
            if main:
                group.kept_whole.add(unit.name)
        node = self._node(path)
        node.type, node.bytes = type, size
        return True

    def count_whole(self, path: bytes, count: int) -> None:
        """Tell of units, of the kind of the one at `path`, that were not kept and have their main file."""
        unit = self._layout.units(path, DIRECTORY)[-1]
        self._group(unit).whole += count

    def _group(self, unit: Unit) -> Group:
        group = self._groups.get((unit.directory, unit.kind))
        if group is None:
            group = self._groups[unit.directory, unit.kind] = Group(unit.kind, self._layout.kinds[unit.kind].limit)
            self._node(unit.directory).groups.append(group)
        return group

    def _admit(self, group: Group, unit: Unit) -> bool:
        tops = group.tops.get(unit.name)
        if tops is None:
            if len(group.tops) > group.limit:
                largest = max(group.tops)
                if unit.name > largest:
                    return False
                for top in group.tops.pop(largest):
                    self._remove(top, unit.directory)
                group.kept_whole.discard(largest)
            tops = group.tops[unit.name] = set()
        tops.add(unit.top)
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


def gather(storage: Storage, layout: Layout, tick: Tick, depth: int | None) -> Node:
    """What a tree shows of a storage; nothing deeper than `depth`."""
    gatherer = Gatherer(layout)
    if storage.walkable:
        _walk(storage, layout, gatherer, tick, depth)
    else:
        for batch in storage.entries():
            tick(len(batch.paths))
            for path, type_, size in zip(batch.paths, batch.types, batch.sizes, strict=True):
                if depth is None or path.count(b"/") < depth:
                    gatherer.take(path, type_, size if type_ == FILE else None)
    return gatherer.root


def _walk(storage: Storage, layout: Layout, gatherer: Gatherer, tick: Tick, depth: int | None) -> None:
    """Look only into directories that are kept."""
    pending = [b""]
    while pending:
        directory = pending.pop()
        tick(1)
        if depth is not None and directory and directory.count(b"/") + 1 >= depth:
            continue
        left_out: dict[str, list[bytes]] = {}
        below = []
        for name, type_, size in listed(storage, directory):
            path = join(directory, name)
            if gatherer.take(path, type_, size):
                below += [path] if type_ == DIRECTORY else []
            elif type_ == DIRECTORY:
                unit = layout.units(path, type_)[-1]
                if unit.kind and unit.top == path:
                    left_out.setdefault(unit.kind, []).append(name)
        pending += reversed(below)
        for kind, names in left_out.items():
            main = layout.kinds[kind].main
            if main and layout.total(kind, directory) is None:
                whole = int(storage.exist_many(directory, names, main).sum())
                gatherer.count_whole(join(directory, names[0]), whole)


def listed(storage: Storage, directory: bytes) -> Iterator[tuple[bytes, int, int | None]]:
    """Names, types and lengths of what lies in a directory of a walkable storage, by name."""
    listing = storage.children(directory)
    sizes = storage.stat_many(directory, listing.files).sizes.tolist()
    found: list[tuple[bytes, int, int | None]] = [(name, DIRECTORY, None) for name in listing.directories]
    found += [
        (name, FILE if size >= 0 else OTHER, size if size >= 0 else None)
        for name, size in zip(listing.files, sizes, strict=True)
    ]
    found += [(name, SYMLINK, None) for name in listing.links]
    yield from sorted(found)


def everything(storage: Storage, tick: Tick, depth: int | None) -> Iterator[tuple[bytes, int, int | None, bool]]:
    """Paths, types and lengths of all entries, each directory before what is in it; and whether a sibling follows.

    A walkable storage is told as it is walked; of an archive the paths are kept until its end.
    """
    if storage.walkable:
        yield from _walk_everything(storage, tick, depth, b"", 1)
        return
    found: dict[bytes, tuple[int, int | None]] = {}
    for batch in storage.entries():
        tick(len(batch.paths))
        for path, type_, size in zip(batch.paths, batch.types, batch.sizes, strict=True):
            for end in (at for at, byte in enumerate(path) if byte == 47):  # noqa: PLR2004  # "/"
                found.setdefault(path[:end], (DIRECTORY, None))
            found[path] = (type_, size if type_ == FILE else None)
    paths = sorted(found, key=lambda path: path.split(b"/"))
    latest: dict[int, bytes] = {}
    last = []
    for path in reversed(paths):
        parent, level = path.rpartition(b"/")[0], path.count(b"/")
        last.append(latest.get(level) != parent)
        latest[level] = parent
    for path in paths:
        is_last = last.pop()
        if depth is None or path.count(b"/") < depth:
            yield path, *found[path], is_last


def _walk_everything(
    storage: Storage, tick: Tick, depth: int | None, directory: bytes, level: int
) -> Iterator[tuple[bytes, int, int | None, bool]]:
    entries = list(listed(storage, directory))
    tick(len(entries))
    for number, (name, type_, size) in enumerate(entries, 1):
        path = join(directory, name)
        yield path, type_, size, number == len(entries)
        if type_ == DIRECTORY and (depth is None or level < depth):
            yield from _walk_everything(storage, tick, depth, path, level + 1)


def join(directory: bytes, name: bytes) -> bytes:
    """A path below a directory; the storage's root is the empty one."""
    return directory + b"/" + name if directory else name
