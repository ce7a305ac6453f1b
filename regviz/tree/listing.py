"""Every entry of a storage, each directory before what lies in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from regviz.storage.base import DIRECTORY, FILE, OTHER, SYMLINK, is_walkable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from regviz.layouts.common import Tick
    from regviz.storage.base import Storage, Walkable

DEEPEST = 256
"""Levels that are shown: more than any layout has, and few enough for a hostile archive to do no harm."""


class Entry(NamedTuple):
    """An entry of a storage."""

    path: bytes
    type: int
    bytes: int | None
    """Length of a file."""
    last: bool
    """No other entry of its directory follows."""


def join(directory: bytes, name: bytes) -> bytes:
    """A path below a directory; the storage's root is the empty one."""
    return directory + b"/" + name if directory else name


def listed(storage: Walkable, directory: bytes) -> list[tuple[bytes, int, int | None]]:
    """Names, types and lengths of what lies in a directory of a walkable storage, by name."""
    listing = storage.children(directory)
    sizes = storage.stat_many(directory, listing.files).sizes.tolist()
    found: list[tuple[bytes, int, int | None]] = [(name, DIRECTORY, None) for name in listing.directories]
    found += [(name, SYMLINK, None) for name in listing.links]
    for name, size in zip(listing.files, sizes, strict=True):
        found.append((name, FILE, size) if size >= 0 else (name, OTHER, None))
    return sorted(found)


def everything(storage: Storage, tick: Tick, depth: int) -> Iterator[Entry]:
    """All entries down to a depth, directories before what is in them, else by name.

    A walkable storage is told as it is walked; of an archive, whose order is its own, the paths are kept until its end.
    """
    return _walked(storage, tick, depth) if is_walkable(storage) else _sorted(storage, tick, depth)


def _walked(storage: Walkable, tick: Tick, depth: int) -> Iterator[Entry]:
    open_directories = [iter(_entries(storage, b""))]
    while open_directories:
        entry = next(open_directories[-1], None)
        if entry is None:
            open_directories.pop()
            continue
        yield entry
        if entry.type == DIRECTORY and len(open_directories) < depth:
            below = _entries(storage, entry.path)
            tick(len(below))
            open_directories.append(iter(below))


def _entries(storage: Walkable, directory: bytes) -> list[Entry]:
    found = listed(storage, directory)
    return [
        Entry(join(directory, name), type_, size, number == len(found))
        for number, (name, type_, size) in enumerate(found, 1)
    ]


def _sorted(storage: Storage, tick: Tick, depth: int) -> Iterator[Entry]:
    found: dict[bytes, tuple[int, int | None]] = {}
    for batch in storage.entries():
        tick(len(batch.paths))
        for path, type_, size in zip(batch.paths, batch.types, batch.sizes, strict=True):
            parts = path.split(b"/", depth)
            above = b"/".join(parts[:depth])
            if len(parts) <= depth:
                found[path] = (type_, size if type_ == FILE and size >= 0 else None)
                above = above.rpartition(b"/")[0]
            while above and above not in found:  # archives may leave directories out
                found[above] = (DIRECTORY, None)
                above = above.rpartition(b"/")[0]
    paths = sorted(found, key=lambda path: path.split(b"/"))
    directory_of: dict[int, bytes] = {}
    lasts = []
    for path in reversed(paths):
        directory, level = path.rpartition(b"/")[0], path.count(b"/")
        lasts.append(directory_of.get(level) != directory)
        directory_of[level] = directory
    for path in paths:
        yield Entry(path, *found[path], lasts.pop())
